"""The campaign's trials as the page needs them: which lie nearest to a point, and how long such a simulation takes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.service.explorer.plain import plain
from softal.space import Space
from softal.tracking.changes import changes_in
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

NEAREST = 4  # simulations that are drawn beside a prediction
TIMED = 5  # nearest simulations whose times say how long one more takes
MOST_READ = 12  # trials whose arrays are read at once


class Trials:
    """Places, times and arrays of a campaign's trials; what finishes while the page is open is followed.

    Args:
        folder: of the campaign.
        space: of the trials' points.
    """

    def __init__(self, folder: Path, space: Space) -> None:
        self.folder, self.space = folder, space
        self._ids: list[int] = []
        self._places: list[Floats] = []
        self._seconds: list[float] = []  # of a whole simulation, by the trial's fidelity
        self._known = 0
        self._changes = 0  # that the user had made of the campaign: a trial may be dropped
        self._reading = threading.Lock()

    def __len__(self) -> int:
        return len(self._ids)

    def follow(self) -> bool:
        """Read what has finished since; return whether anything has."""
        with self._reading, Journal.open(self.folder) as journal:
            upto, changes = journal.last_told, len(changes_in(journal.info))
            if upto <= self._known and changes == self._changes:
                return False
            if changes != self._changes:
                self._ids, self._places, self._seconds, self._known, self._changes = [], [], [], 0, changes
            for trial in journal.told(self._known, upto):
                if trial.state is TrialState.DONE:
                    self._take(trial)
            self._known = upto
            return True

    def _take(self, trial: Trial) -> None:
        took = trial.finished - trial.started if trial.finished and trial.started else np.nan
        self._ids.append(trial.id)
        self._places.append(self.space.to_unit([trial.point])[0])
        self._seconds.append(took / trial.fidelity)

    @property
    def places(self) -> Floats:
        """Unit points (n, d)."""
        return np.array(self._places).reshape(-1, self.space.dimension)

    def distances(self, u: Floats) -> Floats:
        """Return distances (n,) in the unit cube from a unit point (d,); another choice is 1 away."""
        away = np.abs(self.places - u)
        for column in self.space.categorical:
            away[:, column] = away[:, column] > 1e-9
        return np.asarray(np.sqrt(np.sum(away**2, axis=1)))

    def nearest(self, u: Floats, count: int = NEAREST) -> list[int]:
        """Return the ids of the trials nearest to a unit point (d,), nearest first."""
        return [self._ids[i] for i in np.argsort(self.distances(u), kind="stable")[:count]]

    def expected_seconds(self, u: Floats, fidelity: float) -> float | None:
        """Return how long a simulation is expected to take [s], by the nearest ones; None where nothing is known."""
        order = np.argsort(self.distances(u), kind="stable")
        times = np.array(self._seconds)[order]
        times = times[np.isfinite(times) & (times > 0)][:TIMED]
        return float(np.exp(np.mean(np.log(times))) * fidelity) if len(times) else None

    def arrays(self, ids: Sequence[int], names: Sequence[str]) -> dict[int, dict[str, Any]]:
        """Return trial -> array -> grid and values, of arrays that are curves."""
        found: dict[int, dict[str, Any]] = {}
        with Journal.open(self.folder) as journal:
            for number in ids[:MOST_READ]:
                arrays = journal.arrays(number)
                found[number] = {name: plain(arrays[name]) for name in names if name in arrays}
        return {number: {name: one for name, one in some.items() if one} for number, some in found.items()}
