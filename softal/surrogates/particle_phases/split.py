"""Which runs are learned from, and which only test: at the same points, and elsewhere."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from softal.surrogates.particle_phases.data import Run
from softal.surrogates.particle_phases.settings import ParticlePhasesSettings
from softal.trial import Value

Side = Literal["learned", "same", "other"]

NEAR = 1e-9  # relative difference of numbers that are the same


def sides(runs: Sequence[Run], settings: ParticlePhasesSettings) -> list[Side]:
    """Return of each run whether it is learned from, or tests at a point that others are learned from, or elsewhere.

    Of the runs with the same labels, which are in one structure, of each 1 / held_out in the order of their ids one is
    drawn to test. A structure with one run has none to test.
    """
    wanted = settings.learned_from
    learned = [wanted is None or any(_agrees(run.point, one) for one in wanted) for run in runs]
    structures: dict[tuple[int, ...], list[int]] = {}
    for i, run in enumerate(runs):
        if learned[i]:
            structures.setdefault(tuple(np.unique(run.y).tolist()), []).append(i)
    for number, mine in enumerate(structures.values()):
        for k in _drawn(len(mine), settings.held_out, [settings.seed, number]):
            learned[mine[k]] = False
    points = {_key(run) for run, one in zip(runs, learned, strict=True) if one}
    return [
        "learned" if one else "same" if _key(run) in points else "other" for run, one in zip(runs, learned, strict=True)
    ]


def _drawn(count: int, part: float, seed: Sequence[int]) -> list[int]:
    """Return one number of each 1 / part of count numbers; none of a single one."""
    chosen = []
    for block in range(math.ceil(count * part) if count > 1 else 0):
        first, last = math.ceil(block / part), min(math.ceil((block + 1) / part), count)
        chosen.append(first + int(np.random.default_rng([*seed, block]).integers(last - first)))
    return chosen


def _agrees(point: Mapping[str, Value], wanted: Mapping[str, Value]) -> bool:
    return all(name in point and _same(point[name], value) for name, value in wanted.items())


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, str | bool) or isinstance(other, str | bool):
        return str(one) == str(other)
    return math.isclose(one, other, rel_tol=NEAR, abs_tol=1e-12)


def _key(run: Run) -> str:
    return repr(sorted(run.point.items()))
