"""Cells of a periodic box in space, so that what is near a place is found without a look at all particles.

Each cell is a list of particles, linked both ways. A direction with room for fewer than three cells of the reach has
one, or a particle would be met twice.
"""

from __future__ import annotations

import numba as nb
import numpy as np


@nb.njit(cache=True)
def shape_of(box, reach):  # type: ignore[no-untyped-def]
    """Return the numbers of cells, (3,), at least reach wide."""
    shape = (box / reach).astype(np.int64)
    for axis in range(3):
        if shape[axis] < 3:
            shape[axis] = 1
    return shape


@nb.njit(cache=True)
def index(place, axis, box, shape):  # type: ignore[no-untyped-def]
    """Return the cell's number along an axis, of a place (3,) in [0, L)."""
    return min(int(place[axis] / box[axis] * shape[axis]), shape[axis] - 1)


@nb.njit(cache=True)
def cell_of(place, box, shape):  # type: ignore[no-untyped-def]
    """Return the number of the cell that a place is in."""
    first, second, third = index(place, 0, box, shape), index(place, 1, box, shape), index(place, 2, box, shape)
    return (first * shape[1] + second) * shape[2] + third


@nb.njit(cache=True)
def build(x, box, shape):  # type: ignore[no-untyped-def]
    """Return the lists of x (N, 3): the head of each cell, and what comes after and before each; -1 is none."""
    head, after, before = np.full(np.prod(shape), -1), np.full(len(x), -1), np.full(len(x), -1)
    for i in range(len(x)):
        enter(i, cell_of(x[i], box, shape), head, after, before)
    return head, after, before


@nb.njit(cache=True)
def enter(i, cell, head, after, before):  # type: ignore[no-untyped-def]
    """Put a particle into a cell."""
    first = head[cell]
    after[i], before[i] = first, -1
    if first >= 0:
        before[first] = i
    head[cell] = i


@nb.njit(cache=True)
def leave(i, cell, head, after, before):  # type: ignore[no-untyped-def]
    """Take a particle out of its cell."""
    if before[i] >= 0:
        after[before[i]] = after[i]
    else:
        head[cell] = after[i]
    if after[i] >= 0:
        before[after[i]] = before[i]


@nb.njit(cache=True)
def around(place, i, x, box, shape, head, after, reach2, core2, away):  # type: ignore[no-untyped-def]
    """Write how far particles within the reach are away from a place; return how many, -1 if one is in the core.

    Args:
        place: (3,) in [0, L).
        i: a particle that is left out; -1 for none.
        x: positions (N, 3).
        reach2, core2: squares of distances; cells are as wide as the reach.
        away: (N, 3), to write to.
    """
    count = 0
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        middle, width = index(place, axis, box, shape), 0 if shape[axis] == 1 else 1
        low[axis], high[axis] = middle - width, middle + width + 1
    for a in range(low[0], high[0]):
        for b in range(low[1], high[1]):
            for c in range(low[2], high[2]):
                j = head[((a % shape[0]) * shape[1] + b % shape[1]) * shape[2] + c % shape[2]]
                while j >= 0:
                    if j != i:
                        r2 = 0.0
                        for axis in range(3):
                            d = x[j, axis] - place[axis]
                            d -= box[axis] * np.rint(d / box[axis])
                            away[count, axis] = d
                            r2 += d * d
                        if r2 < core2:
                            return -1
                        if r2 < reach2:
                            count += 1
                    j = after[j]
    return count
