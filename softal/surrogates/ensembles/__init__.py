"""Ensembles of networks."""
