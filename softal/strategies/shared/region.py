"""Where candidates come from: the whole space, or a box in it, with constraints, integers and choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.space import Space
from softal.strategies.shared.few import coordinates, every_point

SAME = 1e-6  # unit points closer than this in every coordinate are one point
NEAR = (0.2, 0.05, 0.01)  # standard deviations of candidates around the best points
TRIES = 8


@dataclass(frozen=True)
class Region:
    """A box of the unit cube; candidates in it satisfy the space's constraints.

    Attributes:
        space: the space.
        low, high: (d,) bounds of the box.
        refuses: points U (n, d) -> (n,) where it is not worth to look, as long as there are others; None is nowhere.
    """

    space: Space
    low: Floats
    high: Floats
    refuses: Callable[[Floats], NDArray[np.bool_]] | None = None

    @classmethod
    def whole(cls, space: Space) -> Region:
        """Return the whole space."""
        return cls(space, np.zeros(space.dimension), np.ones(space.dimension))

    @property
    def discrete(self) -> list[int]:
        """Columns of integers and choices."""
        return sorted({*self.space.integer, *self.space.categorical})

    def candidates(self, n: int, rng: np.random.Generator, centres: Floats) -> Floats:
        """Return about n feasible snapped points (c, d) at random in the box, and as many around the centres (k, d)."""
        if (every := every_point(self.space)) is not None:
            return every
        parts = [self._uniform(n, rng)]
        if len(centres):
            around = np.repeat(centres, -(-n // len(centres)), axis=0)
            widths = rng.choice(NEAR, size=(len(around), 1)) * np.minimum(self.high - self.low, 1.0)
            moved = rng.random(around.shape) < max(0.5, min(1.0, 20 / self.space.dimension))
            moved[:, self.discrete] &= rng.random((len(around), len(self.discrete))) < 0.5
            parts.append(self._inside(around + moved * widths * rng.standard_normal(around.shape)))
            parts.append(self._other_values(around[: n // 4], rng))
        found = np.vstack(parts)
        return found if len(found) else self.space.sample(n, rng)  # the box and the constraints leave too little

    def _uniform(self, n: int, rng: np.random.Generator) -> Floats:
        if np.all(self.low <= 0) and np.all(self.high >= 1):
            return self.space.sample(n, rng)
        found = np.empty((0, self.space.dimension))
        for _ in range(TRIES):
            found = np.vstack([found, self._inside(self.low + (self.high - self.low) * rng.random((n, len(self.low))))])
            if len(found) >= n:
                break
        return found[:n]

    def _other_values(self, U: Floats, rng: np.random.Generator) -> Floats:
        """Return U with one integer or choice of each row drawn anew."""
        if not self.discrete or not len(U):
            return np.empty((0, self.space.dimension))
        moved = U.copy()
        columns = rng.choice(self.discrete, size=len(U))
        moved[np.arange(len(U)), columns] = rng.random(len(U))
        return self._inside(moved)

    def _inside(self, U: Floats) -> Floats:
        snapped = self.space.snap(np.clip(U, self.low, self.high))
        return snapped[self.space.feasible(snapped)]

    def fresh(self, U: Floats, visited: Floats) -> NDArray[np.bool_]:
        """Return (n,) whether the rows of U (n, d) are none of the visited points (v, d), nor refused."""
        new = is_new(U, visited)
        return new & ~self.refuses(U) if self.refuses is not None and len(U) else new

    def pulled_back(self, U: Floats, inside: Floats) -> Floats:
        """Return U (n, d) snapped, with infeasible rows moved towards feasible `inside` (n, d) until they fit."""
        U = self.space.snap(np.clip(U, self.low, self.high))
        bad = ~self.space.feasible(U)
        low, high = np.zeros(len(U)), np.ones(len(U))
        for _ in range(30 if bad.any() else 0):
            middle = (low + high) / 2
            fits = self.space.feasible(self.space.snap(inside + middle[:, None] * (U - inside)))
            low, high = np.where(fits, middle, low), np.where(fits, high, middle)
        back = self.space.snap(inside + low[:, None] * (U - inside))
        return np.where(bad[:, None], back, U)

    def bounds(self, start: Floats) -> list[tuple[float, float]]:
        """Return bounds for climbing from `start` (r, d), flattened: integers and choices stay where they are."""
        low, high = np.broadcast_to(self.low, start.shape).copy(), np.broadcast_to(self.high, start.shape).copy()
        low[:, self.discrete] = high[:, self.discrete] = start[:, self.discrete]
        return list(zip(low.ravel().tolist(), high.ravel().tolist(), strict=True))

    def inequalities(self, r: int) -> Any:
        """Return the linear constraints of r points, flattened, as scipy takes them: b - A u >= 0."""
        A, b = np.kron(np.eye(r), self.space.A_unit), np.tile(self.space.b_unit, r)
        return {"type": "ineq", "fun": lambda flat: b - A @ flat, "jac": lambda flat: -A}

    def neighbours(self, u: Floats) -> Floats:
        """Return the feasible points (k, d) that differ from u (d,) in one integer (by one) or in one choice."""
        rows = []
        for column in self.discrete:
            values = coordinates(self.space, column)
            here = int(np.argmin(np.abs(values - u[column])))
            others = {here - 1, here + 1} if column in self.space.integer else set(range(len(values))) - {here}
            for value in sorted(others & set(range(len(values)))):
                row = u.copy()
                row[column] = values[value]
                rows.append(row)
        return self._inside(np.array(rows)) if rows else np.empty((0, len(u)))


def is_new(U: Floats, visited: Floats) -> NDArray[np.bool_]:
    """Return (n,) whether the rows of U (n, d) are none of the visited points (v, d)."""
    if not len(visited) or not len(U):
        return np.ones(len(U), dtype=bool)
    fresh = [bool(np.abs(visited - u).max(axis=1).min() > SAME) for u in U]
    return np.array(fresh, dtype=bool)
