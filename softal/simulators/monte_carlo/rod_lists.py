"""Neighbour lists of rods: which images of which rods are near.

A list entry is a rod j *and* the image n in {-1, 0, 1}^3 of the box in which it is near, since for long rods the image
with the nearest centre may not be the nearest rod, and two images of one rod may both be in range. All images with
d_m < r_list are found where each edge of the box is at least L + r_list: centres further apart than an edge in any
direction are then out of range, so only the two images nearest in each direction can matter, and a rod never meets
itself. That holds for all orientations; 2 (L + r_list), which nearest centres would need, is not asked for.

Rods that are upright need less room than L across: what sorts most pairs out is whether boxes around the rods, parallel
to the axes, are apart. Cells, as wide as rods reach, help where the box is three of them wide.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from softal.simulators.monte_carlo.segments import distance2


class Lists(NamedTuple):
    """Neighbours of each rod: index and image (N, capacity), its place in the other's list, counts (N,), energies."""

    neighbours: NDArray[np.int32]
    images: NDArray[np.int8]
    back: NDArray[np.int32]
    counts: NDArray[np.int64]
    pairs: NDArray[np.float64]
    row: NDArray[np.float64]  # pair energies of a trial move (capacity,)


@nb.njit
def image_vectors(box, vectors):  # type: ignore[no-untyped-def]
    """Fill vectors (27, 3) with n o box, n in {-1, 0, 1}^3; that of -n is at 26 - index."""
    for k in range(27):
        vectors[k, 0] = (k // 9 - 1) * box[0]
        vectors[k, 1] = (k // 3 % 3 - 1) * box[1]
        vectors[k, 2] = (k % 3 - 1) * box[2]


@nb.njit
def add_pair(i, j, image, lists):  # type: ignore[no-untyped-def]
    """Enter j's image in the list of i, and the other way round; return False where there is no room."""
    ki, kj = lists.counts[i], lists.counts[j]
    if max(ki, kj) >= lists.neighbours.shape[1]:
        return False
    lists.neighbours[i, ki], lists.images[i, ki], lists.back[i, ki] = j, image, kj
    lists.neighbours[j, kj], lists.images[j, kj], lists.back[j, kj] = i, 26 - image, ki
    lists.counts[i] += 1
    lists.counts[j] += 1
    return True


@nb.njit
def nearest(d, edge):  # type: ignore[no-untyped-def]
    """Return n in {-1, 0, 1} for which |d + n edge| is smallest, |d| < edge."""
    if d > 0.5 * edge:
        return -1
    return 1 if d < -0.5 * edge else 0


@nb.njit
def list_images(i, j, x, u, box, half, r_list, lists):  # type: ignore[no-untyped-def]
    """Enter all images of j within r_list of i; return False where there is no room."""
    dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
    nx, ny, nz = nearest(dx, box[0]), nearest(dy, box[1]), nearest(dz, box[2])
    for kx in range(2):
        mx = nx if kx == 0 else nx + (1 if dx + nx * box[0] < 0.0 else -1)
        rx = dx + mx * box[0]
        if abs(rx) >= half * (abs(u[i, 0]) + abs(u[j, 0])) + r_list:
            break
        for ky in range(2):
            my = ny if ky == 0 else ny + (1 if dy + ny * box[1] < 0.0 else -1)
            ry = dy + my * box[1]
            if abs(ry) >= half * (abs(u[i, 1]) + abs(u[j, 1])) + r_list:
                break
            for kz in range(2):
                mz = nz if kz == 0 else nz + (1 if dz + nz * box[2] < 0.0 else -1)
                rz = dz + mz * box[2]
                if abs(rz) >= half * (abs(u[i, 2]) + abs(u[j, 2])) + r_list:
                    break
                d2 = distance2(rx, ry, rz, u[i, 0], u[i, 1], u[i, 2], u[j, 0], u[j, 1], u[j, 2], half)
                if d2 < r_list * r_list and not add_pair(i, j, 9 * mx + 3 * my + mz + 13, lists):
                    return False
    return True


@nb.njit
def apart(i, j, x, u, box, half, r_list):  # type: ignore[no-untyped-def]
    """Return whether upright boxes around rods i and j, and around all their images, are r_list apart."""
    for a in range(3):
        d = abs(x[j, a] - x[i, a])
        if min(d, box[a] - d) >= half * (abs(u[i, a]) + abs(u[j, a])) + r_list:
            return True
    return False


@nb.njit
def fill_lists(x, u, box, half, r_list, lists):  # type: ignore[no-untyped-def]
    """List all pairs within r_list by cells of centres; return False where a rod has too many."""
    cells = np.empty(3, np.int64)
    for a in range(3):
        cells[a] = int(box[a] / (2.0 * half + r_list))
        if cells[a] < 3:
            cells[a] = 1  # all images are searched, from one cell
    head = np.full((cells[0], cells[1], cells[2]), -1, np.int32)
    following = np.empty(len(x), np.int32)
    lists.counts[:] = 0
    at = np.empty(3, np.int64)
    low = np.where(cells > 1, -1, 0)
    for i in range(len(x)):
        # The cells hold the rods before i only, so that each pair is met once.
        for a in range(3):
            x[i, a] -= box[a] * np.floor(x[i, a] / box[a])
            at[a] = min(int(x[i, a] / box[a] * cells[a]), cells[a] - 1)
        for ox in range(low[0], 1 - low[0]):
            for oy in range(low[1], 1 - low[1]):
                for oz in range(low[2], 1 - low[2]):
                    j = head[(at[0] + ox) % cells[0], (at[1] + oy) % cells[1], (at[2] + oz) % cells[2]]
                    while j >= 0:
                        near = not apart(i, j, x, u, box, half, r_list)
                        if near and not list_images(i, j, x, u, box, half, r_list, lists):
                            return False
                        j = following[j]
        following[i] = head[at[0], at[1], at[2]]
        head[at[0], at[1], at[2]] = i
    return True


@nb.njit
def new_lists(n, capacity):  # type: ignore[no-untyped-def]
    """Return empty lists for n rods of up to `capacity` neighbours."""
    shape = (n, capacity)
    return Lists(
        np.empty(shape, np.int32),
        np.empty(shape, np.int8),
        np.empty(shape, np.int32),
        np.zeros(n, np.int64),
        np.empty(shape),
        np.empty(capacity),
    )


@nb.njit
def build_lists(x, u, box, half, r_list, lists):  # type: ignore[no-untyped-def]
    """Wrap centres into the box and return lists of all pairs within r_list, larger ones where there was no room."""
    while not fill_lists(x, u, box, half, r_list, lists):
        lists = new_lists(len(x), 2 * lists.neighbours.shape[1])
    return lists
