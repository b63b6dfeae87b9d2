"""What the Bayesian strategy remembers of the trials it was told, in the order of telling."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.objective import Objective
from softal.space import Space
from softal.trial import Trial, TrialState

Floats = NDArray[np.float64]
GROWTH = 1.2  # hyperparameters are fitted anew when the number of trials has grown by this factor


class History:
    """Unit points, losses and errors of finished trials; trials themselves are not kept."""

    def __init__(self, space: Space, objective: Objective) -> None:
        self.space, self.objective = space, objective
        self._done: list[tuple[Floats, Floats, Floats]] = []
        self._failed: list[Floats] = []
        self._stacked: tuple[Floats, Floats, Floats] | None = None

    def add(self, trial: Trial) -> None:
        """Take in a finished trial."""
        u = np.clip(self.space.to_unit([trial.point])[0], 0.0, 1.0)
        if trial.state is TrialState.FAILED:
            self._failed.append(u)
            return
        self._done.append((u, self.objective.losses([trial])[0], self.objective.loss_errors([trial])[0]))
        self._stacked = None

    @property
    def done(self) -> int:
        """Number of trials that are done."""
        return len(self._done)

    @property
    def failed(self) -> Floats:
        """Unit points of failed trials, shape (f, d)."""
        return np.array(self._failed).reshape(len(self._failed), self.space.dimension)

    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """Return X (n, d), losses (n, m) and their standard errors (n, m; NaN: not known) of what is done."""
        if self._stacked is None:
            d, m = self.space.dimension, len(self.objective.names)
            columns = zip(*self._done, strict=True) if self._done else ([], [], [])
            X, losses, errors = (np.array(column) for column in columns)
            self._stacked = X.reshape(-1, d), losses.reshape(-1, m), errors.reshape(-1, m)
        return self._stacked

    def visited(self, pending: Floats) -> Floats:
        """Return all unit points that are done, failed or pending, shape (v, d)."""
        return np.vstack([self.arrays()[0], self.failed, pending])


def fitted_at(n: int) -> int:
    """Return for n results the number n_k <= n of first ones on which hyperparameters are fitted.

    n_0 = 2, n_{k+1} = max(n_k + 1, ceil(1.2 n_k)): a function of n alone, so that a restored strategy has the same
    hyperparameters as one that was never stopped, after a single fit.
    """
    size = 2
    while (larger := max(size + 1, int(np.ceil(GROWTH * size)))) <= n:
        size = larger
    return min(size, n)


def kept(X: Floats, losses: Floats, size: int) -> NDArray[np.intp]:
    """Return the sorted indices of at most `size` trials to condition on: a third each of best, latest and spread.

    Args:
        X: (n, d) unit points in the order of telling.
        losses: (n, m); best in any component counts.
        size: how many.
    """
    n = len(X)
    if n <= size:
        return np.arange(n)
    ranks = np.argsort(np.argsort(losses, axis=0, kind="stable"), axis=0).min(axis=1)
    chosen = np.zeros(n, dtype=bool)
    chosen[np.argsort(ranks, kind="stable")[: size // 3]] = True
    chosen[n - size // 3 :] = True
    return np.flatnonzero(_spread(X, chosen, size))


def _spread(X: Floats, chosen: NDArray[np.bool_], size: int) -> NDArray[np.bool_]:
    """Add the points farthest from all chosen ones, one after the other, until `size` are chosen."""
    chosen = chosen.copy()
    distance = np.full(len(X), np.inf)
    for start in range(0, chosen.sum(), 64):
        block = X[np.flatnonzero(chosen)[start : start + 64]]
        distance = np.minimum(distance, ((X[:, None] - block) ** 2).sum(axis=2).min(axis=1))
    for _ in range(size - int(chosen.sum())):
        farthest = int(np.argmax(np.where(chosen, -1.0, distance)))
        chosen[farthest] = True
        distance = np.minimum(distance, ((X - X[farthest]) ** 2).sum(axis=1))
    return chosen


def nondominated(losses: Sequence[Sequence[float]] | Floats) -> NDArray[np.bool_]:
    """Return (n,) whether no other row of losses (n, m) is at least as good everywhere and better somewhere."""
    Y = np.asarray(losses, dtype=np.float64)
    beaten = [bool(np.any(np.all(y >= Y, axis=1) & np.any(y > Y, axis=1))) for y in Y]
    return ~np.array(beaten, dtype=bool)
