"""Simulations outside any campaign."""
