"""Which files MLflow holds of trials: tables, plots, pictures, artifacts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from mirrored import (
    INFO,
    TEXT,
    Held,
    assert_exact,
    catch_up,
    curve,
    done,
    leave_to_mlflow,
    mirror,
)

from softal.objective import Reference, match
from softal.outputs import Outputs
from softal.simulators import snapshots
from softal.tracking.journal import Journal
from softal.tracking.moved import find_again
from softal.trial import Array, Observation

# MLflow and what it brings along warn of their own deprecations.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning"
)


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


@pytest.mark.parametrize("copied", [False, True], ids=["moved", "copied"])
def test_a_campaign_that_is_moved_keeps_its_files(tmp_path: Path, copied: bool) -> None:
    """MLflow's tables hold absolute paths: files were not found any more, and new ones went to the old place."""
    old, new = tmp_path / "a run", tmp_path / "elsewhere" / "moved 100%"
    seen = Observation({"y": 0.5}, {}, {"curve": Array(np.arange(3.0), None, np.arange(3.0))})
    with Journal.create(old, TEXT, INFO) as journal:
        journal.write([done(0, observation=seen)])
        follower = mirror(journal)
        catch_up(follower)
    before = sorted(old.rglob("*"))
    new.parent.mkdir()
    if copied:
        shutil.copytree(old, new)
    else:
        shutil.move(old, new)
    with Journal.open(new, read_only=False) as journal:
        journal.write([done(1, observation=seen)])
        follower = mirror(journal)
        catch_up(follower)
        held = Held(follower.uri)
    assert held.files(held.parent) == ["campaign.yaml"]
    for run in held.trials.values():
        assert run.info.artifact_uri.startswith(new.as_uri())
        assert Path(held.client.download_artifacts(run.info.run_id, "arrays/curve.csv")).read_text()
    assert sorted(old.rglob("*")) == (before if copied else [])
    assert not find_again(new / "mlflow.db")
