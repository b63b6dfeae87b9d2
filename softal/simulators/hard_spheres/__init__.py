"""Spheres of one and two kinds, hard ones and WCA particles, as fluids and crystals."""
