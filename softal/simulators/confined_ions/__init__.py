"""Ions between charged or uncharged planes."""
