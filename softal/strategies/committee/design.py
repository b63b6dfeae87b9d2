"""First points, before there is a committee: corners, or a Sobol sequence.

`corners`: of a scrambled Sobol sequence's first points, or of a pool, the first one lies nearest to a corner, and each
next one the farthest from all before it (R. W. Kennard, L. A. Stone, Technometrics 11, 137 (1969)): corners and every
choice come before the middle. Numbers lie as far apart as they do in the unit cube, two choices that differ as far as
the ends of a range. `sobol`: the sequence as it is, or the points of the pool that are nearest to it. It seldom comes
near corners, where simulations may cost most, and leaves these to the committee, which weighs costs.
"""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.strategies.shared.region import is_new
from softal.strategies.sobol import SobolSequence

POINTS = 128  # of the sequence; a power of two


class Design:
    """An order of points that fills the space.

    Args:
        space: of the points.
        seed: of the sequence.
        pool: (k, d) unit points, the only ones; None is the whole space.
        corners: whether corners come first.
    """

    def __init__(self, space: Space, seed: int, pool: Floats | None = None, *, corners: bool = True) -> None:
        self.space, self.pool, self.corners = space, pool, corners
        self._sequence = SobolSequence(space, seed)
        self._ordered: Floats | None = None

    @property
    def name(self) -> str:
        """What the points are, in words."""
        return ("corner" if self.corners else "Sobol") + (" of the pool" if self.pool is not None else "")

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
            points = self.space.snap(self._sequence.take(0, POINTS))
            categorical = self.space.categorical
            if self.pool is not None:
                points = self.pool if self.corners else self.pool[nearest_first(self.pool, points, categorical)]
            self._ordered = points[farthest_first(points, categorical)] if self.corners else points
        return self._ordered


def farthest_first(points: Floats, categorical: tuple[int, ...]) -> list[int]:
    """Return the numbers of all points (k, d): that nearest to a corner, then each farthest from those before it."""
    numbers = [column for column in range(points.shape[1]) if column not in categorical]
    order = [int(np.argmax(np.abs(points[:, numbers] - 0.5).sum(axis=1)))]
    distance = np.full(len(points), np.inf)
    while len(order) < len(points):
        distance = np.minimum(distance, squared_distance(points, points[order[-1]], categorical))
        distance[order] = -1.0
        order.append(int(np.argmax(distance)))
    return order


def nearest_first(points: Floats, wanted: Floats, categorical: tuple[int, ...]) -> list[int]:
    """Return the numbers of all points (k, d): those nearest to the wanted (w, d) in turn, then the others."""
    order: list[int] = []
    for one in wanted[: len(points)]:
        distance = squared_distance(points, one, categorical)
        distance[order] = np.inf
        order.append(int(np.argmin(distance)))
    return order + [number for number in range(len(points)) if number not in order]


def squared_distance(points: Floats, one: Floats, categorical: tuple[int, ...]) -> Floats:
    """Return the squared distance (k,) of points (k, d) from one (d,)."""
    apart = np.abs(points - one)
    apart[:, list(categorical)] = apart[:, list(categorical)] > 0
    return np.asarray(np.sum(apart**2, axis=1))
