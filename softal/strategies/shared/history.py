"""What the Bayesian strategy remembers of the trials it was told, in the order of telling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.objective import Component, Objective
from softal.space import Space
from softal.strategies.shared.places import unit_points
from softal.trial import Observation, Trial, TrialState

GROWTH = 1.2  # hyperparameters are fitted anew when the number of trials has grown by this factor


@dataclass(frozen=True)
class Results:
    """Results of trials that are done, in the order of telling.

    Attributes:
        X: (n, d) unit points.
        losses: (n, m).
        errors: (n, m) standard errors of the losses; NaN where not known.
        residuals: of each component (n, K), see `Component.residual`; K = 0 where they are not kept.
        variances: of the residuals, of the same shapes.
        outcomes: (n, c) the values that have outcome constraints.
        outcome_errors: (n, c) their standard errors; NaN where not known.
        satisfied: (n,) whether the outcome constraints are, by these values, and the points are within the ranges.
        inside: (n,) whether the points are.
    """

    X: Floats
    losses: Floats
    errors: Floats
    residuals: tuple[Floats, ...]
    variances: tuple[Floats, ...]
    outcomes: Floats
    outcome_errors: Floats
    satisfied: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    @property
    def ranked(self) -> Floats:
        """Losses (n, m) for ranking: those of trials that violate a constraint stand behind all others."""
        if self.satisfied.all():
            return self.losses
        behind = 1.0 + np.ptp(self.losses, axis=0)
        return np.asarray(self.losses + np.where(self.satisfied, 0.0, 1.0)[:, None] * behind)

    def rows(self, index: NDArray[np.intp]) -> Results:
        """Return some of them."""
        return Results(
            self.X[index],
            self.losses[index],
            self.errors[index],
            tuple(R[index] for R in self.residuals),
            tuple(V[index] for V in self.variances),
            self.outcomes[index],
            self.outcome_errors[index],
            self.satisfied[index],
            self.inside[index],
        )


class History:
    """Unit points, losses and errors of finished trials; trials themselves are not kept.

    Args:
        space, objective: of the campaign.
        curves: whether to keep the residuals of matches.
    """

    def __init__(self, space: Space, objective: Objective, curves: bool = False) -> None:
        self.space, self.objective, self.curves = space, objective, curves
        self._done: list[tuple[Floats, Floats, Floats]] = []
        self._residuals: list[list[tuple[Floats, Floats]]] = []
        self._outcomes: list[tuple[list[float], list[float], bool]] = []
        self._inside: list[bool] = []
        self._failed: list[Floats] = []
        self._stacked: Results | None = None

    def add(self, trial: Trial) -> None:
        """Take in a finished trial."""
        u = unit_points(self.space, [trial])[0]
        if trial.state is TrialState.FAILED:
            self._failed.append(u)
            return
        self._done.append((u, self.objective.losses([trial])[0], self.objective.loss_errors([trial])[0]))
        self._residuals.append(self.checked(trial))
        errors = trial.observation.errors if trial.observation else {}
        names = [one.value for one in self.objective.outcomes]
        values = [one.of(trial.observation) for one in self.objective.outcomes]
        known = [errors.get(name, np.nan) for name in names]
        self._outcomes.append((values, known, self.objective.satisfied(trial)))
        self._inside.append(not trial.outside)
        self._stacked = None

    def checked(self, trial: Trial) -> list[tuple[Floats, Floats]]:
        """Return residual and variance of each component, where they are kept.

        Raises:
            InvalidObservation: curves are kept, and the trial has none.
        """
        if trial.state is TrialState.FAILED:
            return []
        return [self._residual(component, trial) for component in self.objective.components]

    def _residual(self, component: Component, trial: Trial) -> tuple[Floats, Floats]:
        if not (self.curves and component.matching):
            return np.empty(0), np.empty(0)
        return component.residual(trial.observation or Observation())

    @property
    def done(self) -> int:
        """Number of trials that are done."""
        return len(self._done)

    @property
    def inside(self) -> int:
        """Number of them that lie within the ranges."""
        return sum(self._inside)

    @property
    def failed(self) -> Floats:
        """Unit points of failed trials, shape (f, d)."""
        return np.array(self._failed).reshape(len(self._failed), self.space.dimension)

    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """Return X (n, d), losses (n, m) and their standard errors (n, m; NaN: not known) of what is done."""
        results = self.results()
        return results.X, results.losses, results.errors

    def results(self, start: int = 0) -> Results:
        """Return the results from number `start` on."""
        if self._stacked is None:
            n, m = len(self._done), len(self.objective.names)
            columns = zip(*self._done, strict=True) if n else ([], [], [])
            X, losses, errors = (
                np.array(column).reshape(n, size)
                for column, size in zip(columns, (self.space.dimension, m, m), strict=True)
            )
            residuals, variances = (
                tuple(np.array([row[k][part] for row in self._residuals]).reshape(n, -1 if n else 0) for k in range(m))
                for part in (0, 1)
            )
            values, known = (np.array([row[part] for row in self._outcomes], dtype=np.float64) for part in (0, 1))
            shape, satisfied = (
                (n, len(self.objective.outcomes)),
                np.array([row[2] for row in self._outcomes], dtype=bool),
            )
            outcomes = values.reshape(shape), known.reshape(shape), satisfied, np.array(self._inside, dtype=bool)
            self._stacked = Results(X, losses, errors, residuals, variances, *outcomes)
        return self._stacked.rows(np.arange(start, len(self._done))) if start else self._stacked

    def visited(self, pending: Floats) -> Floats:
        """Return all unit points that are done, failed or pending, shape (v, d)."""
        return np.vstack([self.arrays()[0], self.failed, pending])


def fitted_at(n: int, growth: float = GROWTH) -> int:
    """Return for n results the number n_k <= n of first ones on which hyperparameters are fitted.

    n_0 = 2, n_{k+1} = max(n_k + 1, ceil(growth n_k)): a function of n alone, so that a restored strategy has the same
    hyperparameters as one that was never stopped, after a single fit.
    """
    size = 2
    while (larger := max(size + 1, int(np.ceil(growth * size)))) <= n:
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
