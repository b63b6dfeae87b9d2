"""Compiled energies and pairs of spheres of any diameters in space, found through cells: hard ones, WCA particles.

Positions (N, 3) lie in [0, L), periodic; particles i and j interact where r < reach s_ij, s_ij = (d_i + d_j)/2. Hard
spheres overlap there (reach 1); WCA particles, at strength epsilon/kT above 0, have (reach 2^(1/6))

    u(r)/kT = strength (4 ((s/r)^12 - (s/r)^6) + 1).

A `model` is (reach^2, strength, largest diameter). Images are met one by one, the place being shifted by an edge, so
that an axis may have a single cell. As no energy is negative, a sum is given up as soon as it is more than is allowed.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo import cells


@nb.njit(inline="always")
def pair_energy(square, contact, strength):  # type: ignore[no-untyped-def]
    """Return u/kT of a pair within its reach, of the squares of distance and s [sigma^2]; infinite of hard spheres."""
    if strength == 0.0 or square < 1e-4 * contact:
        return np.inf
    third = (contact / square) ** 3
    return strength * (4.0 * (third * third - third) + 1.0)


@nb.njit(inline="always")
def reach_of(model):  # type: ignore[no-untyped-def]
    """Return the longest distance [sigma] at which two particles see each other."""
    return np.sqrt(model[0]) * model[2]


@nb.njit(inline="always")
def beside(cell, way, at, cells_there, edge):  # type: ignore[no-untyped-def]
    """Return the number of the cell that is `way` cells further, and a coordinate as it is seen from there."""
    to = cell + way
    if to < 0:
        return to + cells_there, at + edge
    if to >= cells_there:
        return to - cells_there, at - edge
    return to, at


@nb.njit(cache=True)
def energy_at(place, own, i, j, x, d, box, shape, head, after, model, most):  # type: ignore[no-untyped-def]
    """Return what a sphere at a place costs [kT], or more than `most` as soon as that is sure.

    Args:
        place, own: (3,) in [0, L), and the diameter.
        i, j: particles that are left out.
        x, d: positions (N, 3) and diameters (N,).
        shape, head, after: as of `cells.build`, cells at least as wide as the longest reach.
    """
    reach2, strength = model[0], model[1]
    energy = 0.0
    first, second = cells.index(place, 0, box, shape), cells.index(place, 1, box, shape)
    third = cells.index(place, 2, box, shape)
    for number in range(27):
        a, px = beside(first, number // 9 - 1, place[0], shape[0], box[0])
        b, py = beside(second, number // 3 % 3 - 1, place[1], shape[1], box[1])
        c, pz = beside(third, number % 3 - 1, place[2], shape[2], box[2])
        k = head[(a * shape[1] + b) * shape[2] + c]
        while k >= 0:
            square = (x[k, 0] - px) ** 2 + (x[k, 1] - py) ** 2 + (x[k, 2] - pz) ** 2
            contact = 0.25 * (d[k] + own) * (d[k] + own)
            if square < reach2 * contact and k != i and k != j:
                energy += pair_energy(square, contact, strength)
                if energy > most:
                    return energy
            k = after[k]
    return energy


@nb.njit(cache=True)
def total_energy(x, d, box, model):  # type: ignore[no-untyped-def]
    """Return the energy of all pairs [kT]; infinite where hard spheres overlap."""
    shape = cells.shape_of(box, reach_of(model))
    head, after, _ = cells.build(x, box, shape)
    energy, most = 0.0, np.inf if model[1] > 0.0 else 0.0
    for i in range(len(x)):
        energy += 0.5 * energy_at(x[i], d[i], i, -1, x, d, box, shape, head, after, model, most)
        if energy > most:
            return np.inf
    return energy


@nb.njit(inline="always")
def square_between(i, k, x, box):  # type: ignore[no-untyped-def]
    """Return the squared distance [sigma^2] of nearest images."""
    square = 0.0
    for axis in range(3):
        apart = x[k, axis] - x[i, axis]
        apart -= box[axis] * np.rint(apart / box[axis])
        square += apart * apart
    return square


@nb.njit(cache=True)
def all_pairs(x, d, box, reach, skin, neighbours, counts):  # type: ignore[no-untyped-def]
    """Do what `pairs` does without cells, for boxes too small for three of them, where images may be met twice."""
    for i in range(len(x)):
        for k in range(len(x)):
            far = 0.5 * reach * (d[k] + d[i]) + skin
            if k != i and square_between(i, k, x, box) < far * far:
                if counts[i] == neighbours.shape[1]:
                    return False
                neighbours[i, counts[i]] = k
                counts[i] += 1
    return True


@nb.njit(cache=True)
def pairs(x, d, box, reach, skin, neighbours, counts):  # type: ignore[no-untyped-def]
    """Fill neighbours (N, width) and counts (N,) with pairs nearer than reach s_ij + skin; return if there was room."""
    farthest, width = reach * d.max() + skin, neighbours.shape[1]
    counts[:] = 0
    if 3.0 * farthest >= min(box[0], box[1], box[2]):
        return all_pairs(x, d, box, reach, skin, neighbours, counts)
    shape = cells.shape_of(box, farthest)
    head, after, _ = cells.build(x, box, shape)
    for i in range(len(x)):
        first, second = cells.index(x[i], 0, box, shape), cells.index(x[i], 1, box, shape)
        third, found = cells.index(x[i], 2, box, shape), 0
        for number in range(27):
            a, px = beside(first, number // 9 - 1, x[i, 0], shape[0], box[0])
            b, py = beside(second, number // 3 % 3 - 1, x[i, 1], shape[1], box[1])
            c, pz = beside(third, number % 3 - 1, x[i, 2], shape[2], box[2])
            k = head[(a * shape[1] + b) * shape[2] + c]
            while k >= 0:
                dx, dy, dz = x[k, 0] - px, x[k, 1] - py, x[k, 2] - pz
                square, far = dx * dx + dy * dy + dz * dz, 0.5 * reach * (d[k] + d[i]) + skin
                if square < far * far and k != i:
                    if found == width:
                        return False
                    neighbours[i, found] = k
                    found += 1
                k = after[k]
        counts[i] = found
    return True


@nb.njit(cache=True)
def listed(x, d, box, reach, skin, neighbours, counts):  # type: ignore[no-untyped-def]
    """Build the lists anew, and return neighbours (N, width), wider where that was necessary."""
    while not pairs(x, d, box, reach, skin, neighbours, counts):
        neighbours = np.empty((len(x), 2 * neighbours.shape[1]), np.int32)
    return neighbours


@nb.njit(cache=True)
def ratios(x, d, box, reach):  # type: ignore[no-untyped-def]
    """Return r / s (M,) of all pairs with r < reach s, each once."""
    counts = np.empty(len(x), np.int32)
    neighbours = listed(x, d, box, reach, 0.0, np.empty((len(x), 16), np.int32), counts)
    found, count = np.empty(counts.sum() // 2), 0
    for i in range(len(x)):
        for n in range(counts[i]):
            k = neighbours[i, n]
            if k < i:
                found[count] = 2.0 * np.sqrt(square_between(i, k, x, box)) / (d[k] + d[i])
                count += 1
    return found
