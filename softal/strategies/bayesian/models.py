"""The Gaussian processes of the Bayesian strategy: those of the objective, and one for where simulations fail.

Each component of the objective is made of latent functions, each a Gaussian process, by a link (`links.py`):

    scalar     one latent function, -g(loss), which is the value to be maximised itself
    composite  the scores of a match in a basis of its residuals (softal/surrogates/curves/curves.py): the value is -|r|

Everything is a function of the trials told, in their order: hyperparameters, warps and bases come from the first n_k
(`fitted_at`), the posterior from all of them (or from `max_points` chosen ones).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.objective import Component, Objective
from softal.space import Space
from softal.strategies.bayesian.lengthscales import expand, per_column
from softal.strategies.bayesian.links import Length, Link, Warped
from softal.strategies.bayesian.outcomes import OutcomeModels, Outcomes
from softal.strategies.bayesian.posterior import Fitted, Posterior
from softal.strategies.bayesian.settings import BayesianSettings
from softal.strategies.bayesian.warp import DECADES, Warp
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.history import GROWTH, History, Results, fitted_at, kept
from softal.surrogates.curves.basis import Basis
from softal.surrogates.curves.curves import MAX_FIT
from softal.surrogates.data import Scaling, better_half
from softal.surrogates.gaussian_processes.exact_gp import ExactGP
from softal.surrogates.gaussian_processes.gp import train, unclipped

COMPOSITE_GROWTH = 1.06  # a basis of few curves lacks what the next one brings
FEWEST = 4  # results that say whether left-out ones are predicted
BETTER = 0.9  # part of the usual warp's left-out square error that another one must stay below to be taken


@dataclass(frozen=True)
class Learned:
    """What is learned of one component: link, a Gaussian process for each latent function, and as in `Fitted`."""

    link: Link
    gps: tuple[ExactGP, ...]
    skill: float
    whole: bool


class Models:
    """Makes posteriors from a history; keeps the last one, and the hyperparameters."""

    def __init__(self, space: Space, objective: Objective, settings: BayesianSettings) -> None:
        self.space, self.objective, self.settings = space, objective, settings
        self._fitted: dict[tuple[int, int], Fitted] = {}
        self._posteriors: dict[int, tuple[tuple[int, int], Posterior]] = {}
        self._feasibility: tuple[tuple[int, int], Feasibility] | None = None
        self._outcomes = OutcomeModels(space, objective.outcomes, settings.max_fit) if objective.outcomes else None

    def posterior(self, history: History, start: int = 0, size: int | None = None) -> Posterior:
        """Return the posterior given the results from number `start` on (those before belong to an older region).

        It is conditioned on at most `size` of them, or else on `max_points`.
        """
        size, key = size or self.settings.max_points, (start, history.done)
        if size not in self._posteriors or self._posteriors[size][0] != key:
            self._posteriors[size] = key, self._condition(history.results(start), start, size)
        return self._posteriors[size][1]

    def _condition(self, results: Results, start: int, size: int) -> Posterior:
        fitted = self._fit(results, start)
        first, results = results, results.rows(kept(results.X, results.ranked, size))
        outcomes = self._outcomes_of(first.rows(np.arange(fitted.n)), results, start)
        gps, scalings, values, units = [], [], [], []
        latents = iter(zip(fitted.hyperparameters, fitted.lengthscales, strict=True))
        for k, link in enumerate(fitted.links):
            Y, Yvar = link.data(results, k)
            good = self._unclipped(results.losses[:, k], fitted.whole[k])
            values.append(link.observed(results.losses[:, k]))
            units.append(Scaling.of(values[-1], good))
            for y, variance in zip(Y.T, Yvar.T, strict=True):
                known = expand(*next(latents), results.X, self.space.categorical).to_dict()
                gp, scaling = train(results.X, y, variance, self.space.categorical, known, good=good)
                gps.append(gp)
                scalings.append(scaling)
        Y = np.column_stack(values)
        return Posterior(tuple(gps), tuple(scalings), fitted, results.X, Y, tuple(units), outcomes, results.inside)

    def _outcomes_of(self, first: Results, results: Results, start: int) -> Outcomes | None:
        if self._outcomes is None:
            return None
        self._outcomes.fit((start, len(first.X)), first.X, first.outcomes, first.outcome_errors)
        return self._outcomes.condition(results.X, results.outcomes, results.outcome_errors)

    def _fit(self, results: Results, start: int) -> Fitted:
        composite = self.settings.composite(self.objective)
        n = fitted_at(len(results.X), COMPOSITE_GROWTH if composite else GROWTH)
        if (start, n) not in self._fitted:
            first = results.rows(np.arange(n))
            learned = [self._learned(component, first, k) for k, component in enumerate(self.objective.components)]
            gps = [gp for one in learned for gp in one.gps]
            scales = np.array([per_column(gp.hyperparameters, gp.encoding) for gp in gps])
            found = Fitted(
                n,
                tuple(one.link for one in learned),
                scales,
                tuple(gp.hyperparameters for gp in gps),
                tuple(one.skill for one in learned),
                tuple(one.whole for one in learned),
            )
            self._fitted = {(start, n): found}
        return self._fitted[start, n]

    def _learned(self, component: Component, results: Results, k: int) -> Learned:
        """Return the component's model: of several warps the one with which left-out results are predicted best."""
        results = results.rows(kept(results.X, results.losses, self.settings.max_points))
        usual, *others = [self._train(link, results, k) for link in self._links(component, results, k)]
        best = max(others, key=lambda one: one.skill, default=usual)
        return best if 1.0 - best.skill < BETTER * (1.0 - usual.skill) else usual

    def _links(self, component: Component, results: Results, k: int) -> list[Link]:
        if component.matching and self.settings.composite(self.objective):
            singles = len(component.targets)
            return [Length(Basis.of(results.residuals[k], results.variances[k], singles=singles))]
        if self.objective.learning:
            return [Warped(Warp())]
        losses, errors = results.losses[:, k], results.errors[:, k]
        return [Warped(warp) for warp in Warp.candidates(losses, self.settings.transform, errors)]

    def _train(self, link: Link, results: Results, k: int) -> Learned:
        most = min(MAX_FIT, self.settings.max_fit) if isinstance(link, Length) else self.settings.max_fit
        losses, categorical = results.losses[:, k], self.space.categorical
        whole = False
        if self.objective.learning:
            whole = unclipped(None, results.X, losses, results.errors[:, k] ** 2, categorical, most) is not None
        good = self._unclipped(losses, whole)
        columns = zip(*(part.T for part in link.data(results, k)), strict=True)
        trained = [train(results.X, y, v, categorical, max_fit=most, good=good) for y, v in columns]
        return Learned(link, tuple(gp for gp, _ in trained), skill(link, trained, losses), whole)

    def _unclipped(self, losses: Floats, whole: bool) -> NDArray[np.bool_] | None:
        """Return which of the losses (n,) are not clipped; None where all may be."""
        if self.objective.learning:
            return np.ones(len(losses), dtype=bool) if whole else None
        return better_half(losses)

    def feasibility(self, history: History) -> Feasibility | None:
        """Return the model of where simulations fail; None where none failed, or where it is not wanted."""
        failed = history.failed
        if not self.settings.feasibility or not len(failed):
            return None
        key = (history.done, len(failed))
        if self._feasibility is None or self._feasibility[0] != key:
            self._feasibility = key, Feasibility.of(history.arrays()[0], failed, self.space.categorical)
        return self._feasibility[1]


def skill(link: Link, trained: Sequence[tuple[ExactGP, Scaling]], losses: Floats) -> float:
    """Return the part of the variance of losses (n,) that is predicted where each is left out; NaN for fewer than 4.

    Losses are compared as a search looks at them: the good half as it is, or its logarithm where it spans decades; the
    bad half compressed.
    """
    if len(losses) < FEWEST:
        return np.nan
    left_out = [gp.leave_one_out() for gp, _ in trained]
    mean = np.stack([s.mean + s.scale * m for (m, _), (_, s) in zip(left_out, trained, strict=True)], axis=-1)
    variance = np.stack([s.scale**2 * v for (_, v), (_, s) in zip(left_out, trained, strict=True)], axis=-1)
    decades = np.all(losses > 0) and np.median(losses) > DECADES * np.min(losses)
    scale = Warp.of(losses, "log" if decades else "auto")
    lowest = float(np.min(losses)) / DECADES if decades else -np.inf
    predicted = np.maximum(link.loss(mean, variance)[0], lowest)
    return 1.0 - float(np.mean((scale(predicted) - scale(losses)) ** 2)) / (float(np.var(scale(losses))) or 1.0)
