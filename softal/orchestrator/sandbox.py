"""A process in which simulations run, so that they may crash, hang or leak without harm.

Each Ray worker keeps one child process and sends it one trial after another through a pipe. The child can be killed at
its walltime, and a segmentation fault in it is a failed simulation, whereas the death of the Ray worker itself is a
lost worker, whose trial runs again elsewhere. The child dies with its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import numpy as np

from softal import simulators
from softal.errors import SimulationError, SoftalError, WalltimeExceeded
from softal.objective import Objective
from softal.orchestrator.parcel import unpack
from softal.simulators.base import Context, Simulator, validate_observation
from softal.trial import Observation, Point, Trial, TrialState

PR_SET_PDEATHSIG = 1
STARTUP_LIMIT = 300.0  # seconds in which a simulator's module must be imported
WALLTIME_GRACE = 2.0  # seconds beyond the walltime, in which a simulator that keeps the walltime itself can say so
OUTPUT_TAIL = 300  # characters of its output that a crashed simulation's reason quotes
FRAME = re.compile(r'File "([^"]+)", line (\d+)')
LOST = (signal.SIGKILL, signal.SIGTERM)  # sent by the system (out of memory, shutdown), never by a simulation's own bug


class WorkerLost(Exception):
    """The process that simulated was killed from outside; the trial is run again."""


@dataclass(frozen=True)
class Job:
    """What a worker must know to evaluate any trial of one campaign.

    Attributes:
        campaign: the campaign's unique id.
        folder: the campaign's folder of state; need not be visible where the worker runs.
        source: the campaign file's folder, in which the user's modules are looked for.
        simulator: a kind with its settings, or a simulator or function of a notebook.
        objective: what is made of an observation; None is nothing.
        cpus, gpus: of one trial.
        walltime: of one trial [s]; None is unlimited.
    """

    campaign: str
    folder: Path
    source: Path
    simulator: tuple[str, Any] | Simulator | Callable[..., Any]
    objective: Objective | None
    cpus: float = 1.0
    gpus: float = 0.0
    walltime: float | None = None

    def build(self) -> Simulator:
        """Make the simulator."""
        if isinstance(self.simulator, Simulator):
            return self.simulator
        if isinstance(self.simulator, tuple):
            return simulators.build(*self.simulator)
        from softal.simulators.function import simulator_class

        return simulator_class(self.simulator)()


@dataclass(frozen=True)
class Task:
    """One trial as a worker gets it."""

    trial: int
    point: Point
    seed: int
    fidelity: float


@dataclass(frozen=True)
class Outcome:
    """What became of one trial, as a worker returns it.

    Attributes:
        files: contents of the artifacts, by name, where worker and driver share no file system.
    """

    state: TrialState
    started: float
    finished: float
    host: str
    observation: Observation | None = None
    objective: dict[str, float] = field(default_factory=dict)
    objective_errors: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)

    def applied_to(self, trial: Trial) -> Trial:
        """Return the trial as it is now that it has finished."""
        changed = dict(trial.__dict__)
        changed.update(
            state=self.state,
            started=self.started,
            finished=self.finished,
            host=self.host,
            observation=self.observation,
            objective=self.objective,
            objective_errors=self.objective_errors,
            reason=self.reason,
        )
        return Trial(**changed)


class Sandbox:
    """A child process that evaluates trials of one campaign, as seen from the worker that owns it."""

    def __init__(self, job: Job, payload: bytes) -> None:
        self.job = job
        self._payload = payload
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the worker

    def evaluate(self, task: Task) -> Outcome:
        """Run one trial in the child.

        Raises:
            WorkerLost: if the child was killed from outside.
        """
        host = os.uname().nodename
        workdir, shared = self._workdir(task)
        started = time.time()
        try:
            self._start()
            started = time.time()
            assert self._pipe is not None
            self._pipe.send((task, workdir))
            values = self._answer(workdir, self.job.walltime)
            outcome = Outcome(TrialState.DONE, started, time.time(), host, *values)
            return outcome if shared else _with_files(outcome)
        except SoftalError as error:
            return Outcome(TrialState.FAILED, started, time.time(), host, reason=str(error))
        finally:
            self._keep_output(workdir)
            _remove(workdir, only_empty=shared)

    def close(self) -> None:
        """End the child."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def discard(self) -> None:
        """End the child for good."""
        self.close()
        self._output.close()

    def _workdir(self, task: Task) -> tuple[Path, bool]:
        """Return the trial's empty folder, and whether the driver sees it, too."""
        shared = (self.job.folder / "lock").exists()
        if not shared:
            return Path(tempfile.mkdtemp(prefix=f"softal-{task.trial}-")), False
        workdir = self.job.folder / "trials" / f"{task.trial:06d}"
        try:
            workdir.mkdir(parents=True)
        except FileExistsError:  # what a lost worker left
            shutil.rmtree(workdir)
            workdir.mkdir()
        return workdir, True

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._output.seek(0)
            self._output.truncate()
            return
        self.close()
        self._pipe, theirs = Pipe()
        environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, int(self.job.cpus)))}
        command = [sys.executable, "-m", "softal.orchestrator.sandbox", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the user's terminal does not reach the simulation
            env=environment,
        )
        theirs.close()
        self._pipe.send_bytes(self._payload)
        self._answer(None, STARTUP_LIMIT)

    def _answer(self, workdir: Path | None, limit: float | None) -> tuple[Any, ...]:
        """Wait for the child's answer; SimulationError says how it failed."""
        assert self._pipe is not None
        try:
            if not self._pipe.poll(None if limit is None else limit + WALLTIME_GRACE):
                self.close()
                raise WalltimeExceeded(f"ran longer than its walltime of {limit:g} s and was stopped")
            kind, content = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._death() from None
        if kind == "error":
            reason, details = content
            if workdir is not None:
                (workdir / "error.txt").write_text(details)
            raise SimulationError(reason)
        return tuple(content)

    def _death(self) -> Exception:
        """Return what the child's end means."""
        assert self._process is not None
        code = self._process.wait()
        self.close()
        if -code in LOST:
            return WorkerLost(f"killed by {signal.Signals(-code).name}; the machine may be out of memory")
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
        """Put what the simulation printed into its folder."""
        if self._output.seek(0, os.SEEK_END) > 0 and workdir.exists():
            self._output.seek(0)
            with (workdir / "output.txt").open("wb") as kept:
                shutil.copyfileobj(self._output, kept)


def _with_files(outcome: Outcome) -> Outcome:
    """Take the artifacts' contents along, since the driver does not see this machine's files."""
    assert outcome.observation is not None
    files = {name: path.read_bytes() for name, path in outcome.observation.artifacts.items() if path.is_file()}
    return Outcome(**{**outcome.__dict__, "files": files})


def _remove(workdir: Path, *, only_empty: bool) -> None:
    if only_empty:
        with contextlib.suppress(OSError):
            workdir.rmdir()
    else:
        shutil.rmtree(workdir, ignore_errors=True)


# What follows runs in the child.


def main() -> None:
    """Serve trials until the pipe closes."""
    die_with_parent()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    pipe = Connection(int(sys.argv[1]))
    # The user may exec or fork: the pipe is ours alone.
    os.set_inheritable(pipe.fileno(), False)
    try:
        job: Job = unpack(pipe.recv_bytes())
        simulator = job.build()
    except BaseException as error:
        pipe.send(("error", (f"the simulator cannot be made: {_describe(error)}", traceback.format_exc())))
        return
    pipe.send(("ready", ()))
    while True:
        try:
            task, workdir = pipe.recv()
        except EOFError:
            return
        pipe.send(_run(simulator, job, task, workdir))


def _run(simulator: Simulator, job: Job, task: Task, workdir: Path) -> tuple[str, Any]:
    context = Context(workdir, task.seed, task.fidelity, task.trial, job.cpus, job.gpus, job.walltime)
    # A plain function may draw from the global generators: seeded, it repeats.
    random.seed(task.seed)
    np.random.seed(task.seed % 2**32)  # noqa: NPY002
    try:
        observation = validate_observation(simulator.run(dict(task.point), context), simulator.outputs)
        values, errors = ({}, {}) if job.objective is None else job.objective.evaluate(observation)
        observation = observation if job.objective is None else job.objective.with_chis(observation)
    except SimulationError as error:
        return "error", (str(error), traceback.format_exc())
    except BaseException as error:  # whatever a user's simulation raises is a failed trial, SystemExit included
        return "error", (_describe(error), traceback.format_exc())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return "done", (observation, values, errors)


def _describe(error: BaseException) -> str:
    """Return the error in one line with the place in the user's code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}softal{os.sep}" not in frame.filename]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"


def die_with_parent() -> None:
    """Let the kernel end this process when its parent dies, however that happens."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the call
        sys.exit(1)


if __name__ == "__main__":
    import faulthandler

    faulthandler.enable()
    main()
