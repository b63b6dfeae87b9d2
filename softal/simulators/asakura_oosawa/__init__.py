"""Colloids in ideal polymer, after Asakura and Oosawa."""
