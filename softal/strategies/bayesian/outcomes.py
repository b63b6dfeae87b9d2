r"""Outcome constraints in the Bayesian strategy: how probable it is that a simulation's values satisfy them.

Each constrained value v is a Gaussian process of its own, with the simulation's standard errors as its noise, so that

    P(x) = product over constraints of [ Phi((high - m(x)) / s(x)) - Phi((low - m(x)) / s(x)) ]

with the posterior mean m and standard deviation s of the noise-free value (Gardner et al., "Bayesian Optimization with
Inequality Constraints", ICML 2014). A value that was only ever 0 or 1 is a mark: a classifier of points that satisfy
and points that do not stands for it (`feasibility.py`), since no number between them means anything.

ln P is added to logarithmic acquisition functions. Their incumbents, and the points that may be best, are those with
P >= 1/2. While there is none, ln P alone is maximised: first find where the constraints hold at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from softal.numeric import Floats
from softal.objective.outcome import Outcome
from softal.space import Space
from softal.strategies.bayesian.lengthscales import expand, per_column
from softal.strategies.shared.feasibility import Feasibility
from softal.surrogates.data import Scaling
from softal.surrogates.gaussian_processes.exact_gp import ExactGP, Hyperparameters
from softal.surrogates.gaussian_processes.gp import train

PROBABLE = 0.5  # from which on a point counts as one that satisfies
SMALLEST = 1e-12  # standard deviation, in standardised units: simulations may repeat without noise
TINY = 1e-300


@dataclass(frozen=True)
class Bounded:
    """A value between bounds: its Gaussian process, and the bounds in standardised units."""

    gp: ExactGP
    low: float
    high: float

    def log_probability(self, U: Floats) -> Floats:
        """Return ln P (n,) at unit points U (n, d)."""
        mean, variance = self.gp.posterior(U)
        std = np.sqrt(np.maximum(variance, SMALLEST**2))
        low, high = (self.low - mean) / std, (self.high - mean) / std
        if not (np.isfinite(self.low) and np.isfinite(self.high)):
            return np.asarray(log_ndtr(high if np.isfinite(self.high) else -low))
        left = low + high > 0  # the tail that does not cancel
        a, b = np.where(left, -high, low), np.where(left, -low, high)
        return np.asarray(log_ndtr(b) + np.log(np.maximum(-np.expm1(log_ndtr(a) - log_ndtr(b)), TINY)))

    def margin(self, values: Floats) -> Floats:
        """Return how far values in standardised units are inside of the bounds; negative outside."""
        return np.minimum(values - self.low, self.high - values)

    def torch(self) -> Callable[[Any], Any]:
        """Return `log_probability` as a function of tensors `... x d`, differentiable."""
        import torch

        from softal.strategies.bayesian.latents import Latents

        standard = Scaling(0.0, 1.0, -np.inf, np.inf)
        latents = Latents(_Alone((self.gp,), (standard,)))
        log_cdf = torch.special.log_ndtr

        def log_probability(X: Any) -> Any:
            mean, variance = latents.moments(X.reshape(-1, X.shape[-1]))
            mean, std = mean[:, 0], variance[:, 0].sqrt()
            if not np.isfinite(self.low):
                found = log_cdf((self.high - mean) / std)
            elif not np.isfinite(self.high):
                found = log_cdf((mean - self.low) / std)
            else:
                low, high = (self.low - mean) / std, (self.high - mean) / std
                left = low + high > 0
                a, b = torch.where(left, -high, low), torch.where(left, -low, high)
                inside = -torch.expm1(log_cdf(a) - log_cdf(b))
                found = log_cdf(b) + inside.clamp_min(TINY).log()
            return found.reshape(X.shape[:-1])

        return log_probability


@dataclass(frozen=True)
class _Alone:
    """One Gaussian process, as the posteriors of several are."""

    gps: tuple[ExactGP, ...]
    scalings: tuple[Scaling, ...]


@dataclass(frozen=True)
class Outcomes:
    """The probability that all outcome constraints are satisfied.

    Attributes:
        bounded: values between bounds.
        marked: of marks; those that no trial has violated are not among them.
    """

    bounded: tuple[Bounded, ...]
    marked: tuple[Feasibility, ...]

    def log_probability(self, U: Floats) -> Floats:
        """Return ln P (n,) at unit points U (n, d)."""
        return np.asarray(sum((part.log_probability(U) for part in self._parts), np.zeros(len(U))))

    def probable(self, U: Floats) -> NDArray[np.bool_]:
        """Return (n,) whether each constraint is more probably satisfied than not."""
        each = [part.log_probability(U) >= np.log(PROBABLE) for part in self._parts]
        return np.asarray(np.all(np.vstack([*each, np.ones(len(U), dtype=bool)]), axis=0))

    @property
    def _parts(self) -> tuple[Bounded | Feasibility, ...]:
        return (*self.bounded, *self.marked)

    def torch(self) -> Callable[[Any], Any]:
        """Return `log_probability` as a function of tensors `... x d`, differentiable."""
        parts = [part.torch() for part in self._parts]
        return lambda X: sum((part(X) for part in parts), 0.0 * X[..., 0])


class OutcomeModels:
    """Makes `Outcomes` of results; keeps the hyperparameters of the last fit.

    Args:
        space, outcomes: of the campaign.
        max_fit: hyperparameters are fitted on at most so many results.
    """

    def __init__(self, space: Space, outcomes: Sequence[Outcome], max_fit: int) -> None:
        self.space, self.outcomes, self.max_fit = space, tuple(outcomes), max_fit
        self._fitted: dict[tuple[int, int], list[tuple[Hyperparameters, Floats]]] = {}

    def fit(self, key: tuple[int, int], X: Floats, values: Floats, errors: Floats) -> None:
        """Fit hyperparameters to the first results X (n, d), values (n, c) and their errors, once for each key."""
        if key not in self._fitted:
            self._fitted = {key: [self._fit(X, *column) for column in zip(values.T, errors.T, strict=True)]}

    def _fit(self, X: Floats, values: Floats, errors: Floats) -> tuple[Hyperparameters, Floats]:
        gp, _ = train(X, values, errors**2, self.space.categorical, max_fit=self.max_fit)
        return gp.hyperparameters, per_column(gp.hyperparameters, gp.encoding)

    def condition(self, X: Floats, values: Floats, errors: Floats) -> Outcomes:
        """Return the posterior given results X (n, d), values (n, c) and their errors (n, c), NaN where not known."""
        (fitted,) = self._fitted.values()
        bounded, marked = [], []
        for one, y, e, (h, scales) in zip(self.outcomes, values.T, errors.T, fitted, strict=True):
            holds = np.array([one.holds(value) for value in y])
            if np.isin(y, (0.0, 1.0)).all():
                marked += [] if holds.all() else [Feasibility.of(X[holds], X[~holds], self.space.categorical)]
                continue
            bounded.append(self._bounded(one, X, y, e, h, scales))
        return Outcomes(tuple(bounded), tuple(marked))

    def _bounded(
        self, one: Outcome, X: Floats, y: Floats, errors: Floats, h: Hyperparameters, lengthscales: Floats
    ) -> Bounded:
        found = expand(h, lengthscales, X, self.space.categorical)
        gp, scaling = train(X, y, errors**2, self.space.categorical, found.to_dict())
        low, high = ((bound - scaling.mean) / scaling.scale for bound in (one.low, one.high))
        return Bounded(gp, low, high)


def log_success(feasibility: Feasibility | None, outcomes: Outcomes | None) -> Callable[[Any], Any] | None:
    """Return ln of the probability that a simulation succeeds and satisfies, of tensors `... x d`; None: always."""
    parts = [part.torch() for part in (feasibility, outcomes) if part is not None]
    if not parts:
        return None
    return lambda X: sum(part(X) for part in parts)
