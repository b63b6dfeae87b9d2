"""When a campaign has had enough: trials, hours, a target value, or no progress any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from softal.objective import Objective
from softal.trial import Trial, TrialState, is_whole

FAILURES = (5, 0.1)  # first trials that fail alike: so many, or this part of the budget's trials where that is more


class Progress:
    """What the budget looks at, kept up to date trial by trial in constant memory."""

    def __init__(self, objective: Objective, trials: Iterable[Trial] = (), fidelity: float = 0.0) -> None:
        self.objective, self.fidelity = objective, fidelity
        self.done = 0
        self.failed = 0
        self.best: Trial | None = None
        self.best_whole: Trial | None = None  # of those with no less than `fidelity`
        self.since_best = 0
        self._front: list[Trial] = []
        for trial in sorted((t for t in trials if t.state.finished), key=lambda t: t.told or 0):
            self.add(trial)

    @property
    def finished(self) -> int:
        """How many trials are done or failed."""
        return self.done + self.failed

    def add(self, trial: Trial) -> bool:
        """Count a finished trial; return whether it is an improvement (a new best, or a new point of the front)."""
        self.since_best += 1
        if trial.state is not TrialState.DONE:
            self.failed += 1
            return False
        self.done += 1
        improved = self._improves(trial)
        if self.objective.single and is_whole(trial, self.fidelity) and self._is_better(trial, self.best_whole):
            self.best_whole = trial
        if improved:
            self.since_best = 0
        return improved

    def _improves(self, trial: Trial) -> bool:
        if self.objective.single:
            better = self._is_better(trial, self.best)
            self.best = trial if better else self.best
            return better
        if self.objective.learning or not self.objective.satisfied(trial):
            return False
        self._front = self.objective.pareto_front([*self._front, trial])
        return any(kept.id == trial.id for kept in self._front)

    def _is_better(self, trial: Trial, best: Trial | None) -> bool:
        if self.objective.learning or not self.objective.satisfied(trial):
            return False
        return best is None or self._loss(trial) < self._loss(best)

    def _loss(self, trial: Trial) -> float:
        component = self.objective.components[0]
        return component.sign * trial.objective[component.name]


class Budget:
    """Limits of a campaign; None is no limit.

    Args:
        trials: finished trials, failed ones included.
        hours: of running, over all resumptions [h].
        target: value of the single objective that is good enough, of a trial with no less than `fidelity`.
        stagnation: finished trials without an improvement.
        failures: first trials that all fail for one reason, see `Failures`; auto follows `trials`.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        trials: int | None = None,
        hours: float | None = None,
        target: float | None = None,
        stagnation: int | None = None,
        failures: Literal["auto"] | int | None = "auto",
        fidelity: float = 0.0,
    ) -> None:
        self.objective, self.fidelity = objective, fidelity
        self.failures = max(FAILURES[0], int(FAILURES[1] * (trials or 0))) if failures == "auto" else failures
        self.trials, self.hours, self.target, self.stagnation = trials, hours, target, stagnation

    def exhausted(self, progress: Progress, active: float) -> str | None:
        """Return why the campaign is over after `active` seconds of running, in words; None while it goes on."""
        best = progress.best_whole
        if self.target is not None and best is not None and self._reached(best):
            name = self.objective.names[0]
            return f"target reached: {name} = {best.objective[name]:.6g}"
        if self.trials is not None and progress.finished >= self.trials:
            return f"all {self.trials} trials are finished"
        if self.hours is not None and active >= self.hours * 3600:
            return f"{self.hours:g} hours are used up"
        if self.stagnation is not None and progress.since_best >= self.stagnation and not self.objective.learning:
            return f"no improvement in {self.stagnation} trials"
        return None

    def left(self, started: int) -> int | None:
        """Return how many more trials may be started when `started` were; None is any number."""
        return None if self.trials is None else max(0, self.trials - started)

    def _reached(self, best: Trial) -> bool:
        assert self.target is not None
        sign, name = float(self.objective.signs[0]), self.objective.names[0]
        return sign * best.objective[name] <= sign * self.target
