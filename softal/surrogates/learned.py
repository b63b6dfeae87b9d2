"""What a surrogate is asked for pages: importance, slices, the map, calibration, curves; and its optimum.

Each part stands alone: where a surrogate cannot give one, the report does without it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from softal.cards.statistics import thin
from softal.cards.view import View
from softal.numeric import NORMAL_95, Floats
from softal.space import Choice, Integer, Real, Space
from softal.surrogates import Surrogate
from softal.surrogates.analysis import Slice, importance, slices
from softal.surrogates.data import training_data

T = TypeVar("T")

MAX_TARGETS = 3
MAX_CALIBRATED = 200  # trials; their folds are fitted anew
FOLDS = 8
PATIENCE = 15.0  # s for calibration; a slow surrogate gets fewer folds
MAP_POINTS = 41
MIN_CELLS = 6  # whole numbers with fewer values make a poor axis of a map


@dataclass(frozen=True)
class Calibration:
    """Predictions of trials by a surrogate that has not seen them, shape (n,) each.

    Attributes:
        trial: ids.
        observed, error: with standard errors, NaN where they are not known.
        mean, std: predicted, with the observation's own error in the standard deviation.
    """

    trial: NDArray[np.int_]
    observed: Floats
    error: Floats
    mean: Floats
    std: Floats

    @property
    def coverage(self) -> float:
        """Part of the observations within the 95 % interval."""
        return float(np.mean(np.abs(self.observed - self.mean) <= NORMAL_95 * self.std))

    @property
    def rmse(self) -> float:
        """Root mean square error."""
        return float(np.sqrt(np.mean((self.observed - self.mean) ** 2)))

    @property
    def r2(self) -> float:
        """1 - mean square error / variance."""
        return 1.0 - self.rmse**2 / max(float(np.var(self.observed)), 1e-300)


@dataclass(frozen=True)
class Map:
    """Posterior mean over two parameters, the others held: (len(y), len(x)), NaN where constraints do not hold."""

    names: tuple[str, str]
    x: list[Any]
    y: list[Any]
    mean: Floats


@dataclass(frozen=True)
class Learned:
    """What figures of a surrogate are drawn from; empty where it cannot be had.

    Attributes:
        targets: those that are shown.
        column: target -> its number in the surrogate.
    """

    targets: tuple[str, ...] = ()
    column: Mapping[str, int] = field(default_factory=dict)
    importance: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    slices: Mapping[str, Slice] = field(default_factory=dict)
    map: Map | None = None
    calibration: Mapping[str, Calibration] = field(default_factory=dict)


def learn(surrogate: Surrogate, view: View) -> Learned:
    """Ask a surrogate for all that its figures show."""
    wanted = [name for name in view.objective.names if name in surrogate.targets] or list(surrogate.targets)
    targets = tuple(wanted[:MAX_TARGETS])
    ranked = {name: found for name in targets if (found := attempt(partial(importance, surrogate, name)))}
    point = view.shown.point if view.shown else {}
    calibrated = attempt(lambda: calibrate(surrogate, view)) or {}
    return Learned(
        targets=targets,
        column={name: surrogate.index(name) for name in targets},
        importance=ranked,
        slices=attempt(lambda: slices(surrogate, point)) or {},
        map=attempt(lambda: map_of(surrogate, targets[0], point, ranked.get(targets[0], {}))),
        calibration={name: found for name, found in calibrated.items() if name in targets},
    )


def attempt(question: Callable[[], T]) -> T | None:
    """Return the answer to a question; None where it cannot be had."""
    try:
        return question()
    except Exception:  # a surrogate may be anybody's code; a part of the report is not worth its failure
        return None


def map_of(surrogate: Surrogate, target: str, point: Mapping[str, Any], ranks: Mapping[str, float]) -> Map | None:
    """Return the posterior mean over the two most important numbers of the space."""
    space = surrogate.space
    numbers = [name for name in space.names if isinstance(space.parameters[name], Real | Integer)]
    fine = [name for name in numbers if not 0 < space.cells[space.names.index(name)] < MIN_CELLS]
    first = sorted(fine if len(fine) > 1 else numbers, key=lambda name: -ranks.get(name, 0.0))[:2]
    if len(first) < 2 or not point:
        return None
    x, y = sorted(first, key=space.names.index)
    i, j = space.names.index(x), space.names.index(y)
    across, up = (_coordinates(space, column) for column in (i, j))
    U = np.repeat(space.to_unit([point]), len(across) * len(up), axis=0)
    U[:, i], U[:, j] = np.tile(across, len(up)), np.repeat(up, len(across))
    mean = surrogate.posterior(U).mean[:, surrogate.targets.index(target)]
    mean = np.where(space.feasible(U), mean, np.nan).reshape(len(up), len(across))
    points = space.from_unit(U)
    return Map((x, y), [p[x] for p in points[: len(across)]], [p[y] for p in points[:: len(across)]], mean)


def _coordinates(space: Space, column: int) -> Floats:
    U = np.full((MAP_POINTS, space.dimension), 0.5)
    U[:, column] = np.linspace(0, 1, MAP_POINTS)
    return np.unique(space.snap(U)[:, column])


def calibrate(surrogate: Surrogate, view: View) -> dict[str, Calibration]:
    """Return target -> predictions of each trial by a surrogate of the same kind that has not seen it.

    Cross-validation: hyperparameters are fitted anew for each fold, so what is shown is what a new trial would see.
    """
    learned = view.objective.lessons(view.done)
    done = [learned[i] for i in thin(len(learned), MAX_CALIBRATED)]
    trials = view.with_arrays(done) if surrogate.wants_arrays else done
    X, Y, Yvar = training_data(done, surrogate.space, surrogate.targets)
    n, folds = len(X), min(FOLDS, len(X))
    if n < 4:
        return {}
    fold = np.random.default_rng(0).permutation(n) % folds
    mean, variance = np.full((2, *Y.shape), np.nan)
    begun = time.monotonic()
    for k in range(folds):
        seen, unseen = fold != k, fold == k
        arguments = surrogate.space, surrogate.targets, surrogate.settings
        other = type(surrogate)(*arguments, view.objective) if surrogate.wants_arrays else type(surrogate)(*arguments)
        other.fit([trial for trial, there in zip(trials, seen, strict=True) if there])
        posterior = other.posterior(X[unseen])
        mean[unseen], variance[unseen] = posterior.mean, posterior.variance
        if (time.monotonic() - begun) * (k + 2) / (k + 1) > PATIENCE:
            break
    ids = np.array([trial.id for trial in done])
    return {
        name: Calibration(ids[rows], Y[rows, m], np.sqrt(Yvar[rows, m]), mean[rows, m], std[rows])
        for m, name in enumerate(surrogate.targets)
        if (rows := np.isfinite(Y[:, m]) & np.isfinite(mean[:, m])).sum() >= 3
        for std in [np.sqrt(variance[:, m] + np.nan_to_num(Yvar[:, m]))]
    }


def is_choice(space: Space, name: str) -> bool:
    """Return whether a parameter is a choice."""
    return isinstance(space.parameters[name], Choice)
