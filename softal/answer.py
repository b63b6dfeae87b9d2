r"""The answer of a campaign: its best point, and the value there with an error that repeats vouch for.

The lowest of many noisy results is lower than the truth at its point: it is the lowest because its noise was low, too.
Of n equally good points with noise sigma, the lowest result lies below the truth by 1.5 sigma for n = 10 and by 2.3
sigma for n = 60 (the expected minimum of n normal numbers), and its own standard error says nothing of that. The mean
of several runs of one point with different seeds is free of this bias but for the part of the run for which the point
was chosen, 1/n of it. So where a point was repeated, the answer is the repeated point with the lowest mean.

The variance of one run is estimated from the scatter of the n runs and from the errors that they report, which count
as one more degree of freedom, since the scatter of two runs says little:

    s^2 = ((n - 1) s_runs^2 + mean of error_i^2) / n,        error of the mean = s / sqrt(n)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.objective import Objective
from softal.trial import Point, Trial, TrialState, Value

BEATEN = 3.0  # standard deviations by which one run alone must be better than the best repeated point to be the answer


@dataclass(frozen=True)
class Answer:
    """The best point of a campaign.

    Attributes:
        point: the point.
        value: of the objective there, in its natural sign: the mean over the repeats.
        error: its standard error; NaN where it is not known.
        repeats: number of runs behind it; 1 where no point was repeated.
        fidelity: of these runs.
        trials: their ids.
    """

    point: Point
    value: float
    error: float
    repeats: int
    fidelity: float
    trials: tuple[int, ...]

    @property
    def origin(self) -> str:
        """How it was found, for people: `mean of 4 runs at fidelity 1`, or `trial 12`."""
        if self.repeats == 1:
            return f"trial {self.trials[0]}"
        return f"mean of {self.repeats} runs at fidelity {self.fidelity:g}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data; the error is None where it is not known."""
        return {**self.__dict__, "error": self.error if np.isfinite(self.error) else None, "trials": list(self.trials)}


def answer(objective: Objective, trials: Sequence[Trial]) -> Answer | None:
    """Return the best point of a single objective; None where nothing is done, or where there is no best.

    Of points that were run twice or more at the highest fidelity at which that happened, it is the one with the lowest
    mean loss. It is the best trial, with its own error, where no point was repeated, or where a trial of the same
    fidelity or a higher one is better by more than `BEATEN` standard deviations: nothing was repeated at the best point
    then (two trials of a random search may fall on one point by chance).
    """
    best = objective.best(trials)
    if best is None:
        return None
    repeated = [group for group in groups(trials).values() if len(group) > 1]
    if not repeated:
        return _of(objective, [best])
    highest = max(group[0].fidelity for group in repeated)
    found = [_of(objective, group) for group in repeated if group[0].fidelity == highest]
    sign = float(objective.signs[0])
    chosen = min(found, key=lambda one: sign * one.value)
    rival = objective.best([trial for trial in trials if trial.fidelity >= highest])
    if rival is not None:
        alone = _of(objective, [rival])
        one_run = chosen.error**2 * chosen.repeats  # the rival's own error may not be known
        sigma = np.sqrt(chosen.error**2 + max(one_run, np.nan_to_num(alone.error) ** 2))
        if sign * alone.value < sign * chosen.value - BEATEN * sigma:
            return alone
    return chosen


def groups(trials: Sequence[Trial]) -> dict[tuple[Any, ...], list[Trial]]:
    """Return the trials that are done by point and fidelity, in their order."""
    found: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        if trial.state is TrialState.DONE and trial.objective:
            found.setdefault((point_key(trial.point), trial.fidelity), []).append(trial)
    return found


def point_key(point: Point) -> tuple[tuple[str, Value], ...]:
    """Return what two points have in common if, and only if, they are equal."""
    return tuple(sorted(point.items()))


def mean_of_runs(values: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Return the mean of n >= 1 runs and its standard error, which is NaN where nothing is known of it.

    Args:
        values: (n,) one of each run.
        errors: (n,) the standard errors that the runs report; NaN where they report none.
    """
    n, mean = len(values), float(np.mean(values))
    known = np.array([error for error in errors if np.isfinite(error)])
    reported = float(np.mean(known**2)) if len(known) else np.nan
    if n == 1:
        return mean, reported**0.5
    scatter = float(np.var(values, ddof=1))
    variance = ((n - 1) * scatter + reported) / n if len(known) else scatter
    return mean, (variance / n) ** 0.5


def _of(objective: Objective, runs: Sequence[Trial]) -> Answer:
    name = objective.names[0]
    values = [trial.objective[name] for trial in runs]
    value, error = mean_of_runs(values, [trial.objective_errors.get(name, np.nan) for trial in runs])
    return Answer(runs[0].point, value, error, len(runs), runs[0].fidelity, tuple(trial.id for trial in runs))
