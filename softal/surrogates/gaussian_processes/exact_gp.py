r"""Gaussian process regression in closed form: hyperparameters, posterior, leave-one-out.

Notation, in standardised units (Rasmussen & Williams, "Gaussian Processes for Machine Learning", 2006 [RW]):

    k(x, x') = s^2 exp(-1/2 sum_j (x_j - x'_j)^2 / l_j^2)        s^2 outputscale, l_j lengthscales (ARD)
    C = K + diag(v)          v_i = error_i^2 + extra  where the simulation gave its standard error, else `noise`
    L L^T = C, alpha = C^-1 (y - c)                              RW algorithm 2.1
    mean(x) = c + k(x)^T alpha,  var(x) = k(x, x) - |L^-1 k(x)|^2

The lengthscales have BoTorch's priors, scaled with the dimension (Hvarfner, Hellsten & Nardi, ICML 2024):
LogNormal(sqrt(2) + ln(d)/2, sqrt(3)). Hyperparameters are the maximum of the posterior density; the constant mean c is
its generalised least squares value, in closed form. Gradients are analytic: a fit costs a few dozen factorisations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky, lapack, solve_triangular
from scipy.optimize import minimize

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.encoding import Encoding
from softal.surrogates.threads import single_threaded

LENGTHSCALES = (0.025, 1e3)  # BoTorch's lower bound, for numerical stability; above, a column does not matter at all
LENGTHSCALE_PRIOR = (math.sqrt(2.0), math.sqrt(3.0))  # of ln l, without ln(d)/2
OUTPUTSCALES = (0.05, 100.0)
OUTPUTSCALE_PRIOR = (0.0, 1.0)
NOISES = (
    2e-6,
    2.0,
)  # the floor (twice GPyTorch's) keeps C well conditioned for the smoothest kernels at thousands of points
NOISE_PRIOR = (-4.0, 1.0)  # BoTorch's
EXTRA_PRIOR = (-9.0, 2.0)  # reported errors are believed unless the data say otherwise
# Lengthscales over sqrt(d), and variance of the noise (None: the prior's mode). The density has several maxima: all
# scatter is signal, or noise.
STARTS = ((0.7, None), (0.2, None), (0.7, 0.1))
FAILED = 1e25
PATH_JITTER = 1e-9  # of the prior variance: the covariance of neighbouring points is singular to rounding


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters in standardised units.

    Attributes:
        lengthscales: (D,) one for each encoded column [unit cube].
        outputscale: s^2, prior variance of the function.
        mean: c.
        noise: variance of observations whose error is not known.
        extra: variance added to known ones, where they do not explain the scatter.
    """

    lengthscales: tuple[float, ...]
    outputscale: float = 1.0
    mean: float = 0.0
    noise: float = 1e-2
    extra: float = NOISES[0]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Hyperparameters:
        """Make them of what `to_dict` returned."""
        return cls(**{**data, "lengthscales": tuple(float(value) for value in data["lengthscales"])})

    def observation_variance(self, variance: Floats) -> Floats:
        """Return v (n,) for known variances (n,), NaN where they are not known."""
        return np.where(np.isnan(variance), self.noise, np.nan_to_num(variance) + self.extra)


def covariance(Z: Floats, Z2: Floats, hyperparameters: Hyperparameters) -> Floats:
    """Return k (n, n2) between encoded inputs Z (n, D) and Z2 (n2, D)."""
    scales = np.array(hyperparameters.lengthscales)
    A, B = Z / scales, Z2 / scales
    squared = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2.0 * A @ B.T
    return hyperparameters.outputscale * np.exp(-0.5 * np.maximum(squared, 0.0))  # type: ignore[no-any-return]


@single_threaded
def fit_hyperparameters(Z: Floats, y: Floats, variance: Floats, groups: Sequence[Sequence[int]]) -> Hyperparameters:
    """Return the hyperparameters of maximum posterior density.

    Args:
        Z: (n, D) encoded inputs.
        y: (n,) standardised targets.
        variance: (n,) known variances in standardised units; NaN where not known.
        groups: encoded columns of each original one; those of a choice share a lengthscale.

    Raises:
        SurrogateError: no covariance matrix could be factorised.
    """
    density = Density(Z, y, variance, groups)
    options: Any = {"method": "L-BFGS-B", "bounds": density.bounds, "options": {"maxiter": 200, "ftol": 1e-8}}
    results = [minimize(density.__call__, density.start(*start), jac=True, **options) for start in STARTS]
    best = min(results, key=lambda result: float(result.fun))
    if not best.fun < FAILED:
        raise SurrogateError("the covariance matrix of the training points cannot be factorised")
    return density.hyperparameters(best.x)


class Density:
    """Minus the log posterior density of theta = ln(lengthscale of each group, s^2, noise, extra), with gradient."""

    def __init__(self, Z: Floats, y: Floats, variance: Floats, groups: Sequence[Sequence[int]]) -> None:
        self.Z, self.y = Z, y
        self.variance, self.unknown = variance, np.isnan(variance)
        self.members = np.zeros((len(groups), Z.shape[1]))
        for row, columns in enumerate(groups):
            self.members[row, list(columns)] = 1.0
        d = len(groups)
        location, scale = LENGTHSCALE_PRIOR
        priors = [(location + 0.5 * math.log(max(d, 1)), scale)] * d + [OUTPUTSCALE_PRIOR, NOISE_PRIOR, EXTRA_PRIOR]
        self.location, self.scale = np.array(priors).T
        self.bounds = np.log([LENGTHSCALES] * d + [OUTPUTSCALES, NOISES, NOISES])

    def start(self, lengthscale: float, noise: float | None = None) -> Floats:
        """Return the priors' modes, with lengthscales of `lengthscale` sqrt(d), and with `noise` where it is given."""
        theta = self.location - self.scale**2
        d = len(theta) - 3
        theta[:d] = math.log(lengthscale) + 0.5 * math.log(max(d, 1))
        theta[d] = 0.0
        if noise is not None:
            theta[d + 1 :] = math.log(noise)
        return np.asarray(np.clip(theta, self.bounds[:, 0], self.bounds[:, 1]))

    def theta(self, h: Hyperparameters) -> Floats:
        """Return the theta that stands for hyperparameters."""
        lengthscales = np.log(h.lengthscales) @ self.members.T / self.members.sum(axis=1)
        theta = np.concatenate([lengthscales, np.log([h.outputscale, h.noise, h.extra])])
        return np.asarray(np.clip(theta, self.bounds[:, 0], self.bounds[:, 1]))

    def hyperparameters(self, theta: Floats, mean: float | None = None) -> Hyperparameters:
        """Return what theta stands for; the mean is the GLS one unless it is given."""
        lengthscales = np.exp(theta[:-3]) @ self.members
        outputscale, noise, extra = np.exp(theta[-3:]).tolist()
        found = Hyperparameters(tuple(lengthscales.tolist()), outputscale, mean or 0.0, noise, extra)
        if mean is None:
            C = covariance(self.Z, self.Z, found) + np.diag(found.observation_variance(self.variance))
            return self.hyperparameters(theta, gls_mean(inverse(factor(C)), self.y))
        return found

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Return minus the log density (RW 5.8, with priors) and its gradient (RW 5.9)."""
        h = self.hyperparameters(theta, mean=0.0)
        K = covariance(self.Z, self.Z, h)
        try:
            L = factor(K + np.diag(h.observation_variance(self.variance)))
        except SurrogateError:
            return FAILED, np.zeros_like(theta)
        C_inv = inverse(L)
        residual = self.y - gls_mean(C_inv, self.y)
        alpha = C_inv @ residual
        minus_log = 0.5 * residual @ alpha + np.log(np.diag(L)).sum() + 0.5 * len(L) * math.log(2.0 * math.pi)
        gradient = -self._slopes(np.outer(alpha, alpha) - C_inv, K, h)
        offset = (theta - self.location) / self.scale
        minus_prior = np.sum(theta + 0.5 * offset**2)
        return float(minus_log + minus_prior), gradient + 1.0 + offset / self.scale

    def _slopes(self, G: Floats, K: Floats, h: Hyperparameters) -> Floats:
        """Return 1/2 tr(G dC/d theta), with sum_ab W_ab (z_a - z_b)^2 = 2 (sum_a w_a z_a^2 - z^T W z), W = G * K."""
        W = G * K
        Z = self.Z / np.array(h.lengthscales)
        per_column = W.sum(axis=1) @ Z**2 - np.sum(Z * (W @ Z), axis=0)
        diagonal = np.diag(G)
        rest = [W.sum(), h.noise * diagonal[self.unknown].sum(), h.extra * diagonal[~self.unknown].sum()]
        return np.concatenate([self.members @ per_column, 0.5 * np.array(rest)])


def factor(C: Floats) -> Floats:
    """Return the lower Cholesky factor of C (n, n), with as much jitter as it takes, at most 1e-4 of the diagonal."""
    for jitter in (0.0, 1e-10, 1e-8, 1e-6, 1e-4):
        try:
            shifted = C if not jitter else C + jitter * np.mean(np.diag(C)) * np.eye(len(C))
            return cholesky(shifted, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            continue
    raise SurrogateError("the covariance matrix of the training points cannot be factorised")


def inverse(L: Floats) -> Floats:
    """Return C^-1 (n, n) for C = L L^T."""
    lower, _ = lapack.dpotri(L, lower=1)
    lower = np.tril(lower)
    return np.asarray(lower + np.tril(lower, -1).T)


def gls_mean(C_inv: Floats, y: Floats) -> float:
    """Return the generalised least squares estimate of a constant mean, 1^T C^-1 y / 1^T C^-1 1."""
    weights = C_inv.sum(axis=0)
    return float(weights @ y / weights.sum())


class ExactGP:
    """The posterior given data and hyperparameters, all in standardised units.

    Args:
        X: (n, d) training points in the unit cube.
        y: (n,) standardised targets.
        variance: (n,) known variances in standardised units; NaN where not known.
        encoding: of the columns.
        hyperparameters: in standardised units.
    """

    @single_threaded
    def __init__(
        self, X: Floats, y: Floats, variance: Floats, encoding: Encoding, hyperparameters: Hyperparameters
    ) -> None:
        self.X, self.y, self.variance = X, y, variance
        self.encoding, self.hyperparameters = encoding, hyperparameters
        self.Z = encoding(X)
        self.noise = hyperparameters.observation_variance(variance)
        self.L = factor(covariance(self.Z, self.Z, hyperparameters) + np.diag(self.noise))
        self.alpha = cho_solve((self.L, True), y - hyperparameters.mean)

    @single_threaded
    def posterior(self, X: Floats) -> tuple[Floats, Floats]:
        """Return mean (q,) and variance (q,) of the noise-free function at X (q, d) (RW 2.25, 2.26)."""
        h = self.hyperparameters
        k = covariance(self.Z, self.encoding(X), h)
        v = solve_triangular(self.L, k, lower=True, check_finite=False)
        return h.mean + k.T @ self.alpha, np.maximum(h.outputscale - np.sum(v**2, axis=0), 0.0)

    @single_threaded
    def leave_one_out(self) -> tuple[Floats, Floats]:
        """Return mean (n,) and variance (n,), noise included, of each y_i given all others (RW 5.10-5.12).

        mean_i = y_i - alpha_i / [C^-1]_ii, var_i = 1 / [C^-1]_ii, at fixed hyperparameters.
        """
        diagonal = np.diag(inverse(self.L))
        return self.y - self.alpha / diagonal, 1.0 / diagonal

    @single_threaded
    def paths(self, anchors: Floats, samples: int, rng: np.random.Generator) -> Paths:
        """Return functions drawn from the posterior of the noise-free function.

        At the anchors (a, d) they are an exact joint sample, mean + R xi with R R^T the posterior covariance there;
        between them they are its conditional mean, f(x) = mean(x) + cov(x, anchors) R^-T xi: smooth functions, to be
        evaluated anywhere at the price of two matrix products.
        """
        h, Z = self.hyperparameters, self.encoding(anchors)
        k = covariance(self.Z, Z, h)
        v = solve_triangular(self.L, k, lower=True, check_finite=False)
        R = factor(covariance(Z, Z, h) - v.T @ v + PATH_JITTER * h.outputscale * np.eye(len(Z)))
        xi = rng.standard_normal((len(Z), samples))
        w = solve_triangular(R, xi, lower=True, trans=1, check_finite=False)
        return Paths(self, Z, w, self.alpha[:, None] - cho_solve((self.L, True), k @ w))


@dataclass(frozen=True)
class Paths:
    """Functions f(x) = c + k(x, Z_train) b + k(x, Z_anchors) w; see `ExactGP.paths`."""

    gp: ExactGP
    Z: Floats
    w: Floats
    b: Floats

    @single_threaded
    def __call__(self, X: Floats) -> Floats:
        """Return values (samples, q) at X (q, d)."""
        h, Z = self.gp.hyperparameters, self.gp.encoding(X)
        f = h.mean + covariance(Z, self.gp.Z, h) @ self.b + covariance(Z, self.Z, h) @ self.w
        return np.ascontiguousarray(f.T)
