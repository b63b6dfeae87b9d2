"""Configurations in files of other programs: GSD, extended XYZ, LAMMPS dumps."""

from softal.trajectories.files import frames, write
from softal.trajectories.frame import Frame

__all__ = ["Frame", "frames", "write"]
