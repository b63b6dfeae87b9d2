"""Gaussian processes: of values, their hyperparameters, and as BoTorch takes them."""
