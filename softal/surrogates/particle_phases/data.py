"""What is learned from: environments of trials, as 12 or 24 numbers of bond order each, with their labels.

A simulator returns configurations (S, N, 3) and boxes (S, 3), both in sigma, labels (S, N) or (N,), whole numbers from
0, or -1 for a particle that nobody knows the label of, and types (S, N) or (N,) where there are two species. What was
computed of a trial is kept in the process that computed it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError, TheoryError
from softal.numeric import Floats
from softal.surrogates.configurations import BOXES, CONFIGURATIONS, TYPES, arrays_of, marks
from softal.theory.local_structure.descriptors import NAMES, OWN, inputs
from softal.trial import Point, Trial

if TYPE_CHECKING:
    from softal.surrogates.particle_phases.settings import ParticlePhasesSettings

Integers = NDArray[np.int64]

LABELS = "labels"
NEEDED = (CONFIGURATIONS, BOXES, LABELS)
ROOM = 256_000_000  # bytes of what is kept; of trials beyond that it is computed again


@dataclass(frozen=True)
class Run:
    """A trial with its environments.

    Attributes:
        X: bond order, (n, 24), or (n, 12) where no trial has two species.
        y: labels, (n,).
        density: particles over volume, mean of all snapshots [1/sigma^3].
    """

    trial: int
    point: Point
    X: Floats
    y: Integers
    density: float


@dataclass(frozen=True)
class _Given:
    """Arrays of a trial: positions (S, N, 3), boxes (S, 3), labels (S, N), types (S, N)."""

    positions: Floats
    boxes: Floats
    labels: Integers
    types: Integers


_kept: dict[bytes, tuple[Floats, Integers]] = {}


def runs_of(trials: Sequence[Trial], settings: ParticlePhasesSettings) -> list[Run]:
    """Return the runs of trials, in the order of their ids.

    Raises:
        SurrogateError: an array is missing, its shape does not fit the others, or its numbers cannot be.
    """
    ordered = sorted(trials, key=lambda trial: trial.id)
    given = [_given(trial) for trial in ordered]
    two = any(one.types.any() for one in given)
    return [_run(trial, one, two, settings) for trial, one in zip(ordered, given, strict=True)]


def _run(trial: Trial, given: _Given, two: bool, settings: ParticlePhasesSettings) -> Run:
    key = _key(given, two, settings, trial.id)
    found = _kept.get(key)
    if found is None:
        try:
            found = _environments(given, two, settings, np.random.default_rng([settings.seed, trial.id]))
        except TheoryError as error:
            raise SurrogateError(f"trial {trial.id}: {error}") from None
        if sum(X.nbytes for X, _ in _kept.values()) + found[0].nbytes <= ROOM:
            _kept[key] = found
    density = float(np.mean(given.positions.shape[1] / np.prod(given.boxes, axis=1)))
    return Run(trial.id, dict(trial.point), *found, density)


def _environments(
    given: _Given, two: bool, settings: ParticlePhasesSettings, rng: np.random.Generator
) -> tuple[Floats, Integers]:
    """Return at most so many environments of a run, drawn from all labelled particles of its snapshots."""
    known = np.flatnonzero(given.labels.ravel() >= 0)
    drawn = np.sort(rng.choice(known, min(settings.environments, len(known)), replace=False))
    snapshot, particle = np.divmod(drawn, given.labels.shape[1])
    near, parts = settings.neighbours.neighbourhood(), []
    for s in np.unique(snapshot):
        types = given.types[s] if two else None
        parts.append(inputs(given.positions[s], given.boxes[s], types, near)[particle[snapshot == s]])
    X = np.vstack(parts) if parts else np.empty((0, len(NAMES if two else OWN)))
    return X, given.labels[snapshot, particle]


def _key(given: _Given, two: bool, settings: ParticlePhasesSettings, trial: int) -> bytes:
    how = (two, settings.neighbours, settings.environments, settings.seed, trial, given.labels.shape)
    digest = hashlib.sha256(repr(how).encode())
    for part in vars(given).values():
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()


def _given(trial: Trial) -> _Given:
    """Return the arrays of a trial; SurrogateError names what does not fit."""
    found = arrays_of(trial, NEEDED, [TYPES])
    shape = found[CONFIGURATIONS].shape
    labels = marks(trial.id, LABELS, found[LABELS], shape, -1)
    return _Given(found[CONFIGURATIONS], found[BOXES], labels, marks(trial.id, TYPES, found.get(TYPES), shape))
