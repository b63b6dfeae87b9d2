"""The crew of workers: hands them trials, one or several at once, and takes back outcomes."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path

from softal.orchestrator.workers import artifacts
from softal.orchestrator.workers.executor import Executor, Handle, TaskLost
from softal.orchestrator.workers.job import Job, Outcome, Task, trial_folder
from softal.trial import Trial, TrialState

RECENT = 32  # tasks whose durations say how long the next one takes
QUEUE = 4  # times as many short trials in Ray's hands as there are workers: with 2 the workers waited for the loop
NAMED = 1000  # tasks of a session with names of their own: Ray keeps 10 to 30 kB of each name in every process
SHORT = 0.05  # trials shorter than this [s] are queued in Ray ahead of a free worker


class Crew:
    """Trials in the executor's hands: a task each, or a task for up to `batch` of them.

    Args:
        name: the campaign's, for the dashboard.
        batch: how many trials the simulator evaluates at once.
        memory: of one task [bytes].
        retries: how often a task whose worker was lost is run again.
        busy: time that the campaign's earlier simulations took together [s].
    """

    def __init__(
        self, name: str, job: Job, executor: Executor, batch: int, memory: int | None, retries: int, busy: float
    ) -> None:
        self.name, self.job, self.executor, self.batch, self.retries = name, job, executor, batch, retries
        self.tasks: dict[Handle, list[Trial]] = {}
        self.durations: deque[float] = deque(maxlen=RECENT)
        self.apart: set[str] = set()  # why trials that were handed over together had to run one by one
        self.lacking: set[int] = set()  # trials that did not return what the objective needs
        self._alone: set[int] = set()  # trials whose batch has lost its worker too often
        self._losses: Counter[int] = Counter()  # of workers, for each trial that is not finished
        self._busy = busy
        self._handed_over = 0  # tasks
        executor.serve(job, memory)

    @property
    def running(self) -> list[Trial]:
        """The trials in the executor's hands."""
        return [trial for trials in self.tasks.values() for trial in trials]

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
        return self._busy + sum(now - trials[0].started for trials in self.tasks.values() if trials[0].started)

    def launch(self, ready: deque[Trial]) -> list[Trial]:
        """Hand over trials while there is room, evenly to the free workers; return them as they are now."""
        launched = []
        while ready and (free := self._places - len(self.tasks)) > 0:
            trials = self._next(ready, min(self.batch, math.ceil(len(ready) / free)))
            launched += self._hand_over([_started(trial) for trial in trials])
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
            Those that have finished, as they are now, and those whose worker was lost and that have to run again. A
            batch that has lost too many runs trial by trial, so that one that always takes its worker along does not
            take the others.
        """
        finished, again = [], []
        for handle in handles:
            trials = self.tasks.pop(handle)
            try:
                outcomes = self.executor.outcomes(handle)
            except TaskLost as lost:
                if self._once_more(trials, lost):
                    again += trials
                    continue
                outcomes = [self._lost(trials[0], lost)]
            for trial in trials:
                self._losses.pop(trial.id, None)
            finished += [
                artifacts.written(outcome, outcome.applied_to(trial), self._folder(trial))
                for outcome, trial in zip(outcomes, trials, strict=True)
            ]
            self.lacking |= {trial.id for trial, outcome in zip(trials, outcomes, strict=True) if outcome.lacks}
            self._count(outcomes)
        return finished, again

    def _once_more(self, trials: Sequence[Trial], lost: TaskLost) -> bool:
        """Count a lost worker; return whether its trials run again."""
        self._losses.update(trial.id for trial in trials)
        if lost.again and max(self._losses[trial.id] for trial in trials) <= self.retries:
            return True
        if len(trials) == 1:
            return False
        for trial in trials:
            self._alone.add(trial.id)
            del self._losses[trial.id]
        return True

    def _lost(self, trial: Trial, lost: TaskLost) -> Outcome:
        """Return the outcome of a trial that does not run again."""
        now, times = time.time(), self._losses[trial.id]
        said = "failed" if not lost.again else "was lost" if times == 1 else f"was lost {times} times"
        reason = f"its worker {said}: {lost}"
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
        return cancelled


def _started(trial: Trial) -> Trial:
    changed = dict(trial.__dict__)
    changed.update(state=TrialState.RUNNING, started=time.time(), attempts=trial.attempts + 1)
    return Trial(**changed)
