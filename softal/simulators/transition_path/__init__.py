"""Paths between two structures of a cluster."""
