"""When a campaign has had enough: trials, hours, a target value, or no progress any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from softal.objective import Objective
from softal.objective.best import BestSoFar
from softal.trial import USER, Trial, TrialState, is_whole

FAILURES = (5, 0.1)  # first trials that fail alike: so many, or this part of the budget's trials where that is more


class Progress:
    """What the budget looks at, kept up to date trial by trial in constant memory.

    Args:
        objective: of the campaign.
        trials: those that it begins with, in the order of telling; what is not finished does not count.
        fidelity: that a result must have to end the campaign.
    """

    def __init__(self, objective: Objective, trials: Iterable[Trial] = (), fidelity: float = 0.0) -> None:
        self.objective, self.fidelity = objective, fidelity
        self.done = 0
        self.failed = 0
        self.given = 0
        self.since_best = 0
        self._best, self._best_whole = BestSoFar(objective), BestSoFar(objective)
        for trial in trials:
            if trial.state.finished:
                self.add(trial)

    @property
    def best(self) -> Trial | None:
        """The best trial of a single objective."""
        return self._best.best

    @property
    def best_whole(self) -> Trial | None:
        """The best one of those with no less than `fidelity`."""
        return self._best_whole.best

    @property
    def finished(self) -> int:
        """How many trials are done or failed."""
        return self.done + self.failed

    @property
    def run(self) -> int:
        """How many of them its strategy proposed: not the user's."""
        return self.finished - self.given

    def add(self, trial: Trial) -> bool:
        """Count a finished trial, in the order of telling; return whether it is an improvement, see `BestSoFar`."""
        own = trial.proposed_by != USER
        self.since_best += own
        self.given += not own
        self.done += trial.state is TrialState.DONE
        self.failed += trial.state is TrialState.FAILED
        improved = self._best.add(trial)
        if self.objective.single and is_whole(trial, self.fidelity):
            self._best_whole.add(trial)
        if improved:
            self.since_best = 0
        return improved


class Budget:
    """Limits of a campaign; None is no limit.

    Args:
        trials: finished trials, failed ones included; the user's do not count.
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
        if self.trials is not None and progress.run >= self.trials:
            return f"all {self.trials} trials are finished"
        if self.hours is not None and active >= self.hours * 3600:
            return "1 hour is used up" if self.hours == 1 else f"{self.hours:g} hours are used up"
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
