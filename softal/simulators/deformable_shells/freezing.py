"""Where a fluid freezes, from runs at constant pressure that ended in one of two phases.

The pressure at which both are as probable is a parabola in ln beta_K, of a logistic regression of the phases over ln P
and ln beta_K. On both sides densities are a plane in ln P and a parabola in ln beta_K, of the runs near that pressure,
and what they say at it are the densities that coexist. Errors are standard deviations over resamples of the runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

SOLID = 0.4  # psi_6 of the whole box above which a run counts as hexagonal: a fluid of 256 has 0.1, a crystal 0.7
FEWEST = 5  # runs of each phase
NEAR = 0.25  # [ln P] within which runs count for the densities at freezing
RESAMPLES = 200
PENALTY = 1e-3  # of squared coefficients, which are infinite where a line parts the phases
NEWTON, CONVERGED = 100, 1e-6  # steps at most, and the coefficients' change that ends them
SEED = 0


@dataclass(frozen=True)
class Freezing:
    """The line of freezing, at k stiffnesses.

    Attributes:
        stiffness: beta_K, (k,).
        pressure: beta P sigma^2 at which both phases are as probable, (k,).
        fluid, solid: densities there [1/sigma^2], (k,).
        errors: standard errors of pressure, fluid and solid, (3, k).
    """

    stiffness: Floats
    pressure: Floats
    fluid: Floats
    solid: Floats
    errors: Floats


def freezing(stiffness: Floats, pressure: Floats, density: Floats, order: Floats, at: Floats) -> Freezing | None:
    """Return the line of freezing; None where there are too few runs of a phase.

    Args:
        stiffness, pressure, density: beta_K, beta P sigma^2, [1/sigma^2] of n runs, (n,).
        order: psi_6 of each, (n,).
        at: stiffnesses at which it is asked for, (k,).
    """
    s, p, solid, places = np.log(stiffness), np.log(pressure), order > SOLID, np.log(at)
    found = _line(s, p, density, solid, places)
    if found is None:
        return None
    rng, resampled = np.random.default_rng(SEED), []
    for _ in range(RESAMPLES):
        rows = rng.integers(len(density), size=len(density))
        if (one := _line(s[rows], p[rows], density[rows], solid[rows], places)) is not None:
            resampled.append(one)
    errors = np.std(resampled, axis=0) if len(resampled) > RESAMPLES // 2 else np.full((3, len(at)), np.nan)
    return Freezing(np.asarray(at, dtype=float), found[0], found[1], found[2], errors)


def _line(s: Floats, p: Floats, density: Floats, solid: NDArray[np.bool_], at: Floats) -> Floats | None:
    """Return pressure, fluid's and solid's density (3, k) at logarithms of stiffness."""
    if min(solid.sum(), (~solid).sum()) < FEWEST:
        return None
    bend = _parting(s, p, solid)
    away = p - _powers(s) @ bend
    found = [np.exp(_powers(at) @ bend)]
    for phase in (~solid, solid):
        weight = np.sqrt(np.exp(-0.5 * (away[phase] / NEAR) ** 2)) + 1e-3
        columns = np.column_stack([_powers(s[phase]), away[phase]])
        coefficients = np.linalg.lstsq(columns * weight[:, None], density[phase] * weight, rcond=None)[0]
        found.append(_powers(at) @ coefficients[:3])
    return np.array(found)


def _powers(s: Floats) -> Floats:
    return np.column_stack([np.ones_like(s), s, s**2])


def _parting(s: Floats, p: Floats, solid: NDArray[np.bool_]) -> Floats:
    """Return the coefficients (3,) of ln P as a parabola in ln beta_K on which both phases are as probable."""
    X, sign = np.column_stack([_powers(s), p]), np.where(solid, 1.0, -1.0)
    scale = np.array([1.0, *X[:, 1:].std(axis=0)]) + 1e-12
    Z = X / scale

    def loss(w: Floats) -> float:
        return float(np.logaddexp(0, -sign * (Z @ w)).sum() + PENALTY * w @ w)

    w = np.array([0.0, 0.0, 0.0, 1.0])
    for _ in range(NEWTON):
        probable = 1 / (1 + np.exp(-np.clip(Z @ w, -500, 500)))
        slope = Z.T @ (probable - (sign > 0)) + 2 * PENALTY * w
        bend = (Z.T * (probable * (1 - probable))) @ Z + 2 * PENALTY * np.eye(4)
        step, now = np.linalg.solve(bend, slope), loss(w)
        while np.abs(step).max() > CONVERGED and loss(w - step) > now:
            step = step / 2
        w = w - step
        if np.abs(step).max() < CONVERGED:
            break
    w = w / scale
    return np.asarray(-w[:3] / w[3])
