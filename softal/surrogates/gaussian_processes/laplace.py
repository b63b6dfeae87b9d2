"""Hyperparameters that the data allow besides the best ones.

At its best hyperparameters alone, a Gaussian process is too sure: a parameter that seems not to matter gets a
lengthscale of hundreds, and with it an optimum in a corner of its range without any doubt. Here hyperparameters are
drawn from their posterior density by sampling importance resampling (Rubin, 1988): candidates from a Student-like
widening of the Laplace approximation at the maximum, weighted by density over proposal.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.numeric import Floats
from softal.surrogates.data import subset
from softal.surrogates.gaussian_processes.exact_gp import Density, ExactGP
from softal.surrogates.threads import single_threaded

CANDIDATES = 64
STEP = 1e-3  # of the finite difference of the gradient, in ln(hyperparameter)
FLATTEST = 0.25  # curvature of the weakest prior: the density is nowhere flatter for long
DEGREES = 5.0  # of freedom of the proposal's tails


@single_threaded
def posterior_draws(gp: ExactGP, count: int, max_fit: int) -> list[ExactGP]:
    """Return the process `gp` for `count` draws of its hyperparameters, the same ones every time."""
    some = subset(gp.y, max_fit)
    density = Density(gp.Z[some], gp.y[some], gp.variance[some], gp.encoding.groups)
    rng = np.random.default_rng(0)
    thetas, log_weights = _candidates(density, density.theta(gp.hyperparameters), rng)
    weights = np.exp(log_weights - np.max(log_weights))
    levels = (np.arange(count) + rng.random()) / count  # systematic resampling
    chosen = np.searchsorted(np.cumsum(weights) / np.sum(weights), levels)
    return [
        ExactGP(gp.X, gp.y, gp.variance, gp.encoding, density.hyperparameters(thetas[i]))
        for i in np.minimum(chosen, len(thetas) - 1)
    ]


def _candidates(density: Density, best: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return candidates (CANDIDATES, k) within the bounds, and the logarithms of their weights."""
    curvature, directions = np.linalg.eigh(_hessian(density, best))
    scales = np.maximum(curvature, FLATTEST) ** -0.5
    z = rng.standard_normal((CANDIDATES, len(best))) / np.sqrt(rng.chisquare(DEGREES, (CANDIDATES, 1)) / DEGREES)
    z[0] = 0.0
    thetas = best + (z * scales) @ directions.T
    low, high = density.bounds.T
    held = (best <= low + STEP) | (best >= high - STEP)  # what is at a bound stays there
    thetas = np.where(held, best, thetas)
    inside = np.all((thetas >= low) & (thetas <= high), axis=1)
    log_proposal = -0.5 * (DEGREES + len(best)) * np.log1p(np.sum(z**2, axis=1) / DEGREES)
    minus_log = np.array([density(theta)[0] if ok else np.inf for theta, ok in zip(thetas, inside, strict=True)])
    return thetas, np.where(inside, -minus_log - log_proposal, -np.inf)


def _hessian(density: Density, theta: Floats) -> Floats:
    rows = [(density(theta + step)[1] - density(theta - step)[1]) / (2.0 * STEP) for step in STEP * np.eye(len(theta))]
    H = np.array(rows)
    return np.asarray(0.5 * (H + H.T))


def shares(draws: Sequence[ExactGP], samples: int) -> list[tuple[ExactGP, int]]:
    """Return each process with how many of the samples it gives."""
    counts = [len(part) for part in np.array_split(np.arange(samples), len(draws))]
    return [(gp, count) for gp, count in zip(draws, counts, strict=True) if count]
