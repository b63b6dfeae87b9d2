"""How far a network of dynamics carries beyond the states that it learned from: colder ones, and another interaction.

The paper's figures 4 and 5: trained on one part of the states, R2 by state on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.report import r2
from softal.surrogates.dynamics.training import TrainingSettings
from softal.theory.kob_andersen import INTERACTIONS


@dataclass(frozen=True)
class Transfer:
    """Of networks that learned from a part of the states.

    Attributes:
        trials: (n,) ids.
        reduced: (n,) T / T_mct.
        seen: (n,) whether the networks learned from the trial.
        r2: (n, 2) of A and B.
    """

    trials: NDArray[np.intp]
    reduced: Floats
    seen: NDArray[np.bool_]
    r2: Floats


def transfer(data: DynamicsData, seen: NDArray[np.bool_], settings: TrainingSettings, seed: int) -> Transfer:
    """Train on the trials that are `seen` (n,), without folds, and return R2 of all trials that are not marked.

    Raises:
        SurrogateError: too few states are seen, or none is left.
    """
    from softal.surrogates.dynamics.ensemble import train

    good = data.rows(data.good)
    seen = seen[data.good]
    if seen.all():
        raise SurrogateError(f"all {len(good)} trials are learned from; one at least must be left to transfer to")
    committee = train(good.rows(seen), settings.model_copy(update={"folds": 0}), seed)
    there = np.isfinite(good.t)
    F = committee.predict(good.features, np.log10(np.where(there, good.t, 1.0))).mean(axis=0)
    predicted = np.where(there[:, None], np.swapaxes(F, 1, 2), np.nan)
    return Transfer(good.trials, good.reduced, seen, r2(good.F, predicted))


def transfer_in_temperature(
    data: DynamicsData, thresholds: Sequence[float], settings: TrainingSettings | None = None, seed: int = 0
) -> dict[float, Transfer]:
    """Return threshold -> transfer of networks that learned from T / T_mct > threshold alone.

    Raises:
        SurrogateError: a threshold leaves too few states to learn from, or none to transfer to.
    """
    made = settings or TrainingSettings()
    return {threshold: transfer(data, data.reduced > threshold, made, seed) for threshold in thresholds}


def transfer_between(
    data: DynamicsData, source: str, target: str, settings: TrainingSettings | None = None, seed: int = 0
) -> Transfer:
    """Return the transfer of networks that learned from the interaction `source` alone to `target`.

    Raises:
        SurrogateError: an interaction is not known, or has too few states.
    """
    for name in (source, target):
        if name not in INTERACTIONS:
            raise SurrogateError(f"interaction: {name!r} is given; {' or '.join(INTERACTIONS)} is allowed")
    both = data.rows(np.isin(data.interaction, [INTERACTIONS.index(name) for name in (source, target)]))
    return transfer(both, both.interaction == INTERACTIONS.index(source), settings or TrainingSettings(), seed)
