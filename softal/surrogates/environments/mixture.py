r"""A mixture of Gaussians in the plane of the autoencoder, evaluated by NumPy.

    p(Y) = sum_j pi_j N(Y; mu_j, C_j),      p_ij = pi_j N(Y_i; mu_j, C_j) / p(Y_i)
    BIC  = -2 sum_i ln p(Y_i) + M ln n,     M = k - 1 + k c + k c (c + 1) / 2

Fits are scikit-learn's: expectation and maximization from k-means, the best of some starts.

Source: G. Schwarz, Ann. Stat. 6, 461 (1978), for BIC; E. Boattini's thesis (Utrecht, 2021), section 4.2.2.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from softal.numeric import Floats

ROUNDS = 300  # of expectation and maximization at most
TOLERANCE = 1e-4  # of the mean ln p, below whose gain a fit has ended
FLOOR = 1e-6  # of the coordinates' variance, added to variances


@dataclass(frozen=True)
class Mixture:
    """A mixture of k Gaussians in c dimensions.

    Attributes:
        weights: pi, (k,).
        means: mu, (k, c).
        covariances: C, (k, c, c).
    """

    weights: Floats
    means: Floats
    covariances: Floats

    def parts(self, Y: Floats) -> Floats:
        """Return ln(pi_j N(Y_i; mu_j, C_j)), (n, k)."""
        return np.log(self.weights) + gaussians(Y[:, None] - self.means, self.covariances)

    def log_likelihood(self, Y: Floats) -> Floats:
        """Return ln p(Y), (n,)."""
        return np.asarray(logsumexp(self.parts(Y), axis=1))

    def memberships(self, Y: Floats) -> Floats:
        """Return p_ij (n, k); rows sum to 1."""
        return memberships(self.parts(Y))

    def bic(self, Y: Floats) -> float:
        """Return BIC on coordinates (n, c)."""
        k, c = self.means.shape
        parameters = k - 1 + k * c + k * c * (c + 1) / 2
        return float(-2 * np.sum(self.log_likelihood(Y)) + parameters * np.log(len(Y)))


def gaussians(away: Floats, covariances: Floats) -> Floats:
    """Return ln N (n, k) of k Gaussians with covariances (k, c, c), at vectors (n, k, c) from their means."""
    n, k, c = away.shape
    found = np.empty((n, k))
    for j, covariance in enumerate(covariances):
        root = np.linalg.cholesky(covariance)
        white = solve_triangular(root, away[:, j].T, lower=True)
        found[:, j] = -0.5 * np.sum(white**2, axis=0) - np.sum(np.log(np.diag(root))) - 0.5 * c * np.log(2 * np.pi)
    return found


def memberships(parts: Floats) -> Floats:
    """Return probabilities (n, k), whose rows sum to 1, of logarithms that lack a constant of each row."""
    return np.asarray(np.exp(parts - logsumexp(parts, axis=1, keepdims=True)))


def fits(Y: Floats, numbers: Sequence[int], restarts: int, seed: int) -> list[Mixture]:
    """Return the mixtures of these numbers of components that are most likely on coordinates (n, c)."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    floor = FLOOR * max(float(np.mean(np.var(Y, axis=0))), 1e-300)
    found = []
    # Sums of several threads differ in their last digits from run to run.
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for k in numbers:
            made = GaussianMixture(
                k, tol=TOLERANCE, reg_covar=floor, max_iter=ROUNDS, n_init=restarts, random_state=seed
            ).fit(Y)
            found.append(Mixture(made.weights_, made.means_, made.covariances_))
    return found
