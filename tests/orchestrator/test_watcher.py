"""Programs that a simulation starts end with its trial, its child, its worker: also in sessions of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from driving import HERE
from patience import PATIENCE

from softal.orchestrator.workers.job import Job, Task, WorkerLost
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.trial import TrialState

pytestmark = pytest.mark.ray  # workers in processes of their own, though without Ray


def job(folder: Path, walltime: float | None = None) -> Job:
    return Job("id", folder, HERE, ("simulations:Starter", {"log": str(folder / "log")}), None, walltime=walltime)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    (tmp_path / "lock").write_text("id\n")
    made = job(tmp_path)
    sandbox = Sandbox(made, pack(made, HERE))
    yield sandbox
    sandbox.discard()


def wait_until(true: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def started(folder: Path) -> list[psutil.Process]:
    """Return the processes of the trial that runs: three programs, a pool's worker, and the child; the log is taken."""
    wait_until((folder / "log").exists)
    found = [psutil.Process(int(pid)) for pid in (folder / "log").read_text().split()]
    (folder / "log").unlink()
    return found


def ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_what_a_trial_starts_ends_with_it_but_for_what_serves_the_next(sandbox: Sandbox, tmp_path: Path) -> None:
    helpers = []
    for trial in range(2):
        log = tmp_path / "log"
        assert sandbox.evaluate(Task(trial, {"hang": 0}, 1, 1.0)).state is TrialState.DONE
        *programs, helper, child = map(int, log.read_text().split())
        assert not any(psutil.pid_exists(pid) for pid in programs), "not even as zombies"
        assert psutil.pid_exists(child)
        helpers.append(helper)
    assert helpers[0] == helpers[1], "the pool was taken from the simulation that keeps it"
    sandbox.close()
    assert not any(psutil.pid_exists(pid) for pid in (helper, child))


def test_what_a_command_leaves_ends_with_its_trial_in_a_session_of_its_own_too(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("id\n")
    leave = f"setsid sleep 3000 > /dev/null 2>&1 & echo $! > {tmp_path}/log; echo '{{\"f\": 1}}'"
    settings = {"command": leave, "shell": True, "folder": str(tmp_path)}
    made = Job("id", tmp_path, tmp_path, ("command", settings), None)
    sandbox = Sandbox(made, pack(made, tmp_path))
    try:
        outcome = sandbox.evaluate(Task(0, {}, 1, 1.0))
        assert outcome.state is TrialState.DONE, outcome.reason
        assert not psutil.pid_exists(int((tmp_path / "log").read_text()))
    finally:
        sandbox.discard()


def test_programs_end_at_the_walltime(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.job = job(tmp_path, walltime=1.5)
    while not (tmp_path / "log").exists():  # a walltime that ends before the programs are there tells nothing
        sandbox.job = job(tmp_path, walltime=2 * (sandbox.job.walltime or 1))
        outcome = sandbox.evaluate(Task(0, {"hang": 1}, 1, 1.0))
        assert outcome.reason is not None
        assert "walltime" in outcome.reason
    assert not any(psutil.pid_exists(int(pid)) for pid in (tmp_path / "log").read_text().split())


def test_programs_end_with_whoever_is_killed(sandbox: Sandbox, tmp_path: Path) -> None:
    for generation in range(3):  # the child, the watcher above it, and that one's own
        lost: list[BaseException] = []
        thread = threading.Thread(target=_evaluate, args=(sandbox, lost))
        thread.start()
        processes = started(tmp_path)
        [processes[-1], *processes[-1].parents()][generation].kill()
        thread.join(PATIENCE)
        assert isinstance(lost[0], WorkerLost)
        wait_until(lambda: all(map(ended, processes)))  # noqa: B023


def _evaluate(sandbox: Sandbox, lost: list[BaseException]) -> None:
    try:
        sandbox.evaluate(Task(0, {"hang": 1}, 1, 1.0))
    except WorkerLost as error:
        lost.append(error)


WORKER = """
import sys
from pathlib import Path
from softal.orchestrator.workers.job import Task
from softal.orchestrator.workers.pickling import unpack
from softal.orchestrator.workers.sandbox import Sandbox
payload = Path(sys.argv[1]).read_bytes()
Sandbox(unpack(payload), payload).evaluate(Task(0, {"hang": 1}, 1, 1.0))
"""


def test_programs_end_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    """Its child's watchers, too, which Ray kills with a worker that it ends by force, one of them."""
    (tmp_path / "payload").write_bytes(pack(job(tmp_path), HERE))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    for children_too in (False, True):
        worker = subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path / "payload")], env=environment)
        processes = started(tmp_path)
        outer = psutil.Process(worker.pid).children()
        worker.kill()
        for process in outer if children_too else ():
            process.kill()
        worker.wait()
        wait_until(lambda: all(map(ended, [*processes, *outer])))  # noqa: B023
