"""The composite surrogate: it learns the curves and values behind a match, and knows how the loss is made of them.

A match compares curves with references: its loss |r| has a kink at its minimum, is never negative, and hides all that
the curves say but one number. The curves themselves are smooth functions of the parameters; a model of them needs far
fewer simulations (Astudillo & Frazier, "Bayesian Optimization of Composite Functions", ICML 2019). See
`basis.py`, `curves.py` and `norm.py` beside this file for what it is made of. A value of the match that has a target of
its own is a Gaussian process of its own. What the surrogate shall learn beside matches has one Gaussian process each,
as in `softal.surrogates.gaussian_processes.gp`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from softal.errors import InvalidObservation, SurrogateError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.objective import Component
from softal.surrogates import base
from softal.surrogates.curves.curves import MAX_FIT, Curves
from softal.surrogates.data import Scaling, training_data
from softal.surrogates.gaussian_processes.exact_gp import ExactGP
from softal.surrogates.gaussian_processes.gp import left_out, restored, stored, train, unclipped
from softal.trial import Observation, Trial, Value


@dataclass(frozen=True)
class Part:
    """Where one array lies among the residuals of a match, and what makes natural units of its residuals.

    y = reference + scale r,    scale = tolerance |reference| / sqrt(w / sum w)

    Attributes:
        array: its name.
        grid, reference: (k,).
        scale: of the residuals [unit of the array].
    """

    array: str
    grid: Floats
    reference: Floats
    scale: float


@dataclass(frozen=True)
class Aim:
    """A target among the residuals of a match: value = target + scale r, scale = tolerance / sqrt(w / sum w)."""

    value: str
    target: float
    scale: float


class CompositeSettings(Settings):
    """Settings of the composite surrogate."""

    model: Literal["pca", "higher_order"] = Field(
        "pca",
        description="pca: scores in a basis of the observed curves; higher_order: in the one that BoTorch's "
        "HigherOrderGP learns, which is slower",
    )
    max_fit: int = Field(MAX_FIT, ge=2, le=2000, description="hyperparameters are fitted on at most so many trials")
    max_points: int = Field(1000, ge=2, le=10_000, description="predictions are conditioned on at most so many trials")


class Composite(base.Surrogate):
    """Curves as scores in a basis, each a Gaussian process; the loss of a match is the length of its residuals."""

    kind = "composite"
    Settings = CompositeSettings
    wants_arrays = True

    def fit_arrays(self, X: ArrayLike, Y: ArrayLike, Yvar: ArrayLike | None = None) -> None:
        """Refuse: the targets alone do not say what the curves are."""
        raise SurrogateError("the composite surrogate learns from trials with the arrays of their observations")

    def curves(self, points: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Floats, Floats, Floats]]:
        """Return array -> (grid (k,), mean (n, k), standard deviation (n, k)) at points in natural units.

        What is returned is the noise-free array on the grid of its reference. Of an array in several matches, that of
        the first.
        """
        self._require_fit()
        X = self.space.to_unit(points)
        found: dict[str, tuple[Floats, Floats, Floats]] = {}
        for name, parts in self._parts.items():
            mean, variance = self._curves[name].curves(X)
            start = 0
            for part in parts:
                columns = slice(start, start := start + len(part.grid))
                natural = part.reference + part.scale * mean[:, columns], part.scale * np.sqrt(variance[:, columns])
                found.setdefault(part.array, (part.grid, *natural))
        return found

    def properties(self, points: Sequence[Mapping[str, Value]]) -> dict[str, tuple[Floats, Floats]]:
        """Return value -> (mean (n,), standard deviation (n,)) of the values with targets, in natural units.

        What is returned is the noise-free value. Of a value in several matches, that of the first.
        """
        self._require_fit()
        X = self.space.to_unit(points)
        found: dict[str, tuple[Floats, Floats]] = {}
        for name, aims in self._aims.items():
            mean, variance = self._curves[name].curves(X) if aims else (np.empty((len(X), 0)),) * 2
            for aim, r, v in zip(aims, mean.T[-len(aims) :], variance.T[-len(aims) :], strict=True):
                found.setdefault(aim.value, (aim.target + aim.scale * r, aim.scale * np.sqrt(v)))
        return found

    def _learn(self, done: Sequence[Trial]) -> None:
        """Learn from trials of which some have the curves.

        Raises:
            SurrogateError: a target is in none of them, no target is a match of curves, or no trial has the curves.
        """
        X, Y, Yvar = training_data(done, self.space, self.targets)
        components = {c.name: c for c in self.objective.components if c.matching} if self.objective else {}
        matches = {name: components[name] for name in self.targets if name in components}
        if not matches:
            raise SurrogateError(
                f"the composite surrogate learns what a match is made of, but none of its targets is a match: "
                f"{', '.join(self.targets)}"
            )
        residuals = {name: _residuals(component, done) for name, component in matches.items()}
        self._parts = {name: _parts(component) for name, component in matches.items()}
        self._aims = {name: _aims(component) for name, component in matches.items()}
        self._curves = {name: self._learned(X, *residuals[name], name) for name in matches}
        self._scalars = {
            name: self._scalar(X, Y[:, i], Yvar[:, i], name)
            for i, name in enumerate(self.targets)
            if name not in matches
        }

    def _scalar(self, X: Floats, y: Floats, variance: Floats, name: str) -> tuple[ExactGP, Scaling]:
        rows = np.isfinite(y)
        data = X[rows], y[rows], variance[rows], self.space.categorical
        good = unclipped(self.component(name), *data, self.settings.max_fit)
        return train(*data, None, self.settings.max_fit, self.settings.max_points, good)

    def _learned(self, X: Floats, residuals: Floats, variances: Floats, name: str) -> Curves:
        there = np.flatnonzero(np.isfinite(residuals).any(axis=1))
        limits = self.settings.max_fit, self.settings.max_points
        higher_order = self.settings.model == "higher_order" and bool(self._parts[name])
        data = X[there], residuals[there], variances[there]
        return Curves.of(*data, self.space.categorical, *limits, higher_order, len(self._aims[name]))

    def _posterior(self, X: Floats) -> base.Posterior:
        mean, variance = np.empty((2, len(X), len(self.targets)))
        for i, name in enumerate(self.targets):
            if name in self._curves:
                mean[:, i], variance[:, i] = self._curves[name].loss(X)
            else:
                gp, scaling = self._scalars[name]
                y, v = gp.posterior(X)
                mean[:, i], variance[:, i] = scaling.mean + scaling.scale * y, scaling.scale**2 * v
        return base.Posterior(mean, variance)

    def _paths(self, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        paths = [self._path(name, samples, rng, anchors) for name in self.targets]

        def evaluate(X: Floats) -> Floats:
            return np.stack([path(X) for path in paths], axis=-1)

        return evaluate

    def _path(self, name: str, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        if name in self._curves:
            return self._curves[name].paths(samples, rng, anchors)
        gp, scaling = self._scalars[name]
        path = gp.paths(anchors, samples, rng)
        return lambda X: scaling.mean + scaling.scale * path(X)

    def _diagnostics(self) -> base.Diagnostics:
        scores = {name: found.score for name, found in self._unseen().items()}
        gps = [curves.gps[0] for curves in self._curves.values()] + [gp for gp, _ in self._scalars.values()]
        n = max(len(gp.y) for gp in gps)
        return base.Diagnostics(n, "leave-one-out", *base.by_measure(scores))

    def _unseen(self) -> dict[str, base.Unseen]:
        curves, scalars = self._curves, self._scalars
        return {
            name: base.Unseen(curves[name].gps[0].X, *curves[name].leave_one_out())
            if name in curves
            else left_out(*scalars[name])
            for name in self.targets
        }

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors: dict[str, NDArray[Any]] = {}
        learned: dict[str, Any] = {}
        for i, name in enumerate(self.targets):
            if name in self._curves:
                arrays, learned[name] = self._curves[name].to_tensors()
                for part in self._parts[name]:
                    arrays |= {f"grid.{part.array}": part.grid, f"reference.{part.array}": part.reference}
                learned[name] = {
                    "parts": [{"array": part.array, "scale": part.scale} for part in self._parts[name]],
                    "aims": [asdict(aim) for aim in self._aims[name]],
                    "scores": learned[name],
                }
            else:
                arrays, learned[name] = stored(*self._scalars[name])
            tensors |= {f"{i}.{key}": values for key, values in arrays.items()}
        return tensors, {"models": learned}

    def _restore(self, tensors: Mapping[str, NDArray[Any]], state: Mapping[str, Any]) -> None:
        self._curves, self._scalars, self._parts, self._aims = {}, {}, {}, {}
        for i, name in enumerate(self.targets):
            arrays = {key.removeprefix(f"{i}."): values for key, values in tensors.items() if key.startswith(f"{i}.")}
            learned = state["models"][name]
            if "parts" not in learned:
                self._scalars[name] = restored(arrays, learned, self.space.categorical)
                continue
            self._curves[name] = Curves.from_tensors(arrays, learned["scores"], self.space.categorical)
            self._parts[name] = [
                Part(one["array"], arrays[f"grid.{one['array']}"], arrays[f"reference.{one['array']}"], one["scale"])
                for one in learned["parts"]
            ]
            self._aims[name] = [Aim(**one) for one in learned.get("aims", [])]


def _residuals(component: Component, done: Sequence[Trial]) -> tuple[Floats, Floats]:
    """Return residuals (n, K) and variances (n, K); NaN for trials without the curves."""
    residuals, variances = np.full((2, len(done), component.size), np.nan)
    reason: Exception | None = None
    for i, trial in enumerate(done):
        try:
            residuals[i], variances[i] = component.residual(trial.observation or Observation())
        except InvalidObservation as error:
            reason = error
    if not np.isfinite(residuals).any():
        what = "curves" if component.references else "values"
        raise SurrogateError(f"no trial has the {what} of {component.name!r}: {reason}")
    return residuals, variances


def _parts(component: Component) -> list[Part]:
    parts = []
    for reference, weight in zip(component.references, component.weights, strict=False):  # those of targets come last
        wanted = (reference.grid >= reference.range[0]) & (reference.grid <= reference.range[1])
        grid, values = reference.grid[wanted], reference.values[wanted]
        scale = reference.tolerance * float(np.linalg.norm(values)) / float(np.sqrt(weight))
        parts.append(Part(reference.array, grid, values, scale))
    return parts


def _aims(component: Component) -> list[Aim]:
    weights = component.weights[len(component.references) :]
    pairs = zip(component.targets, weights, strict=True)
    return [Aim(one.value, one.target, one.tolerance / float(np.sqrt(weight))) for one, weight in pairs]
