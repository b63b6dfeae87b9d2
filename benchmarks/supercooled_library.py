"""A library of simulated states of the Kob-Andersen mixture, of which some are chosen and others test.

The library is the folder of a campaign, `campaigns/supercooled_grid.yaml`. In the order of temperature within each
interaction, the 2nd, 5th, 8th ... state is never chosen: it tests. All others from `COLDEST` on are the pool. States
that test and are colder show how far what was learned carries; they count by themselves. States that crystallized or
did not equilibrate cost what they cost, but nothing is learned from them, and nothing tested on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softal.simulators.kob_andersen.kob_andersen import FLAWS
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.ensemble import train
from softal.surrogates.dynamics.training import Committee, TrainingSettings
from softal.theory.kob_andersen import INTERACTIONS
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

Floats = NDArray[np.float64]
Numbers = NDArray[np.intp]

COLDEST = 0.6  # T of the pool
EVERY, SECOND = 3, 1  # of three neighbours in temperature, the one in the middle tests


@dataclass(frozen=True)
class Library:
    """Simulated states, in the order of interaction and temperature.

    Attributes:
        trials: with arrays, of which `told` says in which order they finished.
        data: the same trials.
        tests: (n,) whether a state is never chosen.
        coldest: T of the pool.
    """

    trials: tuple[Trial, ...]
    data: DynamicsData
    tests: NDArray[np.bool_]
    coldest: float = COLDEST

    @classmethod
    def of(cls, trials: Sequence[Trial], coldest: float = COLDEST) -> Library:
        """Return the library of the trials that are done, of which those at T >= `coldest` may be chosen."""
        data = DynamicsData.of(trials, FLAWS)
        order = np.lexsort((data.T, data.interaction))
        data = data.rows(order)
        rank = np.concatenate([np.arange(np.sum(data.interaction == i)) for i in range(len(INTERACTIONS))])
        by_id = {trial.id: trial for trial in trials}
        return cls(tuple(by_id[int(number)] for number in data.trials), data, rank % EVERY == SECOND, coldest)

    @classmethod
    def load(cls, folder: Path, coldest: float = COLDEST) -> Library:
        """Return the library in a campaign's folder."""
        return cls.of(Journal.open(folder).trials(TrialState.DONE, arrays=True), coldest)

    @property
    def pool(self) -> Numbers:
        """Numbers of the states that may be chosen."""
        return np.flatnonzero(~self.tests & self._warm)

    @property
    def test(self) -> DynamicsData:
        """The states that test, without marked ones."""
        return self.data.rows(self.tests & self._warm & self.data.good)

    @property
    def colder(self) -> DynamicsData:
        """The states that test and are colder than the pool, without marked ones; may be none."""
        return self.data.rows(self.tests & ~self._warm & self.data.good)

    @property
    def _warm(self) -> NDArray[np.bool_]:
        return np.greater_equal(self.data.T, self.coldest)

    def cost(self, states: Numbers) -> Floats:
        """Return the simulated time [tau] after each of the states in their order."""
        return np.cumsum(self.data.simulated_time[states])

    def learned(self, states: Numbers, settings: TrainingSettings, seed: int) -> Committee:
        """Return networks that learned from states, without marked ones."""
        chosen = self.data.rows(np.sort(states))
        return train(chosen.rows(chosen.good), settings, seed)


@dataclass(frozen=True)
class Score:
    """How well states are predicted.

    Attributes:
        pooled: R^2 = 1 - sum (prediction - truth)^2 / sum (truth - mean truth)^2 over all states, species and times.
        by_state: (n,) the same for each state, with the state's own mean.
        rmse: (n,) root mean square error of each state.
    """

    pooled: float
    by_state: Floats
    rmse: Floats

    def to_dict(self) -> Mapping[str, float]:
        """Return pooled, median and lowest R^2."""
        return {
            "r2": self.pooled,
            "r2_median": float(np.median(self.by_state)),
            "r2_lowest": float(self.by_state.min()),
        }


def score(predicted: Floats, data: DynamicsData) -> Score:
    """Return the score of predicted curves (n, 2, n_t) of data."""
    there = np.isfinite(data.F)
    missed = np.where(there, predicted - data.F, 0.0) ** 2
    truth = data.F[there]
    own = np.where(there, data.F - np.nanmean(data.F, axis=(1, 2), keepdims=True), 0.0) ** 2
    by_state = missed.sum(axis=(1, 2))
    pooled = 1.0 - float(missed.sum() / np.sum((truth - truth.mean()) ** 2))
    return Score(pooled, 1.0 - by_state / own.sum(axis=(1, 2)), np.sqrt(by_state / there.sum(axis=(1, 2))))


def predict(networks: Committee, data: DynamicsData) -> Floats:
    """Return the mean of the networks' curves (n, 2, n_t) at the states and times of data, by their measured S(k)."""
    log_t = np.log10(np.where(np.isfinite(data.t), data.t, 1.0))
    return np.moveaxis(networks.predict(data.features, log_t).mean(axis=0), 2, 1)
