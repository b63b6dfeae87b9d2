"""First points: far from each other, corners and every choice before the middle (R. W. Kennard, L. A. Stone, 1969).

Of a scrambled Sobol sequence's first points, or of a pool, the first one lies nearest to a corner, and each next one
the farthest from all before it. Numbers lie as far apart as they do in the unit cube, two choices that differ as far as
the ends of a range.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softal.space import Space
from softal.strategies.bayesian.region import is_new
from softal.strategies.sobol import SobolSequence

Floats = NDArray[np.float64]

POINTS = 128  # of the sequence; a power of two


class Design:
    """An order of points that fills the space.

    Args:
        space: of the points.
        seed: of the sequence.
        pool: (k, d) unit points, the only ones; None is the whole space.
    """

    def __init__(self, space: Space, seed: int, pool: Floats | None = None) -> None:
        self.space, self.seed, self.pool = space, seed, pool
        self._sequence = SobolSequence(space, seed)
        self._ordered: Floats | None = None

    def take(self, start: int, n: int, visited: Floats) -> Floats:
        """Return the points `start` ... `start + n - 1` (n, d); fewer where a pool is used up."""
        order = self._order()
        if self.pool is not None:
            left = np.vstack([order[start:], order[:start]])
            return left[is_new(left, visited)][:n]
        later = max(0, start + n - max(start, len(order)))
        return np.vstack([order[start : start + n], self._sequence.take(max(start, len(order)), later)])

    def _order(self) -> Floats:
        if self._ordered is None:
            points = self.space.snap(self._sequence.take(0, POINTS)) if self.pool is None else self.pool
            self._ordered = points[farthest_first(points, self.space.categorical)]
        return self._ordered


def farthest_first(points: Floats, categorical: tuple[int, ...]) -> list[int]:
    """Return the numbers of all points (k, d): that nearest to a corner, then each farthest from those before it."""
    numbers = [column for column in range(points.shape[1]) if column not in categorical]
    order = [int(np.argmax(np.abs(points[:, numbers] - 0.5).sum(axis=1)))]
    distance = np.full(len(points), np.inf)
    while len(order) < len(points):
        apart = np.abs(points - points[order[-1]])
        apart[:, list(categorical)] = apart[:, list(categorical)] > 0
        distance = np.minimum(distance, np.sum(apart**2, axis=1))
        distance[order] = -1.0
        order.append(int(np.argmax(distance)))
    return order
