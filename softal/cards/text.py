"""Numbers, times and names as people read them."""

from __future__ import annotations

import math

DECIMALS = 4  # of a probability


def is_finite(value: object) -> bool:
    """Return whether this is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def fraction(value: float, error: float | None) -> str:
    """Return a number from 0 to 1 with its error, with four decimals at most: people read 1e-7 as 0."""
    if error is None or not math.isfinite(error) or error <= 0 or not math.isfinite(value):
        return f"{value:.{DECIMALS}f}"
    small = 0.5 * 10**-DECIMALS
    if error < small:
        return f"{value:.{DECIMALS}f} ± <{2 * small:g}"
    decimals = min(DECIMALS, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def duration(seconds: float) -> str:
    """Return a time span as people read it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h" if seconds < 172_800 else f"{seconds / 86_400:.3g} days"


def labelled(name: str, unit: str) -> str:
    """Return `name [unit]`."""
    return f"{name} [{unit}]" if unit else name
