"""Plain data for JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.trial import Array


def to_json(content: Any) -> bytes:
    """Return JSON, in which numbers that are not finite are null."""
    return json.dumps(_finite(content), allow_nan=False).encode()


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def plain(array: Array) -> dict[str, Any] | None:
    """Return grid and values of a curve as plain data; None of what is no curve on a grid."""
    if array.grid is None or array.values.ndim != 1:
        return None
    errors = None if array.errors is None else rounded(array.errors)
    return {"grid": rounded(array.grid), "values": rounded(array.values), "errors": errors}


def rounded(values: NDArray[np.float64]) -> list[float | None]:
    """Return numbers with seven significant digits, which a screen does not tell from the rest; None for NaN."""
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values.tolist()]
