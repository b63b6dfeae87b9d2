"""Neighbour lists and trial moves that do not depend on the energy, compiled, for d = 2 or 3.

A list holds pairs within r_list when it was built, each particle being at its `anchor`; anchors move with the box. It
serves as long as r_list times the least stretch of an edge exceeds range, step and twice the largest way from anchors.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo.rng import uniform

WIDTH = 48  # neighbours for which there is room at first
SKIN, STEPS = 0.1, 6.0  # [sigma], and in steps, the larger one of them: with less, a list is soon too old
ASPECT = 1.5  # ratio of the edges that moves of single edges do not exceed: a fluid would become a needle
FINISHED, CORES_OVERLAP, BOX_TOO_SMALL = 0, 1, 2


@nb.njit(inline="always")
def square_between(a, b, box):  # type: ignore[no-untyped-def]
    """Return the squared distance of nearest images; coordinates may be off by less than an edge."""
    square = 0.0
    for axis in range(len(box)):
        d = abs(a[axis] - b[axis])
        d = min(d, abs(box[axis] - d))
        square += d * d
    return square


@nb.njit(cache=True)
def listed(x, box, r_list, neighbours, counts, anchor):  # type: ignore[no-untyped-def]
    """Build the list anew, and return neighbours (N, width), wider where that was necessary."""
    n, square = len(x), r_list * r_list
    anchor[:] = x
    counts[:] = 0
    for i in range(n):
        for j in range(i):
            if square_between(x[i], x[j], box) < square:
                if max(counts[i], counts[j]) == neighbours.shape[1]:
                    return listed(x, box, r_list, np.empty((n, 2 * neighbours.shape[1]), np.int32), counts, anchor)
                neighbours[i, counts[i]] = j
                neighbours[j, counts[j]] = i
                counts[i] += 1
                counts[j] += 1
    return neighbours


@nb.njit(cache=True)
def list_range(cutoff, step, volume_step, d):  # type: ignore[no-untyped-def]
    """Return r_list, which holds any box move when it is new."""
    reach = np.sqrt(float(d)) * step
    return max(cutoff + reach + max(SKIN, STEPS * step), 1.01 * cutoff * np.exp(max(volume_step, 0.0)))


@nb.njit(inline="always")
def too_old(r_list, stretch, far2, cutoff, step, factor):  # type: ignore[no-untyped-def]
    """Return whether a list may lack a pair: of a step at most, in a box whose edges change by factors.

    Args:
        stretch: (d,) by what the edges have grown since it was built, its anchors with them.
        far2: largest squared distance from an anchor.
    """
    d = len(factor)
    least = stretch[0] * factor[0]
    wide = factor[0]
    for axis in range(1, d):
        least = min(least, stretch[axis] * factor[axis])
        wide = max(wide, factor[axis])
    room = 0.5 * (r_list * least - cutoff - np.sqrt(float(d)) * step)
    return room < 0.0 or far2 * wide * wide > room * room


@nb.njit(inline="always")
def step_from(old, new, step, box, rng):  # type: ignore[no-untyped-def]
    """Write a place near the old one, in the box."""
    for axis in range(len(box)):
        a = old[axis] + step * (2.0 * uniform(rng) - 1.0)
        if a < 0.0:
            a += box[axis]
        elif a >= box[axis]:
            a -= box[axis]
        new[axis] = a


@nb.njit(cache=True)
def factors(box, volume_step, independent, factor, rng):  # type: ignore[no-untyped-def]
    """Write the factors of the edges in a trial move of the box; return whether its shape is allowed."""
    change = volume_step * (2.0 * uniform(rng) - 1.0)
    d = len(box)
    if not independent:
        factor[:] = np.exp(change / d)
        return True
    factor[:] = 1.0
    factor[min(int(uniform(rng) * d), d - 1)] = np.exp(change)
    before = box.max() / box.min()
    after = (box * factor).max() / (box * factor).min()
    return after <= max(ASPECT, before)


@nb.njit(inline="always")
def volume_weight(n, box, factor, pressure):  # type: ignore[no-untyped-def]
    """Return the logarithm of a box move's weight without the energy, (N + 1) ln(V'/V) - beta P (V' - V)."""
    grows = 1.0
    for axis in range(len(box)):
        grows *= factor[axis]
    return (n + 1) * np.log(grows) - pressure * np.prod(box) * (grows - 1.0)


@nb.njit(inline="always")
def taken(weight, rng):  # type: ignore[no-untyped-def]
    """Return whether a move is accepted; weight is the logarithm of its probability, or NaN for what cannot be."""
    return weight >= 0.0 or uniform(rng) < np.exp(weight)


@nb.njit(inline="always")
def moved_with(box, anchor, stretch, factor, far2):  # type: ignore[no-untyped-def]
    """Change box, anchors and stretch by factors, and return how far2 has changed."""
    box *= factor
    anchor *= factor
    stretch *= factor
    return far2 * factor.max() ** 2
