"""Trajectories between two configurations as minima of the Onsager-Machlup action."""
