"""Compiled energies and Monte Carlo of a fitted potential, by its tables (`softal.theory.many_body.fitted`).

Energies are in the unit of the tables; beta is in its inverse. A hard core may stand beside them.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo.many_body.lists import (
    BOX_TOO_SMALL,
    CORES_OVERLAP,
    FINISHED,
    WIDTH,
    factors,
    list_range,
    listed,
    moved_with,
    square_between,
    step_from,
    taken,
    too_old,
    volume_weight,
)
from softal.simulators.monte_carlo.rng import uniform


@nb.njit(inline="always")
def between(table, at):  # type: ignore[no-untyped-def]
    """Return a table's value between two entries."""
    k = int(at)
    return table[k] + (at - k) * (table[k + 1] - table[k])


@nb.njit(cache=True, fastmath={"contract", "arcp", "nsz"})
def triangle(a2, b2, c2, cuts, cutoff2, triangles):  # type: ignore[no-untyped-def]
    """Return the energy of the three corners of a triangle with squared sides a2, b2, c2; cuts is f(a) f(b) f(c)."""
    s = a2 + b2 + c2
    at = s * ((len(triangles) - 2) / (3.0 * cutoff2))
    k = int(at)
    part = at - k
    low, high = triangles[k], triangles[k + 1]
    a, b, c = np.sqrt(a2), np.sqrt(b2), np.sqrt(c2)
    x = (a2 + b2 - c2) / (2.0 * a * b)
    y = (a2 + c2 - b2) / (2.0 * a * c)
    z = (b2 + c2 - a2) / (2.0 * b * c)
    u = v = w = 0.0
    for power in range(triangles.shape[1] - 1, -1, -1):
        coefficient = low[power] + part * (high[power] - low[power])
        u = u * x + coefficient
        v = v * y + coefficient
        w = w * z + coefficient
    return (u + v + w) * cuts


@nb.njit(cache=True, fastmath={"contract", "arcp", "nsz"})
def energy_of(i, place, x, box, neighbours, counts, model, scratch, after):  # type: ignore[no-untyped-def]
    """Return the energy of all pairs and triangles that particle i has at a place; infinite where cores overlap.

    Args:
        model: core^2, cutoff^2, and the tables of pairs, of f, and of triangles.
        scratch: of numbers, squared distances, and f: room for all neighbours.
        after: others count only if their number is above it: -1 for all of them, and i where each pair and triangle of
            a configuration is to count once.
    """
    core2, cutoff2, pairs, cut, triangles = model
    near, r2, f = scratch
    per_r2 = (len(pairs) - 2) / cutoff2
    n, energy = 0, 0.0
    for k in range(counts[i]):
        j = neighbours[i, k]
        if j <= after:
            continue
        square = square_between(place, x[j], box)
        if square >= cutoff2:
            continue
        if square < core2:
            return np.inf
        at = square * per_r2
        energy += between(pairs, at)
        near[n], r2[n], f[n] = j, square, between(cut, at)
        n += 1
    if triangles.shape[1] == 0:
        return energy
    for k in range(n):
        for m in range(k):
            square = square_between(x[near[k]], x[near[m]], box)
            if square < cutoff2:
                cuts = f[k] * f[m] * between(cut, square * per_r2)
                energy += triangle(r2[k], r2[m], square, cuts, cutoff2, triangles)
    return energy


@nb.njit(cache=True)
def room_for(n):  # type: ignore[no-untyped-def]
    """Return the scratch that `energy_of` takes."""
    return np.empty(n, np.int64), np.empty(n), np.empty(n)


@nb.njit(cache=True)
def total(x, box, neighbours, counts, model, scratch):  # type: ignore[no-untyped-def]
    """Return the energy of a configuration without its constant; infinite where cores overlap."""
    energy = 0.0
    for i in range(len(x)):
        energy += energy_of(i, x[i], x, box, neighbours, counts, model, scratch, i)
    return energy


@nb.njit(cache=True)
def energy(x, box, model):  # type: ignore[no-untyped-def]
    """Return the energy of a configuration from nothing but its positions, without its constant."""
    counts = np.empty(len(x), np.int32)
    neighbours = listed(x, box, np.sqrt(model[1]), np.empty((len(x), WIDTH), np.int32), counts, x.copy())
    return total(x, box, neighbours, counts, model, room_for(len(x)))


@nb.njit(cache=True)
def run(x, box, sweeps, beta, pressure, step, volume_step, independent, model, rng):  # type: ignore[no-untyped-def]
    """Do sweeps of N trial moves each, and a trial move of the box after each where pressure >= 0 [kT / sigma^d].

    Returns accepted particle moves, accepted box moves, and how it ended.
    """
    n, d = x.shape
    cutoff = np.sqrt(model[1])
    r_list = list_range(cutoff, step, volume_step, d)
    anchor, trial, new, factor = x.copy(), np.empty_like(x), np.empty(d), np.empty(d)
    counts, same, stretch, far2 = np.empty(n, np.int32), np.ones(d), np.ones(d), 0.0
    neighbours = listed(x, box, r_list, np.empty((n, WIDTH), np.int32), counts, anchor)
    scratch = room_for(n)
    whole = total(x, box, neighbours, counts, model, scratch)
    accepted, boxes = 0, 0
    if whole == np.inf:
        return accepted, boxes, CORES_OVERLAP
    for _ in range(sweeps):
        for _ in range(n):
            i = int(uniform(rng) * n)
            step_from(x[i], new, step, box, rng)
            after = energy_of(i, new, x, box, neighbours, counts, model, scratch, -1)
            if after == np.inf:
                continue
            change = after - energy_of(i, x[i], x, box, neighbours, counts, model, scratch, -1)
            if change > 0.0 and uniform(rng) >= np.exp(-beta * change):
                continue
            accepted += 1
            whole += change
            x[i] = new
            far2 = max(far2, square_between(new, anchor[i], box))
            if too_old(r_list, stretch, far2, cutoff, step, same):
                neighbours = listed(x, box, r_list, neighbours, counts, anchor)
                far2, stretch[:] = 0.0, 1.0
        if pressure < 0.0 or not factors(box, volume_step, independent, factor, rng):
            continue
        if too_old(r_list, stretch, far2, cutoff, 0.0, factor):
            neighbours = listed(x, box, r_list, neighbours, counts, anchor)
            far2, stretch[:] = 0.0, 1.0
        trial[:] = x * factor
        squeezed = total(trial, box * factor, neighbours, counts, model, scratch)
        if not taken(volume_weight(n, box, factor, pressure) - beta * (squeezed - whole), rng):
            continue
        boxes += 1
        whole = squeezed
        x[:] = trial
        far2 = moved_with(box, anchor, stretch, factor, far2)
        if box.min() < 2.0 * cutoff:
            return accepted, boxes, BOX_TOO_SMALL
        if too_old(r_list, stretch, far2, cutoff, step, same):
            neighbours = listed(x, box, r_list, neighbours, counts, anchor)
            far2, stretch[:] = 0.0, 1.0
    return accepted, boxes, FINISHED
