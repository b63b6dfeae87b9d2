"""The page of `softal serve`: sliders for the parameters, the surrogate's predictions live beside them."""
