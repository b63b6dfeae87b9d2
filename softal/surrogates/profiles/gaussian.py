"""Gaussian processes of the same scores, one for each component: what networks are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.data import Scaling
from softal.surrogates.gaussian_processes.exact_gp import ExactGP
from softal.surrogates.gaussian_processes.gp import restored, stored, train
from softal.surrogates.learner import part_of
from softal.surrogates.profiles.basis import Basis
from softal.surrogates.profiles.ensemble import lessons
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.model import Part, Raw, by_array, raw
from softal.surrogates.profiles.training import Model, Problem, Trained, blank

if TYPE_CHECKING:
    from softal.surrogates.profiles.settings import ProfilesSettings

MAX_FIT = 150  # hyperparameters of many scores are fitted on at most so many trials


class Gaussian(Model):
    """Independent Gaussian processes of the scores.

    Args:
        parts: form and basis of each array.
        gps: one for each component of all arrays, with the scaling of its scores.
    """

    def __init__(self, parts: Sequence[Part], gps: Sequence[tuple[ExactGP, Scaling]]) -> None:
        self.parts, self.gps = tuple(parts), tuple(gps)

    def raw(self, X: Floats, frames: Sequence[Frame]) -> list[Raw]:
        """Return curves at X (n, d); see `Model`."""
        found = [(gp.posterior(X), scaling) for gp, scaling in self.gps]
        mean = np.stack([scaling.mean + scaling.scale * y for (y, _), scaling in found], axis=-1)
        std = np.stack([scaling.scale * np.sqrt(v) for (_, v), scaling in found], axis=-1)
        return raw(self.parts, as_members(mean, std), frames)

    def left_out(self) -> tuple[Floats, Floats]:
        """Return mean and standard deviation (n, J) of each trial's scores, given all others."""
        mean, std = [], []
        for gp, scaling in self.gps:
            y, v = gp.leave_one_out()
            mean.append(scaling.mean + scaling.scale * y)
            std.append(scaling.scale * np.sqrt(np.maximum(v - gp.noise, 1e-9)))
        return np.stack(mean, axis=-1), np.stack(std, axis=-1)

    def paths(self, anchors: Floats, samples: int, rng: np.random.Generator) -> Callable[[Floats], Floats]:
        """Return functions X (q, d) -> scores (samples, q, J) drawn from the posterior."""
        drawn = [(gp.paths(anchors, samples, rng), scaling) for gp, scaling in self.gps]

        def scores(X: Floats) -> Floats:
            return np.stack([scaling.mean + scaling.scale * path(X) for path, scaling in drawn], axis=-1)

        return scores

    def of_scores(self, s: Floats, frames: Sequence[Frame]) -> dict[str, Floats]:
        """Return array -> the curves (M, n, T) of members' scores (M, n, J) at the knots."""
        scores = by_array(self.parts, s)
        each = zip(self.parts, frames, strict=True)
        return {part.form.name: part.members(scores[part.form.name], frame) for part, frame in each}

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return bases, and what the processes were conditioned on."""
        tensors = {f"basis.{i}.{k}": v for i, part in enumerate(self.parts) for k, v in part.basis.to_tensors().items()}
        every = [stored(*one)[0] for one in self.gps]
        return tensors | {name: np.stack([arrays[name] for arrays in every]) for name in ("X", "y", "variance")}

    def plain(self) -> dict[str, Any]:
        """Return hyperparameters and scalings."""
        return {"gps": [stored(*one)[1] for one in self.gps]}

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[Any]],
        plain: Mapping[str, Any],
        forms: Sequence[Form],
        categorical: Sequence[int],
    ) -> Gaussian:
        """Make it of what `to_tensors` and `plain` returned."""
        parts = [Part(form, Basis.from_tensors(part_of(f"basis.{i}", tensors))) for i, form in enumerate(forms)]
        each = zip(*(tensors[name] for name in ("X", "y", "variance")), plain["gps"], strict=True)
        return cls(
            parts, [restored({"X": X, "y": y, "variance": v}, learned, categorical) for X, y, v, learned in each]
        )


def as_members(mean: Floats, std: Floats) -> Floats:
    """Return 2 J members (2 J, n, J) whose mean and variance are those of independent scores (n, J)."""
    J = mean.shape[1]
    away = np.sqrt((2 * J - 1) / 2) * std[None] * np.eye(J)[:, None]
    return np.concatenate([mean + away, mean - away])


def train_gaussian(problem: Problem, settings: ProfilesSettings, seed: int) -> Trained:
    """Return processes of all trials, and what they say of each given all others (`leave_one_out`)."""
    model = fit_gaussian(problem, settings)
    held = blank(problem.observed)
    found = raw(model.parts, as_members(*model.left_out()), problem.frames)
    for target, own in zip(held, found, strict=True):
        target.mean[:], target.spread[:] = own.mean, own.spread
    return Trained(model, problem.data.folds(settings.folds, seed), held)


def fit_gaussian(problem: Problem, settings: ProfilesSettings) -> Gaussian:
    """Return processes of all trials."""
    [found] = lessons(problem, [np.ones(len(problem.data), dtype=np.bool_)], settings.components)
    parts = [Part(one.form, lesson.basis) for one, lesson in zip(problem.observed, found, strict=True)]
    X, categorical = problem.data.X, problem.space.categorical
    gps = [
        train(X, s, v, categorical, None, MAX_FIT, len(X), np.ones(len(X), dtype=np.bool_))
        for lesson in found
        for s, v in zip(lesson.scores.T, lesson.noise.T, strict=True)
    ]
    return Gaussian(parts, gps)
