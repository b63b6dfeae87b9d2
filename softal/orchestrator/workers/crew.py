"""The crew of workers: hands them trials, one or several at once, and takes back outcomes."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from softal.errors import NoRoomForJournal, SoftalError
from softal.orchestrator.workers import artifacts
from softal.orchestrator.workers.executor import Executor, Handle
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
from softal.reading import of_system
from softal.room import is_full
from softal.trial import Trial, TrialState

RECENT = 32  # tasks whose durations say how long the next one takes
QUEUE = 4  # times as many short trials in Ray's hands as there are workers: with 2 the workers waited for the loop
NAMED = 1000  # tasks of a session with names of their own: Ray keeps 10 to 30 kB of each name in every process
SHORT = 0.05  # trials shorter than this [s] are queued in Ray ahead of a free worker
LOST_WORKERS = 10  # that a trial may lose in a session through nothing that it did, before somebody should look at it


class Crew:
    """Trials in the executor's hands: a task each, or a task for up to `batch` of them.

    Args:
        name: the campaign's, for the dashboard.
        batch: how many trials the simulator evaluates at once.
        memory: of one task [bytes].
        retries: how often a task whose simulation was killed is run again.
        busy: time that the campaign's earlier simulations took together [s].

    Attributes:
        without_room: is told that the driver's disk is full and waits; whether to try again.
    """

    def __init__(
        self, name: str, job: Job, executor: Executor, batch: int, memory: int | None, retries: int, busy: float
    ) -> None:
        self.name, self.job, self.executor, self.batch, self.retries = name, job, executor, batch, retries
        self.tasks: dict[Handle, list[Trial]] = {}
        self._begun: dict[Handle, float] = {}  # tasks that a worker has, and since when
        self.durations: deque[float] = deque(maxlen=RECENT)
        self.apart: set[str] = set()  # why trials that were handed over together had to run one by one
        self.lacking: set[int] = set()  # trials that did not return what the objective needs
        self.full: str | None = None  # what the last worker that had no room said
        self.stuck: str | None = None  # why a trial can be run nowhere here, as far as it seems
        self.without_room: Callable[[NoRoomForJournal], bool] = lambda error: False
        self._alone: set[int] = set()  # trials whose batch was killed too often
        self._kills: Counter[int] = Counter()  # of simulations, for each trial that is not finished
        self._losses: Counter[int] = Counter()  # of workers, through nothing that the trial did
        self._faults: Counter[int] = Counter()  # around the simulation
        self._busy = busy
        self._handed_over = 0  # tasks
        executor.serve(job, memory)

    @property
    def running(self) -> list[Trial]:
        """The trials in the executor's hands."""
        return [trial for trials in self.tasks.values() for trial in trials]

    def look(self) -> None:
        """Note which tasks workers have: the first ones, as many as there are workers, which take them in turn."""
        now = time.time()
        for handle in islice(self.tasks, self.executor.here):
            self._begun.setdefault(handle, now)

    @property
    def begun(self) -> int:
        """How many trials workers run now, as far as is known; others wait for a worker to start, or in its queue."""
        return sum(len(self.tasks[handle]) for handle in self._begun)

    @property
    def room(self) -> int:
        """How many more trials may be handed over."""
        return self.batch * (self._places - len(self.tasks))

    @property
    def free(self) -> int:
        """How many more trials the workers could begin at once; less than 0 where some are queued for them."""
        return self.batch * (self.executor.slots - len(self.tasks))

    @property
    def _places(self) -> int:
        """How many tasks may be in the executor's hands at once.

        One for each worker; where simulations are short and Ray has room for just these workers, more of them wait in
        Ray's own queue, which hands on a trial faster than the loop does. Batches do not: strategies would have to
        propose many of them without the results of the first.
        """
        slots = self.executor.slots
        if slots == 1 or self.batch > 1 or not self.executor.exclusive or not self.durations:
            return slots
        return QUEUE * slots if statistics.median(self.durations) < SHORT else slots

    def busy_seconds(self) -> float:
        """Return the time that simulations took together, those that run included [s]."""
        now = time.time()
        return self._busy + sum(now - since for since in self._begun.values())

    def launch(self, ready: deque[Trial], more: int | None = None) -> list[Trial]:
        """Hand over trials while there is room, evenly to the free workers; return them as they are now.

        Args:
            ready: trials that wait.
            more: at most so many tasks; None is as many as there is room for.
        """
        launched: list[Trial] = []
        places = self._places if more is None else min(self._places, len(self.tasks) + more)
        while ready and (free := places - len(self.tasks)) > 0:
            trials = self._next(ready, min(self.batch, math.ceil(len(ready) / free)))
            launched += self._hand_over([_started(trial) for trial in trials])
        self.look()
        return launched

    def _next(self, ready: deque[Trial], most: int) -> list[Trial]:
        """Take the trials of the next task, at most so many."""
        trials = [ready.popleft()]
        while trials[0].id not in self._alone and ready and len(trials) < most and ready[0].id not in self._alone:
            trials.append(ready.popleft())
        return trials

    def _hand_over(self, trials: list[Trial]) -> list[Trial]:
        first, last = trials[0], trials[-1]
        which = f"trial {first.id}" if first is last else f"trials {first.id} to {last.id}"
        self._handed_over += 1
        which = which if self._handed_over <= NAMED else "trials"
        tasks = [Task(trial.id, trial.point, trial.seed, trial.fidelity, trial.attempts) for trial in trials]
        self.tasks[self.executor.submit(f"{self.name}: {which} by {first.proposed_by}", tasks)] = trials
        return trials

    def take(self, handles: Sequence[Handle]) -> tuple[list[Trial], list[Trial]]:
        """Return the trials of tasks that have ended.

        Returns:
            Those that have finished, as they are now, and those that have to run again. A batch that was killed too
            often runs trial by trial, so that one that always takes all memory does not take the others along.
        """
        finished, again = [], []
        for handle in handles:
            trials = self.tasks.pop(handle)
            self._begun.pop(handle, None)
            try:
                outcomes = self.executor.outcomes(handle)
            except WorkerLost as lost:
                if self._once_more(trials, lost):
                    again += trials
                    continue
                outcomes = [self._killed(trials[0], lost)]
            for trial in trials:
                for counts in (self._kills, self._losses, self._faults):
                    counts.pop(trial.id, None)
            finished += [self._with_files(outcome, trial) for outcome, trial in zip(outcomes, trials, strict=True)]
            self.lacking |= {trial.id for trial, outcome in zip(trials, outcomes, strict=True) if outcome.lacks}
            self._count(outcomes)
        self.look()
        return finished, again

    def _once_more(self, trials: Sequence[Trial], lost: WorkerLost) -> bool:
        """Note why trials did not run to their end; return whether they run again, as all do but those that kill."""
        if isinstance(lost, NoRoom):
            self.full = str(lost)
            return True
        if not isinstance(lost, SimulationKilled):
            self._note(trials, lost)
            return True
        self._kills.update(trial.id for trial in trials)
        if max(self._kills[trial.id] for trial in trials) <= self.retries:
            return True
        if len(trials) == 1:
            return False
        for trial in trials:
            self._alone.add(trial.id)
            del self._kills[trial.id]
        return True

    def _note(self, trials: Sequence[Trial], lost: WorkerLost) -> None:
        """Count what is no trial's doing; where it happens to one again and again, somebody has to look at it."""
        failed = isinstance(lost, WorkerFailed)
        counts, most = (self._faults, self.retries) if failed else (self._losses, LOST_WORKERS)
        counts.update(trial.id for trial in trials)
        first = max(trials, key=lambda trial: counts[trial.id])
        if counts[first.id] > most:
            happened = "could not be run" if failed else "lost its worker"
            self.stuck = f"trial {first.id} {happened}, {counts[first.id]} times, which is not its own doing: {lost}"

    def _killed(self, trial: Trial, lost: WorkerLost) -> Outcome:
        """Return the outcome of a trial that does not run again."""
        now, times = time.time(), self._kills[trial.id]
        reason = f"its worker {'was lost' if times == 1 else f'was lost {times} times'}: {lost}"
        return Outcome(TrialState.FAILED, trial.started or now, now, "", reason=reason)

    def _count(self, outcomes: Sequence[Outcome]) -> None:
        duration = sum(outcome.finished - outcome.started for outcome in outcomes)
        self.durations.append(duration)
        self._busy += duration
        self.apart.update(outcome.apart for outcome in outcomes if outcome.apart)

    def _folder(self, trial: Trial) -> Path:
        return trial_folder(self.job.folder, trial.id, trial.attempts)

    def cancel(self) -> list[Trial]:
        """Kill what runs and return it."""
        self.executor.cancel(list(self.tasks))
        cancelled = self.running
        self.tasks.clear()
        self._begun.clear()
        return cancelled

    def _with_files(self, outcome: Outcome, trial: Trial) -> Trial:
        """Return a trial as its outcome says, with the files that came from a machine without our file system."""
        while True:
            try:
                return artifacts.written(outcome, outcome.applied_to(trial), self._folder(trial))
            except OSError as error:
                kind = NoRoomForJournal if is_full(error) else SoftalError
                said = kind(f"the files of trial {trial.id} cannot be kept: {of_system(error)}")
                if not isinstance(said, NoRoomForJournal) or not self.without_room(said):
                    raise said from error


def _started(trial: Trial) -> Trial:
    changed = dict(trial.__dict__)
    changed.update(state=TrialState.RUNNING, started=time.time(), attempts=trial.attempts + 1)
    return Trial(**changed)
