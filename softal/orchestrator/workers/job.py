"""What goes to a worker and what comes back: the campaign's job, a trial's task, and its outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from softal import simulators
from softal.errors import SoftalError
from softal.kinds.own_modules import importable
from softal.objective import Objective
from softal.simulators import printed
from softal.simulators.base import Simulator
from softal.trial import Observation, Point, Trial, TrialState


class WorkerLost(Exception):
    """Trials did not run to their end, through nothing that they did: they run again.

    WorkerLost                a worker or its node has gone
    ├── SimulationKilled      the process that simulated was killed, by itself perhaps: it may have taken all memory
    ├── NoRoom                a disk was full
    └── WorkerFailed          an error of the operating system, or of softal itself
    """


class SimulationKilled(WorkerLost):
    """The process that simulated was killed; its trials are run again, but not for ever."""


class NoRoom(WorkerLost):
    """A disk was full where trials ran; they run again when there is room."""


class WorkerFailed(WorkerLost):
    """Something around the simulation failed: the file system, or softal itself."""


@dataclass(frozen=True)
class Job:
    """What a worker must know to evaluate any trial of one campaign.

    Attributes:
        campaign: the campaign's unique id.
        folder: the campaign's folder of state; need not be visible where the worker runs.
        source: the campaign file's folder, in which the user's modules are looked for.
        simulator: a kind with its settings, or a simulator or function of a notebook.
        objective: what is made of an observation; None is nothing.
        cpus, gpus: of one trial, and of several that are evaluated at once.
        walltime: of one trial [s]; None is unlimited.
        output: how much is kept of what it prints [bytes]; None is all.
        keep: what stays of trials' folders; see `WorkersSettings`.
        together: whether several trials may run in one process, each in a thread, since they only wait for programs
            that hardly compute.
    """

    campaign: str
    folder: Path
    source: Path
    simulator: tuple[str, Any] | Simulator | Callable[..., Any]
    objective: Objective | None
    cpus: float = 1.0
    gpus: float = 0.0
    walltime: float | None = None
    output: int | None = printed.LIMIT
    keep: str = "all"
    together: bool = False

    def build(self) -> Simulator:
        """Make the simulator."""
        if isinstance(self.simulator, Simulator):
            return self.simulator
        if isinstance(self.simulator, tuple):
            with importable(self.source, self.simulator[0]):
                return simulators.build(*self.simulator)
        from softal.simulators.function import simulator_class

        return simulator_class(self.simulator)()


@dataclass(frozen=True)
class Task:
    """One trial as a worker gets it; `attempt` is how often it was started, this time included."""

    trial: int
    point: Point
    seed: int
    fidelity: float
    attempt: int = 1


@dataclass(frozen=True)
class Outcome:
    """What became of one trial, as a worker returns it.

    Attributes:
        started, finished: times [s since 1970]; trials that were evaluated at once share the time evenly, one after
            the other, so that durations add up to what the worker spent.
        files: contents of the artifacts, by name, where worker and driver share no file system.
        apart: why the trial was run alone although it was handed over together with others.
        lacks: whether it failed since the simulation does not return what the objective needs.
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
    apart: str | None = None
    lacks: bool = False

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


def trial_folder(folder: Path, trial: int, attempt: int = 1) -> Path:
    """Return the folder of a trial's files in that of its campaign.

    Each attempt has its own: what was taken for lost may run on for a while on a machine that nobody can reach.
    """
    return folder / "trials" / (f"{trial:06d}" if attempt <= 1 else f"{trial:06d}-{attempt}")


def batch_of(simulator: Simulator) -> int:
    """Return how many points a simulator evaluates at once; SoftalError where it says nothing sensible."""
    batch = simulator.batch
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise SoftalError(f"the simulator's `batch` is {batch!r}; allowed: a whole number, 1 or more")
    return batch
