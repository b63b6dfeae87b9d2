"""What mode-coupling theory makes of a binary mixture's measured structure: scattering functions, and T_mct.

Input is as simulations give it: S_AA, S_AB, S_BB on the grid k_i = (i - 1/2) dk; output at one wave number and at given
times, as simulations measure it. A temperature enters twice, by S(k) and by the thermal velocity.

Simulations give means of S(k) over the wave vectors of a bin, the theory needs S at its middle: a mean over a width of
dk cuts the main peak by 1 or 2 %, and T_mct by 2 to 3 % (`at_middles`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.mode_coupling.correlator import Dynamics
from softal.theory.mode_coupling.dynamics import POINTS, relax
from softal.theory.mode_coupling.glass import critical_point, scales
from softal.theory.mode_coupling.liquid import Liquid

KOB_ANDERSEN = (0.8, 0.2)
DEGREE = 2  # of the polynomials in 1/T for S(k)


@dataclass(frozen=True)
class Scattering:
    """Scattering functions of a binary mixture at one wave number, in mode-coupling theory.

    F_self[a] is F_s^a(k, t), 1 at t = 0. F_coherent has F_AA, F_AB, F_BB over (S_aa S_bb)^(1/2). The limits for long
    times, the nonergodicity parameters, are zeros in the liquid; those of all wave numbers are normalised alike.
    """

    times: Floats  # (n_t,) [tau]
    wave_number: float  # [1/sigma]
    F_self: Floats  # (2, n_t)
    F_coherent: Floats  # (3, n_t)
    k: Floats  # (n_k,) [1/sigma]
    f_self: Floats  # (2, n_k)
    f_coherent: Floats  # (3, n_k)

    @property
    def glass(self) -> bool:
        """Whether the theory has a glass here."""
        return bool(np.any(self.f_self))


def mixture_scattering(
    S: ArrayLike,
    k: ArrayLike,
    rho: float,
    T: float,
    *,
    composition: Sequence[float] = KOB_ANDERSEN,
    at: float,
    times: ArrayLike,
    dynamics: Dynamics = "newtonian",
    points: int = POINTS,
) -> Scattering:
    """Return the scattering functions that mode-coupling theory predicts from the structure of a binary mixture.

    Args:
        S: (3, n_k) S_AA, S_AB, S_BB; S_aa -> x_a for large k.
        k: (n_k,) wave numbers (i - 1/2) dk [1/sigma].
        rho: number density [1/sigma^3].
        T: kT [epsilon]; masses are 1.
        composition: number fractions of A and B.
        at: the wave number of the functions [1/sigma]; between those of the grid F is interpolated, cubically.
        times: (n_t,) [tau; for overdamped dynamics gamma tau^2, gamma being the friction].
        dynamics: newtonian or overdamped.
        points: times in a block, see `dynamics`.

    Raises:
        TheoryError: where the spectrum is not positive, k not such a grid, rho or T not positive, a time negative or
            not a number, or `at` outside the grid.
    """
    liquid = binary(S, k, rho, T, composition)
    t = _times(times)
    if not liquid.k[0] <= at <= liquid.k[-1]:
        raise TheoryError(
            f"at: k = {at:.6g} is outside the grid, which is from {liquid.k[0]:.6g} to {liquid.k[-1]:.6g}"
        )
    found = relax(liquid, float(t.max(initial=0.0)), dynamics=dynamics, tagged=True, points=points)
    assert found.F_s is not None  # as asked for
    assert found.limit_s is not None
    scale = _pairs(scales(liquid.S))
    coherent = _pairs(np.moveaxis(found.F, 0, -2)) / scale[:, None]
    particles = np.moveaxis(found.F_s, 0, -2)
    return Scattering(
        t,
        float(at),
        _interpolated(liquid.k, at, found.t, particles, t, found.limit_s),
        _interpolated(liquid.k, at, found.t, coherent, t, _pairs(found.limit) / scale),
        liquid.k,
        found.limit_s,
        _pairs(found.limit) / scale,
    )


def at_middles(S: ArrayLike) -> Floats:
    """Return S (3, n_k) at the middles of bins from its means over them: S - S'' dk^2 / 24, by second differences.

    The first two bins and the last are left as they are: they have few wave vectors, or one neighbour only; so are
    those where S would not be positive any more.
    """
    S = np.asarray(S, float)
    corrected = S.copy()
    corrected[:, 2:-1] -= (S[:, 3:] - 2 * S[:, 2:-1] + S[:, 1:-2]) / 24
    matrices = corrected[[[0, 1], [1, 2]]].transpose(2, 0, 1)
    return np.where(np.linalg.eigvalsh(matrices)[:, 0] > 0, corrected, S)


def binary(S: ArrayLike, k: ArrayLike, rho: float, T: float, composition: Sequence[float] = KOB_ANDERSEN) -> Liquid:
    """Return the liquid with S_AA, S_AB, S_BB (3, n_k); the arguments are those of `mixture_scattering`.

    Raises:
        TheoryError: where an argument is not allowed.
    """
    S = np.asarray(S, float)
    if S.ndim != 2 or len(S) != 3 or len(composition) != 2:
        raise TheoryError(f"S(k): shape {S.shape}, but S_AA, S_AB and S_BB of two species are needed, one in a row")
    return Liquid(k, S[[[0, 1], [1, 2]]], rho, T, composition=composition)


def critical_temperature(
    states: Mapping[float, ArrayLike],
    k: ArrayLike,
    rho: float,
    *,
    composition: Sequence[float] = KOB_ANDERSEN,
    degree: int = DEGREE,
    tolerance: float = 1e-5,
) -> float:
    """Return T_mct [epsilon]: where the theory turns a mixture to a glass, from its S(k) at several temperatures.

    Each S_ab(k) is fitted by a polynomial in 1/T, least squares of what differs relative to S, which smooths over the
    noise of the simulations; between the lowest and the highest temperature T_mct is found by bisection.

    Args:
        states: S_AA, S_AB, S_BB (3, n_k) by temperature [epsilon].
        k: (n_k,) wave numbers (i - 1/2) dk [1/sigma].
        rho: number density [1/sigma^3].
        composition: number fractions of A and B.
        degree: of the polynomials; less than the number of temperatures.
        tolerance: relative width of the last bracket.

    Raises:
        TheoryError: where there are too few temperatures, an S(k) is not allowed, or T_mct is not among them.
    """
    temperatures = np.array(sorted(states))
    if len(temperatures) <= degree:
        raise TheoryError(
            f"T_mct: {len(temperatures)} temperatures, a fit of degree {degree} needs {degree + 1} or more"
        )
    S = np.array([np.asarray(states[T], float) for T in temperatures])
    for T, one in zip(temperatures, S, strict=True):
        binary(one, k, rho, T, composition)
    coefficients = np.polynomial.polynomial.polyfit(1 / temperatures, S.reshape(len(S), -1), degree)

    def at(T: float) -> Liquid:
        smooth = np.polynomial.polynomial.polyval(1 / T, coefficients).reshape(S.shape[1:])
        return binary(smooth, k, rho, T, composition)

    return critical_point(at, float(temperatures[-1]), float(temperatures[0]), tolerance=tolerance)


def _times(times: ArrayLike) -> Floats:
    t = np.atleast_1d(np.asarray(times, float))
    wrong = np.flatnonzero(~((t >= 0) & np.isfinite(t)))
    if t.ndim != 1 or len(wrong):
        said = f"number {wrong[0] + 1} is {t.flat[wrong[0]]:.6g}" if len(wrong) else f"shape {t.shape}"
        raise TheoryError(f"times: {said}, but they must be finite and not negative, in one row")
    return t


def _pairs(F: Floats) -> Floats:
    """Return AA, AB, BB (3, ...) of F (2, 2, ...), the axes of the species anywhere but last where time was moved."""
    return np.stack([F[0, 0], F[0, 1], F[1, 1]])


def _interpolated(k: Floats, at: float, t: Floats, F: Floats, times: Floats, limit: Floats) -> Floats:
    """Return F (m, n_t, n_k) at one k and at `times`, (m, n); later than the last t, the limit (m, n_k)."""
    in_time = CubicSpline(np.log1p(t / t[1]), CubicSpline(k, F, axis=-1)(at), axis=-1)
    late = CubicSpline(k, limit, axis=-1)(at)[:, None]
    return np.asarray(np.where(times <= t[-1], in_time(np.log1p(np.minimum(times, t[-1]) / t[1])), late))
