"""Monte Carlo of particles whose energy is no sum over pairs, in two or three dimensions, NVT and NPT.

lists     who may interact with whom, and moves of the box, of all of them
fitted    energies that are linear combinations of symmetry functions
shells    elastic shells in the plane, exactly
system    both as systems that `protocol.sample` takes
"""
