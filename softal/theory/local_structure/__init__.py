"""What is around a particle in space: its neighbours, and how their directions are arranged.

images          a periodic box with the images around it, in cells
neighbours      neighbours as lists: within a distance, by Voronoi cells, of one species
sann            neighbours by solid angles, without a parameter
wigner          Wigner's 3j symbols
bond_order      q_l and w_l, averaged over neighbours as vectors or as scalars
descriptors     the inputs of learners of local structure
"""
