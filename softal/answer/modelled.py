r"""The best of the points that were run, by a surrogate: where it lies, and what its value is without the luck.

A mean over neighbours is less lucky than one result, but the lowest of many means is lucky, too. By how much is what
functions f that are drawn from the surrogate say, of which m is the mean and x the point where it is lowest:

    luck = E[f(x') - m(x')],  x' = argmin f over the points that were run,        loss = m(x) - luck

Of 25 trials of a bowl with noise sigma the best result is 1.4 sigma too low, the lowest mean 0.8 of its own standard
deviations, and what is left without the luck is 0.1 of them (`tests/test_answer.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from softal.numeric import Floats
from softal.trial import Point

BEATEN = 3.0  # standard deviations by which another point must be better than the answer to be the answer
CONTRADICTED = 3.0  # standard deviations between result and surrogate at a point that is not the answer then
MOST_POINTS = 2000  # with the lowest results, of which the surrogate is asked: their choice does not bias its means
MOST_DRAWN = 256  # of them, with the lowest means


@dataclass(frozen=True)
class Model:
    """What a surrogate says of the objective, in its natural sign, and how far it is to be believed.

    Attributes:
        mean: points -> (n,) posterior mean of the noise-free objective.
        draws: points -> (samples, n) drawn jointly from the posterior.
        rmse: of predictions of unseen trials: the noise of a trial is at most so large.
        widening: factor on its errors, above 1 where it is too sure.
        doubt: why it is not believed, such as `predicts unseen trials with R² 0.1`; empty where it is.
    """

    mean: Callable[[Sequence[Point]], Floats]
    draws: Callable[[Sequence[Point]], Floats]
    rmse: float
    widening: float = 1.0
    doubt: str = ""

    def own(self, errors: Floats) -> Floats:
        """Return the standard errors (n,) of results, `rmse` where they are not known."""
        return np.asarray(np.where(np.isfinite(errors), errors, self.rmse))

    def away(self, points: Sequence[Point]) -> Floats:
        """Return draws (samples, n) without their mean, as wide as the surrogate's errors are."""
        drawn = self.draws(points)
        return np.asarray(self.widening * (drawn - drawn.mean(axis=0)))


@dataclass(frozen=True)
class Lowest:
    """The point whose mean loss is lowest.

    Attributes:
        index: of the point.
        loss: without the luck.
        error: its standard deviation.
        luck: at most 0.
    """

    index: int
    loss: float
    error: float
    luck: float


def lowest(
    model: Model, points: Sequence[Point], results: Floats, errors: Floats, sign: float, lengths: bool
) -> Lowest | None:
    """Return the lowest of n points; None where the result of each contradicts the surrogate.

    Args:
        model: the surrogate's word.
        points: (n,) at least one.
        results: (n,) losses that were found there.
        errors: (n,) their standard errors; NaN where not known.
        sign: of the loss.
        lengths: whether losses are lengths of noisy vectors, see `contradicts`.
    """
    mean = sign * model.mean(points)
    short = np.argsort(mean, kind="stable")[:MOST_DRAWN]
    away = sign * model.away([points[i] for i in short])
    spread = away.std(axis=0, ddof=1)
    wrong = contradicts(mean[short], spread, results[short], model.own(errors[short]), lengths)
    if wrong.all():
        return None
    m, away = mean[short][~wrong], away[:, ~wrong]
    luck = float(np.mean(away[np.arange(len(away)), np.argmin(m + away, axis=1)]))
    return Lowest(int(short[~wrong][0]), float(m[0]) - luck, float(spread[~wrong][0]), luck)


def contradicts(mean: Floats, spread: Floats, results: Floats, errors: Floats, lengths: bool) -> NDArray[np.bool_]:
    """Return (n,) whether results and means differ by more than `CONTRADICTED` standard deviations of both.

    The length of a noisy vector is larger than that of the vector, E y^2 = m^2 + noise^2: a surrogate of curves, which
    knows the vector, says less than what is found. The noise is taken as the same at all points.
    """
    if lengths:
        mean = np.sqrt(mean**2 + max(0.0, float(np.median(results**2 - mean**2))))
    return np.asarray(np.abs(results - mean) > CONTRADICTED * np.hypot(spread, errors))


def luckiest(n: int) -> float:
    """Return how many standard deviations the best of n results may be too low, as rarely as one by `BEATEN`."""
    return -float(ndtri(ndtr(-BEATEN) / n))


def outdone(model: Model, point: Point, by: Point, sign: float) -> bool:
    """Return whether a point is worse than another by more than `BEATEN` standard deviations of their difference."""
    mean = sign * model.mean([point, by])
    spread = np.std(model.away([point, by]) @ np.array([1.0, -1.0]), ddof=1)
    return bool(mean[0] - mean[1] > BEATEN * spread)
