"""Where the surrogate expects the optimum, beside the answer: how good it is there, and how far that is to be believed.

The answer lies where something was run. The optimum may lie anywhere, also where only the surrogate speaks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from softal.answer.edges import edges_of
from softal.answer.optimum import Optimum
from softal.numeric import Floats
from softal.objective import Component, Objective
from softal.objective.scores import Scores, scores_of
from softal.surrogates import Surrogate
from softal.surrogates.analysis import minima, summary
from softal.surrogates.belief import doubt
from softal.surrogates.tolerance import tolerated
from softal.trial import Trial

FAR = 0.1  # of a range, from the nearest run
UNSURE = 2.0  # times the error at the nearest run
MATTERS = 0.1  # of the spread of the means at the runs: a smaller error is no reason to doubt
MOST_RUNS = 2000


def find_optimum(objective: Objective, trials: Sequence[Trial] | Scores, surrogate: Surrogate | None) -> Optimum | None:
    """Return the optimum of a single objective by a surrogate; None where there is none to be had."""
    name = objective.names[0]
    if surrogate is None or not objective.single or objective.learning or name not in surrogate.targets:
        return None
    if objective.outcomes:  # of which the surrogate knows nothing
        return None
    scores = scores_of(objective, trials)
    if not len(scores):
        return None
    try:
        runs = surrogate.space.to_unit(scores.points(scores.ids[-MOST_RUNS:].tolist()))
        component = objective.components[0]
        found = _possible(locate(surrogate, float(objective.signs[0]), name, runs), component)
        return replace(found, tolerated=_tolerated(surrogate, component))
    except Exception:  # a surrogate may be anybody's code; an optimum is not worth its failure
        return None


def _possible(found: Optimum, component: Component) -> Optimum:
    """Return the optimum with a value that can be: a probability is 1 at most, whatever a Gaussian process expects."""
    low, high = component.limits
    value = min(max(found.value, low), high)
    if abs(found.value - value) <= found.error or found.doubt:
        return replace(found, value=value)
    than, most = ("less", f"at least {low:g}") if found.value < low else ("more", f"at most {high:g}")
    return replace(found, value=value, doubt=f"expects {than} there than can be, which is {most}")


def _tolerated(surrogate: Surrogate, component: Component) -> dict[str, tuple[Any, float]]:
    """Return what the tolerances of a match leave, where it has targets: of curves alone they say nothing."""
    if not component.targets:
        return {}
    weight = sum(part.weight for part in component.parts)
    return summary(surrogate.space, tolerated(surrogate, weight, component.name))


def locate(surrogate: Surrogate, sign: float, target: str, runs: Floats) -> Optimum:
    """Return the optimum of a target of which `runs` (n, d), in the unit cube, were run.

    Args:
        surrogate: fitted.
        sign: +1 where the target is minimised, -1 where it is maximised.
        target: its name.
        runs: what is looked at to tell whether the optimum lies away from everything that was run; the latest
            `MOST_RUNS` of many.
    """
    U, losses = minima(surrogate, sign, target=target)
    edges = edges_of(surrogate.space, U)
    place = {
        name: (centre, math.nan if name in edges else spread)
        for name, (centre, spread) in summary(surrogate.space, U).items()
    }
    value, error = sign * float(np.mean(losses)), float(np.std(losses, ddof=1))
    away, why = _away(surrogate, target, U, runs[-MOST_RUNS:]), doubt(surrogate.diagnostics(), target)
    return Optimum(place, value, error, edges, away, why)


def _away(surrogate: Surrogate, target: str, U: Floats, runs: Floats) -> bool:
    """Return whether most points U (samples, d) are far from every run, and much less is known there than at runs."""
    distances = np.abs(U[:, None] - runs[None]).max(axis=2)
    nearest = runs[np.argmin(distances, axis=1)]
    column = surrogate.index(target)
    there, here = (np.median(surrogate.posterior(X).std[:, column]) for X in (U, nearest))
    least = MATTERS * np.std(surrogate.posterior(runs).mean[:, column])
    return bool(np.median(distances.min(axis=1)) > FAR and there > max(UNSURE * here, least))
