"""What the models say: latent functions as Gaussian processes, and the values that links make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.strategies.bayesian.links import Length, Link
from softal.strategies.bayesian.outcomes import Outcomes
from softal.surrogates.data import Scaling
from softal.surrogates.gaussian_processes.exact_gp import ExactGP, Hyperparameters


@dataclass(frozen=True)
class Fitted:
    """What is learned from the first n_k results.

    Attributes:
        n: n_k.
        links: one for each component.
        lengthscales: (J, d) one for each latent function and column; those of a choice share one.
        hyperparameters: one for each latent function.
        skills: one for each component: part of the variance of the results that is predicted where each is left out,
            1 - mean square error / variance; NaN where there are too few to tell.
        whole: one for each component: whether no result is clipped as an outlier, for `learn`.
    """

    n: int
    links: tuple[Link, ...]
    lengthscales: Floats
    hyperparameters: tuple[Hyperparameters, ...]
    skills: tuple[float, ...]
    whole: tuple[bool, ...]


@dataclass(frozen=True)
class Posterior:
    """Gaussian processes of all latent functions, of which links make values that are to be maximised.

    Attributes:
        gps: (J,) in closed form, standardised units; those of the first component come first.
        scalings: (J,) between standardised and natural units of the latent functions.
        fitted: hyperparameters and links.
        X: (n, d) the points conditioned on.
        Y: (n, m) their values as observed.
        units: (m,) of the values: acquisition functions hold absolute constants, so that they are given values in
            units of their spread, and what is proposed does not depend on the unit of the objective.
        outcomes: where outcome constraints are satisfied; None without any.
        inside: (n,) whether the points are within the ranges; None where all are.
    """

    gps: tuple[ExactGP, ...]
    scalings: tuple[Scaling, ...]
    fitted: Fitted
    X: Floats
    Y: Floats
    units: tuple[Scaling, ...]
    outcomes: Outcomes | None = None
    inside: NDArray[np.bool_] | None = None

    @cached_property
    def probable(self) -> NDArray[np.intp]:
        """Rows (p,) of the points within the ranges that probably satisfy the outcome constraints: one may be best."""
        inside = np.ones(len(self.X), dtype=bool) if self.inside is None else self.inside
        return np.flatnonzero(inside & self.outcomes.probable(self.X) if self.outcomes else inside)

    @property
    def centre(self) -> Floats:
        """The point (d,) with the best observed value of the first component among the probable ones.

        Where none is, that which most probably satisfies the outcome constraints.
        """
        if self.outcomes and not len(self.probable):
            return np.asarray(self.X[int(np.argmax(self.outcomes.log_probability(self.X)))])
        return np.asarray(self.X[self.probable[int(np.argmax(self.Y[self.probable, 0]))]])

    @property
    def links(self) -> tuple[Link, ...]:
        """One for each component."""
        return self.fitted.links

    @property
    def composite(self) -> bool:
        """Whether a component is a known function of several latent functions."""
        return any(isinstance(link, Length) for link in self.links)

    @property
    def slices(self) -> tuple[slice, ...]:
        """Where the latent functions of each component are."""
        ends = np.cumsum([0, *(link.size for link in self.links)]).tolist()
        return tuple(slice(low, high) for low, high in pairwise(ends))

    def latents(self, U: Floats) -> tuple[Floats, Floats]:
        """Return mean (k, J) and variance (k, J) of the latent functions at unit points U (k, d), natural units."""
        mean, variance = (np.stack(part, axis=-1) for part in zip(*(gp.posterior(U) for gp in self.gps), strict=True))
        offset, scale = np.array([(scaling.mean, scaling.scale) for scaling in self.scalings]).T
        return offset + scale * mean, scale**2 * variance

    def values(self, U: Floats) -> tuple[Floats, Floats]:
        """Return mean (k, m) and standard deviation (k, m) of the values to be maximised, at unit points U (k, d)."""
        mean, variance = self.latents(U)
        pairs = zip(self.links, self.slices, strict=True)
        columns = [link.moments(mean[:, part], variance[:, part]) for link, part in pairs]
        found, spread = (np.stack(part, axis=-1) for part in zip(*columns, strict=True))
        return found, np.sqrt(spread)

    def noise(self, row: int) -> Floats:
        """Return the standard error (m,) that a run at the point X[row] has by the model, in units of the values."""
        mean, _ = self.latents(self.X[[row]])
        variance = np.array([s.scale**2 * gp.noise[row] for gp, s in zip(self.gps, self.scalings, strict=True)])
        pairs = zip(self.links, self.slices, strict=True)
        found = [np.sqrt(np.sum(link.slope(mean[:, part]) ** 2 * variance[part])) for link, part in pairs]
        return np.array(found)

    def means(self, U: Floats) -> Floats:
        """Return the mean (k, m) of the values that are to be maximised, at unit points U (k, d)."""
        return self.values(U)[0]

    def in_units(self, values: Any) -> Any:
        """Return values (..., m), an array or a tensor, in `units`."""
        offset, scale = (np.array([getattr(unit, name) for unit in self.units]) for name in ("mean", "scale"))
        if isinstance(values, np.ndarray):
            return (values - offset) / scale
        return (values - values.new_tensor(offset)) / values.new_tensor(scale)

    @property
    def lengthscales(self) -> Floats:
        """Lengthscales (d,): the geometric mean over the first component's latent functions, weighted by variance."""
        part = self.slices[0]
        weights = np.array([scaling.scale**2 for scaling in self.scalings[part]])
        found: Floats = np.exp(weights @ np.log(self.fitted.lengthscales[part]) / weights.sum())
        return found

    def loss(self, X: Any) -> tuple[Any, Any]:
        """Return mean (b,) and standard deviation (b,) of the first component's noise-free loss, natural unit.

        X is a tensor (b, d) of unit points; both are differentiable in it.
        """
        from softal.strategies.bayesian.latents import Latents

        mean, variance = Latents(self).moments(X)
        part = self.slices[0]
        return self.links[0].loss(mean[:, part], variance[:, part])

    def loss_of_mean(self, X: Any) -> Any:
        """Return the first component's loss (b,) at the mean of the latent functions, natural unit.

        Of a match it is the loss of the mean curves. The mean loss is higher where the curves are uncertain, since it
        is their distance to the reference: its minimum lies close to points that are known.
        """
        from softal.strategies.bayesian.latents import Latents

        mean = Latents(self).moments(X)[0][:, self.slices[0]]
        return self.links[0].loss(mean, 0.0 * mean)[0]

    def botorch(self, units: Sequence[Scaling] | None = None) -> Any:
        """Return the latent functions as BoTorch knows them: a SingleTaskGP, or a ModelListGP for several.

        Args:
            units: (J,) in which they are; None is natural ones. Where each component is one function, `self.units`.
        """
        from botorch.models import ModelListGP

        from softal.surrogates.gaussian_processes.botorch_model import botorch_model

        own = self.scalings if units is None else [s.within(unit) for s, unit in zip(self.scalings, units, strict=True)]
        models = [botorch_model(gp, scaling) for gp, scaling in zip(self.gps, own, strict=True)]
        return models[0] if len(models) == 1 else ModelListGP(*models)
