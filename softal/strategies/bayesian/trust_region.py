"""A box around the best point that grows with success and shrinks with failure, for many parameters.

D. Eriksson et al., "Scalable Global Optimization via Local Bayesian Optimization" (TuRBO), NeurIPS 2019: side length
L of the unit cube, scaled for each column by its lengthscale; L doubles after 3 successes in a row, halves after
max(4, d) failures in a row, and below L_MIN the search begins anew. Here results are counted one by one, in the order
of telling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.strategies.shared.region import Region

L_START, L_MIN, L_MAX = 0.8, 0.5**7, 1.6
SUCCESSES = 3
IMPROVEMENT = 1e-3  # part of the best loss by which a success must be better
AUTO_DIMENSION = 20  # with dimension-scaled priors, a search of the whole space is as good below


@dataclass
class TrustRegion:
    """The state of the box; `observe` is all that changes it.

    Attributes:
        dimension: d.
        n_initial: results before steps are counted.
        length: L.
        start: number of the first result (of those done) that belongs to the present search.
        best: lowest loss of the present search.
    """

    dimension: int
    n_initial: int
    length: float = L_START
    start: int = 0
    best: float = np.inf
    seen: int = 0
    successes: int = 0
    failures: int = 0

    def observe(self, loss: float, done: int) -> None:
        """Take in the loss of one trial (infinite where it failed), after which `done` trials are done."""
        better = loss < self.best - IMPROVEMENT * abs(self.best) if np.isfinite(self.best) else np.isfinite(loss)
        self.best = min(self.best, loss)
        self.seen += 1
        if self.seen <= self.n_initial:
            return
        self.successes, self.failures = (self.successes + 1, 0) if better else (0, self.failures + 1)
        if self.successes == SUCCESSES:
            self.length, self.successes = min(2 * self.length, L_MAX), 0
        elif self.failures == max(4, self.dimension):
            self.length, self.failures = self.length / 2, 0
        if self.length < L_MIN:
            self.length, self.start, self.best, self.seen = L_START, done, np.inf, 0

    def box(self, space: Space, centre: Floats, lengthscales: Floats) -> Region:
        """Return the box around `centre` (d,); choices are free, integers may move by one at least."""
        weights = lengthscales / np.exp(np.mean(np.log(lengthscales)))
        half = np.minimum(self.length * weights / 2, 1.0)
        cells = space.cells
        half = np.maximum(half, np.divide(1.0, cells, out=np.zeros(len(cells)), where=cells > 0))
        half[list(space.categorical)] = 1.0
        return Region(space, np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0))
