"""How many functions are enough: the RMSE of fits by the first 1, 2, ... of those chosen, and its two knees.

The knees are where a broken line of three pieces bends that is closest to ln RMSE on the runs held out, by least
squares over all pairs of bends: first each function says much, then each a little, then none says anything of its own.
Unlike the place that is farthest from the chord, they hardly move with the number of functions that are looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.symmetry_potential.fit import Triangle, fitted

LOOKED_AT = 30  # functions, chosen or not, at least: the curve goes on where it is flat
FEWEST = 7  # of them, that have three pieces


def curve(train: Triangle, held: Triangle, order: NDArray[np.int64], intercept: bool) -> tuple[Floats, Floats]:
    """Return the RMSE of fits by the first 1, 2, ... functions, on what they learned from and on what was held out."""
    train, held, steps = train.take(order), held.take(order), np.arange(len(order))
    fits = [fitted(train, steps[:m], intercept) for m in range(1, len(order) + 1)]
    return tuple(np.sqrt([one.squared_error(fit) for fit in fits]) for one in (train, held))  # type: ignore[return-value]


def knees(rmse: Sequence[float]) -> tuple[int, int] | None:
    """Return after how many functions the curve bends, twice; None where it is too short, or ends in exactness."""
    if len(rmse) < FEWEST or min(rmse) <= 0:
        return None
    y, x = np.log(rmse), np.arange(1.0, len(rmse) + 1)
    best, found = np.inf, None
    for bends in itertools.combinations(range(1, len(x) - 1), 2):
        pieces = np.column_stack([np.ones_like(x), x, *(np.maximum(x - x[i], 0) for i in bends)])
        left = y - pieces @ np.linalg.lstsq(pieces, y, rcond=None)[0]
        if left @ left < best:
            best, found = float(left @ left), (bends[0] + 1, bends[1] + 1)
    return found
