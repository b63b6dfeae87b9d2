r"""The shape that the ensemble's F_s(k_p, t) is given, so that its networks learn what is not known beforehand.

    F_s = exp(-q e^(-N g)),    q = k_p^2 T t^2 / 2,    g = q / (1 + q)        (units of sigma_AA, epsilon_AA, m, k_B)

Free flight is exp(-q), and exact for t -> 0 in any liquid of unit mass; N says by how much cages slow particles down:
-ln F_s = q e^(-N) is about k_p^2 <r^2(t)> / 6. For any N, 0 <= F_s <= 1 and F_s(0) = 1. N is smooth in

    v = log10 sqrt(q)        decades of time, 0 where free flight would leave 1/e

and is a natural cubic spline of its values at knots, so that it goes on linearly beyond them: a stretched exponential
stays one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from softal.numeric import Floats
from softal.theory.kob_andersen import peak_wave_number

FIRST_KNOT = -0.75  # where free flight leaves 0.97: N does not matter before
SPACING = 0.25  # of knots [decades]
CLEAR = (0.03, 0.97)  # of F_s, where its logarithm says something of N
DEAD = 6.0  # of ln(-ln F_s)
RIDGE = 1e-3  # of values and their curvature, in the least squares fit of N


def free_flight(T: Floats, rho: Floats, log_t: Floats, wave_number: float | None = None) -> Floats:
    """Return v (n, n_t), log10 of the root of q, of states (n,) at log10 t (n_t,) or (n, n_t).

    Args:
        T: temperatures.
        rho: densities.
        log_t: of times [tau].
        wave_number: k_p [1 / sigma_AA]; None takes `peak_wave_number(rho)`.
    """
    k = np.array([wave_number or peak_wave_number(float(density)) for density in rho])
    return np.asarray(np.log10(k * np.sqrt(T / 2.0))[:, None] + log_t)


def knots(v: Floats) -> Floats:
    """Return the knots (J,), at least four, for times v, NaN where there are none."""
    last = float(np.nanmax(v)) if np.isfinite(v).any() else FIRST_KNOT
    count = max(4, int(np.ceil((last - FIRST_KNOT) / SPACING)) + 1)
    return np.asarray(FIRST_KNOT + SPACING * np.arange(count), dtype=np.float64)


def spline(at: Floats, v: Floats) -> Floats:
    """Return B (..., J) such that N(v) = B N(at) for times v (...) and knots `at` (J,); linear beyond the knots."""
    basis = CubicSpline(at, np.eye(len(at)), bc_type="natural")
    inside = np.clip(v, at[0], at[-1])
    ends = basis(at[[0, -1]], 1)
    beyond = np.minimum(v - at[0], 0.0)[..., None] * ends[0] + np.maximum(v - at[-1], 0.0)[..., None] * ends[1]
    return np.asarray(basis(inside) + beyond)


def slowing(F: Floats, v: Floats) -> Floats:
    """Return N of F (...) at v (...); NaN where F is too near to 0 or 1 to tell."""
    q = 10.0 ** (2.0 * v)
    with np.errstate(invalid="ignore", divide="ignore"):
        N = np.log(q / -np.log(np.clip(F, *CLEAR))) * (1.0 + q) / q
    low, high = CLEAR
    return np.where((low < F) & (high > F), N, np.nan)


def typical(F: Floats, v: Floats, at: Floats) -> tuple[Floats, float]:
    """Return N at the knots (J,) that fits all curves F (n, n_t) at v (n, n_t) best, and what it misses (RMS)."""
    N = slowing(F, v)
    there = np.isfinite(N)
    if not there.any():
        return np.zeros(len(at)), 1.0
    B, q = spline(at, v[there]), 10.0 ** (2.0 * v[there])
    weights = (math.e * F[there] * np.log(F[there]) * q / (1.0 + q)) ** 2  # (dF / dN)^2, 1 at most
    curvature = np.diff(np.eye(len(at)), 2, axis=0)
    ridge = RIDGE * len(B) * (curvature.T @ curvature + np.eye(len(at)))
    normal = (B * weights[:, None]).T @ B + ridge
    values = np.linalg.solve(normal, (B * weights[:, None]).T @ N[there])
    missed = float(np.sqrt(np.average((N[there] - B @ values) ** 2, weights=weights)))
    return np.asarray(values), max(missed, 0.3)


def shaped(N: Any, v: Any) -> Any:
    """Return F_s of N and v, arrays or tensors that can be broadcast."""
    q = 10.0 ** (2.0 * v)
    power = 2.0 * math.log(10.0) * v - N * (q / (1.0 + q))  # ln(-ln F_s), cut where F_s is 0 to all digits
    exp, clip = (np.exp, np.clip) if isinstance(N, np.ndarray) else (type(N).exp, type(N).clip)
    return exp(-exp(clip(power, None, DEAD)))
