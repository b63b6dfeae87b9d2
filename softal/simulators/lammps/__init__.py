"""A user's own input script of LAMMPS as a simulator: the kind `lammps`."""
