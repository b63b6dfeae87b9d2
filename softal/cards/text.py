"""Numbers, times and names as people read them."""

from __future__ import annotations

import math

from softal.numeric import number

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
    """Return a time span as people read it: `350 ms`, `2.3 s`, `41 s`, `2 min 41 s`, `2 h 05 min`, `3 days 4 h`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours < 48:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} days {hours} h"


def percent(part: float) -> str:
    """Return a part as people read it: `94.7 %`."""
    return f"{100 * part:.1f} %"


def quality(rmse: float, r2: float) -> str:
    """Return how well unseen trials are predicted: `RMSE 0.0512, R² 0.70`."""
    return f"RMSE {number(rmse, 3)}, R² {r2:.2f}"


def labelled(name: str, unit: str) -> str:
    """Return `name [unit]`."""
    return f"{name} [{unit}]" if unit else name
