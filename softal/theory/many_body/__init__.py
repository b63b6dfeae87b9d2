"""Interactions of more than two particles at a time, exact, and as linear combinations of symmetry functions.

shells               colloids in a plane whose elastic shells flatten where they touch: the energy without noise
points               the same by points on each shell, as the thesis has it
symmetry_functions   Behler and Parrinello's, of whole configurations and after the move of one particle
fitted               their linear combinations, as tables
selection            which of them say most about an energy, chosen one after the other
intersections        the volume that equal spheres have in common
depletion            what the depletion layers of colloids in ideal polymer share, of all numbers of them
"""
