"""The kind `hoomd`: a user's own Python file that builds a simulation of HOOMD-blue."""
