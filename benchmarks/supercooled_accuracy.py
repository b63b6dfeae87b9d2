"""How good the paper's network and the ensemble are on states that they have not seen, and how long they train.

Folds: every state is predicted by networks that learned from five sixths of the others. Transfer, as in the paper's
figures 4 and 5: networks that learned from T > 1.2 T_mct alone, and from one interaction alone.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from supercooled_library import score

from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.ensemble import train
from softal.surrogates.dynamics.training import TrainingSettings
from softal.surrogates.dynamics.transfer import Transfer, transfer_between, transfer_in_temperature
from softal.theory.kob_andersen import INTERACTIONS

ARCHITECTURES = {
    "ensemble": TrainingSettings(),
    "paper": TrainingSettings(architecture="paper", members=1, fold_members=1),
}
WARMER = 1.2  # T / T_mct above which networks learn that are carried to colder states
SEED = 0


def measure(data: DynamicsData) -> dict[str, Any]:
    """Return all figures, plain data, of both architectures on states that are not marked."""
    data = data.rows(data.good)
    found: dict[str, Any] = {"states": len(data), "reduced": data.reduced.tolist()}
    found["interaction"] = [INTERACTIONS[i] for i in data.interaction]
    for name, settings in ARCHITECTURES.items():
        found[name] = {"folds": folds(data, settings), "training": training(data, settings)}
        found[name]["colder"] = plain(transfer_in_temperature(data, [WARMER], settings, SEED)[WARMER])
        pairs = [(one, other) for one in INTERACTIONS for other in INTERACTIONS if one != other]
        found[name]["between"] = {f"{s} to {t}": plain(transfer_between(data, s, t, settings, SEED)) for s, t in pairs}
    return found


def folds(data: DynamicsData, settings: TrainingSettings) -> dict[str, Any]:
    """Return the score of each state's curves by networks that have not seen it."""
    held_out = train(data, settings, SEED).held_out
    assert held_out is not None  # there are folds
    found = score(held_out.mean, data)
    return {"r2": found.pooled, "by_state": found.by_state.tolist(), "rmse": found.rmse.tolist()}


def training(data: DynamicsData, settings: TrainingSettings) -> dict[str, float]:
    """Return how long it takes to train on all states, with the folds that tell how good it is, and without."""
    times = {}
    for name, folds_ in (("with_folds", settings.folds), ("without", 0)):
        began = time.process_time()
        train(data, settings.model_copy(update={"folds": folds_}), SEED)
        times[name] = time.process_time() - began
    return times


def plain(found: Transfer) -> dict[str, Any]:
    """Return a transfer as JSON has it; R2 is the mean of both species."""
    r2: NDArray[np.float64] = found.r2.mean(axis=1)
    return {"reduced": found.reduced.tolist(), "seen": found.seen.tolist(), "r2": r2.tolist()}
