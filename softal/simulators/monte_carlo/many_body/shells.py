"""Compiled Monte Carlo of elastic shells in the plane, exactly: every energy is kept, and changed by moves."""

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
from softal.theory.many_body.shells import energy

RANGE = 1.0  # [sigma]


@nb.njit(cache=True)
def one(i, x, box, neighbours, counts, away):  # type: ignore[no-untyped-def]
    """Return the energy [K] of particle i; `away` is scratch (N, 2)."""
    n = 0
    for k in range(counts[i]):
        j = neighbours[i, k]
        if square_between(x[i], x[j], box) < RANGE:
            for axis in range(2):
                d = x[j, axis] - x[i, axis]
                away[n, axis] = d - box[axis] * np.rint(d / box[axis])
            n += 1
    return energy(away[:n])


@nb.njit(cache=True)
def all_of(x, box, neighbours, counts, found, away):  # type: ignore[no-untyped-def]
    """Write the energy of every particle; return their sum, infinite where cores overlap."""
    whole = 0.0
    for i in range(len(x)):
        found[i] = one(i, x, box, neighbours, counts, away)
        whole += found[i]
        if whole == np.inf:
            return whole
    return whole


@nb.njit(cache=True)
def change_by(i, new, x, box, neighbours, counts, own, changed, affected, away):  # type: ignore[no-untyped-def]
    """Move particle i, and return the change of the energy with the number of particles whose energy is another one.

    Those are written into affected, their energies into changed. Where cores overlap the change is infinite.
    """
    count, difference = 0, 0.0
    for k in range(-1, counts[i]):
        j = i if k < 0 else neighbours[i, k]
        if k >= 0 and square_between(x[j], x[i], box) >= RANGE and square_between(x[j], new, box) >= RANGE:
            continue
        affected[count] = j
        count += 1
    x[i] = new
    for m in range(count):
        j = affected[m]
        changed[m] = one(j, x, box, neighbours, counts, away)
        difference += changed[m] - own[j]
        if difference == np.inf:
            return difference, 0
    return difference, count


@nb.njit(cache=True)
def run(x, box, sweeps, beta, pressure, step, volume_step, independent, rng):  # type: ignore[no-untyped-def]
    """Do sweeps of N trial moves each, and a trial move of the box after each where pressure >= 0 [kT / sigma^2].

    Returns accepted particle moves, accepted box moves, and how it ended; beta is in 1/K.
    """
    n = len(x)
    r_list = list_range(RANGE, step, volume_step, 2)
    anchor, trial, new, old, factor = x.copy(), np.empty_like(x), np.empty(2), np.empty(2), np.empty(2)
    counts, same, stretch, far2 = np.empty(n, np.int32), np.ones(2), np.ones(2), 0.0
    neighbours = listed(x, box, r_list, np.empty((n, WIDTH), np.int32), counts, anchor)
    own, changed, affected, away = np.empty(n), np.empty(n), np.empty(n, np.int64), np.empty((n, 2))
    accepted, boxes = 0, 0
    if all_of(x, box, neighbours, counts, own, away) == np.inf:
        return accepted, boxes, CORES_OVERLAP
    for _ in range(sweeps):
        for _ in range(n):
            i = int(uniform(rng) * n)
            step_from(x[i], new, step, box, rng)
            old[:] = x[i]
            change, count = change_by(i, new, x, box, neighbours, counts, own, changed, affected, away)
            if change == np.inf or (change > 0.0 and uniform(rng) >= np.exp(-beta * change)):
                x[i] = old
                continue
            accepted += 1
            for m in range(count):
                own[affected[m]] = changed[m]
            far2 = max(far2, square_between(new, anchor[i], box))
            if too_old(r_list, stretch, far2, RANGE, step, same):
                neighbours = listed(x, box, r_list, neighbours, counts, anchor)
                far2, stretch[:] = 0.0, 1.0
        if pressure < 0.0 or not factors(box, volume_step, independent, factor, rng):
            continue
        if too_old(r_list, stretch, far2, RANGE, 0.0, factor):
            neighbours = listed(x, box, r_list, neighbours, counts, anchor)
            far2, stretch[:] = 0.0, 1.0
        trial[:] = x * factor
        squeezed = all_of(trial, box * factor, neighbours, counts, changed, away)
        if not taken(volume_weight(n, box, factor, pressure) - beta * (squeezed - own.sum()), rng):
            continue
        boxes += 1
        x[:], own[:] = trial, changed
        far2 = moved_with(box, anchor, stretch, factor, far2)
        if box.min() < 2.0 * RANGE:
            return accepted, boxes, BOX_TOO_SMALL
        if too_old(r_list, stretch, far2, RANGE, step, same):
            neighbours = listed(x, box, r_list, neighbours, counts, anchor)
            far2, stretch[:] = 0.0, 1.0
    return accepted, boxes, FINISHED
