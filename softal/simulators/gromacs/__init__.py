"""The kind `gromacs`: a user's own run parameters, topology and coordinates."""
