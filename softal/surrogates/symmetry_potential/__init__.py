"""A potential of many particles as a linear combination of symmetry functions, learned from simulated energies."""
