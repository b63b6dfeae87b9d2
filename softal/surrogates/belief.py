"""How far a surrogate is believed, and the answer of a campaign that has one.

A surrogate is believed where it predicts trials that it has not seen better than their mean does, beyond what chance
gives: where R2 exceeds twice its own standard error, sqrt(4 R2 (1 - R2)^2 / n) for n trials (Olkin and Finn, Psychol.
Bull. 118 (1995) 155). For 25 trials that is R2 = 0.31, for 100 it is 0.12: much of the scatter may be noise, which
nobody predicts. And where at least half of the unseen trials lie within its 95 % intervals.

Where fewer than 95 % do, by more than the standard error of that part, its errors are taken as too small by the factor
that would bring a normal distribution there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from softal.about import SURROGATE
from softal.answer import Answer, answer
from softal.answer.modelled import Model
from softal.numeric import NORMAL_95
from softal.objective import Objective
from softal.objective.scores import Scores, scores_of
from softal.space import Space
from softal.surrogates import Diagnostics, Surrogate, load
from softal.surrogates.folders import latest_of
from softal.trial import Point, Trial

SIGNIFICANT = 2.0  # standard errors of R2 above 0
LEAST_COVERAGE = 0.5  # of the 95 % intervals
DRAWS = 128  # functions: a standard deviation to 6 %


def find_answer(
    objective: Objective, space: Space, trials: Sequence[Trial] | Scores, surrogate: Surrogate | None
) -> Answer | None:
    """Return a campaign's answer by its repeats, its surrogate, or its best trial; see `softal.answer.answer`."""
    scores = scores_of(objective, trials)
    if scores.best is None:
        return None
    if surrogate is None or objective.names[0] not in surrogate.targets:
        return answer(objective, scores, space)
    try:
        return answer(objective, scores, space, model(surrogate, objective.names[0]))
    except Exception as error:  # a surrogate may be anybody's code; a campaign has an answer without it
        broken = Model(_nothing, _nothing, math.nan, doubt=f"cannot be asked: {type(error).__name__}: {error}")
        return answer(objective, scores, space, broken)


def model(surrogate: Surrogate, target: str) -> Model:
    """Return what a surrogate says of a target, and how far it is to be believed."""
    column, found = surrogate.index(target), surrogate.diagnostics()

    def mean(points: Sequence[Point]) -> NDArray[np.float64]:
        return surrogate.posterior(surrogate.space.to_unit(points)).mean[:, column]

    def draws(points: Sequence[Point]) -> NDArray[np.float64]:
        X = surrogate.space.to_unit(points)
        return surrogate.sample(X, DRAWS, np.random.default_rng(0))[:, :, column]

    coverage = found.coverage.get(target, math.nan)
    return Model(mean, draws, found.rmse.get(target, math.nan), widening(coverage, found.n), doubt(found, target))


def doubt(found: Diagnostics, target: str) -> str:
    """Return why a surrogate is not believed; empty where it is."""
    r2, coverage = found.r2.get(target, math.nan), found.coverage.get(target, math.nan)
    needed = least_r2(found.n)
    if math.isnan(r2):  # of one trial, or of values that are all the same
        return f"cannot be judged by the {found.n} trials that it knows" if found.n > 1 else "knows one trial only"
    if not r2 > needed:
        return f"predicts unseen trials with R² {r2:.2f}, and is believed above {needed:.2f}"
    if not coverage >= LEAST_COVERAGE:
        return f"has {coverage:.0%} of unseen trials in its 95 % intervals, and is believed above {LEAST_COVERAGE:.0%}"
    return ""


def least_r2(n: int) -> float:
    """Return the R2 of n trials that is `SIGNIFICANT` standard errors above 0: R / (1 - R2) = 2 SIGNIFICANT / √n."""
    t = 2.0 * SIGNIFICANT / math.sqrt(n)
    return ((math.sqrt(1.0 + 4.0 * t**2) - 1.0) / (2.0 * t)) ** 2


def widening(coverage: float, n: int) -> float:
    """Return the factor on errors of which 95 % intervals hold the part `coverage` of n trials: 1, or more."""
    rest = ((n * coverage + 1.0) / (n + 2.0)) * ((n * (1.0 - coverage) + 1.0) / (n + 2.0))
    part = coverage + math.sqrt(rest / n)
    return NORMAL_95 / float(ndtri(0.5 + 0.5 * part)) if part < 0.95 else 1.0


def latest(folder: Path, kind: str | None = None, campaign: str | None = None) -> Surrogate | None:
    """Return the latest surrogate in a campaign's folder; None where there is none that can be loaded.

    Args:
        folder: of the campaign.
        kind: of the surrogate.
        campaign: its id; the surrogate of another campaign is none.
    """
    try:
        found = load(latest_of(folder, SURROGATE), kind)
        return found if found.learned_in(campaign) else None
    except Exception:  # whatever is wrong with it, a campaign is looked at without it
        return None


def _nothing(points: Sequence[Point]) -> NDArray[np.float64]:
    return np.empty((0, len(points)))
