"""Monte Carlo, compiled by Numba, for models that no installable package has."""
