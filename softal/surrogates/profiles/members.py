"""Profiles as a committee: members, with few of the folds that tell how good they are, for the strategy `committee`.

Each predicts all arrays, in units of an array's typical size, at places that lie evenly in the coordinate in which it
is learned: so an array counts as much as another one, and an end of a curve as much as its middle, however many bins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.training import Problem

if TYPE_CHECKING:
    from softal.surrogates.profiles.settings import ProfilesSettings

STEPS = 600  # of a committee's networks at most
DRAWS = 16  # members of Gaussian processes: functions drawn from their posterior
ANCHORS = 256  # points at which these are exact

Curves = Callable[[Floats, Sequence[Frame]], Mapping[str, Floats]]


def committee(problem: Problem, settings: ProfilesSettings, seed: int) -> Callable[[Floats], Floats]:
    """Return X (n, d) -> predictions (M, n, q).

    Args:
        problem: of the trials to learn from.
        settings: of the learner.
        seed: of the members.

    Raises:
        SurrogateError: there is a single member.
    """
    if settings.network != "gaussian_process" and settings.members < 2:
        raise SurrogateError(f"members: {settings.members} is given; a committee that disagrees has 2 or more")
    curves, inputs, space = _curves(problem, settings, seed), problem.inputs, problem.space
    sizes = {one.form.name: _size(one.form, one.values) for one in problem.observed}

    def predictions(X: Floats) -> Floats:
        found = curves(X, inputs.frames(space.from_unit(X)))
        return np.concatenate([values / (sizes[name] * np.sqrt(values.shape[2])) for name, values in found.items()], 2)

    return predictions


def _curves(problem: Problem, settings: ProfilesSettings, seed: int) -> Curves:
    """Return X (n, d) with its frames -> array -> the members' curves (M, n, T)."""
    if settings.network == "gaussian_process":
        from softal.surrogates.profiles.gaussian import fit_gaussian

        model = fit_gaussian(problem, settings)
        rng = np.random.default_rng(seed)
        draw = model.paths(problem.space.sample(ANCHORS, rng), DRAWS, rng)
        return lambda X, frames: model.of_scores(draw(X), frames)
    quick = settings.model_copy(update={"steps": min(settings.steps, STEPS)})
    if settings.network == "paper":
        from softal.surrogates.profiles.paper import train_paper

        paper = train_paper(problem, settings, seed).model
        return paper.members
    from softal.surrogates.profiles.ensemble import train_quickly

    return train_quickly(problem, quick, seed).members


def _size(form: Form, values: Floats) -> float:
    """Return what an array's curves are measured in: their typical value, or how much they differ."""
    return form.constant if form.known.positive else max(float(values.std(axis=0).mean()), 1e-9 * form.constant)
