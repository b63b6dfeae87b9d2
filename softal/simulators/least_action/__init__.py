"""Trajectories of liquid argon between two configurations."""
