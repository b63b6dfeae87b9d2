"""Trials of a small campaign, its mirror in the real MLflow, and what MLflow holds of it then."""

from __future__ import annotations

import dataclasses
import math
import time
from typing import Any

import numpy as np
import pytest
from patience import PATIENCE

from softal.objective import Objective, minimize
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

mlflow = pytest.importorskip("softal.tracking.mlflow")

T0 = 1.7e9
INFO = {
    "name": "argon",
    "id": "0123abcd",
    "created": T0,
    "seed": 7,
    "state": "running",
    "machine": {"host": "node1", "cores": 2},
    "git": "deadbeef",
    "reason": "all 4 trials are done",
    "versions": {"softal": "0.1.0", "numpy": np.__version__},
}
TEXT = "name: argon\nseed: 7\n"


def done(number: int, value: float | None = None, **changes: object) -> Trial:
    value = 1 / (number + 1) if value is None else value
    trial = Trial(
        id=number,
        point={"epsilon": 100.0 + number, "n": 12, "kind": "mie"},
        seed=1000 + number,
        proposed_by="sobol" if number < 3 else "bayesian",
        state=TrialState.DONE,
        observation=Observation({"y": value, "pressure": 2.5}, {"y": 0.01}),
        objective={"y": value},
        objective_errors={"y": 0.01},
        proposed=T0 + number,
        started=T0 + number + 0.25,
        finished=T0 + number + 1.5,
        host="node1",
        attempts=1,
    )
    return dataclasses.replace(trial, **changes)


def failed(number: int, reason: str = "LAMMPS: lost atoms") -> Trial:
    nothing = {"observation": None, "objective": {}, "objective_errors": {}}
    return done(number, state=TrialState.FAILED, reason=reason, **nothing)


def running(number: int, **changes: object) -> Trial:
    nothing = {"observation": None, "objective": {}, "objective_errors": {}, "finished": None}
    return done(number, **{"state": TrialState.RUNNING, **nothing, **changes})


def proposed(number: int) -> Trial:
    return running(number, state=TrialState.PROPOSED, started=None, host=None)


def mirror(journal: Journal, uri: str | None = None, objective: Objective | None = None, **more: Any) -> mlflow.Mirror:
    return mlflow.Mirror(journal, uri, "softal", objective or minimize("y"), **more)


def catch_up(follower: mlflow.Mirror, timeout: float = PATIENCE) -> None:
    deadline = time.monotonic() + timeout
    while follower.behind or not follower.up_to_date:
        follower.step()
        assert time.monotonic() < deadline, follower.last_error
        time.sleep(0.0 if follower.last_error is None else 0.05)


class Held:
    """What MLflow holds of a campaign."""

    def __init__(self, uri: str) -> None:
        self.client = mlflow.MlflowClient(tracking_uri=uri)
        self.experiment = self.client.get_experiment_by_name("softal")
        runs = self.client.search_runs([self.experiment.experiment_id], max_results=5000)
        [self.parent] = [run for run in runs if "softal.trial" not in run.data.tags]
        self.trials = {int(run.data.tags["softal.trial"]): run for run in runs if run is not self.parent}
        assert len(self.trials) == len(runs) - 1, "a trial has two runs"

    @property
    def states(self) -> dict[int, str]:
        return {trial: run.info.status for trial, run in sorted(self.trials.items())}

    def files(self, run: object, folder: str | None = None) -> list[str]:
        return sorted(file.path for file in self.client.list_artifacts(run.info.run_id, folder))


EXPECTED = {TrialState.DONE: "FINISHED", TrialState.FAILED: "FAILED"}


def assert_exact(journal: Journal, uri: str) -> Held:
    """Assert that MLflow holds exactly the journal's finished trials, whole."""
    held = Held(uri)
    trials = {trial.id: trial for trial in journal.trials(TrialState.DONE, TrialState.FAILED)}
    assert held.states == {number: EXPECTED[trial.state] for number, trial in trials.items()}
    for number, trial in trials.items():
        data = held.trials[number].data
        assert float(data.params["epsilon"]) == trial.point["epsilon"]
        if trial.observation:
            assert data.metrics["y"] == trial.observation.values["y"]
        assert data.tags["mlflow.parentRunId"] == held.parent.info.run_id
    return held


def version(number: int, trials: int, rmse: float) -> dict[str, object]:
    """The record of a version of the surrogate."""
    return {"version": number, "trials": trials, "rmse": {"y": rmse}, "r2": {"y": math.nan}, "coverage": {"y": 0.95}}


def leave_to_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the database one whose tables are not known, so that MLflow's own calls are used."""
    monkeypatch.setitem(mlflow.COLUMNS, mlflow.models.SqlTag, {"key", "value"})


def curve(i: int, *, seconds: float, value: float) -> Trial:
    """A trial with an array that has a table and a plot, and a file of its own."""
    seen = Observation({"y": value}, {}, {"y_t": Array(np.full(3, value), None, np.arange(3.0))})
    return done(i, value, observation=seen, started=1000.0, finished=1000.0 + seconds)
