"""A periodic box with the images of its particles around it, in cells, so that nothing has to be wrapped.

Images make any distance possible, also one of more than half the box: a particle then has several images of another,
or of itself, as its neighbours.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats

Cells = tuple[Any, ...]  # places (M, 3), owners (M,), first (cells + 1,), corner (3,), width (3,), shape (3,)
MOST = 50_000_000  # images; each takes 40 bytes


def images(positions: Floats, box: Floats, reach: float) -> Cells:
    """Return a box's particles and images up to a reach outside of it, in cells of about half the reach.

    Args:
        positions: (N, 3) in [0, L).
        box: its sides L, (3,).
        reach: largest distance that will be asked for.

    Returns:
        What `around` reads: places (M, 3) in the order of cells, whose images they are (M,), the first place of each
        cell, and the cells' corner, widths and numbers.

    Raises:
        TheoryError: where the reach is so many boxes wide that there is no room for the images.
    """
    number = len(positions) * float(np.prod(1 + 2 * reach / box))
    if number > MOST:
        raise TheoryError(
            f"neighbours within {reach:.3g} need {number:.2g} images of {len(positions)} particles; allowed: {MOST:g}"
        )
    places, owners = _images(positions, box, reach)
    extent = box + 2 * reach
    wanted = max(reach / 2, float(np.prod(extent) / len(places)) ** (1 / 3))
    shape = np.maximum((extent / wanted).astype(np.int64), 1)
    corner, width = np.full(3, -reach), extent / shape
    order, first = _sorted(places, corner, width, shape)
    return places[order], owners[order], first, corner, width, shape


@nb.njit(cache=True)
def _images(x, box, reach):  # type: ignore[no-untyped-def]
    n, count = len(x), 0
    low, high = np.empty((n, 3), np.int64), np.empty((n, 3), np.int64)
    for i in range(n):
        number = 1
        for axis in range(3):
            low[i, axis] = int(np.ceil((-reach - x[i, axis]) / box[axis]))
            high[i, axis] = int(np.floor((box[axis] + reach - x[i, axis]) / box[axis])) + 1
            number *= high[i, axis] - low[i, axis]
        count += number
    places, owners = np.empty((count, 3)), np.empty(count, np.int64)
    count = 0
    for i in range(n):
        for a in range(low[i, 0], high[i, 0]):
            for b in range(low[i, 1], high[i, 1]):
                for c in range(low[i, 2], high[i, 2]):
                    places[count, 0] = x[i, 0] + a * box[0]
                    places[count, 1] = x[i, 1] + b * box[1]
                    places[count, 2] = x[i, 2] + c * box[2]
                    owners[count] = i
                    count += 1
    return places, owners


@nb.njit(cache=True)
def _cell(value, axis, corner, width, shape):  # type: ignore[no-untyped-def]
    """Return the cell's number along an axis, the first or last one beyond the ends."""
    return min(max(int(np.floor((value - corner[axis]) / width[axis])), 0), shape[axis] - 1)


@nb.njit(cache=True)
def _sorted(places, corner, width, shape):  # type: ignore[no-untyped-def]
    """Return the places' order by cells, and where each cell begins."""
    cells = np.empty(len(places), np.int64)
    first = np.zeros(shape[0] * shape[1] * shape[2] + 1, np.int64)
    for i in range(len(places)):
        number = 0
        for axis in range(3):
            number = number * shape[axis] + _cell(places[i, axis], axis, corner, width, shape)
        cells[i] = number
        first[number + 1] += 1
    for number in range(1, len(first)):
        first[number] += first[number - 1]
    order, filled = np.empty(len(places), np.int64), first.copy()
    for i in range(len(places)):
        order[filled[cells[i]]] = i
        filled[cells[i]] += 1
    return order, first


@nb.njit(cache=True)
def around(place, radius, cells, found, squares):  # type: ignore[no-untyped-def]
    """Write which places are nearer than the radius to one of the places itself; return how many.

    Args:
        place: (3,); what lies exactly there is left out.
        radius: at most the reach.
        cells: of `images`.
        found: numbers of places, to write to, (M,).
        squares: their squared distances, to write to, (M,).
    """
    places, _, first, corner, width, shape = cells
    count, limit = 0, radius * radius
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        low[axis] = _cell(place[axis] - radius, axis, corner, width, shape)
        high[axis] = _cell(place[axis] + radius, axis, corner, width, shape)
    for a in range(low[0], high[0] + 1):
        for b in range(low[1], high[1] + 1):
            row = (a * shape[1] + b) * shape[2]
            for j in range(first[row + low[2]], first[row + high[2] + 1]):
                r2 = 0.0
                for axis in range(3):
                    d = places[j, axis] - place[axis]
                    r2 += d * d
                if 0.0 < r2 < limit:
                    found[count] = j
                    squares[count] = r2
                    count += 1
    return count
