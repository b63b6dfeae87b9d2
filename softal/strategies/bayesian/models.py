"""The Gaussian processes of the Bayesian strategy: one for each objective, and one for where simulations fail.

Everything is a function of the trials told, in their order: hyperparameters and warps come from the first n_k
(`fitted_at`), the posterior from all of them (or from `max_points` chosen ones).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.objective import Objective
from softal.space import Space
from softal.strategies.bayesian.feasibility import Feasibility
from softal.strategies.bayesian.history import History, fitted_at, kept
from softal.strategies.bayesian.settings import BayesianSettings
from softal.strategies.bayesian.warp import Warp
from softal.surrogates.data import Scaling
from softal.surrogates.encoding import Encoding
from softal.surrogates.exact_gp import ExactGP, Hyperparameters
from softal.surrogates.gp import train

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """What is learned from the first n_k results.

    Attributes:
        n: n_k.
        warps: one for each component.
        lengthscales: (m, d) one for each component and column; those of a choice share one.
        hyperparameters: one for each component.
    """

    n: int
    warps: tuple[Warp, ...]
    lengthscales: Floats
    hyperparameters: tuple[Hyperparameters, ...]


@dataclass(frozen=True)
class Posterior:
    """Gaussian processes of all components, which are to be maximised: their targets are -g(loss).

    Attributes:
        gps: in closed form, standardised units.
        scalings: between standardised and warped units.
        fitted: hyperparameters and warps.
        Y: (n, m) warped targets of the points conditioned on [warped unit].
        X: (n, d) these points.
    """

    gps: tuple[ExactGP, ...]
    scalings: tuple[Scaling, ...]
    fitted: Fitted
    X: Floats
    Y: Floats

    def botorch(self) -> Any:
        """Return the model as BoTorch knows it: a SingleTaskGP, or a ModelListGP for several components."""
        from botorch.models import ModelListGP

        from softal.surrogates.botorch_model import botorch_model

        models = [botorch_model(gp, scaling) for gp, scaling in zip(self.gps, self.scalings, strict=True)]
        return models[0] if len(models) == 1 else ModelListGP(*models)


class Models:
    """Makes posteriors from a history; keeps the last one, and the hyperparameters."""

    def __init__(self, space: Space, objective: Objective, settings: BayesianSettings) -> None:
        self.space, self.objective, self.settings = space, objective, settings
        self._fitted: dict[tuple[int, int], Fitted] = {}
        self._posteriors: dict[int, tuple[tuple[int, int], Posterior]] = {}
        self._feasibility: tuple[tuple[int, int], Feasibility] | None = None

    def posterior(self, history: History, start: int = 0, size: int | None = None) -> Posterior:
        """Return the posterior given the results from number `start` on (those before belong to an older region).

        It is conditioned on at most `size` of them, or else on `max_points`.
        """
        size, key = size or self.settings.max_points, (start, history.done)
        if size not in self._posteriors or self._posteriors[size][0] != key:
            self._posteriors[size] = key, self._condition(history, start, size)
        return self._posteriors[size][1]

    def _condition(self, history: History, start: int, size: int) -> Posterior:
        X, losses, errors = (part[start:] for part in history.arrays())
        fitted = self._fit(X, losses, errors, start)
        index = kept(X, losses, size)
        X, losses, errors = X[index], losses[index], errors[index]
        gps, scalings, targets = [], [], []
        for k, warp in enumerate(fitted.warps):
            Y, Yvar = self._targets(warp, losses[:, k], errors[:, k])
            hyperparameters = expand(fitted.hyperparameters[k], fitted.lengthscales[k], X, self.space.categorical)
            gp, scaling = train(X, Y, Yvar, self.space.categorical, hyperparameters.to_dict())
            gps.append(gp)
            scalings.append(scaling)
            targets.append(Y)
        return Posterior(tuple(gps), tuple(scalings), fitted, X, np.column_stack(targets))

    def _fit(self, X: Floats, losses: Floats, errors: Floats, start: int) -> Fitted:
        n = fitted_at(len(X))
        if (start, n) not in self._fitted:
            parts = [self._fit_one(X[:n], losses[:n, k], errors[:n, k]) for k in range(losses.shape[1])]
            warps, scales, hyperparameters = zip(*parts, strict=True)
            self._fitted = {(start, n): Fitted(n, warps, np.array(scales), hyperparameters)}
        return self._fitted[start, n]

    def _fit_one(self, X: Floats, losses: Floats, errors: Floats) -> tuple[Warp, Floats, Hyperparameters]:
        warp = Warp() if self.objective.learning else Warp.of(losses, self.settings.transform)
        Y, Yvar = self._targets(warp, losses, errors)
        gp, _ = train(X, Y, Yvar, self.space.categorical, max_fit=self.settings.max_fit)
        return warp, per_column(gp.hyperparameters, gp.encoding), gp.hyperparameters

    @staticmethod
    def _targets(warp: Warp, losses: Floats, errors: Floats) -> tuple[Floats, Floats]:
        return -warp(losses), (warp.slope(losses) * errors) ** 2

    def feasibility(self, history: History) -> Feasibility | None:
        """Return the model of where simulations fail; None where none failed, or where it is not wanted."""
        failed = history.failed
        if not self.settings.feasibility or not len(failed):
            return None
        key = (history.done, len(failed))
        if self._feasibility is None or self._feasibility[0] != key:
            self._feasibility = key, Feasibility.of(history.arrays()[0], failed, self.space.categorical)
        return self._feasibility[1]


def per_column(hyperparameters: Hyperparameters, encoding: Encoding) -> Floats:
    """Return the lengthscale of each of the d columns."""
    return np.array([hyperparameters.lengthscales[group[0]] for group in encoding.groups])


def expand(
    hyperparameters: Hyperparameters, lengthscales: Floats, X: Floats, categorical: tuple[int, ...]
) -> Hyperparameters:
    """Return the hyperparameters for points X (n, d), which may hold choices that the fit had not seen."""
    groups = Encoding.of(X, categorical).groups
    encoded = np.empty(sum(len(group) for group in groups))
    for lengthscale, group in zip(lengthscales, groups, strict=True):
        encoded[list(group)] = lengthscale
    return Hyperparameters.from_dict({**hyperparameters.to_dict(), "lengthscales": tuple(encoded.tolist())})
