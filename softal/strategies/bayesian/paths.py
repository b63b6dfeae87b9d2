r"""Sample paths of a posterior, and the points that maximise them: many proposals from one look.

Matheron's rule (Wilson et al., "Efficiently Sampling Functions from Gaussian Process Posteriors", ICML 2020):

    f(x) = c + prior(x) + k(x)^T C^-1 (y - c - prior(X) - eps),        eps_i ~ N(0, v_i)
    prior(x) = sqrt(2 s^2 / F) sum_j w_j cos(omega_j x + b_j),         F random Fourier features

After C has been factorised once, a path costs O(n + F) at a point, so that every one is optimised by itself: its
maximum is a draw from the distribution of where the optimum is (Thompson sampling); n paths give n diverse points.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve
from scipy.optimize import minimize

from softal.numeric import Floats
from softal.strategies.bayesian.outcomes import Outcomes
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.region import Region
from softal.surrogates.gaussian_processes.exact_gp import ExactGP, covariance

FEATURES = 1024
CANDIDATES = 512
BISECTIONS = 12
CHEBYSHEV = 0.05  # weight of the sum in augmented Chebyshev scalarisation (Knowles, ParEGO, 2006)


class Paths:
    """p sample paths of one Gaussian process in standardised units.

    Args:
        gp: the posterior.
        p: number of paths.
        rng: source of randomness.
    """

    def __init__(self, gp: ExactGP, p: int, rng: np.random.Generator) -> None:
        self.gp, h = gp, gp.hyperparameters
        self.scales = np.array(h.lengthscales)
        self.omega = rng.standard_normal((len(self.scales), FEATURES)) / self.scales[:, None]
        self.phase = rng.uniform(0.0, 2.0 * np.pi, FEATURES)
        self.weights = np.sqrt(2.0 * h.outputscale / FEATURES) * rng.standard_normal((FEATURES, p))
        noise = np.sqrt(gp.noise)[:, None] * rng.standard_normal((len(gp.y), p))
        self.update = cho_solve((gp.L, True), gp.y[:, None] - h.mean - self._prior(gp.Z) - noise)

    def _prior(self, Z: Floats) -> Floats:
        return np.asarray(np.cos(Z @ self.omega + self.phase) @ self.weights)

    def values(self, U: Floats) -> Floats:
        """Return all paths at unit points U (k, d), shape (k, p)."""
        Z = self.gp.encoding(U)
        h = self.gp.hyperparameters
        return np.asarray(h.mean + self._prior(Z) + covariance(Z, self.gp.Z, h) @ self.update)

    def own(self, U: Floats) -> tuple[Floats, Floats]:
        """Return path i at point i of U (p, d): values (p,), and gradients (p, d), zero for choices."""
        Z = self.gp.encoding(U)
        angle = Z @ self.omega + self.phase
        K = covariance(Z, self.gp.Z, self.gp.hyperparameters) * self.update.T
        value = self.gp.hyperparameters.mean + np.sum(np.cos(angle) * self.weights.T, axis=1) + K.sum(axis=1)
        slope = -(np.sin(angle) * self.weights.T) @ self.omega.T
        slope -= (Z * K.sum(axis=1, keepdims=True) - K @ self.gp.Z) / self.scales**2
        gradient = np.zeros_like(U)
        numeric = self.gp.encoding.numeric
        gradient[:, numeric] = slope[:, : len(numeric)]
        return value, gradient


class Scalarised:
    """One number to be maximised for each of p draws: the value of a path, or a random scalarisation of several values.

    Values f_k are in units of the range of the data, below their best one. For m > 1 objectives, with weights w_k
    uniform on the simplex: min_k w_k f_k + CHEBYSHEV sum_k w_k f_k.
    """

    def __init__(self, posterior: Posterior, p: int, rng: np.random.Generator) -> None:
        self.links, self.slices = posterior.links, posterior.slices
        self.paths = [Paths(gp, p, rng) for gp in posterior.gps]
        self.offset, self.scale = np.array([(scaling.mean, scaling.scale) for scaling in posterior.scalings]).T
        self.weights = rng.dirichlet(np.ones(len(self.links)), size=p)
        span = np.ptp(posterior.Y, axis=0)
        self.top, self.span = posterior.Y.max(axis=0), np.where(span > 0, span, 1.0)

    def values(self, U: Floats) -> Floats:
        """Return all draws at unit points U (k, d), shape (k, p)."""
        latents = self._natural(np.stack([path.values(U) for path in self.paths], axis=-1))
        every = [link.value(latents[..., part]) for link, part in zip(self.links, self.slices, strict=True)]
        F = (np.stack(every, axis=-1) - self.top) / self.span
        if len(every) == 1:
            return np.asarray(F[..., 0])
        F = self.weights * F
        return np.asarray(F.min(axis=-1) + CHEBYSHEV * F.sum(axis=-1))

    def own(self, U: Floats) -> tuple[Floats, Floats]:
        """Return draw i at point i of U (p, d): values (p,) and gradients (p, d)."""
        found, slopes = zip(*(path.own(U) for path in self.paths), strict=True)
        latents, gradients = self._natural(np.stack(found, axis=-1)), self.scale[:, None] * np.stack(slopes, axis=1)
        parts = [(link, latents[:, j], gradients[:, j]) for link, j in zip(self.links, self.slices, strict=True)]
        F = (np.stack([link.value(f) for link, f, _ in parts], axis=-1) - self.top) / self.span
        G = np.stack([np.einsum("pj,pjd->pd", link.slope(f), g) for link, f, g in parts], axis=1)
        G = G / self.span[:, None]
        if len(parts) == 1:
            return F[:, 0], G[:, 0]
        F, G, rows = self.weights * F, self.weights[:, :, None] * G, np.arange(len(U))
        worst = F.argmin(axis=1)
        return F[rows, worst] + CHEBYSHEV * F.sum(axis=1), G[rows, worst] + CHEBYSHEV * G.sum(axis=1)

    def _natural(self, standardised: Floats) -> Floats:
        return np.asarray(self.offset + self.scale * standardised)


class Margins:
    """How far draws are inside of what is allowed, for each of p draws: the least of all conditions.

    Conditions are success, and each outcome constraint; where a draw of one is below zero, the simulation fails or
    violates (as in SCBO, Eriksson & Poloczek, AISTATS 2021).
    """

    def __init__(
        self, feasibility: Feasibility | None, outcomes: Outcomes | None, p: int, rng: np.random.Generator
    ) -> None:
        classifiers = [*([feasibility] if feasibility else []), *(outcomes.marked if outcomes else ())]
        self._classified = [(Paths(one.gp, p, rng), one) for one in classifiers]
        self._bounded = [(Paths(one.gp, p, rng), one) for one in (outcomes.bounded if outcomes else ())]

    def __bool__(self) -> bool:
        return bool(self._classified or self._bounded)

    def values(self, U: Floats) -> Floats:
        """Return the margins at unit points U (k, d), shape (k, p)."""
        found = [path.values(U) - one.taboo(U)[:, None] for path, one in self._classified]
        return np.asarray(np.min([*found, *(one.margin(path.values(U)) for path, one in self._bounded)], axis=0))

    def own(self, U: Floats) -> Floats:
        """Return that of draw i at point i of U (p, d), shape (p,)."""
        found = [path.own(U)[0] - one.taboo(U) for path, one in self._classified]
        return np.asarray(np.min([*found, *(one.margin(path.own(U)[0]) for path, one in self._bounded)], axis=0))


def maximise_paths(
    posterior: Posterior,
    feasibility: Feasibility | None,
    region: Region,
    n: int,
    visited: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Return n unit points (n, d), each the maximum of a draw from the posterior among where a draw of it is feasible.

    Args:
        posterior: of the objectives.
        feasibility: of success.
        region: where to search.
        n: number of points.
        visited: points (v, d) that shall not be proposed again, as long as there are others.
        rng: source of randomness.
    """
    draws = Scalarised(posterior, n, rng)
    margins = Margins(feasibility, posterior.outcomes, n, rng)
    rows = posterior.probable
    best = posterior.X[rows[np.argsort(-posterior.in_units(posterior.Y[rows]).sum(axis=1), kind="stable")[:5]]]
    best = best if len(best) else posterior.centre[None]
    candidates = region.candidates(CANDIDATES, rng, best)
    values = draws.values(candidates)
    if margins:
        values = _penalised(values, margins.values(candidates))
    values[~region.fresh(candidates, visited)] -= _spread(values)
    start = candidates[_distinct(values)]
    climbed = _climb(draws, start, region)
    if posterior.outcomes:
        climbed = _inside(margins, start, climbed, region)
    keep = draws.own(climbed)[0] > draws.own(start)[0]
    if margins:
        keep &= margins.own(climbed) > 0
    keep &= region.fresh(climbed, visited)
    return np.where(keep[:, None], climbed, start)


def _inside(margins: Margins, start: Floats, reached: Floats, region: Region) -> Floats:
    """Return the last points (p, d) on the way from `start` to `reached` at which the draws satisfy, by bisection."""
    low, high = np.zeros(len(start)), np.ones(len(start))
    low[margins.own(reached) > 0] = 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        inside = margins.own(start + middle[:, None] * (reached - start)) > 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return region.pulled_back(start + low[:, None] * (reached - start), start)


def _penalised(values: Floats, success: Floats) -> Floats:
    """Return values (k, p) lowered below all others where the path of success is not above zero."""
    return values + np.where(success > 0, 0.0, success - _spread(values))


def _spread(values: Floats) -> float:
    return 2.0 * float(np.ptp(values)) + 1.0


def _distinct(values: Floats) -> list[int]:
    """Return for each column of values (k, p) its best row; each row once, as long as there are enough."""
    taken: list[int] = []
    values = values.copy()
    for column in values.T:
        best = int(np.argmax(column))
        taken.append(best)
        values[best] -= _spread(values) if len(taken) < len(values) else 0.0
    return taken


def _climb(draws: Scalarised, start: Floats, region: Region) -> Floats:
    """Return the local maxima (p, d) that are reached from `start` (p, d), integers and choices kept."""

    def minus_sum(flat: Floats) -> tuple[float, Floats]:
        values, gradients = draws.own(flat.reshape(start.shape))
        return -float(values.sum()), -gradients.ravel()

    bounds = region.bounds(start)
    result = minimize(
        minus_sum, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 25, "maxfun": 35}
    )
    return region.pulled_back(result.x.reshape(start.shape), start)
