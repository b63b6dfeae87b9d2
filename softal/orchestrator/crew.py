"""The crew of workers: hands them trials and takes back outcomes."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import RayError

from softal.orchestrator import workers
from softal.orchestrator.cluster import Cluster
from softal.orchestrator.sandbox import Job, Outcome, Task
from softal.trial import Trial, TrialState

RECENT = 32  # trials whose durations say how long the next one takes
QUEUE = 4  # times as many short trials in Ray's hands as there are workers: with 2 the workers waited for the loop
SHORT = 0.05  # trials shorter than this [s] are queued in Ray ahead of a free worker


class Crew:
    """Trials in the hands of Ray, each a task.

    Args:
        name: the campaign's, for the dashboard.
        memory: of one trial [bytes].
        retries: how often Ray runs a trial again whose worker was lost.
        busy: time that the campaign's earlier simulations took together [s].
    """

    def __init__(self, name: str, job: Job, cluster: Cluster, memory: int | None, retries: int, busy: float) -> None:
        self.name, self.job, self.cluster, self.retries = name, job, cluster, retries
        self.running: dict[Any, Trial] = {}
        self.durations: deque[float] = deque(maxlen=RECENT)
        self._busy = busy
        self._submit = workers.evaluator(job, memory=memory, retries=retries)

    @property
    def room(self) -> int:
        """How many trials may be in Ray's hands at once.

        One for each worker; where simulations are short and Ray has room for just these workers, more of them wait in
        Ray's own queue, which hands on a trial faster than the loop does.
        """
        slots = self.cluster.slots
        if slots == 1 or not self.cluster.exclusive or not self.durations:
            return slots
        return QUEUE * slots if statistics.median(self.durations) < SHORT else slots

    def busy_seconds(self) -> float:
        """Return the time that simulations took together, those that run included [s]."""
        now = time.time()
        return self._busy + sum(now - trial.started for trial in self.running.values() if trial.started)

    def launch(self, ready: deque[Trial]) -> list[Trial]:
        """Hand over trials while there is room; return them as they are now."""
        launched = []
        room = self.room
        while ready and len(self.running) < room:
            trial = ready.popleft()
            reference = self._submit(
                f"{self.name}: trial {trial.id} by {trial.proposed_by}",
                Task(trial.id, trial.point, trial.seed, trial.fidelity),
            )
            changed = dict(trial.__dict__)
            changed.update(state=TrialState.RUNNING, started=time.time(), attempts=trial.attempts + 1)
            self.running[reference] = Trial(**changed)
            launched.append(self.running[reference])
        return launched

    def take(self, references: Sequence[Any]) -> list[Trial]:
        """Return the trials behind references that are ready, as they are now that they have finished."""
        finished = []
        for reference in references:
            trial = self.running.pop(reference)
            outcome = self._outcome(reference, trial)
            finished.append(self._with_files(outcome, outcome.applied_to(trial)))
            self.durations.append(outcome.finished - outcome.started)
            self._busy += outcome.finished - outcome.started
        return finished

    def cancel(self) -> list[Trial]:
        """Kill what runs and return it."""
        for reference in self.running:
            ray.cancel(reference, force=True)
        cancelled = list(self.running.values())
        self.running.clear()
        return cancelled

    def _outcome(self, reference: Any, trial: Trial) -> Outcome:
        """Return what became of a trial; a lost worker has been replaced by Ray as often as the plan allows."""
        try:
            outcome: Outcome = ray.get(reference)
        except workers.LOST as error:
            text = str(getattr(error, "cause", error)).strip().splitlines()
            reason = f"its worker was lost {self.retries + 1} times: {text[0] if text else type(error).__name__}"
        except RayError as error:
            reason = f"its worker failed: {str(error).strip().splitlines()[-1]}"
        else:
            return outcome
        now = time.time()
        return Outcome(TrialState.FAILED, trial.started or now, now, "", reason=reason)

    def _with_files(self, outcome: Outcome, trial: Trial) -> Trial:
        """Write the artifacts that came from a machine without our file system, and say where they are now."""
        if not outcome.files or trial.observation is None:
            return trial
        folder = self.job.folder / "trials" / f"{trial.id:06d}"
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for name, content in outcome.files.items():
            paths[name] = folder / trial.observation.artifacts[name].name
            paths[name].write_bytes(content)
        return replace(trial, observation=replace(trial.observation, artifacts=paths))
