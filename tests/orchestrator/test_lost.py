"""Lost is not failed: a full disk, a worker that cannot work, a worker that is lost cost no trial."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from driving import HERE, Listening

from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.loop.pause import Pause
from softal.orchestrator.workers.crew import LOST_WORKERS, Crew
from softal.orchestrator.workers.in_process import InProcess, in_a_child
from softal.orchestrator.workers.job import (
    Job,
    NoRoom,
    Outcome,
    SimulationKilled,
    Task,
    WorkerFailed,
    WorkerLost,
    trial_folder,
)
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.trial import Trial, TrialState

Make = Callable[..., Campaign]
DONE = TrialState.DONE
FULL = r"hardly anything is free|No space left on device"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root only, where the system allows it")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to the last byte, by the file that is returned."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as stream:
        try:
            while stream.write(b"x" * 4096):
                pass
        except OSError:
            return path


@contextmanager
def in_children(*, concurrent: int, **others: Any) -> Iterator[InProcess]:
    """Workers with sandboxes of their own, as Ray's have them."""
    executor = InProcess(concurrent, in_a_child)
    try:
        yield executor
    finally:
        executor.close()


class FillsDisk(Listening):
    """Fills the disk after so many trials; once the campaign says that it is paused, it does what is to be done."""

    def __init__(self, disk: Path, after: int, then: Callable[[Path], object]) -> None:
        super().__init__()
        self.disk, self.after, self.then = disk, after, then
        self.filler = disk
        self.finished = 0

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        self.finished += 1
        if self.finished == self.after:
            self.filler = fill(self.disk)

    def message(self, text: str) -> None:
        super().message(text)
        if text.startswith("Paused"):
            threading.Timer(1.0, self.then, [self.filler]).start()


@pytest.mark.ray
def test_a_full_disk_pauses_a_campaign_and_costs_no_trial(make_campaign: Make, small_disk: Path) -> None:
    """The simulations write files, the driver the journal with arrays: each finds no room."""
    # More than may be in the hands of two workers when the disk is full: one begins while the campaign is paused.
    campaign = make_campaign(simulator="simulations:Dumps", budget={"trials": 16})
    campaign.folder = small_disk / "run"
    listener = FillsDisk(small_disk, 3, Path.unlink)
    assert campaign.launch(listener, executor=in_children).state == "finished"
    assert [trial.state for trial in campaign.list_trials()] == [DONE] * 16
    paused, again = (text for text in listener.messages if "room" in text)
    assert paused.startswith("Paused, since a disk is full: ")
    assert again == "There is room again; the campaign goes on."
    for trial in campaign.list_trials():
        assert (trial_folder(campaign.folder, trial.id, trial.attempts) / "dump.bin").stat().st_size == 300_000


def test_a_campaign_on_a_full_disk_can_be_stopped_and_goes_on_later(make_campaign: Make, small_disk: Path) -> None:
    campaign = make_campaign(budget={"trials": 8}, workers={"concurrent": 2, "grace": "0 s"})
    campaign.folder = small_disk / "run"
    listener = FillsDisk(small_disk, 3, lambda filler: os.kill(os.getpid(), signal.SIGINT))
    ending = campaign.launch(listener, executor=lambda **wanted: in_children(**wanted))
    assert ending.exit_code == 130
    listener.filler.unlink()
    before = {trial.id: trial for trial in campaign.list_trials() if trial.state.finished}
    assert campaign.resume(executor=in_children).state == "finished"
    after = {trial.id: trial for trial in campaign.list_trials()}
    assert {trial.state for trial in after.values()} == {DONE}
    assert {i: after[i] for i in before} == before


def test_a_pause_tries_a_trial_after_longer_and_longer_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("softal.orchestrator.loop.pause.time.time", lambda: now[0])
    said: list[str] = []
    pause = Pause(tmp_path, said.append, lambda: False)
    assert pause.more() is None
    for delay in (2, 4, 8, 16, 32, 60, 60):
        for _ in range(2):  # trials of before
            pause.begin("full")
        now[0] += delay - 0.1
        assert pause.more() == 0
        now[0] += 0.1
        assert pause.more() == 1
        pause.handed()
        assert pause.more() == 0
    pause.finished(990.0)  # of before
    assert pause.more() == 0
    pause.finished(now[0])
    assert pause.more() is None
    assert len(said) == 2


def test_a_pause_fills_a_cluster_again_while_what_it_tries_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulations of hours: a whole cluster waited for the end of the first that was tried."""
    now, room = [1000.0], [0]
    monkeypatch.setattr("softal.orchestrator.loop.pause.time.time", lambda: now[0])
    monkeypatch.setattr("softal.orchestrator.loop.pause.free", lambda folder: room[0])
    pause = Pause(tmp_path, lambda text: None, lambda: False)
    for _ in range(5):
        pause.begin("full")
        pause.handed()
    now[0] += 60
    assert pause.more() == 0  # the driver's own disk is full
    room[0] = 2_000_000
    handed = []
    while now[0] < 1200:
        if pause.more():
            pause.handed()
            handed.append(now[0] - 1060)
        now[0] += 0.5
    assert handed[:7] == [0, 16, 24, 28, 30, 32, 34]
    assert len(handed) > 50
    pause.begin("full")
    room[0] += 10_000_000
    assert pause.more() == 1  # at once
    pause.handed()
    assert pause.more() == 0


@contextmanager
def sandbox(folder: Path, simulator: str) -> Iterator[Sandbox]:
    (folder / "lock").write_text("id\n")
    job = Job("id", folder, HERE, (f"simulations:{simulator}", {}), None)
    made = Sandbox(job, pack(job, HERE))
    try:
        yield made
    finally:
        made.discard()


@pytest.mark.parametrize("several", [False, True])
def test_what_a_simulation_meets_on_a_full_disk_is_no_failure(small_disk: Path, several: bool) -> None:
    tasks = [Task(i, {"x": 0.5}, 1, 1.0) for i in range(1 + several)]
    with sandbox(small_disk, "Dumps") as made:
        filler = fill(small_disk)
        with pytest.raises(NoRoom, match=FULL):
            made.evaluate_together(tasks)
        os.truncate(filler, filler.stat().st_size - 1_200_000)  # enough to begin with, not for all
        made.evaluate(tasks[0])
        with pytest.raises(NoRoom, match=FULL):
            made.evaluate_together([Task(i, {"x": 0.5}, 1, 1.0) for i in range(1, 5)])
        filler.unlink()
        assert {outcome.state for outcome in made.evaluate_together(tasks)} == {DONE}


def test_links_in_the_folder_of_trials_are_removed_and_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "mine").touch()
    (tmp_path / "trials").mkdir()
    for name in ("000000", "000001-2", "000001"):
        (tmp_path / "trials" / name).symlink_to(kept)
    (tmp_path / "trials" / "000003").symlink_to(tmp_path / "nowhere")
    with sandbox(tmp_path, "Writer") as made:
        for task in (Task(0, {}, 1, 1.0), Task(1, {}, 1, 1.0, 2), Task(3, {}, 1, 1.0)):
            assert made.evaluate(task).state is DONE
    assert (kept / "mine").exists()
    assert not [path for path in (tmp_path / "trials").iterdir() if path.is_symlink()]


def test_a_folder_of_trials_that_cannot_be_made_is_no_result(tmp_path: Path) -> None:
    (tmp_path / "trials").symlink_to(tmp_path / "nowhere" / "else")
    with sandbox(tmp_path, "Writer") as made, pytest.raises(WorkerFailed, match="trials"):
        made.evaluate(Task(0, {}, 1, 1.0))


class Losing:
    """An executor whose tasks all end so."""

    slots, here, exclusive = 2, 2, False

    def __init__(self, lost: WorkerLost) -> None:
        self.lost, self.submitted = lost, 0

    def serve(self, job: Job, memory: int | None) -> None: ...

    def submit(self, name: str, tasks: Sequence[Task]) -> int:
        self.submitted += 1
        return self.submitted

    def outcomes(self, handle: int) -> list[Outcome]:
        raise self.lost


@pytest.mark.parametrize(
    ("lost", "times", "becomes"),
    [
        (SimulationKilled("killed by SIGKILL"), 2, "failed"),
        (WorkerFailed("PermissionError: trials"), 2, "stuck"),
        (WorkerLost("its node died"), LOST_WORKERS, "stuck"),
        (NoRoom("No space left on device"), 100, "put back"),
    ],
)
def test_only_a_simulation_that_is_killed_again_and_again_fails(
    tmp_path: Path, lost: WorkerLost, times: int, becomes: str
) -> None:
    executor: Any = Losing(lost)
    crew = Crew("argon", Job("id", tmp_path, tmp_path, ("function", {}), None), executor, 1, None, 2, 0.0)
    ready, finished = deque([Trial(0, {"x": 0.5})]), []
    for _ in range(times):
        crew.launch(ready)
        finished, again = crew.take(list(crew.tasks))
        assert (finished, crew.stuck) == ([], None)
        ready = deque(again)
    crew.launch(ready)
    finished, again = crew.take(list(crew.tasks))
    assert [trial.state for trial in finished] == ([TrialState.FAILED] if becomes == "failed" else [])
    assert len(again) == (becomes != "failed")
    assert (crew.stuck is not None) == (becomes == "stuck")
    if becomes == "failed":
        assert finished[0].reason == "its worker was lost 3 times: killed by SIGKILL"


def test_a_stop_that_comes_out_of_rays_start_as_an_error_is_a_stop(make_campaign: Make) -> None:
    """Compiled code makes a SystemError of what a handler raises in it, and others of that."""

    def broken_off(**wanted: Any) -> Any:
        try:
            signal.raise_signal(signal.SIGTERM)
        except BaseException as error:
            raise SoftalError("Ray cannot be started: SystemError") from error

    campaign = make_campaign()
    ending = campaign.launch(executor=broken_off)
    assert (ending.state, ending.reason, ending.exit_code) == ("stopped", "SIGTERM", 143)
    assert campaign.status().state == "stopped"


def test_a_trial_that_can_be_run_nowhere_stops_the_campaign_in_order(make_campaign: Make) -> None:
    campaign = make_campaign(workers={"concurrent": 1, "grace": "0 s"})
    campaign.folder.mkdir(parents=True)
    (campaign.folder / "trials").symlink_to(campaign.folder / "nowhere" / "else")
    ending = campaign.launch(executor=in_children)
    assert (ending.state, ending.exit_code) == ("failed", 1)
    assert "trial 0 could not be run, 3 times, which is not its own doing: " in ending.reason
    assert f"then: softal resume {campaign.folder}" in ending.reason
    assert {trial.state for trial in campaign.list_trials()} == {TrialState.PROPOSED}
    (campaign.folder / "trials").unlink()
    assert campaign.resume(executor=in_children).state == "finished"
