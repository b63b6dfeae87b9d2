"""The volume that equal spheres of radius R have in common: two, three or any number of them, in closed form.

The body is convex. Its faces lie on the spheres, its edges on the circles in which two of them meet, so that by the
divergence theorem, with A_j a face's area over R^2, c_j its centre and N_j its vector area,

    3 V = sum_j (R^3 A_j + c_j . N_j),    N_j = 1/2 of the integral of x cross dx around the face.

An arc of the circle of j and k, of radius h about m in the plane across u = (c_k - c_j) / d, from x_0 over an angle D
to x_1, adds -d (h^2 D + u . (m cross (x_1 - x_0))) / 2 to the second sum. A face is a fan about a direction p towards
the centres' middle: an arc adds D (1 - d / (2 R)) + O(p, n_0, n_1) - O(u, n_0, n_1), with O the solid angle of three
directions, n from the sphere's centre (A. van Oosterom, J. Strackee, IEEE Trans. Biomed. Eng. BME-30, 125 (1983)).
Unlike Gauss and Bonnet's theorem this asks for no list of corners, so that corners which coincide, as in crystals, do
no harm.

For three spheres the sums are functions of the sides of their triangle alone. Of the tetrahedron of the centres and a
common point of the surfaces, at the height h over the triangle of area S, with the angles D at its upper edges and F at
its base,

    3 V = 2 R^3 (3 pi - sum D) - sum d (3 R^2 - d^2 / 4) F + 2 h S.

K. D. Gibson and H. A. Scheraga, J. Phys. Chem. 91, 4121 (1987), and M. J. D. Powell, Mol. Phys. 7, 591
(1964), have it in other forms.
"""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(cache=True)
def lens(r, R):  # type: ignore[no-untyped-def]
    """Return the volume that two spheres have in common whose centres are r apart."""
    if r >= 2 * R:
        return 0.0
    return np.pi * (4 * R + r) * (2 * R - r) ** 2 / 12


@nb.njit(cache=True)
def triple(a, b, c, R):  # type: ignore[no-untyped-def]
    """Return the volume that three spheres have in common, by the squares a, b and c of their distances."""
    if max(a, b, c) >= 4 * R * R:
        return 0.0
    sixteen = 2 * (a * b + b * c + c * a) - a * a - b * b - c * c  # 16 S^2
    height = R * R - a * b * c / sixteen if sixteen > 1e-14 * a * b else -1.0
    if height <= 0.0:  # no point of all three surfaces: the third sphere has all of a lens, or there is nothing
        longest = max(a, b, c)
        return lens(np.sqrt(longest), R) if 2 * longest >= a + b + c else 0.0
    h, area = np.sqrt(height), np.sqrt(sixteen) / 4
    angles = _upper(a, b, c, h * area, R) + _upper(b, c, a, h * area, R) + _upper(c, a, b, h * area, R)
    sides = _base(a, b, c, h * area, R) + _base(b, c, a, h * area, R) + _base(c, a, b, h * area, R)
    return max((2 * R**3 * (3 * np.pi - angles) - sides + 2 * h * area) / 3, 0.0)


@nb.njit(cache=True)
def _upper(a, b, c, hS, R):  # type: ignore[no-untyped-def]
    """Return the angle at the edge from the point to the centre between the sides a and b."""
    return np.arctan2(2 * hS * R, R * R * (a + b - c) / 2 - a * b / 4)


@nb.njit(cache=True)
def _base(a, b, c, hS, R):  # type: ignore[no-untyped-def]
    """Return the part of the base's edge of square c."""
    d = np.sqrt(c)
    return d * (3 * R * R - c / 4) * np.arctan2(8 * hS, d * (a + b - c))


@nb.njit(cache=True)
def common(centres, R):  # type: ignore[no-untyped-def]
    """Return the volume that spheres have in common whose centres (n, 3) all differ; it is exact to some 1e-14 R^3."""
    n = len(centres)
    middle = (np.mean(centres[:, 0]), np.mean(centres[:, 1]), np.mean(centres[:, 2]))
    low, high = np.empty((2, 4 * n)), np.empty((2, 4 * n))
    total = 0.0
    for j in range(n):
        a = _less((centres[j, 0], centres[j, 1], centres[j, 2]), middle)
        for k in range(j):
            b = _less((centres[k, 0], centres[k, 1], centres[k, 2]), middle)
            d = np.sqrt(_dot(_less(b, a), _less(b, a)))
            if d >= 2 * R:
                return 0.0
            h = np.sqrt(R * R - d * d / 4)
            u = _sum(1 / d, b, -1 / d, a)
            e, f = _across(u)
            m = _sum(0.5, a, 0.5, b)
            count, last = _arcs(centres, j, k, _sum(1.0, m, 1.0, middle), e, f, h, R, low, high)
            for arc in range(count):
                total += _of_arc(low[last, arc], high[last, arc], u, e, f, m, d, h, R, _turned(a), _turned(b))
    return max(total / 3, 0.0)


@nb.njit(cache=True)
def _of_arc(low, high, u, e, f, m, d, h, R, p, q):  # type: ignore[no-untyped-def]
    """Return what an arc adds to 3 V; p and q are directions within the faces of the two spheres."""
    angle, cap = high - low, 1 - d / (2 * R)
    start = _sum(h * np.cos(low), e, h * np.sin(low), f)
    end = _sum(h * np.cos(high), e, h * np.sin(high), f)
    n0, n1 = _sum(1 / R, start, d / (2 * R), u), _sum(1 / R, end, d / (2 * R), u)
    first = angle * cap + _solid(p, n0, n1) - _solid(u, n0, n1)
    back = (-u[0], -u[1], -u[2])
    n0, n1 = _sum(1 / R, start, d / (2 * R), back), _sum(1 / R, end, d / (2 * R), back)
    second = angle * cap + _solid(q, n1, n0) - _solid(back, n1, n0)
    return R**3 * (first + second) - d * (h * h * angle + _dot(u, _cross(m, _less(end, start)))) / 2


@nb.njit(cache=True)
def _arcs(centres, j, k, m, e, f, h, R, low, high):  # type: ignore[no-untyped-def]
    """Write the arcs of the circle of j and k that all others contain, as angles from e.

    Returns how many there are, and in which row.
    """
    count, row = 1, 0
    low[0, 0], high[0, 0] = -np.pi, np.pi
    for other in range(len(centres)):
        if other in (j, k):
            continue
        away = _less((centres[other, 0], centres[other, 1], centres[other, 2]), m)
        x, y = _dot(away, e), _dot(away, f)
        reach = np.sqrt(x * x + y * y)
        least = (_dot(away, away) + h * h - R * R) / (2 * h)  # of reach cos(angle from it)
        if least >= reach:
            return 0, row
        if least > -reach:
            half, at, before = np.arccos(least / reach), np.arctan2(y, x), count
            count = 0
            for arc in range(before):
                for turn in range(-1, 2):
                    begin = max(low[row, arc], at - half + turn * 2 * np.pi)
                    end = min(high[row, arc], at + half + turn * 2 * np.pi)
                    if end > begin:
                        low[1 - row, count], high[1 - row, count] = begin, end
                        count += 1
            row = 1 - row
    return count, row


# Vectors as tuples, which cost no memory.


@nb.njit(cache=True)
def _dot(a, b):  # type: ignore[no-untyped-def]
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@nb.njit(cache=True)
def _less(a, b):  # type: ignore[no-untyped-def]
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


@nb.njit(cache=True)
def _sum(x, a, y, b):  # type: ignore[no-untyped-def]
    return (x * a[0] + y * b[0], x * a[1] + y * b[1], x * a[2] + y * b[2])


@nb.njit(cache=True)
def _cross(a, b):  # type: ignore[no-untyped-def]
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


@nb.njit(cache=True)
def _turned(a):  # type: ignore[no-untyped-def]
    """Return the direction back along a."""
    length = np.sqrt(_dot(a, a))
    return (-a[0] / length, -a[1] / length, -a[2] / length) if length > 0 else (1.0, 0.0, 0.0)


@nb.njit(cache=True)
def _across(u):  # type: ignore[no-untyped-def]
    """Return two directions that make a right-handed system with the direction u, which is the last."""
    x, y, z = abs(u[0]), abs(u[1]), abs(u[2])
    axis = (1.0, 0.0, 0.0) if x <= min(y, z) else ((0.0, 1.0, 0.0) if y <= z else (0.0, 0.0, 1.0))
    e = _sum(1.0, axis, -_dot(axis, u), u)
    length = np.sqrt(_dot(e, e))
    e = (e[0] / length, e[1] / length, e[2] / length)
    return e, _cross(u, e)


@nb.njit(cache=True)
def _solid(a, b, c):  # type: ignore[no-untyped-def]
    """Return the solid angle of the triangle of three directions, positive where they go round counter-clockwise."""
    return 2 * np.arctan2(_dot(a, _cross(b, c)), 1 + _dot(a, b) + _dot(b, c) + _dot(c, a))
