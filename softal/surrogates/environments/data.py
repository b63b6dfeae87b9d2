"""What is learned from: environments of trials, as 8 or 16 averaged bond order parameters each.

    Q(i) = (q_1 ... q_8),  or  (q_1 ... q_8, q_1^ss ... q_8^ss)  where a trial has two species

A simulator returns configurations (S, N, 3) and boxes (S, 3), both in sigma, and types (S, N) or (N,), whole numbers
from 0, where there is more than one species. Without, all are one.

Source: E. Boattini's thesis (Utrecht, 2021), eqs. 4.4, 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import SurrogateError, TheoryError
from softal.numeric import Floats
from softal.surrogates.configurations import BOXES, CONFIGURATIONS, TYPES, arrays_of, marks
from softal.theory.local_structure.descriptors import NAMES, OWN, Neighbourhood, inputs
from softal.trial import Point, Trial

if TYPE_CHECKING:
    from softal.surrogates.environments.settings import EnvironmentsSettings

NEEDED = (CONFIGURATIONS, BOXES)


@dataclass(frozen=True)
class Run:
    """A trial with its environments.

    Attributes:
        Q: descriptors of some of its particles, (n, d).
        density: particles over volume, mean of all snapshots [1/sigma^3].
    """

    trial: int
    point: Point
    Q: Floats
    density: float


@dataclass(frozen=True)
class Given:
    """Arrays of a trial: positions (S, N, 3), boxes (S, 3), types (S, N)."""

    positions: Floats
    boxes: Floats
    types: NDArray[np.int64]


def names(two: bool) -> tuple[str, ...]:
    """Return what the descriptors are called: q1 ... q8, and q1 ss ... q8 ss for two species."""
    return tuple(name for name in (NAMES if two else OWN) if name.startswith("q"))


def descriptors(positions: Floats, box: Floats, types: ArrayLike | None, near: Neighbourhood) -> Floats:
    """Return Q of a configuration: (N, 8), or (N, 16) with types; TheoryError for shapes or numbers that cannot be."""
    columns = [i for i, name in enumerate(NAMES if types is not None else OWN) if name.startswith("q")]
    return np.ascontiguousarray(inputs(positions, box, types, near)[:, columns])


def runs_of(trials: Sequence[Trial], settings: EnvironmentsSettings) -> tuple[list[Run], bool]:
    """Return the runs of trials, in the order of their ids, and whether there is more than one species.

    Raises:
        SurrogateError: an array is missing, its shape does not fit the others, or its numbers cannot be.
    """
    ordered = sorted(trials, key=lambda trial: trial.id)
    given = [_given(trial) for trial in ordered]
    two = any(one.types.any() for one in given)
    return [_run(trial, one, two, settings) for trial, one in zip(ordered, given, strict=True)], two


def _run(trial: Trial, given: Given, two: bool, settings: EnvironmentsSettings) -> Run:
    """Return at most so many environments of a run, drawn from as few snapshots as have them."""
    S, N = given.types.shape
    rng = np.random.default_rng([settings.seed, trial.id])
    wanted = min(settings.environments, S * N)
    snapshots, near = np.sort(rng.choice(S, -(-wanted // N), replace=False)), settings.neighbours.neighbourhood()
    try:
        parts = [
            descriptors(given.positions[s], given.boxes[s], given.types[s] if two else None, near) for s in snapshots
        ]
    except TheoryError as error:
        raise SurrogateError(f"trial {trial.id}: {error}") from None
    every = np.vstack(parts)
    drawn = np.sort(rng.choice(len(every), wanted, replace=False))
    return Run(trial.id, dict(trial.point), every[drawn], float(np.mean(N / np.prod(given.boxes, axis=1))))


def _given(trial: Trial) -> Given:
    """Return the arrays of a trial; SurrogateError names what does not fit."""
    found = arrays_of(trial, NEEDED, [TYPES])
    types = marks(trial.id, TYPES, found.get(TYPES), found[CONFIGURATIONS].shape)
    return Given(found[CONFIGURATIONS], found[BOXES], types)
