"""Compiled Monte Carlo of spheres of any diameters in space, hard ones and WCA particles: NVT, NPT, swaps.

Trial moves look at lists of neighbours, as `many_body.lists` keeps them; swaps and box moves look through cells
(`sphere_cells`, which says what a model is). Lists hold pairs within reach s_ij + skin. A box that shrinks makes the
skin thinner by what it takes from the longest reach, which is what `too_old` counts with.

A swap exchanges the diameters of two particles, which leaves s_ij of the two themselves as it was. A box move changes
ln V by up to volume_step, or the logarithm of one edge where they are free, and is accepted with (N + 1) ln(V'/V) in
the exponent, (5.4.9) and below of D. Frenkel and B. Smit, Understanding Molecular Simulation (2002).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo import cells
from softal.simulators.monte_carlo.many_body.lists import factors, moved_with, step_from, too_old, volume_weight
from softal.simulators.monte_carlo.rng import uniform
from softal.simulators.monte_carlo.sphere_cells import energy_at, listed, pair_energy, reach_of, total_energy

WIDTH = 32  # neighbours for which there is room at first
SKIN, STEPS = 0.3, 9.0  # [sigma], and in steps, the larger one of them: with less, a list is soon too old
FEWEST = 5.0  # steps that are still enough, where more would leave no room for three cells
FINISHED, OVERLAP, BOX_TOO_SMALL = 0, 1, 2


@nb.njit(inline="always")
def distance(a, b, edge):  # type: ignore[no-untyped-def]
    """Return the distance of nearest images along an axis; coordinates may be off by less than an edge."""
    apart = abs(a - b)
    return min(apart, abs(edge - apart))


@nb.njit(cache=True)
def skin_of(box, cutoff, step):  # type: ignore[no-untyped-def]
    """Return by how much a list reaches further than particles see [sigma]."""
    room = 0.999 * min(box[0], box[1], box[2]) / 3.0 - cutoff
    wanted = np.sqrt(3.0) * step + max(SKIN, STEPS * step)
    least = np.sqrt(3.0) * step + max(SKIN, FEWEST * step)
    return room if least < room < wanted else wanted


@nb.njit(cache=True)
def energy_of(i, place, x, d, box, neighbours, counts, model, most):  # type: ignore[no-untyped-def]
    """Return what particle i costs at a place [kT], or more than `most` as soon as that is sure."""
    reach2, strength, energy = model[0], model[1], 0.0
    px, py, pz, own = place[0], place[1], place[2], d[i]
    Lx, Ly, Lz = box[0], box[1], box[2]
    for n in range(counts[i]):
        k = neighbours[i, n]
        dx, dy, dz = distance(x[k, 0], px, Lx), distance(x[k, 1], py, Ly), distance(x[k, 2], pz, Lz)
        square = dx * dx + dy * dy + dz * dz
        contact = 0.25 * (d[k] + own) * (d[k] + own)
        if square < reach2 * contact:
            energy += pair_energy(square, contact, strength)
            if energy > most:
                return energy
    return energy


@nb.njit(cache=True)
def move(i, x, d, box, step, neighbours, counts, model, place, rng):  # type: ignore[no-untyped-def]
    """Try to move a particle; return whether it did, and what that costs [kT]."""
    step_from(x[i], place, step, box, rng)
    old, most = 0.0, 0.0
    if model[1] > 0.0:
        old = energy_of(i, x[i], x, d, box, neighbours, counts, model, np.inf)
        most = old - np.log(1.0 - uniform(rng))
    new = energy_of(i, place, x, d, box, neighbours, counts, model, most)
    if new > most:
        return False, 0.0
    for axis in range(3):
        x[i, axis] = place[axis]
    return True, new - old


@nb.njit(cache=True)
def swap_some(x, d, box, number, model, accepted, rng):  # type: ignore[no-untyped-def]
    """Try to exchange diameters of random pairs; return how many differed, and the energy's change [kT]."""
    shape = cells.shape_of(box, reach_of(model))
    head, after, _ = cells.build(x, box, shape)
    n, tried, gained, limit = len(x), 0, 0.0, np.inf
    for _ in range(number):
        i, j = min(int(uniform(rng) * n), n - 1), min(int(uniform(rng) * n), n - 1)
        if d[i] == d[j]:
            continue
        tried += 1
        if d[i] > d[j]:
            i, j = j, i  # i grows, which is what fails
        old, most = 0.0, 0.0
        if model[1] > 0.0:
            old = energy_at(x[i], d[i], i, j, x, d, box, shape, head, after, model, limit)
            old += energy_at(x[j], d[j], i, j, x, d, box, shape, head, after, model, limit)
            most = old - np.log(1.0 - uniform(rng))
        new = energy_at(x[i], d[j], i, j, x, d, box, shape, head, after, model, most)
        if new <= most:
            new += energy_at(x[j], d[i], i, j, x, d, box, shape, head, after, model, most - new)
        if new <= most:
            d[i], d[j] = d[j], d[i]
            accepted[1] += 1
            gained += new - old
    return tried, gained


@nb.njit(cache=True)
def move_box(x, d, box, factor, pressure, model, energy, rng):  # type: ignore[no-untyped-def]
    """Try to change the edges by factors (3,); return whether it did, and the energy after it [kT]."""
    most = energy + volume_weight(len(x), box, factor, pressure) - np.log(1.0 - uniform(rng))
    if most < 0.0:
        return False, energy
    trial, edges, new, least = np.empty((len(x), 3)), np.empty(3), 0.0, 1.0
    for axis in range(3):
        edges[axis], least = box[axis] * factor[axis], min(least, factor[axis])
        for i in range(len(x)):
            trial[i, axis] = x[i, axis] * factor[axis]
    if model[1] > 0.0 or least < 1.0:  # in a box that only grows, hard spheres cannot come nearer
        new = total_energy(trial, d, edges, model)
    if new > most:
        return False, energy
    x[:] = trial
    return True, new


@nb.njit(cache=True)
def run(x, d, box, sweeps, pressure, steps, swaps, free, at_first, model, tried, accepted, rng):  # type: ignore[no-untyped-def]
    """Do sweeps of N trial moves, swaps N trial swaps, and one trial move of the box where pressure >= 0 [kT/sigma^3].

    Returns how it ended, and the energy [kT] as it is summed up from changes.

    Args:
        steps: (3,) of moves [sigma], unused, and of the box.
        swaps: trial swaps over trial moves.
        free: whether edges change on their own; at_first: what they were, (3,).
        model: reach^2, strength, and the largest diameter.
        tried, accepted: (3,) of moves, swaps and box moves, to add to.
    """
    n, place, factor, same, stretch, far2 = len(x), np.empty(3), np.empty(3), np.ones(3), np.ones(3), 0.0
    energy = total_energy(x, d, box, model)
    if energy == np.inf:
        return OVERLAP, energy
    reach, cutoff = np.sqrt(model[0]), reach_of(model)
    skin = skin_of(box, cutoff, steps[0])
    r_list, anchor, counts = cutoff + skin, x.copy(), np.empty(n, np.int32)
    neighbours = listed(x, d, box, reach, skin, np.empty((n, WIDTH), np.int32), counts)
    for _ in range(sweeps):
        for _ in range(n):
            i = min(int(uniform(rng) * n), n - 1)
            done, change = move(i, x, d, box, steps[0], neighbours, counts, model, place, rng)
            if not done:
                continue
            accepted[0] += 1
            energy += change
            away2 = 0.0
            for axis in range(3):
                away2 += distance(place[axis], anchor[i, axis], box[axis]) ** 2
            if away2 > far2:
                far2 = away2
                if too_old(r_list, stretch, far2, cutoff, steps[0], same):
                    neighbours = listed(x, d, box, reach, skin, neighbours, counts)
                    anchor[:], far2, stretch[:] = x, 0.0, 1.0
        tried[0] += n
        stale, swapped = False, accepted[1]
        if swaps > 0.0:
            differed, change = swap_some(x, d, box, int(np.ceil(swaps * n)), model, accepted, rng)
            tried[1] += differed
            energy += change
            stale = accepted[1] > swapped
        if pressure >= 0.0:
            tried[2] += 1
            if factors(box / at_first, steps[2], free, factor, rng):
                done, energy = move_box(x, d, box, factor, pressure, model, energy, rng)
                if done:
                    accepted[2] += 1
                    far2 = moved_with(box, anchor, stretch, factor, far2)
                    stale = stale or too_old(r_list, stretch, far2, cutoff, steps[0], same)
                    if box.min() < 2.0 * cutoff:
                        return BOX_TOO_SMALL, energy
        if stale:
            neighbours = listed(x, d, box, reach, skin, neighbours, counts)
            anchor[:], far2, stretch[:] = x, 0.0, 1.0
    return FINISHED, energy
