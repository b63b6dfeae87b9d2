"""Configurations in space as trials return them, for learners of particles: what is there, and fits together.

Positions (S, N, 3) and boxes (S, 3) in sigma, and marks of particles (S, N) or (N,): types, labels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.trial import Trial

CONFIGURATIONS, BOXES, TYPES = "configurations", "boxes", "types"
MOST_MARKS = 1000


def arrays_of(trial: Trial, needed: Sequence[str], also: Sequence[str] = ()) -> dict[str, Floats]:
    """Return arrays of a trial, configurations and boxes among those that are needed.

    Raises:
        SurrogateError: in one line, what is missing, not finite, or does not fit.
    """
    arrays = trial.observation.arrays if trial.observation else {}
    for name in needed:
        if name not in arrays:
            there = ", ".join(sorted(arrays)) or "no arrays"
            raise SurrogateError(f"trial {trial.id}, array {name!r}: it is missing; the trial has {there}")
    found = {name: arrays[name].values for name in (*needed, *also) if name in arrays}
    for name, values in found.items():
        wrong = int(np.sum(~np.isfinite(values)))
        if wrong:
            raise SurrogateError(f"trial {trial.id}, array {name!r}: {wrong} of {values.size} numbers are not finite")
    shape = found[CONFIGURATIONS].shape
    if len(shape) != 3 or shape[2] != 3 or not found[CONFIGURATIONS].size:
        raise SurrogateError(
            f"trial {trial.id}, array {CONFIGURATIONS!r}: shape {shape}; allowed: (S, N, 3), S and N above 0"
        )
    if found[BOXES].shape != (shape[0], 3):
        raise SurrogateError(
            f"trial {trial.id}, array {BOXES!r}: shape {found[BOXES].shape}; ({shape[0]}, 3) is needed"
        )
    return found


def marks(trial: int, name: str, values: Floats | None, shape: tuple[int, ...], lowest: int = 0) -> NDArray[np.int64]:
    """Return whole numbers (S, N) of an array (S, N) or (N,); zeros without one.

    Raises:
        SurrogateError: in one line, for shapes and numbers that cannot be.
    """
    if values is None:
        return np.zeros(shape[:2], dtype=np.int64)
    place = f"trial {trial}, array {name!r}"
    if values.shape not in (shape[:2], shape[1:2]):
        raise SurrogateError(f"{place}: shape {values.shape}; allowed: {shape[:2]} or {shape[1:2]}")
    whole = values.astype(np.int64)
    wrong = values[(whole != values) | (whole < lowest) | (whole >= MOST_MARKS)]
    if wrong.size:
        raise SurrogateError(f"{place}: {wrong[0]:g}; allowed: whole numbers from {lowest} to {MOST_MARKS - 1}")
    return np.broadcast_to(whole, shape[:2])
