"""CMA-ES: covariance matrix adaptation."""
