"""What is learned from: environments of trials, their symmetry functions and energies.

A simulator returns configurations (S, N, d) and boxes (S, d), both in sigma, and particle_energies (S, N), each
particle's share of what is to be fitted. What was computed of a trial is kept in the process that computed it, so that
learning anew as results come in costs no more than the new ones do.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from softal.errors import SurrogateError, TheoryError
from softal.numeric import Floats
from softal.surrogates.symmetry_potential.fit import Triangle
from softal.theory.many_body.symmetry_functions import SymmetryFunctions
from softal.trial import Point, Trial

if TYPE_CHECKING:
    from softal.surrogates.symmetry_potential.settings import SymmetryPotentialSettings

ARRAYS = ("configurations", "boxes", "particle_energies")
ROOM = 256_000_000  # bytes of what is kept; of trials beyond that it is computed again


@dataclass(frozen=True)
class Environments:
    """Environments of one run.

    Attributes:
        X: their symmetry functions, (n, M).
        y: energies (n,), in the simulator's unit.
        density: particles over volume, mean of all snapshots [1/sigma^d].
        dimension: d.
    """

    X: Floats
    y: Floats
    density: float
    dimension: int

    @cached_property
    def triangle(self) -> Triangle:
        """All that a fit needs of them."""
        return Triangle.of(self.X, self.y)


@dataclass(frozen=True)
class Run:
    """A trial with its environments."""

    trial: int
    point: Point
    found: Environments
    unit: str


_kept: dict[bytes, Environments] = {}


def runs_of(trials: Sequence[Trial], settings: SymmetryPotentialSettings) -> list[Run]:
    """Return the runs of trials, in the order of their ids.

    Raises:
        SurrogateError: an array is missing, its shape does not fit the others, something is not finite, the cutoff is
            beyond half of a box, or trials are of different dimensions.
    """
    candidates = settings.candidates()
    found = [_run(trial, candidates, settings) for trial in sorted(trials, key=lambda trial: trial.id)]
    for run in found:
        d = run.found.dimension
        if d != (first := found[0]).found.dimension:
            raise SurrogateError(
                f"trial {run.trial}, array 'configurations': {d} dimensions; "
                f"{first.found.dimension} are needed, as in trial {first.trial}"
            )
    return found


def _run(trial: Trial, candidates: SymmetryFunctions, settings: SymmetryPotentialSettings) -> Run:
    arrays = _checked(trial, settings.cutoff)
    seed = [settings.seed, trial.id]
    key = _key(arrays, candidates, settings.environments, seed)
    found = _kept.get(key)
    if found is None:
        try:
            found = _environments(arrays, candidates, settings.environments, np.random.default_rng(seed))
        except TheoryError as error:
            raise SurrogateError(f"trial {trial.id}: {error}") from None
        except ZeroDivisionError:  # of the compiled functions
            raise SurrogateError(f"trial {trial.id}, array {ARRAYS[0]!r}: two particles are in one place") from None
        if sum(one.X.nbytes for one in _kept.values()) + found.X.nbytes <= ROOM:
            _kept[key] = found
    observation = trial.observation
    return Run(trial.id, dict(trial.point), found, observation.arrays[ARRAYS[2]].unit if observation else "")


def _checked(trial: Trial, cutoff: float) -> tuple[Floats, Floats, Floats]:
    """Return configurations, boxes and energies of a trial."""
    given = trial.observation.arrays if trial.observation else {}
    for name in ARRAYS:
        place = f"trial {trial.id}, array {name!r}"
        if name not in given:
            raise SurrogateError(f"{place}: it is missing; the trial has {', '.join(sorted(given)) or 'no arrays'}")
        wrong = int(np.sum(~np.isfinite(given[name].values)))
        if wrong:
            raise SurrogateError(f"{place}: {wrong} of {given[name].values.size} numbers are not finite")
    positions, boxes, energies = (given[name].values for name in ARRAYS)
    _check_shapes(trial.id, positions, boxes, energies)
    if boxes.min() < 2 * cutoff:
        raise SurrogateError(
            f"trial {trial.id}, array 'boxes': a side is {boxes.min():g} sigma; "
            f"allowed: {2 * cutoff:g} sigma or more, twice the cutoff"
        )
    return positions, boxes, energies


def _check_shapes(trial: int, positions: Floats, boxes: Floats, energies: Floats) -> None:
    shape = positions.shape
    if len(shape) != 3 or not positions.size or shape[2] not in (2, 3):
        raise SurrogateError(
            f"trial {trial}, array 'configurations': shape {shape}; allowed: (S, N, d), d = 2 or 3, S and N above 0"
        )
    for name, given, wanted in (("boxes", boxes.shape, (shape[0], shape[2])), (ARRAYS[2], energies.shape, shape[:2])):
        if given != wanted:
            raise SurrogateError(
                f"trial {trial}, array {name!r}: shape {given}; {wanted} is needed for configurations of shape {shape}"
            )


def _key(arrays: tuple[Floats, Floats, Floats], candidates: SymmetryFunctions, most: int, seed: Sequence[int]) -> bytes:
    digest = hashlib.sha256(repr((candidates.cutoff, most, seed, [part.shape for part in arrays])).encode())
    for part in (*arrays, candidates.radial, candidates.angular):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.digest()


def _environments(
    arrays: tuple[Floats, Floats, Floats], candidates: SymmetryFunctions, most: int, rng: np.random.Generator
) -> Environments:
    """Return at most so many environments of a run, drawn from all of its snapshots."""
    positions, boxes, energies = arrays
    S, N, d = positions.shape
    drawn = np.sort(rng.choice(S * N, min(most, S * N), replace=False))
    snapshot, particle = np.divmod(drawn, N)
    parts = [candidates.values(positions[s], boxes[s], particle[snapshot == s]) for s in np.unique(snapshot)]
    return Environments(np.vstack(parts), energies[snapshot, particle], float(np.mean(N / np.prod(boxes, axis=1))), d)


def held_out(runs: Sequence[Run], part: float, seed: int) -> list[bool]:
    """Return of each run whether it only tests; runs at one point are on one side.

    Of each 1 / part points, in the order of their first trials, one is drawn: no run changes sides as others come in.
    """
    points = systems(runs)
    count, chosen = max(points) + 1, set()
    for block in range(math.ceil(count * part)):
        first, last = math.ceil(block / part), math.ceil((block + 1) / part)
        if block == 0:
            last = min(last, count)
        chosen.add(first + int(np.random.default_rng([seed, block]).integers(last - first)))
    return [point in chosen for point in points]


def systems(runs: Sequence[Run]) -> list[int]:
    """Return the number of each run's point, 0, 1, ... in the order in which they come."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(repr(sorted(run.point.items())), len(numbers)) for run in runs]
