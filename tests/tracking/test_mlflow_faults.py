"""The mirror, where processes are killed, calls break off, and a real server of MLflow comes and goes."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from mirrored import (
    INFO,
    T0,
    Held,
    assert_exact,
    catch_up,
    curve,
    done,
    failed,
    leave_to_mlflow,
    mirror,
    mlflow,
    proposed,
    running,
    version,
)
from mlflow_server import Server
from patience import PATIENCE

from softal.temporary import temporary_folder
from softal.tracking.journal import Journal
from softal.trial import Array, Observation

# MLflow and what it brings along warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)


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


def test_losses_that_were_computed_anew_replace_those_that_are_held(journal: Journal) -> None:
    journal.write([done(0), failed(1), done(2)])
    catch_up(mirror(journal))
    journal.set_info(recomputed=T0 + 9)
    journal.write([done(0, 3.0, told=1), done(2, 1.0, told=3)])
    for _ in range(2):  # the second finds all as it is
        follower = mirror(journal)
        catch_up(follower)
    held = assert_exact(journal, follower.uri)
    assert held.parent.data.metrics["best"] == 1.0
    assert held.parent.data.tags["softal.recomputed"] == str(T0 + 9)
    assert follower.step() == 0


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
    whole = getattr(mlflow.MlflowStore, call)

    def broken(store: mlflow.MlflowStore, *args: object, **named: object) -> object:
        monkeypatch.setattr(mlflow.MlflowStore, call, whole)
        if after:
            whole(store, *args, **named)
        raise ConnectionError("the network is gone")

    monkeypatch.setattr(mlflow.MlflowStore, call, broken)
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


def test_a_database_that_cannot_be_made_stops_nothing(journal: Journal) -> None:
    journal.write([done(0)])
    follower = mirror(journal, "sqlite:////proc/no/mlflow.db")
    assert follower.step() == 0
    assert follower.behind == 1
    assert follower.last_error
    assert not follower.finish("finished", timeout=0.1)


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
    assert follower.finish("finished", timeout=PATIENCE)
    held = assert_exact(journal, server.uri)
    assert held.parent.info.status == "FINISHED"
    steps = [metric.step for metric in held.client.get_metric_history(held.parent.info.run_id, "done")]
    assert steps == list(range(1, 31))


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


def test_a_database_that_another_campaign_has_made_meanwhile_stays(tmp_path: Path) -> None:
    """Both have seen that there is none; the other one may have written to its own already."""
    (tmp_path / "mlflow.db").write_bytes(b"of the other one")
    mlflow._make_database(tmp_path / "mlflow.db")
    assert (tmp_path / "mlflow.db").read_bytes() == b"of the other one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db"]


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
