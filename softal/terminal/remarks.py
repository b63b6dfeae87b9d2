"""What the terminal says beside the answer: of ranges over decades, values that never change, and what was learnt."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.cards.text import quality
from softal.numeric import Floats
from softal.objective import Objective
from softal.objective.scores import Scores, scores_of
from softal.simulators import Simulator
from softal.space import Space
from softal.space.parameters import Real
from softal.strategies import Strategy
from softal.strategies.shared.few import every_point, same_again
from softal.trial import Trial

ENOUGH = 5  # trials at different points before a value is said not to change
DECADES = 3  # of a range on a linear scale, of which nine tenths are the last decade
SHOWN = 1e-4  # of a value: smaller differences are not seen among four digits


def hints(
    space: Space,
    objective: Objective,
    simulator: Simulator | None = None,
    strategy: type[Strategy] | None = None,
    trials: int | None = None,
) -> Iterator[str]:
    """Give lines that a user should read before a campaign begins; `trials` is its budget, None any number."""
    yield from [] if simulator is None else simulator.remarks()
    for component in objective.components:
        curves = [f"{one.tolerance:g} of {one.array}" for one in component.references]
        if curves and component.targets:
            yield f"beside targets, a chi of {', '.join(curves)} counts as one tolerance; `tolerance:` says another"
    every = every_point(space) if strategy is not None and strategy.draws_again else None
    if strategy is not None and every is not None and (trials is None or trials >= len(every)):
        yield (
            f"the space has {len(every)} points, of which `{strategy.kind}` runs some again before it has run all; "
            "`grid` runs each once, and `bayesian` ends where repeats say nothing new"
        )
    for name, parameter in space.parameters.items():
        if not isinstance(parameter, Real) or parameter.log or parameter.low <= 0:
            continue
        decades = math.log10(parameter.high) - math.log10(parameter.low)
        if decades >= DECADES:
            yield (
                f"{name} ranges over {decades:.3g} decades, and nine of ten points lie in the last one; with "
                "`log: true` each decade gets as many"
            )


def remarks(
    space: Space, objective: Objective, trials: Sequence[Trial] | Scores, version: Mapping[str, Any]
) -> Iterator[str]:
    """Give lines that a user should read at the end of a campaign.

    Args:
        space, objective: of the campaign.
        trials: of the campaign; or the scores of all that are done, see `unconstrained`.
        version: the surrogate's last record (`Campaign.versions`); empty where there is none.
    """
    done = scores_of(unconstrained(objective), trials)
    X = space.to_unit(done.points(done.ids.tolist()))
    if len(np.unique(X, axis=0)) >= ENOUGH:
        for name, losses, sign in zip(objective.names, done.losses.T, objective.signs, strict=True):
            yield from _unchanged(name, sign * losses, space)
    yield from _repeated(space, X, done)
    if objective.learning:
        for name in objective.names:
            yield from _learnt(name, version)


def unconstrained(objective: Objective) -> Objective:
    """Return the objective by which every trial that is done counts."""
    return replace(objective, outcomes=())


def _unchanged(name: str, values: NDArray[np.float64], space: Space) -> Iterator[str]:
    low, high = float(values.min()), float(values.max())
    parameters = ", ".join(space.names)
    if low == high:
        yield f"{name} is {low:.6g} in all {len(values)} trials, whatever {parameters}: does the simulation use them?"
    elif high - low < SHOWN * max(abs(low), abs(high)):
        yield (
            f"{name} differs by {high - low:.2g} at most between trials, {(high - low) / max(abs(low), abs(high)):.0e} "
            f"of its value, less than four digits show: return its distance from a constant such as {low:.12g}"
        )


def _repeated(space: Space, X: Floats, done: Scores) -> Iterator[str]:
    if space.dimension and space.cells.all() and same_again(X, done.losses, done.errors):
        points = len(np.unique(X.round(9), axis=0))
        yield (
            f"{len(done) - points} of {len(done)} trials repeated one of {points} points and gave the same result: "
            "without noise, one run of each is enough"
        )


def _learnt(name: str, version: Mapping[str, Any]) -> Iterator[str]:
    rmse, r2 = (version.get(key, {}).get(name) for key in ("rmse", "r2"))
    if rmse is not None and r2 is not None:
        unseen = f"{version['method']}, {version['trials']} trials"
        yield f"{name} of unseen trials is predicted with {quality(rmse, r2)} ({unseen})"
