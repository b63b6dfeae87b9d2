"""What MLflow, the real one with an SQLite database, holds of a campaign and its trials."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mirrored import (
    INFO,
    T0,
    TEXT,
    Held,
    assert_exact,
    catch_up,
    done,
    failed,
    leave_to_mlflow,
    mirror,
    mlflow,
    proposed,
    running,
    version,
)

from softal.answer import answer
from softal.numeric import with_error
from softal.objective import learn, maximize, minimize, several
from softal.tracking.journal import Journal
from softal.tracking.sqlite_address import file_of
from softal.trial import Observation

ViewType = pytest.importorskip("mlflow.entities").ViewType

# MLflow and what it brings along warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)


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


def test_names_that_are_one_in_mlflow_are_told_apart_for_good(journal: Journal) -> None:
    """`g[r]` and `g(r)` are both `g_r_` there, and `y_error` may be a value beside the error of `y`."""
    journal.write(
        [done(0, observation=Observation({"y": 1.0, "g(r)": 2.0, "g[r]": 3.0, "y_error": 77.0}, {"y": 0.01}))]
    )
    journal.write([done(1, observation=Observation({"y": 1.0, "g[r]": 5.0}, {"y": 0.02}))])
    follower = mirror(journal)
    catch_up(follower)
    first, second = (Held(follower.uri).trials[number].data.metrics for number in (0, 1))
    [marked] = [name for name, value in first.items() if value == 3.0]
    assert first["g_r_"] == 2.0
    assert first["y_error"] == 77.0
    assert [name for name in first if name.startswith("y_error_") and first[name] == 0.01]
    assert marked.startswith("g_r__")
    assert second[marked] == 5.0
    assert "g_r_" not in second


@pytest.mark.parametrize("name", ["what?", "100%25", "a#b"])
def test_a_database_is_found_in_folders_of_any_name(tmp_path: Path, empty_database: Path, name: str) -> None:
    with Journal.create(tmp_path / name / "argon", TEXT, INFO) as journal:
        if name != "what?":  # making one takes two seconds
            shutil.copyfile(empty_database, journal.folder / "mlflow.db")
        journal.write([done(0)])
        follower = mirror(journal)
        catch_up(follower)
        assert [path.name for path in tmp_path.glob("*/*")] == ["argon"]
        assert_exact(journal, follower.uri)
    assert file_of(follower.uri) == tmp_path / name / "argon" / "mlflow.db"
    with closing(sqlite3.connect(tmp_path / name / "argon" / "mlflow.db")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (2,)


def test_an_experiment_of_an_older_version_opens_under_model_training_too(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where MLflow makes folders for an experiment without a place
    journal.write([done(0)])
    uri = mlflow.default_uri(journal.folder)
    mlflow.MlflowClient(tracking_uri=uri).create_experiment("softal")
    follower = mirror(journal)
    follower.step()
    assert Held(uri).experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_the_parent_has_file_versions_and_the_convergence_curve(journal: Journal) -> None:
    journal.write([done(0, 3.0), failed(1), done(2, 2.0), done(3, 2.5)])
    parts = {f"space.x{i}": "0 to 1" for i in range(150)}  # MLflow takes 100 at a time
    journal.set_info(described={"strategy": "bayesian", "strategy.n_initial": "4", **parts})
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
    assert parent.data.params == {
        "seed": "7", "objective": "minimize y", "strategy": "bayesian", "strategy.n_initial": "4", **parts,
    }  # fmt: skip
    assert held.experiment.tags["mlflow.experimentKind"] == "custom_model_development"
    assert held.files(parent) == ["campaign.yaml"]
    history = {
        name: [(metric.step, metric.value) for metric in held.client.get_metric_history(parent.info.run_id, name)]
        for name in ("best", "done", "failed", "surrogate/rmse.y")
    }
    assert history["best"] == [(1, 3.0), (2, 3.0), (3, 2.0), (4, 2.0)]
    assert history["done"] == [(1, 1), (2, 1), (3, 2), (4, 3)]
    assert history["failed"] == [(1, 0), (2, 1), (3, 1), (4, 1)]
    assert history["surrogate/rmse.y"] == [(3, 0.2)]


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


def test_a_process_is_not_asked_to_report_usage() -> None:
    code = "import softal.tracking.mlflow; from mlflow.telemetry import utils; print(utils.is_telemetry_disabled())"
    hidden = ("MLFLOW", "CI", "PYTEST", "GITHUB", "DO_NOT_TRACK")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert answer.stdout.strip() == "True"
    assert not answer.stderr
