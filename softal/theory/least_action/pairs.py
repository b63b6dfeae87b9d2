"""Sums over pairs of Lennard-Jones atoms at P times at once: lists from cells, forces and Hessian products; by Numba.

Energies are functions of s = r^2, in units of epsilon and sigma:

    f(s) = 4 (s^-6 - s^-3) w(x),   x = (s - s_on) / (s_c - s_on),   w = 1 - 10 x^3 + 15 x^4 - 6 x^5 for 0 < x < 1,

w = 1 below s_on and 0 beyond s_c, so that U, U' and U'' are continuous. With d = r_i - r_j the force on i is -2 f' d,
and a change of d by e changes it by -(2 f' e + 4 f'' (d.e) d).

Cells are as wide as the list's reach at least, so that all pairs of an atom lie in its cell and those around it; along
an edge with less than three cells each is looked at once. All pairs within the reach are listed once, with i < j not
implied.
"""

from __future__ import annotations

import numba as nb
import numpy as np

SUMS = {"contract", "arcp", "nsz"}


@nb.njit(inline="always", fastmath=SUMS, error_model="numpy")
def pair_terms(s, s_on, s_c):  # type: ignore[no-untyped-def]
    """Return f, f' and f'' at s = r^2 < s_c."""
    inverse = 1.0 / s
    cube = inverse * inverse * inverse
    f = 4.0 * cube * (cube - 1.0)
    f1 = -4.0 * cube * inverse * (6.0 * cube - 3.0)
    f2 = 4.0 * cube * inverse * inverse * (42.0 * cube - 12.0)
    if s > s_on:
        width = 1.0 / (s_c - s_on)
        x = (s - s_on) * width
        w = 1.0 - x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)
        w1 = -30.0 * x * x * (1.0 - x) * (1.0 - x) * width
        w2 = -60.0 * x * (1.0 - x) * (1.0 - 2.0 * x) * width * width
        f2 = f2 * w + 2.0 * f1 * w1 + f * w2
        f1 = f1 * w + f * w1
        f = f * w
    return f, f1, f2


@nb.njit(cache=True)
def list_pairs(q, edges, reach, pairs):  # type: ignore[no-untyped-def]
    """List the pairs closer than `reach` in one configuration q (N, d); edges (d,), infinite where free.

    pairs (n, 2) is filled as far as it goes.

    Returns:
        How many pairs there are; more than n, and the list has to be made again with more room.
    """
    count, dimension = q.shape
    low, cells = np.zeros(3), np.ones(3, dtype=np.int64)
    width = np.ones(3)
    for a in range(dimension):
        periodic = np.isfinite(edges[a])
        low[a] = 0.0 if periodic else q[:, a].min()
        extent = edges[a] if periodic else q[:, a].max() - low[a]
        # More cells than atoms along an edge help nobody.
        cells[a] = max(1, min(int(extent / reach) if reach > 0.0 else 1, count))
        width[a] = extent / cells[a] if extent > 0.0 else 1.0
    first = np.full(cells[0] * cells[1] * cells[2], -1)
    following = np.empty(count, dtype=np.int64)
    where = np.zeros((count, 3), dtype=np.int64)
    for i in range(count):
        for a in range(dimension):
            x = q[i, a] - low[a]
            if np.isfinite(edges[a]):
                x -= edges[a] * np.floor(x / edges[a])
            where[i, a] = min(int(x / width[a]), cells[a] - 1)
        cell = (where[i, 0] * cells[1] + where[i, 1]) * cells[2] + where[i, 2]
        following[i] = first[cell]
        first[cell] = i
    begin, end = np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64)
    for a in range(3):
        begin[a] = -1 if cells[a] > 2 else 0
        end[a] = 1 if cells[a] > 1 else 0
    found, reach2 = 0, reach * reach
    beside = np.zeros(3, dtype=np.int64)
    for i in range(count):
        for x in range(begin[0], end[0] + 1):
            for y in range(begin[1], end[1] + 1):
                for z in range(begin[2], end[2] + 1):
                    outside = False
                    for a, step in enumerate((x, y, z)):
                        beside[a] = where[i, a] + step
                        if a < dimension and np.isfinite(edges[a]):
                            beside[a] = (beside[a] + cells[a]) % cells[a]
                        elif cells[a] == 2:  # a free edge with two cells: the other one
                            beside[a] %= 2
                        elif beside[a] < 0 or beside[a] >= cells[a]:
                            outside = True
                    if outside:
                        continue
                    j = first[(beside[0] * cells[1] + beside[1]) * cells[2] + beside[2]]
                    while j >= 0:
                        if j < i:
                            s = 0.0
                            for a in range(dimension):
                                apart = q[i, a] - q[j, a]
                                if np.isfinite(edges[a]):
                                    apart -= edges[a] * np.rint(apart / edges[a])
                                s += apart * apart
                            if s < reach2:
                                if found < len(pairs):
                                    pairs[found, 0], pairs[found, 1] = i, j
                                found += 1
                        j = following[j]
    return found


@nb.njit(cache=True, fastmath=SUMS, error_model="numpy")
def sum_pairs(q, edges, pairs, begin, s_on, s_c, energy, forces, near, near_begin, apart, first, second):  # type: ignore[no-untyped-def]
    """Sum energies (P,) and forces (P, N, 3) of configurations q (P, N, 3), and keep what Hessian products need.

    edges (3,): 0 where free. pairs (n, 2): of all times one after another, those of time t from begin[t] to
    begin[t + 1], sorted by their first atom; near (n, 2) and near_begin: those of them within the cutoff. apart (n, 3):
    r_i - r_j; first, second (n,): 2 f' and 4 f''.
    """
    inverse = np.zeros(3)
    for a in range(3):
        inverse[a] = 1.0 / edges[a] if edges[a] > 0.0 else 0.0
    found = 0
    for t in range(len(q)):
        for k in range(begin[t], begin[t + 1]):
            i, j = pairs[k, 0], pairs[k, 1]
            x, y, z = q[t, i, 0] - q[t, j, 0], q[t, i, 1] - q[t, j, 1], q[t, i, 2] - q[t, j, 2]
            x -= edges[0] * np.rint(x * inverse[0])
            y -= edges[1] * np.rint(y * inverse[1])
            z -= edges[2] * np.rint(z * inverse[2])
            s = x * x + y * y + z * z
            if s < s_c:
                f, f1, f2 = pair_terms(s, s_on, s_c)
                energy[t] += f
                near[found, 0], near[found, 1] = i, j
                first[found], second[found] = 2.0 * f1, 4.0 * f2
                apart[found, 0], apart[found, 1], apart[found, 2] = x, y, z
                found += 1
                x, y, z = 2.0 * f1 * x, 2.0 * f1 * y, 2.0 * f1 * z
                forces[t, i, 0] -= x
                forces[t, i, 1] -= y
                forces[t, i, 2] -= z
                forces[t, j, 0] += x
                forces[t, j, 1] += y
                forces[t, j, 2] += z
        near_begin[t + 1] = found


@nb.njit(cache=True, fastmath=SUMS)
def hessian_product(v, near, begin, apart, first, second, out):  # type: ignore[no-untyped-def]
    """Add the Hessian of the energy at each time, times v (P, N, 3), to out (P, N, 3)."""
    for t in range(len(v)):
        k = begin[t]
        while k < begin[t + 1]:
            i = near[k, 0]
            a, b, c = v[t, i, 0], v[t, i, 1], v[t, i, 2]
            sum_x, sum_y, sum_z = 0.0, 0.0, 0.0
            while k < begin[t + 1] and near[k, 0] == i:
                j = near[k, 1]
                x, y, z = apart[k, 0], apart[k, 1], apart[k, 2]
                e, f, g = a - v[t, j, 0], b - v[t, j, 1], c - v[t, j, 2]
                along = second[k] * (x * e + y * f + z * g)
                e = first[k] * e + along * x
                f = first[k] * f + along * y
                g = first[k] * g + along * z
                sum_x += e
                sum_y += f
                sum_z += g
                out[t, j, 0] -= e
                out[t, j, 1] -= f
                out[t, j, 2] -= g
                k += 1
            out[t, i, 0] += sum_x
            out[t, i, 1] += sum_y
            out[t, i, 2] += sum_z
