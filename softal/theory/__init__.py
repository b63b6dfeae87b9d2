"""Theory of liquids in numbers: the memory equation and mode-coupling theory, and the models that it is compared for."""
