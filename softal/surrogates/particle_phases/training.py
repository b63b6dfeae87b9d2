"""Phases of particles learned from runs: network, and what is far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.particle_phases.data import Integers, Run
from softal.surrogates.particle_phases.network import Fitted, fitted
from softal.surrogates.particle_phases.novelty import Novelty
from softal.surrogates.particle_phases.settings import ParticlePhasesSettings
from softal.surrogates.particle_phases.split import Side, sides


@dataclass(frozen=True)
class Trained:
    """What was learned.

    Attributes:
        runs: all of them, with labels from 0 to p - 1.
        sides: of each, whether it was learned from, or tests, and where.
        numbers: the simulator's number of each label, (p,).
        fit: the network.
        novelty: what is far.
    """

    runs: Sequence[Run]
    sides: Sequence[Side]
    numbers: tuple[int, ...]
    fit: Fitted
    novelty: Novelty

    def side(self, *wanted: Side) -> tuple[Floats, Integers]:
        """Return inputs (n, d) and labels (n,) of all runs of some sides."""
        return _together([run for run, side in zip(self.runs, self.sides, strict=True) if side in wanted])


def train(runs: Sequence[Run], settings: ParticlePhasesSettings) -> Trained:
    """Learn from one side; nothing but thresholds of what is far depends on the others.

    Raises:
        SurrogateError: where fewer than two labels can be learned, or runs that test have labels that no other has.
    """
    where = sides(runs, settings)
    learned = [run for run, side in zip(runs, where, strict=True) if side == "learned"]
    numbers = sorted({int(label) for run in learned for label in np.unique(run.y)})
    if len(numbers) < 2:
        raise SurrogateError(
            f"labels are told apart, 2 at least; {len(learned)} runs to learn from, of {len(runs)}, have {len(numbers)}"
        )
    for run in runs:
        if more := sorted(set(np.unique(run.y).tolist()) - set(numbers)):
            raise SurrogateError(
                f"trial {run.trial} has the label {more[0]}, but none of the runs to learn from has it"
            )
    renumbered = [
        Run(run.trial, run.point, run.X, np.searchsorted(numbers, run.y).astype(np.int64), run.density) for run in runs
    ]
    fit, novelty = _fit(renumbered, where, len(numbers), settings)
    return Trained(renumbered, where, tuple(numbers), fit, novelty)


def _fit(
    runs: Sequence[Run], where: Sequence[Side], labels: int, settings: ParticlePhasesSettings
) -> tuple[Fitted, Novelty]:
    parts = [[run for run, side in zip(runs, where, strict=True) if side == one] for one in ("learned", "same")]
    (X, y), (unseen, unseen_y) = (_together(part) for part in parts)
    fit = fitted(X, y, labels, settings.hidden, settings.penalty, settings.iterations, settings.seed)
    standardised = fit.network.standardised
    if not len(unseen):
        unseen = np.empty((0, X.shape[1]))
    return fit, Novelty.of(standardised(X), y, standardised(unseen), unseen_y, labels)


def _together(runs: Sequence[Run]) -> tuple[Floats, Integers]:
    if not runs:
        return np.empty((0, 0)), np.empty(0, dtype=np.int64)
    return np.vstack([run.X for run in runs]), np.concatenate([run.y for run in runs])
