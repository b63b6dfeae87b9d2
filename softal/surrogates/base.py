"""What every surrogate offers: it is a learner of targets, with `posterior(X)` and `diagnostics()`.

Notation: n points, d free parameters, X (n, d) in the unit cube, m targets.

Rules that every surrogate keeps beside those of learners, and that `softal.testing.surrogates` checks:

- The same trials and settings give the same posterior, in any process; the global random state is not touched.
- Targets that are constant, few trials, duplicates and values that blew up give a finite posterior; where there are
  too few trials, `fit` raises SurrogateError.
- What `load` returns gives the same posterior as what was saved, to 1e-10 of its scale.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel

from softal.errors import SurrogateError
from softal.numeric import NORMAL_95, Floats
from softal.objective import Component, Objective
from softal.space import Space
from softal.surrogates.data import training_data
from softal.surrogates.learner import Learner
from softal.trial import Trial, Value

MEMBERS = 64  # draws of the posterior that stand for a committee
ANCHORS = 512  # of sample paths: a factorisation of so many takes about 10 ms


@dataclass(frozen=True)
class Posterior:
    """What is known of the targets at n points: of the noise-free function, in natural units and sign.

    Attributes:
        mean: (n, m).
        variance: (n, m).
    """

    mean: Floats
    variance: Floats

    @property
    def std(self) -> Floats:
        """Standard deviation (n, m)."""
        return np.sqrt(self.variance)


@dataclass(frozen=True)
class Diagnostics:
    """How well a surrogate predicts trials that it has not seen; NaN where there are too few to tell.

    Attributes:
        n: number of trials that it learned from.
        method: how the unseen trials were come by.
        rmse: target -> root mean square error [unit of the target]; outliers count as far as they were clipped.
        r2: target -> 1 - mean square error / variance.
        coverage: target -> part of the trials within the 95 % interval, observation noise included.
    """

    n: int
    method: Literal["leave-one-out", "held-out"]
    rmse: dict[str, float]
    r2: dict[str, float]
    coverage: dict[str, float]


@dataclass(frozen=True)
class Unseen:
    """Trials as a surrogate predicts them that has not seen them, k of them, in the target's unit.

    Attributes:
        X: (k, d) their points in the unit cube.
        observed: (k,) with outliers clipped, as the surrogate learns them.
        mean: (k,) predicted.
        variance: (k,) of an observation there, its own noise included.
    """

    X: Floats
    observed: Floats
    mean: Floats
    variance: Floats

    def __post_init__(self) -> None:
        if self.X.ndim != 2 or not len(self.X) == len(self.observed) == len(self.mean) == len(self.variance):
            raise ValueError("predictions of unseen trials and their points are not as many")

    @property
    def score(self) -> tuple[float, float, float]:
        """RMSE, R2 and coverage, see `score`."""
        return score(self.observed, self.mean, self.variance)


class Surrogate(Learner):
    """Learns point -> targets. Subclasses give `kind`, `Settings` and the methods that start with an underscore.

    Args:
        space: of the points.
        targets: m names, looked up in a trial's objective, then in its observation's values.
        settings: of this kind; None takes the defaults.
        objective: what the targets are made by, for kinds that learn the arrays behind them.
    """

    wants_arrays: ClassVar[bool] = False

    def __init__(
        self,
        space: Space,
        targets: Sequence[str],
        settings: Mapping[str, Any] | BaseModel | None = None,
        objective: Objective | None = None,
    ) -> None:
        super().__init__(space, settings, objective)
        if not targets or len(set(targets)) < len(targets):
            raise SurrogateError(f"targets are {list(targets)}; at least one name, none of them twice, is needed")
        self.targets = tuple(targets)

    @classmethod
    def supports(cls, objective: Objective) -> str | None:
        """Return why the surrogate cannot serve `objective`; None where it can."""
        if cls.wants_arrays and not any(component.matching for component in objective.components):
            return "it learns curves, and the objective compares none: it has no `match`"
        return None

    def fit(self, trials: Sequence[Trial]) -> None:
        """Learn from the trials that are done; what was learned before is forgotten.

        Standard errors of the trials are taken as known noise; where there are none, noise is learned.

        Raises:
            SurrogateError: there are too few trials, or a target is in none of them.
        """
        super().fit(trials)

    @classmethod
    def learns_values(cls) -> bool:
        """Return whether it learns from points and the values of its targets alone, so that `fit_arrays` is `fit`."""
        return (cls.fit, cls._learn) == (Surrogate.fit, Surrogate._learn)

    def fit_arrays(self, X: ArrayLike, Y: ArrayLike, Yvar: ArrayLike | None = None) -> None:
        """Learn from X (n, d), Y (n, m), NaN where missing, and Yvar (n, m), squared errors, NaN where not known."""
        X, Y = np.asarray(X, dtype=np.float64), np.asarray(Y, dtype=np.float64)
        Yvar = np.full(Y.shape, np.nan) if Yvar is None else np.asarray(Yvar, dtype=np.float64)
        expected = (len(X), len(self.targets))
        if X.ndim != 2 or X.shape[1] != self.space.dimension or Y.shape != expected or Yvar.shape != expected:
            raise SurrogateError(
                f"X, Y, Yvar have shapes {X.shape}, {Y.shape}, {Yvar.shape}; "
                f"(n, {self.space.dimension}), (n, {expected[1]}), (n, {expected[1]}) are needed"
            )
        self._fit(X, Y, Yvar)
        self.fitted = True

    def posterior(self, X: ArrayLike) -> Posterior:
        """Return the posterior at X (n, d) in the unit cube.

        Raises:
            SurrogateError: before `fit`, or for another number of columns.
        """
        self._require_fit()
        X = np.asarray(X, dtype=np.float64)
        if X.ndim != 2 or X.shape[1] != self.space.dimension:
            raise SurrogateError(f"X has shape {X.shape}; (n, {self.space.dimension}) is needed")
        return self._posterior(X)

    def predict(self, points: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Floats, Floats]]:
        """Return target -> (mean (n,), standard deviation (n,)) at points in natural units."""
        posterior = self.posterior(self.space.to_unit(points))
        return {name: (posterior.mean[:, i], posterior.std[:, i]) for i, name in enumerate(self.targets)}

    def diagnostics(self) -> Diagnostics:
        """Return how well unseen trials are predicted."""
        self._require_fit()
        return self._diagnostics()

    def unseen(self) -> dict[str, Unseen]:
        """Return target -> the predictions that `diagnostics` is of; nothing for kinds that do not keep them."""
        self._require_fit()
        return self._unseen()

    def paths(
        self, samples: int, rng: np.random.Generator, anchors: ArrayLike | None = None
    ) -> Callable[[Floats], Floats]:
        """Return functions drawn from the posterior, as one function X (n, d) -> values (samples, n, m).

        Args:
            samples: number of functions.
            rng: random numbers.
            anchors: (a, d) where the functions shall be an exact joint sample, for kinds that need to know; between
                them they are smooth. They are spread over the space unless they are given.
        """
        self._require_fit()
        spread = self.space.sample(ANCHORS, rng) if anchors is None else np.asarray(anchors, dtype=np.float64)
        return self._paths(samples, rng, spread)

    def sample(self, X: ArrayLike, samples: int, rng: np.random.Generator) -> Floats:
        """Return joint samples (samples, n, m) of the noise-free functions at X (n, d)."""
        X = np.asarray(X, dtype=np.float64)
        return self.paths(samples, rng, X)(X)

    def committee(self, trials: Sequence[Trial], seed: int = 0) -> Callable[[Floats], Floats]:
        """Return draws of the posterior after `fit`; a kind with members of its own overrides it. See `Learner`."""
        self.fit(trials)
        spread = np.nanstd(training_data(trials, self.space, self.targets)[1], axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        return lambda X: self.sample(X, MEMBERS, np.random.default_rng(seed)) / scale

    def component(self, target: str) -> Component | None:
        """Return the component of the objective that a target is; None where it is another value."""
        components = self.objective.components if self.objective is not None else ()
        return next((component for component in components if component.name == target), None)

    def index(self, target: str | None) -> int:
        """Return the number of a target, the first one unless it is named; SurrogateError where it is not known."""
        if target is not None and target not in self.targets:
            raise SurrogateError(f"{target!r} is not a target; they are {', '.join(self.targets)}")
        return 0 if target is None else self.targets.index(target)

    def _prove(self) -> None:
        posterior = self.posterior(np.full((2, self.space.dimension), 0.5))
        for what, values in (("mean", posterior.mean), ("variance", posterior.variance)):
            if values.shape != (2, len(self.targets)):
                raise ValueError(f"its {what} has the shape {values.shape}; {(2, len(self.targets))} is needed")
            if not np.all(np.isfinite(values)):
                raise ValueError(f"its {what} is not finite")
        self.diagnostics()
        super()._prove()

    def _described(self) -> dict[str, Any]:
        return {"targets": list(self.targets)}

    @classmethod
    def _made_of(cls, space: Space, description: Mapping[str, Any]) -> Self:
        return cls(space, description["targets"], description["settings"])

    def _learn(self, done: Sequence[Trial]) -> None:
        self._fit(*training_data(done, self.space, self.targets))

    def _fit(self, X: Floats, Y: Floats, Yvar: Floats) -> None:
        """Learn from arrays of the right shapes; kinds that learn more than targets override `_learn` instead."""
        raise SurrogateError(f"{self.kind} learns from trials with the arrays of their observations")

    @abstractmethod
    def _posterior(self, X: Floats) -> Posterior:
        """Return the posterior at X of the right shape."""

    @abstractmethod
    def _diagnostics(self) -> Diagnostics:
        """Return how well unseen trials are predicted."""

    def _unseen(self) -> dict[str, Unseen]:
        """Return target -> predictions of trials that were left out, of which `_diagnostics` are the scores."""
        return {}

    @abstractmethod
    def _paths(self, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        """Return functions X (n, d) -> values (samples, n, m)."""


def score(truth: Floats, mean: Floats, variance: Floats) -> tuple[float, float, float]:
    """Return RMSE, R2 and coverage of the 95 % interval of predictions (k,), noise included in the variance.

    R2 is NaN for constant truth; all are NaN for fewer than two predictions.
    """
    if len(truth) < 2:
        return np.nan, np.nan, np.nan
    error = truth - mean
    spread = float(np.var(truth))
    mse = float(np.mean(error**2))
    r2 = 1.0 - mse / spread if spread > 1e-24 * float(np.max(np.abs(truth))) ** 2 else np.nan
    return mse**0.5, r2, float(np.mean(np.abs(error) <= NORMAL_95 * np.sqrt(variance)))


def by_measure(
    scores: Mapping[str, tuple[float, float, float]],
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Return target -> RMSE, target -> R2, target -> coverage of target -> all three."""
    rmse, r2, coverage = ({name: found[i] for name, found in scores.items()} for i in range(3))
    return rmse, r2, coverage
