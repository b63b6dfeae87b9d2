"""The ensemble: networks that predict scores of all arrays, trained on densities with what is known built in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.learner import part_of
from softal.surrogates.profiles.basis import Basis, Lesson
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.inputs import Inputs
from softal.surrogates.profiles.model import Part, Raw, by_array, raw
from softal.surrogates.profiles.networks import Networks
from softal.surrogates.profiles.training import Model, Problem, Trained, blank, frame_of

if TYPE_CHECKING:
    from softal.surrogates.profiles.settings import ProfilesSettings


QUICK = {"folds": 3, "fold_members": 1}


class Ensemble(Model):
    """Networks point -> scores, and the curves of them.

    Args:
        parts: form and basis of each array.
        networks: M of them.
        inputs: of theirs.
    """

    def __init__(self, parts: Sequence[Part], networks: Networks, inputs: Inputs) -> None:
        self.parts, self.networks, self.inputs = tuple(parts), networks, inputs

    def raw(self, X: Floats, frames: Sequence[Frame]) -> list[Raw]:
        """Return curves at X (n, d); see `Model`."""
        return raw(self.parts, self.networks(self.inputs(X, frames)), frames)

    def members(self, X: Floats, frames: Sequence[Frame]) -> dict[str, Floats]:
        """Return array -> the curves (M, n, T) of each network at the knots."""
        scores = by_array(self.parts, self.networks(self.inputs(X, frames)))
        each = zip(self.parts, frames, strict=True)
        return {part.form.name: part.members(scores[part.form.name], frame) for part, frame in each}

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return networks, inputs and bases."""
        parts = {"networks": self.networks.to_tensors(), "inputs": self.inputs.to_tensors()}
        parts |= {f"basis.{i}": part.basis.to_tensors() for i, part in enumerate(self.parts)}
        return {f"{part}.{name}": values for part, found in parts.items() for name, values in found.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], forms: Sequence[Form], inputs: Inputs) -> Ensemble:
        """Make it of what `to_tensors` returned; `inputs` without offset and scale."""
        parts = [Part(form, Basis.from_tensors(part_of(f"basis.{i}", tensors))) for i, form in enumerate(forms)]
        made = Inputs(inputs.space, inputs.forms, **part_of("inputs", tensors))
        return cls(parts, Networks.from_tensors(part_of("networks", tensors)), made)


def train_ensemble(problem: Problem, settings: ProfilesSettings, seed: int) -> Trained:
    """Return networks that learned from all trials, and what others say of the folds that they left out."""
    from softal.surrogates.profiles.descent import train

    fold = problem.data.folds(settings.folds, seed)
    seen = [np.ones(len(fold), dtype=np.bool_), *(fold != i for i in range(fold.max() + 1))]
    groups = lessons(problem, seen, settings.components)
    counts = [settings.members, *[settings.fold_members] * (len(seen) - 1)]
    networks = train(problem.x, problem.observed, groups, seen, counts, settings, seed)
    held = blank(problem.observed)
    forms = [one.form for one in problem.observed]
    models = [
        Ensemble([Part(f, lesson.basis) for f, lesson in zip(forms, group, strict=True)], some, problem.inputs)
        for group, some in zip(groups, networks, strict=True)
    ]
    for i, model in enumerate(models[1:]):
        rows = fold == i
        found = model.raw(problem.data.X[rows], [frame_of(frame, rows) for frame in problem.frames])
        for target, own in zip(held, found, strict=True):
            target.mean[rows], target.spread[rows] = own.mean, own.spread
    return Trained(models[0], fold, held)


def train_quickly(problem: Problem, settings: ProfilesSettings, seed: int) -> Ensemble:
    """Return networks that learned from all trials; of the folds that say when to stop there are few."""
    model = train_ensemble(problem, settings.model_copy(update=QUICK), seed).model
    assert isinstance(model, Ensemble)
    return model


def lessons(problem: Problem, seen: Sequence[NDArray[np.bool_]], components: int) -> list[list[Lesson]]:
    """Return what each group of networks learns of each array: its basis is of the trials (n,) that the group sees."""
    groups: list[list[Lesson]] = [[] for _ in seen]
    for one in problem.observed:
        c, covariance = one.coefficients()
        most = components
        for _ in range(2):  # all groups get the size of the smallest
            bases = [Basis.of(c[rows], one.form.known.positive, most) for rows in seen]
            most = min(basis.size for basis in bases)
        for group, basis in zip(groups, bases, strict=True):
            group.append(Lesson(basis, basis.scores(c), basis.noise(covariance)))
    return groups
