"""Energies of rods that are listed as neighbours, in units of kT."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from softal.simulators.monte_carlo.disks import OVERLAP, pair_energy
from softal.simulators.monte_carlo.rod_lists import build_lists, image_vectors, new_lists
from softal.simulators.monte_carlo.segments import distance2

CAPACITY = 48  # neighbours of a rod that lists have room for at first


class Table(NamedTuple):
    """u(d_m)/kT: infinite below core, 0 from cutoff on, between them a table (n,) of u at core^2 + i / per_r2."""

    core2: float
    cutoff2: float
    table: NDArray[np.float64]
    per_r2: float


class Rods(NamedTuple):
    """Where rods are: centres x, orientations u (N, 3), box (3,), its image vectors (27, 3), half of their length."""

    x: NDArray[np.float64]
    u: NDArray[np.float64]
    box: NDArray[np.float64]
    vectors: NDArray[np.float64]
    half: float


@nb.njit
def placed(x, u, box, half):  # type: ignore[no-untyped-def]
    """Return rods with the image vectors of their box."""
    vectors = np.empty((27, 3))
    image_vectors(box, vectors)
    return Rods(x, u, box, vectors, half)


@nb.njit
def distance2_of(rods, c, w, j, image):  # type: ignore[no-untyped-def]
    """Return d_m^2 of a rod at centre c (3,) along w (3,) and an image of rod j."""
    rx = rods.x[j, 0] + rods.vectors[image, 0] - c[0]
    ry = rods.x[j, 1] + rods.vectors[image, 1] - c[1]
    rz = rods.x[j, 2] + rods.vectors[image, 2] - c[2]
    return distance2(rx, ry, rz, w[0], w[1], w[2], rods.u[j, 0], rods.u[j, 1], rods.u[j, 2], rods.half)


@nb.njit
def energy_at(potential, d2):  # type: ignore[no-untyped-def]
    """Return u/kT at d_m^2."""
    return pair_energy(d2, potential.core2, potential.cutoff2, potential.table, potential.per_r2)


@nb.njit
def all_energies(rods, lists, potential, limit, energies):  # type: ignore[no-untyped-def]
    """Return the energy [kT], infinite above `limit`; keep those of pairs, and of rods in energies (N,) unless (0,)."""
    total = 0.0
    keep = len(energies) > 0
    energies[:] = 0.0
    for i in range(len(rods.x)):
        for k in range(lists.counts[i]):
            j = lists.neighbours[i, k]
            if j > i:
                continue
            energy = energy_at(potential, distance2_of(rods, rods.x[i], rods.u[i], j, lists.images[i, k]))
            total += energy
            if total > limit:
                return OVERLAP
            if keep:
                lists.pairs[i, k] = energy
                lists.pairs[j, lists.back[i, k]] = energy
                energies[i] += energy
                energies[j] += energy
    return total


@nb.njit
def rod_energy(i, c, w, rods, lists, potential, limit):  # type: ignore[no-untyped-def]
    """Return the energy of rod i at centre c along w [kT], infinite above `limit`; fill lists.row with its pairs."""
    total = 0.0
    for k in range(lists.counts[i]):
        energy = energy_at(potential, distance2_of(rods, c, w, lists.neighbours[i, k], lists.images[i, k]))
        total += energy
        if total > limit:
            return OVERLAP
        lists.row[k] = energy
    return total


@nb.njit(cache=True)
def total_energy(x, u, box, length, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return the energy of rods of a length [sigma] at x (N, 3) along u (N, 3) [kT]; infinite where cores overlap."""
    rods = placed(x.copy(), u, box, 0.5 * length)
    lists = build_lists(rods.x, u, box, rods.half, np.sqrt(cutoff2), new_lists(len(x), CAPACITY))
    return all_energies(rods, lists, Table(core2, cutoff2, table, per_r2), np.inf, np.empty(0))


@nb.njit(cache=True)
def crossings(x, u, box, length, shrinkage, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return the sum over pairs of 1 - exp(-(u(xi) - u(0))), shape (m,), centres shrunk by 1 - xi; see compression."""
    # Shrinking takes at most xi (d_m + L) from d_m.
    r_list = (np.sqrt(cutoff2) + shrinkage[-1] * length) / (1.0 - shrinkage[-1])
    rods = placed(x.copy(), u, box, 0.5 * length)
    potential = Table(core2, cutoff2, table, per_r2)
    lists = build_lists(rods.x, u, box, rods.half, r_list, new_lists(len(x), CAPACITY))
    before, after = np.zeros(lists.pairs.shape), np.zeros(len(x))
    all_energies(rods, lists, potential, np.inf, after)
    before[:] = lists.pairs
    found = np.zeros(len(shrinkage))
    for m in range(len(shrinkage)):
        shrunk = placed(rods.x * (1.0 - shrinkage[m]), u, box * (1.0 - shrinkage[m]), rods.half)
        all_energies(shrunk, lists, potential, np.inf, after)
        for i in range(len(x)):
            for k in range(lists.counts[i]):
                # Each pair stands in two lists.
                found[m] += 0.5 - 0.5 * np.exp(before[i, k] - lists.pairs[i, k])
    return found
