"""Files of a worker that does not see the campaign's folder keep their places, and none lands outside of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from softal.orchestrator.workers.artifacts import places_of, with_contents, written
from softal.orchestrator.workers.job import Outcome
from softal.tracking.attachments import copy_artifacts
from softal.trial import Observation, Trial, TrialState


def test_files_of_one_name_in_two_folders_stay_two(tmp_path: Path) -> None:
    workdir, elsewhere, folder = (tmp_path / name for name in ("work", "else", "run/trials/000003"))
    files = {"first": workdir / "a" / "out.txt", "second": workdir / "b" / "out.txt", "third": elsewhere / "out.txt"}
    for name, path in files.items():
        path.parent.mkdir(parents=True)
        path.write_text(name)
    gone = {"gone": workdir / "never.txt"}
    outcome = Outcome(TrialState.DONE, 0.0, 1.0, "node", Observation({"f": 1.0}, artifacts=files | gone))
    sent = with_contents(outcome, workdir)
    kept = written(sent, sent.applied_to(Trial(3, {"x": 0.5})), folder).observation
    assert kept is not None
    assert kept.artifacts == {
        "first": folder / "a" / "out.txt", "second": folder / "b" / "out.txt", "third": folder / "out.txt",
    }  # fmt: skip
    assert {name: path.read_text() for name, path in kept.artifacts.items()} == {name: name for name in files}


@pytest.mark.parametrize("place", ["../../escaped.txt", "/etc/escaped.txt", "a/../../../escaped.txt", "..", "/"])
def test_no_file_lands_outside(tmp_path: Path, place: str) -> None:
    """Whatever a worker says where it was."""
    folder = tmp_path / "run" / "trials" / "000003"
    observation = Observation({"f": 1.0}, artifacts={"file": Path(place)})
    outcome = Outcome(TrialState.DONE, 0.0, 1.0, "node", observation, files={"file": b"content"})
    kept = written(outcome, outcome.applied_to(Trial(3, {"x": 0.5})), folder).observation
    assert kept is not None
    assert kept.artifacts["file"].resolve().is_relative_to(folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept.artifacts["file"]]


def test_places_that_collide_get_numbers() -> None:
    wanted = {"one": "out.txt", "two": "out.txt", "three": "out.txt/log", "four": "a/b", "five": "a"}
    found = {name: str(place) for name, place in places_of({n: Path(p) for n, p in wanted.items()}).items()}
    assert found == {"one": "out.txt", "two": "out-2.txt", "three": "log-2", "four": "a/b", "five": "a-2"}


def test_mlflow_gets_each_of_them(tmp_path: Path) -> None:
    files = {"a/out.txt": tmp_path / "a" / "out.txt", "a_out.txt": tmp_path / "a_out.txt"}
    for name, path in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    copied = copy_artifacts(files, tmp_path / "mlflow")
    assert {path.name: path.read_text() for path in copied} == {"a_out.txt": "a/out.txt", "a_out-2.txt": "a_out.txt"}
