"""Particles that assemble into quasicrystals."""
