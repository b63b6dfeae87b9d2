"""Which arrays are drawn as curves, and on which axes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from softal.numeric import Floats
from softal.outputs import LogAxes, Outputs
from softal.trial import Array

LOG_DECADES = 2.5  # that a grid spans at least if it is shown on a logarithmic axis


def curves(arrays: Mapping[str, Array], pictured: Collection[str] = ()) -> dict[str, Array]:
    """Return the arrays that are drawn as curves: of one dimension, their parts of one shape, in no picture."""
    some = {name: array for name, array in arrays.items() if name not in pictured and array.values.size > 1}
    return {name: array for name, array in some.items() if array.values.ndim == 1 and fits(array)}


def fits(array: Array) -> bool:
    """Return whether values, grid and errors of an array, as far as it has them, are of one shape."""
    return len({part.shape for part in (array.values, array.grid, array.errors) if part is not None}) == 1


def log_axes(name: str, grid: Floats, outputs: Outputs) -> LogAxes:
    """Return which axes of an array are logarithmic, as its simulator declares it, or as its grid (n,) is spaced."""
    return outputs.log_axes.get(name) or ("grid" if logarithmic(grid) else "none")


def logarithmic(grid: Floats) -> bool:
    """Whether a grid is shown on a logarithmic axis: it is positive, spans decades, and is crowded at its low end."""
    if not grid.size or not np.all(grid > 0) or grid.max() < 10**LOG_DECADES * grid.min():
        return False
    return bool(np.median(grid) < grid.max() / 4)  # r and k may span decades, too, but in even steps
