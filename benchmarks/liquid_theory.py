"""g(r) of a simple liquid by the hypernetted-chain (HNC) equation: a simulation that takes milliseconds.

Ornstein-Zernike's equation and the HNC closure, with gamma = h - c and g = 1 + h,

    gamma(k) = rho c(k)^2 / (1 - rho c(k)),    c(r) = exp[-beta u(r) + gamma(r)] - gamma(r) - 1,

on the grids r_i = i dr, k_j = j pi / ((N + 1) dr), between which the discrete sine transform (type I) goes:

    c(k) = 4 pi / k  sum_i dr r_i c(r_i) sin(k r_i),    gamma(r) = 1 / (2 pi^2 r)  sum_j dk k_j gamma(k_j) sin(k_j r).

Source: J.-P. Hansen and I. R. McDonald, Theory of Simple Liquids, 4th ed. (2013), (3.5.13) and (4.3.19).
Units: length sigma_0, energy kT.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dst
from scipy.optimize import NoConvergence, newton_krylov

from softal.errors import SimulationError

Floats = NDArray[np.float64]
POINTS = 1023  # N; N + 1 is a power of two
SPACING = 0.02  # dr
TOLERANCE = 1e-7  # of gamma(r); far below the noise that is added
MOST = 1e4  # beta u beyond which a Boltzmann factor is zero for certain


def pair_correlation(beta_u: Floats, density: float) -> Floats:
    """Return g(r), shape (N,), of a liquid with the pair potential beta_u(r) on `distances()`.

    Raises:
        SimulationError: where the equation has no solution, or none is found (inside the spinodal, say).
    """
    r = distances()
    k = np.pi * np.arange(1, POINTS + 1) / ((POINTS + 1) * SPACING)
    beta_u = np.minimum(beta_u, MOST)

    def closed(gamma: Floats) -> Floats:
        return np.asarray(np.exp(np.minimum(gamma - beta_u, 50.0)) - gamma - 1)

    def remainder(gamma: Floats) -> Floats:
        c_k = 2 * np.pi * SPACING / k * dst(r * closed(gamma), type=1)
        gamma_k = density * c_k**2 / (1 - density * c_k)
        return np.asarray(dst(k * gamma_k, type=1) * (k[0] / (4 * np.pi**2)) / r - gamma)

    try:
        with np.errstate(all="ignore"):
            gamma = newton_krylov(remainder, np.zeros(POINTS), f_tol=TOLERANCE, maxiter=40)
    except (NoConvergence, ValueError) as error:
        raise SimulationError("the HNC equation has no solution here that could be found") from error
    g_r = np.exp(gamma - beta_u)
    if not np.all(np.isfinite(g_r)):
        raise SimulationError("g(r) is not finite")
    return np.asarray(g_r)


def distances() -> Floats:
    """Return the distances r, shape (N,)."""
    return SPACING * np.arange(1, POINTS + 1)


def double_yukawa(
    r: Floats, *, sigma: float, n: float, attraction: float, kappa_a: float, repulsion: float, kappa_r: float
) -> Floats:
    """Return beta u(r) = (sigma/r)^n - (sigma/r) [attraction exp(-kappa_a (r - sigma)) - repulsion exp(-kappa_r ...)].

    A soft core of range sigma [sigma_0], an attraction and a repulsion [kT] with inverse ranges [1/sigma_0].
    """
    with np.errstate(over="ignore"):
        core = (sigma / r) ** n
    tails = attraction * np.exp(-kappa_a * (r - sigma)) - repulsion * np.exp(-kappa_r * (r - sigma))
    return np.asarray(core - sigma / r * tails)
