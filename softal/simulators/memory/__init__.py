"""Memory functions: relaxation from them, and fits of them."""
