r"""Integrated posterior variance, for `learn`: where to simulate so that the surrogate becomes good everywhere.

A simulation at x lowers the variance averaged over the space by (Seo et al., IJCNN 2000, "ALC"; BoTorch calls it
qNegIntegratedPosteriorVariance)

    Delta(x) = mean_z cov(x, z)^2 / (var(x) + v),        z uniform in the space, v the noise of one simulation

which does not depend on its result: points are chosen one after the other, each conditioned on those before it and on
the pending ones. Several components add up, each in its standardised unit.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular

from softal.numeric import Floats
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.region import Region, is_new
from softal.surrogates.gaussian_processes.exact_gp import ExactGP, covariance

POINTS = 256  # z
CANDIDATES = 384


def minimise_variance(
    posterior: Posterior,
    feasibility: Feasibility | None,
    region: Region,
    n: int,
    pending: Floats,
    visited: Floats,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Return n unit points (n, d) and by how much each lowers the integrated variance (n,).

    Args:
        posterior: of what is learned.
        feasibility: of success, which Delta and the weight of each z are multiplied with.
        region: where to search.
        n: number of points.
        pending: points (p, d) that are being simulated.
        visited: points (v, d) that shall not be proposed again, as long as there are others.
        rng: source of randomness.
    """
    candidates = region.candidates(CANDIDATES, rng, np.empty((0, region.space.dimension)))
    points = np.vstack([pending, candidates, region.space.sample(POINTS, rng)])
    p, c = len(pending), len(candidates)
    success = np.exp(feasibility.log_probability(points)) if feasibility else np.ones(len(points))
    worth = success[p + c :] / max(float(success[p + c :].sum()), 1e-300)
    covariances = [posterior_covariance(gp, points) for gp in posterior.gps]
    noises = [typical_noise(gp) for gp in posterior.gps]
    allowed = is_new(candidates, visited)
    chosen: list[int] = list(range(p))
    gains: list[float] = []
    for step in range(p + n):
        if step >= p:
            delta = sum(_gains(C, v, slice(p, p + c), worth) for C, v in zip(covariances, noises, strict=True))
            delta = delta * success[p : p + c] * np.where(allowed, 1.0, 1e-6)
            chosen.append(p + int(np.argmax(delta)))
            gains.append(float(np.max(delta)))
            allowed[chosen[-1] - p] = False
        covariances = [conditioned(C, v, chosen[step]) for C, v in zip(covariances, noises, strict=True)]
    return points[chosen[p:]], np.array(gains)


def _gains(C: Floats, noise: float, candidates: slice, worth: Floats) -> Floats:
    """Return Delta of the candidates; the last columns of C are the z, with weights `worth`."""
    block = C[candidates, len(C) - len(worth) :]
    return np.asarray((block**2 @ worth) / (np.diag(C)[candidates] + noise))


def posterior_covariance(gp: ExactGP, U: Floats) -> Floats:
    """Return the posterior covariance (k, k) at unit points U (k, d), standardised (RW 2.24)."""
    Z = gp.encoding(U)
    v = solve_triangular(gp.L, covariance(gp.Z, Z, gp.hyperparameters), lower=True, check_finite=False)
    return np.asarray(covariance(Z, Z, gp.hyperparameters) - v.T @ v)


def conditioned(C: Floats, noise: float, i: int) -> Floats:
    """Return the covariance C (k, k) after a simulation at point i."""
    return np.asarray(C - np.outer(C[i], C[i]) / (C[i, i] + noise))


def typical_noise(gp: ExactGP) -> float:
    """Return the median variance of the observations, standardised."""
    return float(np.median(gp.noise))
