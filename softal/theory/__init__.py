"""Theory of liquids in numbers: the memory equation, mode-coupling theory, and constants of models."""
