r"""Where the bins of an array lie in the coordinate in which it is learned.

Notation: g bin's distance from the middle of the grid, s `support`, a `contact`, both of one point; K bins, T knots.

    s - g = w t + (s - w) t^3,    w = min(8 (s - a), s),    tau = 1 - t

tau is 0 in the middle and 1 where the curve ends. Near the end it is a distance in units of what ions' size is, so that
the walls' repulsion, contact and the first layers lie at the same place in all systems; in the middle it is a part of
the slit. Curves that are not symmetric have tau from -1 to 1. Functions of tau are uniform cubic B-splines of T
coefficients; those of arrays without a support are the bins themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

LAYER = 8.0  # w over s - a: ions begin to be kept out at a tenth of their diameter from contact
ITERATIONS = 7  # of Newton's method, from above on a convex function
KNOTS = 44  # of half a curve


@dataclass(frozen=True)
class Places:
    """Bins of n points in tau.

    Attributes:
        tau: (n, K).
        inside: (n, K) whether a bin lies within the support.
        first: (n, K) number of the first of four coefficients that count at a bin.
        weight: (n, K, 4) of these.
    """

    tau: Floats
    inside: NDArray[np.bool_]
    first: NDArray[np.intp]
    weight: Floats

    def of(self, coefficients: Floats) -> Floats:
        """Return the spline (n, K) of coefficients (n, T)."""
        rows = self.first + (np.arange(len(coefficients)) * coefficients.shape[1])[:, None]
        flat = coefficients.ravel()
        found: Floats = flat[rows] * self.weight[..., 0]
        for i in range(1, 4):
            found += flat[rows + i] * self.weight[..., i]
        return found

    def dense(self, count: int) -> Floats:
        """Return the matrices (n, K, T) of which `of` is the product."""
        found = np.zeros((*self.tau.shape, count))
        for i in range(4):
            np.put_along_axis(found, (self.first + i)[..., None], self.weight[..., i, None], axis=2)
        return found


def places(distance: Floats, support: Floats, contact: Floats, count: int) -> Places:
    """Return the places of bins.

    Args:
        distance: (K,) from the middle of the grid, with a sign where the curve is not symmetric.
        support, contact: (n,) of the points.
        count: T.
    """
    whole = bool(np.any(distance < 0))
    s = support[:, None]
    depth = s - np.abs(distance)
    inside = depth > 0
    w = np.minimum(LAYER * np.maximum(s - contact[:, None], 1e-9), s)
    tau = 1.0 - _inverse(np.where(inside, depth, 0.0), w, s - w)
    if whole:
        tau = np.where(distance < 0, -tau, tau)
    return Places(tau, inside, *spline(tau, -1.0 if whole else 0.0, count))


def spline(tau: Floats, low: float, count: int) -> tuple[NDArray[np.intp], Floats]:
    """Return first coefficients (...) and weights (..., 4) of a uniform cubic B-spline over [low, 1]."""
    at = (tau - low) * ((count - 3) / (1.0 - low))
    first = np.clip(at.astype(np.intp), 0, count - 4)
    f = at - first
    f2, f3 = f * f, f * f * f
    weight = np.empty((*f.shape, 4))
    weight[..., 3] = f3 / 6
    weight[..., 2] = (1 + 3 * (f + f2 - f3)) / 6
    weight[..., 1] = (4 - 6 * f2 + 3 * f3) / 6
    weight[..., 0] = (1 - 3 * f + 3 * f2 - f3) / 6
    return first, weight


def depths(tau: Floats, support: Floats, contact: Floats) -> tuple[Floats, Floats]:
    """Return distances (n, T) from the middle at tau (T,), and how fast they change with it."""
    s = support[:, None]
    w = np.minimum(LAYER * np.maximum(s - contact[:, None], 1e-9), s)
    t = 1.0 - np.abs(tau)
    return s - w * t - (s - w) * t**3, w + 3 * (s - w) * t**2


def _inverse(depth: Floats, w: Floats, cubic: Floats) -> Floats:
    """Return t of w t + cubic t^3 = depth."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.minimum(depth / w, np.where(cubic > 0, np.cbrt(depth / cubic), np.inf))
    for _ in range(ITERATIONS):
        t = t - (w * t + cubic * t**3 - depth) / (w + 3 * cubic * t**2)
    return t
