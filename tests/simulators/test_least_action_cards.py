"""The report's section of a trajectory, from a journal as campaigns of least action leave it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from report_page import Page, decoded, write_report

from softal.objective import minimize
from softal.simulators.least_action.least_action import LeastAction
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

SPACE = Space({"log_lambda_1": {"low": -2.0, "high": 8.0}, "log_lambda_2": {"low": -2.0, "high": 8.0}})
T = np.linspace(0, 0.1, 11)
R = np.linspace(0.05, 5.0, 12)
RMSD = 1e-4 * np.sin(np.pi * T / 0.1) * (T > 0) * (T < 0.1)
PATHS = np.random.default_rng(0).normal(size=(11, 4, 3)).cumsum(axis=0)


def found(number: int, rmsd: float) -> Trial:
    arrays = {
        "rmsd_of_time": Array(RMSD, None, T, "sigma", "ps"),
        "rmsd_momenta_of_time": Array(10 * RMSD + 1e-6, None, T, "", "ps"),
        "rmsd_by_iteration": Array(np.array([1e-2, 1e-3, rmsd]), None, np.arange(3.0), "sigma"),
        "loss_by_iteration": Array(np.array([1.0, 1e-3, 1e-9]), None, np.arange(3.0)),
        "paths_true": Array(PATHS, unit="sigma"),
        "paths_found": Array(PATHS + 0.01, unit="sigma"),
        "g_true": Array(1 - np.exp(-R), 0.01 + 0 * R, R, "", "angstrom"),
        "g_found": Array(1 - np.exp(-R), 0.01 + 0 * R, R, "", "angstrom"),
    }
    values = {"rmsd": rmsd, "log_rmsd": float(np.log10(rmsd)), "defect": 2 * rmsd}
    point = {"log_lambda_1": float(number), "log_lambda_2": 0.0}
    objective = {"log_rmsd": values["log_rmsd"]}
    seen = Observation(values, {}, arrays)
    return Trial(number, point, state=TrialState.DONE, observation=seen, objective=objective, host="a")


def written(folder: Path, trials: list[Trial]) -> Page:
    with Journal.create(folder, "name: i\n", {"id": "0" * 32, "created": 1.79e9, "name": "i"}) as journal:
        journal.write(trials)
    return Page(write_report(folder, space=SPACE, objective=minimize("log_rmsd"), sources=[LeastAction()]))


def test_the_best_trajectory_stands_beside_molecular_dynamics(tmp_path: Path) -> None:
    page = written(tmp_path / "c", [found(0, 1e-3), found(1, 2e-5), found(2, 1e-4)])
    paths, by_iteration, of_time, g = page.panels["Trajectory"]
    lines = [trace for trace in paths["data"] if trace["mode"] == "lines"]
    assert len(lines) == 12
    assert sum(trace["showlegend"] for trace in paths["data"]) == 4
    np.testing.assert_allclose(decoded(lines[1]["y"]), PATHS[:, 0, 1] + 0.01)  # y of the first atom
    dots = [trace for trace in paths["data"] if trace["mode"] == "markers"]
    np.testing.assert_allclose(decoded(dots[1]["y"]), PATHS[:, 0, 1])
    np.testing.assert_allclose(decoded(by_iteration["data"][0]["y"]), [1e-2, 1e-3, 2e-5])
    assert by_iteration["layout"]["yaxis"]["type"] == "log"
    assert len(decoded(of_time["data"][0]["y"])) == 9  # exact ends have no logarithm
    assert [trace.get("name") for trace in g["data"]][-2:] == ["molecular dynamics", "found"]
    assert "Observed" not in page.headings  # it would show the same


def test_no_card_without_a_trajectory(tmp_path: Path) -> None:
    failed = Trial(0, {"log_lambda_1": 3.0, "log_lambda_2": 0.4}, state=TrialState.FAILED, reason="blown up")
    assert "Trajectory" not in written(tmp_path / "c", [failed]).headings
