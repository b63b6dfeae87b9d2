"""Arrays of numbers, the normal distribution's 95 %, and numbers with their standard errors as people read them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NORMAL_95 = 1.959963984540054  # half width of the normal distribution's central 95 % interval
PLAIN = (-4, 7)  # powers of ten from which and below which numbers are written without an exponent
DIGITS = 9  # of a value that is known better than people read


def finite(text: str) -> float | None:
    """Return the finite number that a text is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def number(value: object, digits: int = 4) -> str:
    """Return a value as people read it: numbers with so many significant digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) and abs(value) < 10**6:
        return str(value)
    return f"{value:.{digits}g}"


def with_error(value: float, error: float | None) -> str:
    """Return `0.0412 ± 0.0013` or `(3.014 ± 0.081)e-17`: the error with two digits, the value to the same place.

    The value alone where there is no error: None, zero, or not finite.
    """
    if error is None or not math.isfinite(error) or error <= 0 or not math.isfinite(value):
        return number(float(value))
    power = math.floor(math.log10(max(abs(value), error)))
    last = math.floor(math.log10(error)) - 1  # power of ten of the error's second digit
    if power - last > DIGITS:
        return f"{value:.{DIGITS}g} ± {error:.2g}"
    if PLAIN[0] <= power < PLAIN[1]:
        places = max(0, -last)
        return f"{value:.{places}f} ± {error:.{places}f}"
    places, scale = power - last, 10.0**power
    return f"({value / scale:.{places}f} ± {error / scale:.{places}f})e{power:+03d}"
