"""Theory of liquids in numbers: the memory equation, mode-coupling theory, least action, and constants of models."""
