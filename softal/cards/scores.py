"""Axes of R2 on which 0.99 and 0.999 are as far apart as 0.9 and 0.99."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from softal.numeric import Floats

LOWEST, NEAREST = 0.0, 1e-6  # R2 below which a dot stands at the lower edge, and 1 - R2 below which at the upper


def missing(scores: ArrayLike) -> Floats:
    """Return 1 - R2 as it is drawn: between NEAREST and 1 - LOWEST."""
    return np.clip(1 - np.asarray(scores, dtype=np.float64), NEAREST, 1 - LOWEST)


def score_axis(scores: Sequence[float]) -> dict[str, Any]:
    """Return an axis of 1 - R2 that is labelled with R2: 0, 0.9, 0.99 ... upwards, each step a tenth of the errors."""
    drawn = missing([score for score in scores if np.isfinite(score)] or [LOWEST])
    low, high = np.log10(drawn.max()), np.log10(drawn.min())
    margin = 0.06 * (low - high) + 0.05
    powers = range(7)
    return {
        "type": "log",
        "range": [float(low + margin), float(high - margin)],
        "tickvals": [10.0**-power for power in powers],
        "ticktext": [f"{1 - 10.0**-power:.{power}f}" for power in powers],
    }
