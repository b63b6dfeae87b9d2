"""Colloids in a plane with elastic shells, which flatten where they touch.

Source: chapter 2 of E. Boattini's thesis (Utrecht, 2021); E. Boattini, N. Bezem, S. N. Punnathanam, F. Smallenburg,
L. Filion, J. Chem. Phys. 153, 064902 (2020).

A sphere of diameter sigma with a hard core of sigma / 2. A point of its shell that lies within another sphere is pushed
radially onto the disk of intersection, by the neighbour that pushes it farthest (eq. 2.3), and costs K / 2 times its
area over sigma^2 times the square of its way over sigma (eq. 2.1). Lengths are in sigma, energies in K.

The thesis sums over 200 points on the sphere and 100 random orientations, which leaves noise. With centres in a plane
no points are needed. In the direction n = (sin t cos p, sin t sin p, cos t) a neighbour at the distance d in the
direction a pushes by 1/2 - d / (2 sin t cos(p - a)). So the largest push is that of the largest g = cos(p - a) / d, at
all t at once, and the integral over t is closed:

    u = 1/32 int_0^2pi F(g(p)) dp,    F = 2 sqrt(1 - 1/g^2) - 4 arccos(1/g) / g + 2 arcosh(g) / g^2,  g > 1, else 0.

Where which neighbour wins are arcs, the corners of a Voronoi cell between them. Within an arc the integrand is smooth
but for its end at g = 1, as (g - 1)^(5/2), which a substitution makes smooth; Gauss' rule then converges as for smooth
functions, and 16 nodes an arc leave less than 1e-9 of the energy. F is a polynomial times (1 - 1/g)^(5/2).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body.neighbours import neighbours

CORE = 0.5  # diameter of the hard core [sigma]
NODES = 16  # of Gauss' rule, an arc
DEGREE = 13  # of the polynomial that F is: leaves 1e-10 of it
_X, _W = np.polynomial.legendre.leggauss(NODES)


def _coefficients() -> Floats:
    """Return those of F / (1 - h)^(5/2) in 1 - h, h = 1 / g from 1/2 to 1, from its series there.

    F'' = 4 arcosh(1 / h), whose derivative is a product of two series.
    """
    k = np.arange(60)
    root = np.cumprod(np.concatenate([[1.0], (2 * k[1:] - 1) / (4 * k[1:])]))  # of (1 - v / 2)^(-1/2)
    series = 4 / np.sqrt(2) * np.cumsum(root) / ((k + 0.5) * (k + 1.5) * (k + 2.5))
    chebyshev = np.polynomial.Chebyshev.interpolate(np.polynomial.Polynomial(series), DEGREE, domain=[0, 1 - CORE])
    return np.asarray(chebyshev.convert(kind=np.polynomial.Polynomial).coef)


_F = _coefficients()


def pair_energy(r: Floats) -> Floats:
    """Return the energy of one of two particles at a distance (eq. 2.2); the pair has twice that.

    Args:
        r: distances [sigma], of more than the core.

    Returns:
        Energies [K]; 0 beyond sigma.
    """
    r = np.minimum(np.asarray(r, dtype=float), 1.0)
    return np.asarray(np.pi / 16 * (1 - r**2 + 2 * r * np.log(r)))


def energies(positions: Floats, box: Floats, *, pairwise: bool = False) -> Floats:
    """Return each particle's energy in a periodic box.

    Args:
        positions: centres, (N, 2) [sigma].
        box: its sides, (2,) [sigma].
        pairwise: whether each neighbour's push counts by itself, which is too much where two push the same points.

    Returns:
        (N,) [K]; infinite where hard cores overlap.

    Raises:
        TheoryError: if a side is less than twice the range, or shapes do not fit.
    """
    positions, box = np.ascontiguousarray(positions, dtype=float), np.ascontiguousarray(box, dtype=float)
    if positions.ndim != 2 or positions.shape[1] != 2 or box.shape != (2,):
        raise TheoryError(f"positions of shape {positions.shape} in a box of {box.shape}; allowed: (N, 2) and (2,)")
    if box.min() < 2.0:
        raise TheoryError(f"a box of {box[0]:g} x {box[1]:g} sigma is too small; allowed: 2 sigma or more each way")
    return np.asarray(_energies(positions, box, pairwise))


def outlines(positions: Floats, box: Floats, angles: Floats) -> Floats:
    """Return how far each shell reaches in the plane of the centres: half of sigma, or less where it is pushed.

    Args:
        positions: (N, 2) [sigma].
        box: (2,) [sigma].
        angles: of directions, (k,).

    Returns:
        (N, k) [sigma].
    """
    away = positions[None] - positions[:, None]
    away -= box * np.rint(away / box)
    square = np.sum(away**2, axis=2)
    reach = np.full((len(positions), len(angles)), 0.5)
    for i, j in zip(*np.nonzero((square < 1) & (square > 0)), strict=True):
        towards = away[i, j, 0] * np.cos(angles) + away[i, j, 1] * np.sin(angles)
        disk = np.where(towards > 0, square[i, j] / (2 * np.maximum(towards, 1e-12)), 0.5)
        reach[i] = np.minimum(reach[i], disk)
    return reach


@nb.njit(cache=True)
def _energies(positions, box, pairwise):  # type: ignore[no-untyped-def]
    n = len(positions)
    found = np.zeros(n)
    away = np.empty((n, 2))
    for i in range(n):
        count = neighbours(positions, box, 1.0, i, away)
        found[i] = energy(away[:count], pairwise)
    return found


@nb.njit(cache=True)
def energy(away, pairwise=False):  # type: ignore[no-untyped-def]
    """Return the energy [K] of a particle whose neighbours are `away` from it, (n, 2) [sigma], all within sigma."""
    n = len(away)
    distance, angle, push = np.empty(n), np.empty(n), np.empty((n, 2))
    for j in range(n):
        distance[j] = np.hypot(away[j, 0], away[j, 1])
        if distance[j] < CORE:
            return np.inf
        angle[j] = np.arctan2(away[j, 1], away[j, 0])
        push[j] = away[j] / distance[j] ** 2
    total = 0.0
    for j in range(n):
        reach = np.arccos(distance[j])  # where it pushes at all
        low, high = -reach, reach
        for k in range(n):
            if k == j or pairwise:
                continue
            # It pushes farther than k within a half circle: cos(p - a_j) / d_j > cos(p - a_k) / d_k.
            middle = np.arctan2(push[j, 1] - push[k, 1], push[j, 0] - push[k, 0]) - angle[j]
            middle -= 2 * np.pi * np.rint(middle / (2 * np.pi))
            low, high = max(low, middle - np.pi / 2), min(high, middle + np.pi / 2)
        if high > low:
            total += _arc(distance[j], low, high, reach)
    return total / 32


@nb.njit(cache=True)
def _arc(distance, low, high, reach):  # type: ignore[no-untyped-def]
    """Integrate F between angles from a neighbour's direction; p = reach sin(s) smooths the ends of its reach."""
    start, end = np.arcsin(max(low / reach, -1.0)), np.arcsin(min(high / reach, 1.0))
    half, middle, total = (end - start) / 2, (end + start) / 2, 0.0
    for k in range(NODES):
        s = middle + half * _X[k]
        total += _W[k] * np.cos(s) * _over_heights(distance / np.cos(reach * np.sin(s)))
    return total * half * reach


@nb.njit(cache=True, fastmath={"contract"})
def _over_heights(h):  # type: ignore[no-untyped-def]
    """Return F as a function of h = 1 / g."""
    v = 1.0 - h
    if v <= 0.0:
        return 0.0
    found = 0.0
    for k in range(len(_F) - 1, -1, -1):
        found = found * v + _F[k]
    return np.sqrt(v) * v * v * found
