"""What a surrogate is asked for pages: importance, slices, the map, calibration, curves; and its optimum.

Each part stands alone: where a surrogate cannot give one, the report does without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np

from softal.cards.view import View
from softal.numeric import Floats
from softal.space import Choice, Integer, Real, Space
from softal.surrogates import Surrogate
from softal.surrogates.analysis import Slice, importance, slices
from softal.surrogates.data import training_data

T = TypeVar("T")

MAX_TARGETS = 3
FEWEST = 3  # trials that a figure of predictions needs
MAP_POINTS = 41
MIN_CELLS = 6  # whole numbers with fewer values make a poor axis of a map


@dataclass(frozen=True)
class Calibration:
    """Predictions of trials by a surrogate that has not seen them, shape (k,) each, and how good all of these are.

    Attributes:
        trial: what each is called.
        observed, error: with standard errors, NaN where they are not known.
        mean, std: predicted, with the observation's own error in the standard deviation.
        method, rmse, r2, coverage: of the surrogate's diagnostics.
    """

    trial: list[str]
    observed: Floats
    error: Floats
    mean: Floats
    std: Floats
    method: str
    rmse: float
    r2: float
    coverage: float


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
    """Return target -> the trials as they are predicted without themselves, of which the surrogate's diagnostics are.

    The surrogate knows trials by their points alone: of several at one point, the first stands for the first.
    """
    lessons = view.objective.lessons(view.done)
    X, _, Yvar = training_data(lessons, surrogate.space, surrogate.targets)
    found, calibrated = surrogate.diagnostics(), {}
    for m, (name, unseen) in enumerate(surrogate.unseen().items()):
        if len(unseen.X) < FEWEST:
            continue
        at: dict[bytes, list[int]] = {}
        for i, x in reversed(list(enumerate(X))):
            at.setdefault(_key(x), []).append(i)
        which = [rows.pop() if (rows := at.get(_key(x))) else None for x in unseen.X]
        calibrated[name] = Calibration(
            ["a trial" if i is None else f"trial {lessons[i].id}" for i in which],
            unseen.observed,
            np.array([np.nan if i is None else np.sqrt(Yvar[i, m]) for i in which]),
            unseen.mean,
            np.sqrt(unseen.variance),
            found.method,
            found.rmse[name],
            found.r2[name],
            found.coverage[name],
        )
    return calibrated


def _key(x: Floats) -> bytes:
    return (x.round(9) + 0.0).tobytes()


def is_choice(space: Space, name: str) -> bool:
    """Return whether a parameter is a choice."""
    return isinstance(space.parameters[name], Choice)
