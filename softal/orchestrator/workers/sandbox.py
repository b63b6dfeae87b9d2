"""A process in which simulations run, so that they may crash, hang or leak without harm.

Each Ray worker keeps one child process and sends it one trial after another through a pipe, or several at once. The
child can be killed at its walltime, and a segmentation fault in it is a failed simulation, whereas the death of the Ray
worker itself is a lost worker, whose trials run again elsewhere. The child dies with its parent, and with it whatever
its simulations have started (`watcher.py`); what one trial has started ends with the trial.
"""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, ClassVar

from softal.errors import NotReturned, SimulationError, SoftalError, WalltimeExceeded
from softal.orchestrator.workers import watcher
from softal.orchestrator.workers.artifacts import with_contents
from softal.orchestrator.workers.evaluation import Answer, describe, run_one, run_together
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
from softal.orchestrator.workers.pickling import unpack
from softal.reading import of_system
from softal.room import has_room, is_full, says_full
from softal.simulators import mpi, printed
from softal.simulators.base import Simulator
from softal.temporary import PREFIX, sweep, temporary_folder
from softal.tracking.lock import campaign_of, in_use
from softal.trial import TrialState

IDLE = 5.0  # seconds between looks whether the campaign is still running, while there is no trial
STARTUP_LIMIT = 300.0  # seconds in which a simulator's module must be imported
WALLTIME_GRACE = 2.0  # seconds beyond the walltime, in which a simulator that keeps the walltime itself can say so
OUTPUT_TAIL = 300  # characters of its output that a crashed simulation's reason quotes
SAFE_PATH, FOR_RAY = "PYTHONSAFEPATH", "softal"  # Python's variable, any text of which is yes, and what we say for Ray
FRAME = re.compile(r'File "([^"]+)", line (\d+)')
LOST = (signal.SIGKILL, signal.SIGTERM)  # sent by the system (out of memory, shutdown), never by a simulation's own bug


class Sandbox:
    """A child process that evaluates trials of one campaign, as seen from the worker that owns it.

    Attributes:
        ready: is called before each simulation, once the child can run it.
    """

    CHILD: ClassVar[str] = "softal.orchestrator.workers.sandbox"  # the module that the child runs

    def __init__(self, job: Job, payload: bytes) -> None:
        self.job = job
        self.ready: Callable[[], object] = lambda: None
        self._payload = payload
        sweep()  # what workers that were killed have left on this machine
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the worker
        printed.append_only(self._output)

    def evaluate(self, task: Task) -> Outcome:
        """Run one trial in the child.

        Raises:
            WorkerLost: if the child was killed from outside, or something around the simulation failed.
        """
        with surrounded(self.job.folder):
            return kept(self._evaluate(task), self.job, task)

    def _evaluate(self, task: Task) -> Outcome:
        host = os.uname().nodename
        with self._workdir(task) as (workdir, shared):
            started = time.time()
            try:
                self._start()
                started = time.time()
                self._send((task, workdir))
                values = self._answer(workdir, self.job.walltime)
                outcome = Outcome(TrialState.DONE, started, time.time(), host, *values)
                return outcome if shared else with_contents(outcome, workdir)
            except SoftalError as error:
                if not has_room(workdir):
                    raise NoRoom(str(error)) from error
                lacks = isinstance(error, NotReturned)
                return Outcome(TrialState.FAILED, started, time.time(), host, reason=str(error), lacks=lacks)

    def evaluate_together(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Run several trials in the child by one call; one by one where that call fails as a whole.

        The walltime of the call is the sum of theirs.

        Raises:
            WorkerLost: as `evaluate` says.
        """
        if len(tasks) == 1:
            return [self.evaluate(tasks[0])]
        with surrounded(self.job.folder):
            outcomes = self._evaluate_together(tasks)
            return [kept(outcome, self.job, task) for outcome, task in zip(outcomes, tasks, strict=True)]

    def _evaluate_together(self, tasks: Sequence[Task]) -> list[Outcome]:
        host, started = os.uname().nodename, time.time()
        try:
            self._start()
        except SoftalError as error:  # which is none of the points' fault
            now = time.time()
            return [Outcome(TrialState.FAILED, started, now, host, reason=str(error)) for _ in tasks]
        try:
            return self._ask_together(tasks, host)
        except SoftalError as error:
            return [replace(self.evaluate(task), apart=str(error)) for task in tasks]

    def _ask_together(self, tasks: Sequence[Task], host: str) -> list[Outcome]:
        """Return the outcomes of one call; SoftalError where it fails as a whole."""
        walltime = self.job.walltime
        with self._workdirs(tasks) as (workdirs, shared):
            started = time.time()
            self._send((tasks, workdirs))
            (answers,) = self._answer(None, None if walltime is None else walltime * len(tasks))
            share = (time.time() - started) / len(tasks)
            times = [(started + i * share, started + (i + 1) * share) for i in range(len(tasks))]
            found = [
                outcome_of(answer, workdir, *when, host)
                for answer, workdir, when in zip(answers, workdirs, times, strict=True)
            ]
            if shared:
                return found
            return [with_contents(outcome, workdir) for outcome, workdir in zip(found, workdirs, strict=True)]

    @contextlib.contextmanager
    def _workdirs(self, tasks: Sequence[Task]) -> Iterator[tuple[list[Path], bool]]:
        """Give a folder for each trial, not made yet, and whether the driver sees them, too."""
        if not self._shared():
            with temporary_folder(prefix=f"{PREFIX}{tasks[0].trial}-") as parent:
                yield [parent / f"{task.trial:06d}" for task in tasks], False
            return
        workdirs = [self._own_folder(task) for task in tasks]
        with self._kept(workdirs):
            yield workdirs, True

    def kill(self) -> None:
        """Kill the child; unlike everything else, any thread may call it, while another one waits for the child."""
        process = self._process
        if process is not None:
            process.terminate()  # its watcher ends the child, and all below it

    def close(self) -> None:
        """End the child, and whatever its simulations have started."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.terminate()
            self._process.stdin.close()
            self._process.wait()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def discard(self) -> None:
        """End the child for good."""
        self.close()
        self._output.close()

    @contextlib.contextmanager
    def _workdir(self, task: Task) -> Iterator[tuple[Path, bool]]:
        """Give the trial's empty folder, and whether the driver sees it, too."""
        if not self._shared():
            with temporary_folder(prefix=f"{PREFIX}{task.trial}-") as workdir:
                yield workdir, False
            return
        workdir = self._own_folder(task)
        if not has_room(workdir):
            raise NoRoom(f"{self.job.folder}: hardly anything is free")
        workdir.mkdir(parents=True)
        with self._kept([workdir]):
            yield workdir, True

    @contextlib.contextmanager
    def _kept(self, workdirs: Sequence[Path]) -> Iterator[None]:
        """Keep trials' folders but empty ones, with what was printed in the first; none of trials that run again."""
        kept = True
        try:
            yield
        except WorkerLost:
            kept = False
            raise
        finally:
            if kept:
                self._keep_output(workdirs[0])
            for workdir in workdirs:
                remove(workdir, only_empty=kept)

    def _shared(self) -> bool:
        """Whether the campaign's folder is this machine's, too: another machine may have another campaign there."""
        return campaign_of(self.job.folder) == self.job.campaign

    def _own_folder(self, task: Task) -> Path:
        """Return the trial's folder in the campaign's, not made yet, without what earlier attempts left."""
        for earlier in range(1, task.attempt):
            with contextlib.suppress(OSError):
                clear(trial_folder(self.job.folder, task.trial, earlier))
        workdir = trial_folder(self.job.folder, task.trial, task.attempt)
        clear(workdir)  # of a driver that was killed before it could note the attempt
        return workdir

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._output.seek(0)
            self._output.truncate()
        else:
            self._begin()
        self.ready()

    def _begin(self) -> None:
        self.close()
        self._pipe, theirs = Pipe()
        environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, int(self.job.cpus)))}
        if environment.get(SAFE_PATH) == FOR_RAY:
            del environment[SAFE_PATH]  # programs of the simulation's find what lies beside them
        child = [sys.executable, "-P", "-m", self.CHILD, str(theirs.fileno())]
        self._process = subprocess.Popen(
            watcher.command(child, theirs.fileno()),
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # what is sent to the worker's group does not reach it
            env=environment,
        )
        theirs.close()
        try:
            self._pipe.send_bytes(self._payload)
            self._answer(None, STARTUP_LIMIT)
        except (SimulationKilled, BrokenPipeError, ConnectionResetError) as error:
            raise WorkerLost(f"its process ended while it started: {error}") from error
        except WalltimeExceeded as error:
            raise WorkerFailed(f"the simulator's module was not imported within {STARTUP_LIMIT:g} s") from error

    def _send(self, content: Any) -> None:
        """Hand over trials; WorkerLost where the child has died while it had none."""
        assert self._pipe is not None
        try:
            self._pipe.send(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close()
            raise WorkerLost("its process ended while it waited for a trial") from None

    def _answer(self, workdir: Path | None, limit: float | None) -> tuple[Any, ...]:
        """Wait for the child's answer; SimulationError says how it failed."""
        assert self._pipe is not None
        try:
            if not self._heard(math.inf if limit is None else limit + WALLTIME_GRACE):
                self.close()
                raise WalltimeExceeded(f"ran longer than its walltime of {limit:g} s and was stopped")
            kind, content = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._death() from None
        if kind in ("error", "lacks"):
            reason, details = content
            if says_full(details):
                raise NoRoom(reason)
            if workdir is not None:
                (workdir / "error.txt").write_text(details, encoding="utf-8")
            raise (NotReturned if kind == "lacks" else SimulationError)(reason)
        return tuple(content)

    def _heard(self, limit: float) -> bool:
        """Wait for an answer, at most so long [s]; what is printed meanwhile stays within its limit."""
        assert self._pipe is not None
        until = time.monotonic() + limit
        while not self._pipe.poll(max(0.0, min(printed.LOOK, until - time.monotonic()))):
            self._cut_output()
            if time.monotonic() >= until:
                return False
        return True

    def _cut_output(self) -> None:
        if self.job.output is not None:
            printed.cut(self._output.fileno(), self.job.output)

    def _death(self) -> Exception:
        """Return what the child's end means."""
        assert self._process is not None
        code = self._process.wait()
        self.close()
        if -code in LOST:
            return SimulationKilled(f"killed by {signal.Signals(-code).name}; the machine may be out of memory")
        place, said = self._last_output()
        quoted = f"; its last output: {said}" if said else ""
        if code < 0:
            return SimulationError(
                f"crashed with {signal.Signals(-code).name} ({signal.strsignal(-code)}){place}{quoted}"
            )
        return SimulationError(f"the process ended by itself with exit code {code}{quoted}")

    def _last_output(self) -> tuple[str, str]:
        """Return where a crash was, by Python's fault handler, and the last lines that the simulation printed."""
        size = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, size - 100 * OUTPUT_TAIL))
        said, _, fault = self._output.read().decode(errors="replace").partition("Fatal Python error:")
        innermost = FRAME.search(fault)
        place = f" in {Path(innermost[1]).name}, line {innermost[2]}" if innermost else ""
        return place, " / ".join(said.strip()[-OUTPUT_TAIL:].splitlines()[-3:])

    def _keep_output(self, workdir: Path) -> None:
        """Put what the simulation printed into its folder, if that goes: what it found is worth more."""
        with contextlib.suppress(OSError):
            self._cut_output()
            if self._output.seek(0, os.SEEK_END) > 0:
                workdir.mkdir(parents=True, exist_ok=True)
                self._output.seek(0)
                with (workdir / "output.txt").open("wb") as kept:
                    shutil.copyfileobj(self._output, kept)


def outcome_of(answer: Answer, workdir: Path, started: float, finished: float, host: str) -> Outcome:
    """Return what became of a trial that ran in `workdir`, which keeps the traceback of one that failed.

    NoRoom, where it failed on a full disk.
    """
    kind, content = answer
    if kind == "done":
        return Outcome(TrialState.DONE, started, finished, host, *content)
    reason, details = content
    if says_full(details) or not has_room(workdir):
        raise NoRoom(reason)
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "error.txt").write_text(details, encoding="utf-8")
    return Outcome(TrialState.FAILED, started, finished, host, reason=reason, lacks=kind == "lacks")


@contextlib.contextmanager
def surrounded(folder: Path) -> Iterator[None]:
    """Make a WorkerLost of what goes wrong around simulations, with the campaign's folder: it is none of theirs."""
    try:
        yield
    except OSError as error:
        full = is_full(error) or not has_room(folder)
        raise (NoRoom if full else WorkerFailed)(of_system(error)) from error


def clear(path: Path) -> None:
    """Remove a folder of an earlier attempt; of a link only the link itself."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def kept(outcome: Outcome, job: Job, task: Task) -> Outcome:
    """Remove what is not to stay of a trial's folder, and return the outcome without files that have gone."""
    if job.keep == "all" or (outcome.state is TrialState.FAILED and job.keep != "none"):
        return outcome
    folder, seen = trial_folder(job.folder, task.trial, task.attempt), outcome.observation
    artifacts = seen.artifacts if seen is not None and job.keep == "artifacts" else {}
    if campaign_of(job.folder) == job.campaign:
        stay = {path.resolve() for path in artifacts.values()}
        for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
            if path.is_dir() and not path.is_symlink():
                remove(path, only_empty=True)
            elif path.resolve() not in stay:
                path.unlink()
        remove(folder, only_empty=True)
    if artifacts or seen is None:
        return outcome
    return replace(outcome, files={}, observation=replace(seen, artifacts={}))


def remove(workdir: Path, *, only_empty: bool) -> None:
    """Remove a trial's folder; one that is not empty stays where only empty ones are meant."""
    if only_empty:
        with contextlib.suppress(OSError):
            workdir.rmdir()
    else:
        shutil.rmtree(workdir, ignore_errors=True)


# What follows runs in the child.


@contextlib.contextmanager
def within(folder: Path | None) -> Iterator[None]:
    """Make a folder the process's own for a while, wherever it goes by itself in between; None changes nothing."""
    if folder is None:
        yield
        return
    with contextlib.chdir(folder):
        yield


def main() -> None:
    """Serve trials until the pipe closes."""
    serve(_serve)


def serve(trials: Callable[[Connection, Job, Simulator], None]) -> None:
    """Be the child: make the simulator, say so, and serve trials."""
    faulthandler.enable()
    watcher.die_with_parent()
    watcher.adopt_orphans()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    pipe = Connection(int(sys.argv[1]))
    # The user may exec or fork: the pipe is ours alone.
    os.set_inheritable(pipe.fileno(), False)
    mpi.make_importable()  # before the user's module is imported
    try:
        job: Job = unpack(pipe.recv_bytes())
        simulator = job.build()
    except BaseException as error:
        pipe.send(("error", (f"the simulator cannot be made: {describe(error)}", traceback.format_exc())))
        return
    pipe.send(("ready", ()))
    trials(pipe, job, simulator)


def heard(pipe: Connection, job: Job) -> bool:
    """Wait for the parent's word; False where the campaign is over instead, and its worker waits for the next one.

    Memory of CPU and GPU is given back then.
    """
    while not pipe.poll(IDLE):
        if campaign_of(job.folder) == job.campaign and not in_use(job.folder):
            return False
    return True


def _serve(pipe: Connection, job: Job, simulator: Simulator) -> None:
    while heard(pipe, job):
        try:
            task, workdir = pipe.recv()
        except EOFError:
            return
        several = isinstance(task, list)
        with watcher.Started(), within(None if several or not simulator.runs_in_folder else workdir):
            answer = (run_together if several else run_one)(simulator, job, task, workdir)
        pipe.send(answer)


if __name__ == "__main__":
    main()
