"""Networks that learn relaxation from structure."""
