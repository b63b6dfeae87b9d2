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
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

LAYER = 8.0  # w over s - a: ions begin to be kept out at a tenth of their diameter from contact
ITERATIONS = 5  # of Newton's method, from above on a convex function: the last leaves 1e-11 at most
KNOTS = 44  # of half a curve
CELLS = 512  # of the fine grid


@dataclass(frozen=True)
class Places:
    """Bins of n points in tau.

    Attributes:
        tau: (n, K).
        inside: (n, K) whether a bin lies within the support.
        cell: (n, K) number of the cell of a fine grid in which a bin lies.
        part: (n, K) where it lies in it, from 0 to 1.
    """

    tau: Floats
    inside: NDArray[np.bool_]
    cell: NDArray[np.intp]
    part: Floats

    def of(self, coefficients: Floats) -> Floats:
        """Return the spline (n, K) of coefficients (n, T), straight between the points of the fine grid."""
        splines = (coefficients @ fine(coefficients.shape[1]).T).ravel()
        below, above = self._rows
        found = splines.take(below)
        found += (splines.take(above) - found) * self.part
        return np.asarray(found)

    def rows(self, chosen: Any) -> Places:
        """Return some of the points."""
        return Places(*(part[chosen] for part in (self.tau, self.inside, self.cell, self.part)))

    @cached_property
    def _rows(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        below = self.cell + (np.arange(len(self.cell)) * (CELLS + 1))[:, None]
        return below, below + 1

    def dense(self, count: int) -> Floats:
        """Return the matrices (n, K, T) of which `of` is the product."""
        table, part = fine(count), self.part[..., None]
        return np.asarray((1.0 - part) * table[self.cell] + part * table[self.cell + 1])


def places(distance: Floats, support: Floats, contact: Floats) -> Places:
    """Return the places of bins.

    Args:
        distance: (K,) from the middle of the grid, with a sign where the curve is not symmetric.
        support, contact: (n,) of the points.
    """
    whole = bool(np.any(distance < 0))
    s = support[:, None]
    depth = s - np.abs(distance)
    inside = depth > 0
    w = np.minimum(LAYER * np.maximum(s - contact[:, None], 1e-9), s)
    tau = 1.0 - _inverse(np.where(inside, depth, 0.0), w, s - w)
    if whole:
        tau = np.where(distance < 0, -tau, tau)
    at = (tau + 1.0) * (CELLS / 2) if whole else tau * CELLS
    cell = np.minimum(at.astype(np.intp), CELLS - 1)
    return Places(tau, inside, cell, at - cell)


@lru_cache
def fine(count: int) -> Floats:
    """Return the splines (CELLS + 1, T) on the fine grid, which is the same from 0 to 1 as from -1 to 1."""
    first, weight = spline(np.linspace(0.0, 1.0, CELLS + 1), 0.0, count)
    found = np.zeros((CELLS + 1, count))
    for i in range(4):
        found[np.arange(CELLS + 1), first + i] = weight[:, i]
    return found


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
        bent = cubic * (t * t)
        t = (2 * bent * t + depth) / (w + 3 * bent)
    return np.asarray(t)
