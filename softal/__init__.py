"""Active learning for soft-matter simulations."""
