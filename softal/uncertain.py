"""A value with its standard error, as people read it."""

from __future__ import annotations

import math

PLAIN = (-4, 7)  # powers of ten from which and below which numbers are written without an exponent
DIGITS = 9  # of a value that is known better than people read


def with_error(value: float, error: float) -> str:
    """Return `0.0412 ± 0.0013` or `(3.014 ± 0.081)e-17`: the error with two digits, the value to the same place.

    Args:
        value: finite.
        error: its standard error, finite and above 0.
    """
    power = math.floor(math.log10(max(abs(value), error)))
    last = math.floor(math.log10(error)) - 1  # power of ten of the error's second digit
    if power - last > DIGITS:
        return f"{value:.{DIGITS}g} ± {error:.2g}"
    if PLAIN[0] <= power < PLAIN[1]:
        places = max(0, -last)
        return f"{value:.{places}f} ± {error:.{places}f}"
    places, scale = power - last, 10.0**power
    return f"({value / scale:.{places}f} ± {error / scale:.{places}f})e{power:+03d}"
