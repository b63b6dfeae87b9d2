"""A scrambled Sobol sequence: fills the space more evenly than random points do.

A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing points", J. Complexity 14, 466 (1998).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from softal.objective import Objective
from softal.space import Space
from softal.strategies.base import Strategy
from softal.strategies.shared.few import every_point
from softal.trial import Proposal, Trial

CHUNK = 256  # a power of two, as the sequence's balance asks for
HOPELESS = 2**16  # candidates without a feasible one; hit-and-run sampling of the space takes over then
MAX_DIMENSION = 21201  # direction numbers in scipy's table (Joe and Kuo)


class SobolSequence:
    """The feasible points of one scrambled Sobol sequence, by their number; drawn as far as they are needed.

    Of a space of few points none comes again before each has come.
    """

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.seed = space, seed
        self._points = np.empty((0, space.dimension))
        self._rejected = 0  # in a row
        self._first = 0  # number of the first point kept in `_points`
        self._engine: object | None = None
        every = every_point(space)
        self._few = 0 if every is None else len(every)
        self._seen: set[bytes] = set()  # in this round through a space of few points

    def take(self, start: int, n: int) -> NDArray[np.float64]:
        """Return the points `start` ... `start + n - 1`, shape (n, d); points before `start` are forgotten."""
        if start < self._first:
            self.__init__(self.space, self.seed)  # type: ignore[misc]
        while self._first + len(self._points) < start + n and self._rejected < HOPELESS:
            self._draw()
            drop = min(max(0, start - self._first), len(self._points))
            self._points, self._first = self._points[drop:], self._first + drop
        found = self._points[start - self._first :][:n]
        rest = [
            self.space.sample(1, np.random.default_rng([self.seed, i])) for i in range(start + len(found), start + n)
        ]
        return np.vstack([found, *rest])

    def _draw(self) -> None:
        from scipy.stats import qmc

        if self._engine is None:
            self._engine = qmc.Sobol(self.space.dimension, scramble=True, rng=np.random.default_rng(self.seed))
        candidates = self._engine.random(CHUNK)  # type: ignore[attr-defined]
        feasible = candidates[self.space.feasible(candidates)]
        if self._few:
            feasible = np.array([u for u in self.space.snap(feasible) if self._is_next(u)]).reshape(
                -1, len(candidates.T)
            )
        self._rejected = 0 if len(feasible) else self._rejected + CHUNK
        self._points = np.vstack([self._points, feasible])

    def _is_next(self, u: NDArray[np.float64]) -> bool:
        """Return whether a snapped point (d,) of few is new in this round; a round ends where all have come."""
        if len(self._seen) >= self._few:
            self._seen.clear()
        known = len(self._seen)
        self._seen.add(u.tobytes())
        return len(self._seen) > known


class Sobol(Strategy):
    """Scrambled Sobol points within the constraints (by rejection); never exhausted.

    Of a space of few points (integers and choices) each comes once before one comes again.
    """

    kind = "sobol"

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why a Sobol sequence cannot serve."""
        if not 1 <= space.dimension <= MAX_DIMENSION:
            return f"the space has {space.dimension} free parameters; 1 to {MAX_DIMENSION} are allowed"
        return None

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        if not hasattr(self, "_sequence"):
            self._sequence = SobolSequence(self.space, self.seed)
        return self._proposals(self._sequence.take(self.asked, n))
