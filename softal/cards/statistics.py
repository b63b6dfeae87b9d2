"""What figures need to know of numbers: which to leave out, and on which axis they are shown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

WORST, ORDERS = 0.02, 4  # part of the values that may be left out of an axis, and how far away
LOG_RATIO = 15.0  # positive values that span more than this get a logarithmic axis


def thin(n: int, most: int, keep: Sequence[int] | NDArray[np.int_] = ()) -> NDArray[np.int_]:
    """Return at most about `most` of n indices, ascending: those to keep, and evenly spaced ones."""
    if n <= most:
        return np.arange(n)
    kept = np.unique(np.asarray(keep, dtype=int))
    spaced = np.linspace(0, n - 1, max(2, most - len(kept))).round().astype(int)
    return np.union1d(kept, spaced)


def main_range(values: Floats, sign: float) -> tuple[float, float]:
    """Return lowest and highest of positive values as a logarithmic axis shows them.

    At the bad end, the high one for sign 1, the worst values are left out where they are ORDERS of magnitude or more
    beyond the others: a single divergence would hide everything else.
    """
    low, high = float(values.min()), float(values.max())
    edge = float(np.quantile(values, 1 - WORST if sign > 0 else WORST))
    far = 10.0**ORDERS
    return (
        (low, 10 * edge if high > far * edge else high) if sign > 0 else (edge / 10 if low < edge / far else low, high)
    )


def axis_type(values: Floats) -> str:
    """Return `log` for positive values that span more than an order of magnitude."""
    if values.size > 1 and values.min() > 0 and values.max() / values.min() > LOG_RATIO:
        return "log"
    return "linear"
