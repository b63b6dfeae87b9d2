"""Clusters of Lennard-Jones atoms: minima, saddles, and paths between two of them."""
