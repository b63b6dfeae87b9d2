r"""The answer of a campaign: a point, and the value of the objective there with an error that can be believed.

The lowest of many noisy results is lower than the truth at its point: it is the lowest because its noise was low, too.
Of n equally good points with noise sigma, the lowest result lies below the truth by 1.5 sigma for n = 10 and by 2.3
sigma for n = 60 (the expected minimum of n normal numbers), and its own standard error says nothing of that. So the
answer is the first of these that there is:

repeats   the repeated point with the lowest mean. The mean of several runs of one point with different seeds is free of
          this bias but for the part of the run for which the point was chosen, 1/n of it. The variance of one run is
          estimated from the scatter of the n runs and from the errors that they report, which count as one more degree
          of freedom, since the scatter of two runs says little:

              s^2 = ((n - 1) s_runs^2 + mean of error_i^2) / n,        error of the mean = s / sqrt(n)

model     the point that was run whose mean by the surrogate is lowest, where the surrogate can be believed; its value
          without the luck of having been chosen, see `softal.answer.modelled`.

trial     the best trial, where there is neither. It is the luckiest one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from softal.answer.edges import Edge, edges
from softal.answer.modelled import BEATEN, MOST_POINTS, Model, lowest, luckiest, outdone
from softal.objective import Objective
from softal.objective.scores import Scores, scores_of
from softal.space import Space
from softal.trial import Point, Trial, Value, reaches

__all__ = ["BEATEN", "Answer", "Single", "answer", "mean_of_runs", "point_key"]


@dataclass(frozen=True)
class Single:
    """A trial's own result.

    Attributes:
        id: of the trial.
        value, error: of the objective; the standard error is NaN where it is not known.
    """

    id: int
    point: Point
    value: float
    error: float

    def to_json(self) -> dict[str, Any]:
        """Return plain data; the error is None where it is not known."""
        return {**self.__dict__, "error": _known(self.error)}


@dataclass(frozen=True)
class Answer:
    """The best point of a campaign.

    Attributes:
        point: the point.
        value: of the objective there, in its natural sign.
        error: its standard error; NaN where it is not known.
        origin: how it was found: `repeats`, `model` or `trial`.
        repeats: number of runs at the point.
        fidelity: of these runs.
        trials: their ids.
        best: the trial with the best result, luckier than the answer.
        edges: parameters of the point on the edge of their range.
        luck: that was taken off the surrogate's mean; 0 for other origins.
        why: why it is neither by repeats nor by the surrogate, for people; empty where it is.
    """

    point: Point
    value: float
    error: float
    origin: Literal["repeats", "model", "trial"]
    repeats: int
    fidelity: float
    trials: tuple[int, ...]
    best: Single
    edges: Mapping[str, Edge] = field(default_factory=dict)
    luck: float = 0.0
    why: str = ""

    @property
    def words(self) -> str:
        """How it was found, for people: `mean of 4 runs at fidelity 1`, `the surrogate's mean at trial 12's point`."""
        if self.origin == "repeats":
            return f"mean of {self.repeats} runs at fidelity {self.fidelity:g}"
        if self.origin == "model":
            return f"the surrogate's mean at trial {self.trials[0]}'s point"
        if self.error == 0:
            return f"trial {self.trials[0]}, whose result is exact"
        result = "noisy result" if np.isfinite(self.error) else "result of unknown error"
        return f"trial {self.trials[0]} alone, a single {result}: {self.why}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data; an error is None where it is not known."""
        own = {**self.__dict__, "error": _known(self.error), "trials": list(self.trials), "edges": list(self.edges)}
        return own | {"best": self.best.to_json(), "words": self.words}


def answer(
    objective: Objective, trials: Sequence[Trial] | Scores, space: Space | None = None, model: Model | None = None
) -> Answer | None:
    """Return the best point of a single objective; None where nothing is done, or where there is no best.

    Trials that violate the objective's outcome constraints do not count.

    By repeats: of points that were run twice or more at the highest fidelity at which that happened, the one with the
    lowest mean loss; but not where a trial of the same fidelity or a higher one, or the surrogate's best point, is
    better by more than `BEATEN` standard deviations: nothing was repeated at the best point then (two trials of a
    random search may fall on one point by chance).

    By the surrogate: among the points whose own results do not contradict it; but not where a single result is better
    by more than the luckiest of them all would be.

    Args:
        objective: of the campaign.
        trials: of the campaign, or some of them; or their scores.
        space: of their points; without it, nothing is said of edges.
        model: what the surrogate says; None where there is none.
    """
    scores = scores_of(objective, trials)
    if scores.best is None:
        return None
    chosen, modelled, why = _by_repeats(scores), None, "no repeats, no surrogate"
    if model is not None:
        modelled, why = _by_model(scores, model)
        if chosen and modelled and outdone(model, chosen.point, modelled.point, float(objective.signs[0])):
            chosen = None
    chosen = chosen or modelled or _of(scores, [scores.best], why)
    return replace(chosen, edges=edges(space, [chosen.point]) if space else {})


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


def _by_repeats(scores: Scores) -> Answer | None:
    repeated = scores.repeated()
    if not repeated:
        return None
    highest = max(float(scores.fidelities[group[0]]) for group in repeated)
    whole = partial(reaches, least=highest)
    found = [(_mean(scores, group), group) for group in repeated if whole(float(scores.fidelities[group[0]]))]
    sign = float(scores.objective.signs[0])
    (value, error), group = min(found, key=lambda one: sign * one[0][0])
    rival = scores.lowest(scores.at_fidelity(whole))
    if rival is not None:
        alone, unknown = _mean(scores, [rival])
        one_run = error**2 * len(group)  # the rival's own error may not be known
        sigma = np.sqrt(error**2 + max(one_run, np.nan_to_num(unknown) ** 2))
        if sign * alone < sign * value - BEATEN * sigma:
            return None
    return _of(scores, group)


def _by_model(scores: Scores, model: Model) -> tuple[Answer | None, str]:
    """Return the answer by the surrogate; or None, and why there is none."""
    if model.doubt:
        return None, f"no repeats, and the surrogate {model.doubt}"
    component = scores.objective.components[0]
    runs = scores.runs(MOST_POINTS)
    values, errors = np.array([_mean(scores, run) for run in runs]).T
    points = scores.points([int(scores.ids[run[0]]) for run in runs])
    found = lowest(model, points, component.sign * values, errors, component.sign, component.size > 0)
    if found is None:
        return None, "no repeats, and every good result contradicts the surrogate"
    value, luck = component.sign * found.loss, component.sign * found.luck
    chosen = replace(_of(scores, runs[found.index]), value=value, error=found.error, origin="model", luck=luck)
    if _beaten(scores, chosen, model):
        return None, "no repeats, and better than the surrogate allows"
    return chosen, ""


def _beaten(scores: Scores, chosen: Answer, model: Model) -> bool:
    """Return whether a single result is better than the answer by more than the luckiest of so many would be."""
    rivals = scores.at_fidelity(lambda fidelity: fidelity >= chosen.fidelity)
    rival = scores.lowest(rivals)
    if rival is None:
        return False
    (alone, error), sign = _mean(scores, [rival]), float(scores.objective.signs[0])
    sigma = np.hypot(chosen.error, model.own(np.array(error)))
    return bool(sign * alone < sign * chosen.value - luckiest(len(rivals)) * sigma)


def _mean(scores: Scores, runs: Sequence[int] | NDArray[np.intp]) -> tuple[float, float]:
    """Return the mean of some runs and its standard error, in the natural sign."""
    values = float(scores.objective.signs[0]) * scores.losses[runs, 0]
    return mean_of_runs(values.tolist(), scores.errors[runs, 0].tolist())


def _of(scores: Scores, runs: Sequence[int] | NDArray[np.intp], why: str = "") -> Answer:
    """Return the answer that these runs of one point are."""
    best = scores.best
    assert best is not None
    point, best_point = scores.points([int(scores.ids[runs[0]]), int(scores.ids[best])])
    (value, error), (best_value, best_error) = _mean(scores, runs), _single(scores, best)
    single = Single(int(scores.ids[best]), best_point, best_value, best_error)
    origin: Literal["repeats", "trial"] = "repeats" if len(runs) > 1 else "trial"
    ids = tuple(int(scores.ids[i]) for i in runs)
    fidelity = float(scores.fidelities[runs[0]])
    return Answer(point, value, error, origin, len(runs), fidelity, ids, single, why=why)


def _single(scores: Scores, index: int) -> tuple[float, float]:
    return float(scores.objective.signs[0] * scores.losses[index, 0]), float(scores.errors[index, 0])


def _known(error: float) -> float | None:
    return error if np.isfinite(error) else None
