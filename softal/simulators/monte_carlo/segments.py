"""Shortest distance between two line segments of equal length: d_m of two spherocylinders.

The points of rods i and j are s u and r + t v with |s|, |t| <= h, u and v the orientations, r the vector between the
centres and h half the length L of the cylinder. The square of their distance is convex, so

    s = a + c t,    t = c s - b,    a = r.u,  b = r.v,  c = u.v

are solved where the lines are nearest, s = (a - c b)/(1 - c^2), clamped to the rod, and then each for the other,
clamped likewise: the result of C. Vega and S. Lago, Computers & Chemistry 18, 55 (1994), without telling regions of the
(s, t) plane apart. The order of clamping is that of C. Ericson, Real-Time Collision Detection (2005), 5.1.9.

Parallel rods have a line of solutions, of which s = a/2, t = -c a/2 is taken: it lies on both rods wherever any does.
Between rods so nearly parallel that 1 - c^2 is noise, the distance changes by less than PARALLEL h / 2, so
they are taken as parallel.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

PARALLEL = 1e-13  # of 1 - c^2, whose rounding error is 2e-16


@nb.njit(fastmath={"contract"})
def distance2(rx, ry, rz, ux, uy, uz, vx, vy, vz, half):  # type: ignore[no-untyped-def]
    """Return d_m^2 of the rods through 0 along u and through r along v, both of half-length `half`."""
    a = rx * ux + ry * uy + rz * uz
    b = rx * vx + ry * vy + rz * vz
    c = ux * vx + uy * vy + uz * vz
    sine2 = 1.0 - c * c
    s = (a - c * b) / sine2 if sine2 > PARALLEL else 0.5 * a
    s = min(max(s, -half), half)
    t = c * s - b
    if abs(t) > half:
        t = min(max(t, -half), half)
        s = min(max(a + c * t, -half), half)
    dx = rx + t * vx - s * ux
    dy = ry + t * vy - s * uy
    dz = rz + t * vz - s * uz
    return dx * dx + dy * dy + dz * dz


@nb.njit(cache=True)
def _distances2(r, u, v, half):  # type: ignore[no-untyped-def]
    result = np.empty(len(r))
    for k in range(len(r)):
        result[k] = distance2(r[k, 0], r[k, 1], r[k, 2], u[k, 0], u[k, 1], u[k, 2], v[k, 0], v[k, 1], v[k, 2], half)
    return result


def shortest_distance(r: ArrayLike, u: ArrayLike, v: ArrayLike, length: float) -> NDArray[np.float64]:
    """Return the shortest distance d_m between pairs of line segments of the same length.

    Args:
        r: vectors from the centre of the first to the centre of the second, shape (n, 3) [sigma].
        u: unit vectors along the first, shape (n, 3).
        v: unit vectors along the second, shape (n, 3).
        length: L >= 0 of all of them [sigma].

    Returns:
        distances, shape (n,) [sigma], exact but for rounding.
    """
    first, second, between = (np.ascontiguousarray(np.atleast_2d(array), dtype=np.float64) for array in (u, v, r))
    return np.asarray(np.sqrt(_distances2(between, first, second, 0.5 * length)))
