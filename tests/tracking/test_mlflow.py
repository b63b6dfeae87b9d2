"""The mirror, with the real MLflow: an SQLite database, and a real server that comes and goes."""

from __future__ import annotations

import dataclasses
import math
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow_server import Server

from softal.answer import answer
from softal.numeric import with_error
from softal.objective import Objective, Reference, learn, match, maximize, minimize, several
from softal.outputs import Outputs
from softal.simulators import snapshots
from softal.temporary import temporary_folder
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

mlflow = pytest.importorskip("softal.tracking.mlflow")
ViewType = pytest.importorskip("mlflow.entities").ViewType
Mirror, MlflowStore = mlflow.Mirror, mlflow.MlflowStore

# MLflow and what it brings along warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)

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


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes a second to make its tables: once is enough."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def journal(tmp_path: Path, empty_database: Path) -> Iterator[Journal]:
    with Journal.create(tmp_path / "argon", TEXT, INFO) as opened:
        shutil.copyfile(empty_database, opened.folder / "mlflow.db")
        yield opened


def mirror(journal: Journal, uri: str | None = None, objective: Objective | None = None, **more: Any) -> mlflow.Mirror:
    return Mirror(journal, uri, "softal", objective or minimize("y"), **more)


def catch_up(follower: mlflow.Mirror, timeout: float = 60.0) -> None:
    deadline = time.monotonic() + timeout
    while follower.behind or not follower.up_to_date:
        follower.step()
        assert time.monotonic() < deadline, follower.last_error
        time.sleep(0.0 if follower.last_error is None else 0.05)


class Held:
    """What MLflow holds of a campaign."""

    def __init__(self, uri: str) -> None:
        self.client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = self.client.get_experiment_by_name("softal")
        runs = self.client.search_runs([experiment.experiment_id], max_results=5000)
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


def test_a_trial_has_its_parameters_values_and_times(journal: Journal) -> None:
    journal.write([done(0), failed(1)])
    follower = mirror(journal)
    assert follower.step() == 2
    assert follower.behind == 0
    held = assert_exact(journal, follower.uri)
    run = held.trials[0]
    assert (run.info.start_time, run.info.end_time) == (round((T0 + 0.25) * 1000), round((T0 + 1.5) * 1000))
    assert run.info.run_name == "trial 0"
    assert run.data.params == {
        "epsilon": "100.0", "n": "12", "kind": "mie", "seed": "1000", "fidelity": "1.0", "proposed_by": "sobol",
    }  # fmt: skip
    assert run.data.metrics == {"y": 1.0, "y_error": 0.01, "pressure": 2.5, "duration": 1.25}
    tags = run.data.tags
    assert (tags["state"], tags["host"], tags["proposed_by"]) == ("done", "node1", "sobol")
    assert tags["softal.proposed_by"] == "Sobol"
    bad = held.trials[1]
    assert bad.data.tags["reason"] == "LAMMPS: lost atoms"
    assert "y" not in bad.data.metrics


def test_the_parent_has_file_versions_and_the_convergence_curve(journal: Journal) -> None:
    journal.write([done(0, 3.0), failed(1), done(2, 2.0), done(3, 2.5)])
    follower = mirror(journal)
    journal.add_version(version(1, 3, 0.2))
    assert follower.finish("finished")
    held = Held(follower.uri)
    parent = held.parent
    assert (parent.info.run_name, parent.info.status) == ("argon", "FINISHED")
    assert parent.data.tags["state"] == "finished"
    assert parent.data.tags["version.softal"] == "0.1.0"
    assert parent.data.tags["mlflow.source.git.commit"] == "deadbeef"
    assert parent.data.tags["host"] == "node1"
    assert parent.data.tags["reason"] == "all 4 trials are done"
    assert parent.data.params["seed"] == "7"
    assert held.files(parent) == ["campaign.yaml"]
    history = {
        name: [(metric.step, metric.value) for metric in held.client.get_metric_history(parent.info.run_id, name)]
        for name in ("best", "done", "failed", "surrogate/rmse.y")
    }
    assert history["best"] == [(1, 3.0), (2, 3.0), (3, 2.0), (4, 2.0)]
    assert history["done"] == [(1, 1), (2, 1), (3, 2), (4, 3)]
    assert history["failed"] == [(1, 0), (2, 1), (3, 1), (4, 1)]
    assert history["surrogate/rmse.y"] == [(3, 0.2)]


def test_versions_that_a_killed_tracker_has_not_mirrored_are_mirrored_by_the_next_one(journal: Journal) -> None:
    journal.write([done(0), done(1)])
    journal.add_version(version(1, 1, 0.4))
    first = mirror(journal)
    first.step()
    assert first.up_to_date
    journal.add_version(version(2, 2, 0.2))
    assert not first.up_to_date
    second = mirror(journal)  # the first was killed
    second.step()
    assert second.up_to_date
    held = Held(second.uri)
    logged = held.client.get_metric_history(held.parent.info.run_id, "surrogate/rmse.y")
    assert [(metric.step, metric.value) for metric in logged] == [(1, 0.4), (2, 0.2)]


def test_what_is_refused_for_good_blocks_nothing_and_is_said_once(journal: Journal, tmp_path: Path) -> None:
    """A table of the surrogate that has vanished, a file that is not there, and a metric that MLflow rejects."""
    (tmp_path / "report.html").write_text("here")
    follower = mirror(journal, files=lambda record: [tmp_path / "gone.json"])
    follower.log_artifact(tmp_path / "nowhere.html")
    follower.log_artifact(tmp_path / "report.html")
    journal.add_version({**version(1, 1, 0.4), "metrics": {"x" * 300: 1.0, "": 2.0}})
    journal.write([done(0)])
    for _ in range(3):
        follower.step()
    assert follower.last_error is None
    assert follower.up_to_date
    held = assert_exact(journal, follower.uri)
    assert "report.html" in held.files(held.parent)
    assert [said.split(":")[0] for said in follower.refused] == ["gone.json", "nowhere.html"]
    assert held.parent.data.tags["softal.refused"].startswith("gone.json: ")
    assert held.parent.data.tags["softal.refused"].endswith(" and 1 more")


def test_the_parent_has_the_answer_with_its_error(journal: Journal) -> None:
    journal.write([done(0, 2.0), done(1, 3.0), done(2, 2.4, point=done(0).point)])
    follower = mirror(journal)
    assert follower.finish("finished")
    parent = Held(follower.uri).parent
    found = answer(follower.objective, journal.trials())
    assert found is not None
    assert found.repeats == parent.data.metrics["answer_repeats"] == 2
    assert parent.data.metrics["answer"] == pytest.approx(2.2)
    assert parent.data.metrics["answer_error"] == pytest.approx(found.error)
    assert f"= {with_error(2.2, found.error)} (" in parent.data.tags["answer"]
    assert "(mean of 2 runs at fidelity 1) at " in parent.data.tags["answer"]


def test_several_objectives_have_one_best_each_and_learn_has_none(journal: Journal) -> None:
    both = {"objective": {"y": 2.0, "pressure": 2.5}, "objective_errors": {}}
    journal.write([done(0, **both)])
    follower = mirror(journal, objective=several(minimize("y"), maximize("pressure")))
    catch_up(follower)
    metrics = Held(follower.uri).parent.data.metrics
    assert (metrics["best_y"], metrics["best_pressure"]) == (2.0, 2.5)
    learner = mirror(journal, f"sqlite:///{journal.folder}/learn.db", learn("y"))
    catch_up(learner)
    assert not [name for name in Held(learner.uri).parent.data.metrics if name.startswith("best")]


def test_arrays_and_artifacts_are_attached(journal: Journal, tmp_path: Path) -> None:
    k = np.linspace(0.5, 8, 50)
    s_k = Array(1 + np.sin(k) / k, np.full(50, 0.02), k, "", "1/angstrom")
    (tmp_path / "log.lammps").write_text("all is well")
    arrays = {"structure_factor": s_k, "matrix": Array(np.eye(3)), "large": Array(np.zeros(200_000))}
    files = {"log": tmp_path / "log.lammps", "gone": tmp_path / "missing"}
    seen = Observation({}, {}, arrays, files)
    journal.write([done(0, observation=seen, objective={"mismatch": 0.1}, objective_errors={})])
    objective = match({"structure_factor": Reference("structure_factor", k[5:40:3], np.ones(12))})
    follower = mirror(journal, objective=objective)
    catch_up(follower)
    held = Held(follower.uri)
    assert held.states == {0: "FINISHED"}
    run = held.trials[0]
    assert held.files(run, "arrays") == ["arrays/arrays.png", "arrays/matrix.npy", "arrays/structure_factor.csv"]
    assert held.files(run, "artifacts") == ["artifacts/log.lammps"]
    table = Path(held.client.download_artifacts(run.info.run_id, "arrays/structure_factor.csv")).read_text()
    assert table.splitlines()[0] == "grid [1/angstrom],structure_factor [-],standard error [-]"
    assert np.allclose(np.loadtxt(table.splitlines()[1:], delimiter=","), np.c_[k, s_k.values, s_k.errors])


@pytest.mark.parametrize(
    ("more", "pictures"),
    [({}, ["snapshot.png"]), ({"box": Array(np.ones(3))}, [])],
    ids=["snapshot", "box of another dimension"],
)
def test_configurations_are_a_picture_and_no_curves(
    journal: Journal, more: dict[str, Array], pictures: list[str]
) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "snapshot": Array(rng.random((50, 2)) * 8),
        "box": Array(np.full(2, 8.0)),
        "diffraction": Array(rng.random((97, 97))),
        "phase_input": Array(rng.random((40, 33, 33))),
        "surface": Array(rng.random((5, 7)), None, rng.random((5, 7))),  # no table: it has two axes
    }
    seen = Observation({"y": 0.5}, {}, {**arrays, **more})
    journal.write([done(0, 0.5, observation=seen)])
    follower = mirror(journal, picture=snapshots.picture, outputs=Outputs(pictured=frozenset(snapshots.NAMES)))
    catch_up(follower)
    held = assert_exact(journal, follower.uri)
    run = held.trials[0]
    assert [file for file in held.files(run) if file != "arrays"] == pictures
    kept = ["box.npy", "diffraction.npy", "snapshot.npy", "surface.npy"]
    assert held.files(run, "arrays") == [f"arrays/{name}" for name in kept]  # no phase_input: it is in the journal


def test_snapshots_are_drawn_while_they_take_little_time(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    from softal.tracking import attachments

    monkeypatch.setattr(attachments, "PLOT_SHARE", 1e6)
    x = np.random.default_rng(0).random((50, 2)) * 8
    seen = Observation({}, {}, {"snapshot": Array(x), "box": Array(np.full(2, 8.0))})
    journal.write([done(i, value, observation=seen) for i, value in enumerate((3.0, 4.0, 2.0, 5.0))])
    follower = mirror(journal, picture=snapshots.picture)
    catch_up(follower)
    held = Held(follower.uri)
    drawn = [number for number, run in sorted(held.trials.items()) if "snapshot.png" in held.files(run)]
    assert drawn == [0, 2]  # each new best


def test_a_restart_adds_nothing_twice(journal: Journal) -> None:
    journal.write([done(0), failed(1), done(2)])
    first = mirror(journal)
    first.log_artifact(journal.folder / "journal.sqlite", "data")
    catch_up(first)
    journal.write([done(3)])
    second = mirror(journal)
    assert second.behind == 4
    assert second.step() == 1
    held = assert_exact(journal, second.uri)
    history = held.client.get_metric_history(held.parent.info.run_id, "done")
    assert [metric.step for metric in history] == [1, 2, 3, 4]
    assert held.files(held.parent) == ["campaign.yaml", "data"]


def leave_to_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the database one whose tables are not known, so that MLflow's own calls are used."""
    monkeypatch.setitem(mlflow.COLUMNS, mlflow.models.SqlTag, {"key", "value"})


def curve(i: int, *, seconds: float, value: float) -> Trial:
    """A trial with an array that has a table and a plot, and a file of its own."""
    seen = Observation({"y": value}, {}, {"y_t": Array(np.full(3, value), None, np.arange(3.0))})
    return done(i, value, observation=seen, started=1000.0, finished=1000.0 + seconds)


@pytest.mark.parametrize("known_tables", [True, False])
def test_files_are_there_whichever_way_a_run_is_written(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, known_tables: bool
) -> None:
    if not known_tables:
        leave_to_mlflow(monkeypatch)
    journal.write([curve(0, seconds=5.0, value=2.0), done(1, 9.0), curve(2, seconds=5.0, value=1.0)])
    follower = mirror(journal)
    catch_up(follower)
    held = assert_exact(journal, follower.uri)
    assert (follower.store._database is not None) == known_tables
    assert [held.files(held.trials[i]) for i in range(3)] == [["arrays"], [], ["arrays"]]
    for i in (0, 2):
        assert held.files(held.trials[i], "arrays") == ["arrays/arrays.png", "arrays/y_t.csv"]


def test_a_kill_between_the_files_and_the_runs_is_made_good(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.write([curve(0, seconds=5.0, value=2.0)])
    follower = mirror(journal)
    with monkeypatch.context() as patched:
        patched.setattr(mlflow._Database, "_add_rows", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            follower.step()
    assert Held(follower.uri).states == {}
    again = mirror(journal)
    catch_up(again)
    held = assert_exact(journal, again.uri)
    assert held.files(held.trials[0], "arrays") == ["arrays/arrays.png", "arrays/y_t.csv"]


def test_of_many_quick_trials_the_first_and_the_best_have_files(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from softal.tracking import attachments
    from softal.tracking import mirror as follows

    monkeypatch.setattr(follows, "FIRST_FILES", 2)
    monkeypatch.setattr(attachments, "PLOT_SHARE", 1e6)
    values = (5.0, 4.0, 6.0, 3.0, 2.0, 7.0)
    quick = [curve(i, seconds=0.01, value=value) for i, value in enumerate(values)]
    journal.write([*quick, curve(6, seconds=5.0, value=8.0)])
    follower = mirror(journal)
    catch_up(follower)
    held = assert_exact(journal, follower.uri)
    files = {i: held.files(run, "arrays") for i, run in held.trials.items()}
    assert {i for i, found in files.items() if found} == {0, 1, 3, 4, 6}
    assert {i for i in range(6) if "arrays/arrays.png" in files[i]} == {4}, "the last of the new bests"


@pytest.mark.parametrize("call", ["create", "complete", "add", "log_campaign", "remove"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_call_that_breaks_off_is_made_good(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, call: str, after: bool
) -> None:
    """Any call may fail, or succeed and fail to say so; another mirror then starts from what MLflow holds."""
    observed = done(1)
    arrays = {"y_t": Array(np.arange(3.0))}
    journal.write([done(0), dataclasses.replace(observed, observation=Observation({"y": 0.5}, {}, arrays)), running(2)])
    if call == "complete":
        leave_to_mlflow(monkeypatch)
    follower = mirror(journal)
    if call == "remove":
        catch_up(follower)
        journal.write([proposed(2)])
    whole = getattr(MlflowStore, call)

    def broken(store: mlflow.MlflowStore, *args: object, **named: object) -> object:
        monkeypatch.setattr(MlflowStore, call, whole)
        if after:
            whole(store, *args, **named)
        raise ConnectionError("the network is gone")

    monkeypatch.setattr(MlflowStore, call, broken)
    follower.step()
    assert follower.last_error == "the network is gone"
    journal.write([done(2)])
    again = mirror(journal)
    catch_up(again)
    assert_exact(journal, again.uri)
    follower._retry_at = 0.0  # and so does the one that saw the failure
    catch_up(follower)
    assert_exact(journal, again.uri)


def test_a_kill_inside_a_trials_calls_is_made_good(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, empty_database: Path
) -> None:
    """The mirror dies between `create_run` and `log_batch`, and between `log_batch` and the end of the run."""
    leave_to_mlflow(monkeypatch)
    seen = Observation({"y": 0.5}, {}, {"y_t": Array(np.arange(3.0))})
    journal.write([done(0, 0.5, observation=seen)])
    for call in ("log_batch", "log_artifacts", "set_terminated"):
        shutil.copyfile(empty_database, journal.folder / f"{call}.db")
        follower = mirror(journal, f"sqlite:///{journal.folder}/{call}.db")
        with monkeypatch.context() as patched:
            original = getattr(mlflow.MlflowClient, call)

            def killed(
                client: object, run: str, *args: object, original: Callable[..., object] = original, **more: object
            ) -> object:
                if "softal.trial" in client.get_run(run).data.tags:
                    raise SystemExit
                return original(client, run, *args, **more)

            patched.setattr(mlflow.MlflowClient, call, killed)
            with pytest.raises(SystemExit):
                follower.step()
        assert Held(follower.uri).states == {0: "RUNNING"}
        again = mirror(journal, follower.uri)
        catch_up(again)
        assert_exact(journal, again.uri)


def test_doubled_runs_are_removed(journal: Journal) -> None:
    journal.write([done(0)])
    follower = mirror(journal)
    catch_up(follower)
    held = Held(follower.uri)
    for trial in (0, 5):  # a run of trial 0 made right before a kill, and one of a trial that the journal lost
        tags = {"softal.campaign": INFO["id"], "softal.trial": str(trial), "mlflow.parentRunId": "x"}
        held.client.create_run(held.parent.info.experiment_id, tags=tags)
    again = mirror(journal)
    catch_up(again)
    assert_exact(journal, follower.uri)


def test_a_long_trial_is_shown_while_it_runs(journal: Journal) -> None:
    now = T0 + 1
    follower = mirror(journal)
    follower._clock = lambda: now
    journal.write([running(0)])
    follower.step()
    assert Held(follower.uri).states == {}
    now = T0 + 3
    follower.step()
    held = Held(follower.uri)
    assert held.states == {0: "RUNNING"}
    assert held.trials[0].data.params["epsilon"] == "100.0"
    journal.write([done(0)])
    follower.step()
    assert_exact(journal, follower.uri)


def test_a_requeued_trial_leaves_no_running_run(journal: Journal) -> None:
    follower = mirror(journal)
    journal.write([running(0), running(1)])
    follower.step()
    assert Held(follower.uri).states == {0: "RUNNING", 1: "RUNNING"}
    journal.write([proposed(0), running(1, started=T0 + 50, attempts=2)])
    follower.step()
    held = Held(follower.uri)
    assert held.states == {1: "RUNNING"}
    assert held.trials[1].info.start_time == round((T0 + 50) * 1000)
    deleted = held.client.search_runs([held.parent.info.experiment_id], run_view_type=ViewType.DELETED_ONLY)
    assert {run.info.status for run in deleted} == {"KILLED"}
    journal.write([done(0, started=T0 + 60, finished=T0 + 61, attempts=2), running(1, started=T0 + 50)])
    assert follower.finish("stopped")
    held = assert_exact(journal, follower.uri)
    assert held.parent.info.status == "KILLED"
    assert held.trials[0].data.tags["attempts"] == "2"


def test_insertion_and_client_calls_write_the_same(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    journal.write([done(0), failed(1), done(2, objective={"z": 1e400}, point={"epsilon": 1.0, "n": 12, "kind": True})])
    inserted = mirror(journal)
    catch_up(inserted)
    monkeypatch.setattr(mlflow._Database, "of", classmethod(lambda *_: None))
    called = mirror(journal, f"sqlite:///{journal.folder}/called.db")
    catch_up(called)
    assert _rows(inserted.uri) == _rows(called.uri)
    assert_exact(journal, inserted.uri)


def _rows(uri: str) -> dict[str, list[tuple[object, ...]]]:
    database = sqlite3.connect(uri.removeprefix("sqlite:///"))
    rows: dict[str, list[tuple[object, ...]]] = {}
    for table in ("runs", "tags", "params", "metrics", "latest_metrics"):
        cursor = database.execute(
            f"SELECT r.name AS run, t.* FROM {table} t JOIN runs r USING (run_uuid) WHERE r.name LIKE 'trial %'"
        )
        names = [column[0] for column in cursor.description]
        differing = {"run_uuid", "artifact_uri"}
        kept = [
            tuple(value for name, value in zip(names, row, strict=True) if name not in differing)
            for row in cursor
            if "mlflow.parentRunId" not in row
        ]
        rows[table] = sorted(kept, key=repr)
    database.close()
    return rows


def test_tables_that_are_not_ours_are_left_to_mlflow(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    leave_to_mlflow(monkeypatch)
    journal.write([done(0)])
    follower = mirror(journal)
    catch_up(follower)
    assert follower.store._database is None
    assert_exact(journal, follower.uri)


def test_what_mlflow_does_not_take_does_not_stop_it(journal: Journal) -> None:
    names = {"S(k)/max": 1.0, "../up": 2.0, "é": 3.0, "x" * 400: 4.0, "inf": float("inf"), "nan": float("nan")}
    journal.write([done(0, observation=Observation(names)), failed(1, "x" * 20_000), done(2)])
    follower = mirror(journal)
    catch_up(follower)
    held = Held(follower.uri)
    assert held.states == {0: "FINISHED", 1: "FAILED", 2: "FINISHED"}
    assert held.trials[0].data.metrics["S_k_/max"] == 1.0


def test_texts_that_are_no_unicode_do_not_stop_it(journal: Journal) -> None:
    """Half of a surrogate pair, from a choice such as "\\ud800": databases take no such text."""
    journal.write([done(0, point={**done(0).point, "kind": "\ud800"}), done(1)])
    follower = mirror(journal)
    catch_up(follower)
    held = Held(follower.uri)
    assert held.states == {0: "FINISHED", 1: "FINISHED"}
    assert held.trials[0].data.params["kind"] == "\\ud800"


def test_a_password_is_neither_in_errors_nor_in_mlflow(tmp_path: Path) -> None:
    text = "tracking: {mlflow: http://alice:S3cret@127.0.0.1:9}\n"  # of a journal from before
    with Journal.create(tmp_path / "argon", text, INFO) as journal:
        journal.write([done(0)])
        away = mirror(journal, "http://alice:S3cret@127.0.0.1:9")
        assert away.step() == 0
        assert "S3cret" not in (away.last_error or "S3cret")
        follower = mirror(journal)
        catch_up(follower)
        held = Held(follower.uri)
        kept = Path(held.client.download_artifacts(held.parent.info.run_id, "campaign.yaml"))
        assert kept.read_text() == text.replace("S3cret", "***")


def test_two_campaigns_share_an_experiment(journal: Journal, tmp_path: Path) -> None:
    journal.write([done(0)])
    follower = mirror(journal)
    catch_up(follower)
    with Journal.create(tmp_path / "other", TEXT, {**INFO, "id": "ffff"}) as other:
        other.write([done(0), done(1)])
        second = mirror(other, follower.uri)
        catch_up(second)
        assert second.step() == 0
    client = mlflow.MlflowClient(tracking_uri=follower.uri)
    assert len(client.search_runs([client.get_experiment_by_name("softal").experiment_id])) == 2 + 3


def test_a_campaign_alone_makes_its_database(tmp_path: Path) -> None:
    with Journal.create(tmp_path / "argon", TEXT, INFO) as journal:
        journal.write([done(0)])
        follower = mirror(journal)
        catch_up(follower)
        assert_exact(journal, follower.uri)
        assert {path.name for path in journal.folder.iterdir()} >= {"mlflow.db", "mlartifacts"}


def test_a_database_that_cannot_be_made_stops_nothing(journal: Journal) -> None:
    journal.write([done(0)])
    follower = mirror(journal, "sqlite:////proc/no/mlflow.db")
    assert follower.step() == 0
    assert follower.behind == 1
    assert follower.last_error
    assert not follower.finish("finished", timeout=0.1)


# With a server.


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.kill()


@pytest.mark.ray
def test_a_server_that_comes_and_goes(journal: Journal, server: Server, tmp_path: Path) -> None:
    """Down at the start, up, killed in the middle of the work, up again: MLflow then has it all."""
    (tmp_path / "log.txt").write_text("all is well")
    journal.write([done(0), failed(1)])
    follower = mirror(journal, server.uri)
    begun = time.monotonic()
    assert follower.step() == 0
    assert time.monotonic() - begun < 30  # not for minutes, as MLflow's client does by default
    assert follower.behind == 2
    assert follower.last_error
    server.start()
    arrays = {"g_r": Array(np.ones(5), None, np.arange(5.0))}
    seen = Observation({"y": 0.5}, {"y": 0.1}, arrays, {"log": tmp_path / "log.txt"})
    journal.write([running(2), done(3, 0.5, observation=seen)])
    catch_up(follower)
    assert Held(server.uri).states == {0: "FINISHED", 1: "FAILED", 2: "RUNNING", 3: "FINISHED"}
    assert Held(server.uri).files(Held(server.uri).trials[3]) == ["arrays", "artifacts"]
    server.kill()
    journal.write([proposed(2), *(done(number) for number in range(4, 30))])
    assert follower.step() == 0
    assert follower.behind == 26
    journal.write([running(2, started=T0 + 100, attempts=2)])
    server.start()
    while follower.step(max_trials=5) < 1:
        time.sleep(0.05)
    server.kill()  # in the middle of catching up
    follower.step()
    server.start()
    journal.write([done(2, started=T0 + 100, finished=T0 + 120, attempts=2)])
    assert follower.finish("finished", timeout=90)
    held = assert_exact(journal, server.uri)
    assert held.parent.info.status == "FINISHED"
    steps = [metric.step for metric in held.client.get_metric_history(held.parent.info.run_id, "done")]
    assert steps == list(range(1, 31))


def test_a_process_is_not_asked_to_report_usage() -> None:
    code = "import softal.tracking.mlflow; from mlflow.telemetry import utils; print(utils.is_telemetry_disabled())"
    hidden = ("MLFLOW", "CI", "PYTEST", "GITHUB", "DO_NOT_TRACK")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert answer.stdout.strip() == "True"
    assert not answer.stderr


KILLED = """
import os, signal, sys, threading, time
from pathlib import Path
from softal.tracking import mlflow
path = Path(sys.argv[1])
def kill():
    while not list(path.parent.glob("mlflow.db.new-*/*")):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill, daemon=True).start()
mlflow._make_database(path)
"""


def test_drafts_that_killed_processes_have_left_are_removed(tmp_path: Path, empty_database: Path) -> None:
    path, old, young = (tmp_path / name for name in ("mlflow.db", "mlflow.db.1f.new", "mlflow.db.2f.new"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, env=environment)
    assert killed.returncode == -signal.SIGKILL
    [left] = tmp_path.glob("mlflow.db.new-*")
    for draft in (old, young):  # as they were called before
        draft.write_text("")
    os.utime(old, (time.time() - 7200,) * 2)
    shutil.copyfile(empty_database, path)
    with temporary_folder(tmp_path, "mlflow.db.new-") as another:  # that a running process has
        mlflow._prepare_sqlite(path)
        assert [draft.exists() for draft in (left, old, young, another)] == [False, False, True, True]
