"""Query by committee."""
