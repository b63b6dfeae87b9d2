"""What a worker's child process makes of an observation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from softal.objective import Reference, match
from softal.orchestrator.evaluation import run_one
from softal.orchestrator.job import Job, Task
from softal.simulators.base import Context, Simulator
from softal.trial import Array, Observation, Point

R = np.linspace(0.5, 6.0, 12)
REFERENCES = {name: Reference(name, R, np.full(12, factor)) for name, factor in (("g", 2.0), ("h", 4.0))}


class Flat(Simulator):
    """Two curves that are one everywhere."""

    def run(self, point: Point, context: Context) -> Observation:
        curve = Array.of(np.ones(12), np.full(12, 0.1), R)
        return Observation({"chi_h": 9.0}, {}, {"g": curve, "h": curve})


def test_chi_of_each_array_is_recorded_with_the_trial(tmp_path: Path) -> None:
    job = Job("id", tmp_path, tmp_path, Flat(), match(REFERENCES, "R"))
    said, (observation, values, errors) = run_one(Flat(), job, Task(0, {}, 1, 1.0), tmp_path)
    assert said == "done"
    # chi = |1 - 2| / 2; that of h is the simulator's own. sigma_chi = 0.1 / (2 sqrt(12)), by its definition.
    assert observation.values == {"chi_h": 9.0, "chi_g": pytest.approx(0.5)}
    assert observation.errors == {"chi_g": pytest.approx(0.05 / np.sqrt(12))}
    assert values == {"R": pytest.approx(np.sqrt((0.5**2 + 0.75**2) / 2))}
    assert set(errors) == {"R"}
