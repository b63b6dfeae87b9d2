"""Compiled Monte Carlo of spherocylinders: NVT and NPT, translations, rotations and anisotropic moves of the box.

Rods have centres x (N, 3) [sigma], unit vectors u (N, 3) and cylinders of length L; L = 0 makes spheres. They interact
by the shortest distance d_m of their axes: a core, d_m < core, and a table of the energy in d_m^2. No energy may be
negative: a trial move is given up as soon as its neighbours so far forbid it.

Lists hold pairs with d_m < r_list = cutoff + skin. A point of a rod has moved by at most D = |dc| + (L/2)|du| since
they were made, and scaling the centres by factors F moves a pair nearer by at most m (d_m + L), m = max |F - 1|; so no
pair is missed while

    D_i + D_j <= (1 - m) r_list - m L - cutoff,

which is required of a trial move before its energy is looked up. Centres are wrapped into the box only when lists are
made, so that their images stay valid; the energies of pairs are kept with the lists.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from softal.simulators.monte_carlo.disks import OVERLAP
from softal.simulators.monte_carlo.rng import uniform
from softal.simulators.monte_carlo.rod_energies import CAPACITY, Table, all_energies, placed, rod_energy
from softal.simulators.monte_carlo.rod_lists import build_lists, image_vectors, new_lists

ISOTROPIC, Z_APART, EDGES, ASPECT = 0, 1, 2, 3
TRANSLATION, ROTATION, BOX = 0, 1, 2

SHAPE_MOVES = 0.2  # of the box a sweep: each costs as much as half a sweep, and layers find their distance soon enough


class Anchors(NamedTuple):
    """Where rods were when lists were built, and the factors (3,) by which the box was scaled since."""

    x: NDArray[np.float64]
    u: NDArray[np.float64]
    factors: NDArray[np.float64]
    bounds: NDArray[np.float64]  # the largest displacement, and the largest sum of two that is allowed [sigma]


@nb.njit
def propose(i, x, u, kind, steps, rng, c, w):  # type: ignore[no-untyped-def]
    """Fill centre c (3,) and orientation w (3,) of a trial move of rod i.

    A rotation adds a vector from a ball to u, so that the chance of u -> w depends only on the angle between them.
    """
    for a in range(3):
        c[a], w[a] = x[i, a], u[i, a]
    if kind == TRANSLATION:
        for a in range(3):
            c[a] += steps[TRANSLATION] * (2.0 * uniform(rng) - 1.0)
        return
    vx, vy, vz = 1.0, 1.0, 1.0
    while vx * vx + vy * vy + vz * vz > 1.0:
        vx, vy, vz = 2.0 * uniform(rng) - 1.0, 2.0 * uniform(rng) - 1.0, 2.0 * uniform(rng) - 1.0
    w[0] += steps[ROTATION] * vx
    w[1] += steps[ROTATION] * vy
    w[2] += steps[ROTATION] * vz
    norm = np.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    for a in range(3):
        w[a] /= norm


@nb.njit
def displacement(c, w, i, anchors, half):  # type: ignore[no-untyped-def]
    """Return |dc| + (L/2)|du|, the most that a point of rod i has moved from its anchor [sigma]."""
    moved = (c[0] - anchors.x[i, 0]) ** 2 + (c[1] - anchors.x[i, 1]) ** 2 + (c[2] - anchors.x[i, 2]) ** 2
    turned = (w[0] - anchors.u[i, 0]) ** 2 + (w[1] - anchors.u[i, 1]) ** 2 + (w[2] - anchors.u[i, 2]) ** 2
    return np.sqrt(moved) + half * np.sqrt(turned)


@nb.njit
def accept(i, c, w, energy, rods, lists, energies):  # type: ignore[no-untyped-def]
    """Put rod i where its trial move led, with the energies of its pairs."""
    for a in range(3):
        rods.x[i, a], rods.u[i, a] = c[a], w[a]
    for k in range(lists.counts[i]):
        j = lists.neighbours[i, k]
        energies[j] += lists.row[k] - lists.pairs[i, k]
        lists.pairs[i, k] = lists.row[k]
        lists.pairs[j, lists.back[i, k]] = lists.row[k]
    energies[i] = energy


@nb.njit
def scaling(mode, step, rng, factors):  # type: ignore[no-untyped-def]
    """Fill factors (3,) of the edges for a trial move of the box, ln V moving by at most `step`."""
    factors[:] = 1.0
    log = step * (2.0 * uniform(rng) - 1.0)
    if mode == ISOTROPIC:
        factors[:] = np.exp(log / 3.0)
    elif mode == EDGES:
        factors[int(3.0 * uniform(rng))] = np.exp(log)
    elif mode == ASPECT:
        factors[2] = np.exp(log)
        factors[0] = factors[1] = np.exp(-0.5 * log)
    elif uniform(rng) < 0.5:
        factors[2] = np.exp(log)
    else:
        factors[0] = factors[1] = np.exp(0.5 * log)


@nb.njit
def settle(rods, skin, lists, potential, anchors, energies):  # type: ignore[no-untyped-def]
    """Build lists for the rods where they are; return them."""
    lists = build_lists(rods.x, rods.u, rods.box, rods.half, np.sqrt(potential.cutoff2) + skin, lists)
    image_vectors(rods.box, rods.vectors)
    anchors.x[:] = rods.x
    anchors.u[:] = rods.u
    anchors.factors[:] = 1.0
    anchors.bounds[0] = 0.0
    anchors.bounds[1] = skin
    all_energies(rods, lists, potential, np.inf, energies)
    return lists


@nb.njit
def slack_after(anchors, factors, half, skin, cutoff):  # type: ignore[no-untyped-def]
    """Return the sum of two displacements that the lists allow once the box is scaled by factors (3,) [sigma]."""
    m = 0.0
    for a in range(3):
        m = max(m, abs(anchors.factors[a] * factors[a] - 1.0))
    return (1.0 - m) * (cutoff + skin) - 2.0 * m * half - cutoff


@nb.njit
def move_rods(rods, skin, steps, lists, potential, anchors, energies, rng, moves):  # type: ignore[no-untyped-def]
    """Do N trial moves of rods; count moves (3, 2) tried and accepted by kind; return the lists."""
    c, w = np.empty(3), np.empty(3)
    for _ in range(len(rods.x)):
        i = int(uniform(rng) * len(rods.x))
        kind = ROTATION if rods.half > 0.0 and uniform(rng) < 0.5 else TRANSLATION
        moves[kind, 0] += 1
        propose(i, rods.x, rods.u, kind, steps, rng, c, w)
        moved = displacement(c, w, i, anchors, rods.half)
        if moved + anchors.bounds[0] > anchors.bounds[1]:
            c -= rods.x[i]
            lists = settle(rods, skin, lists, potential, anchors, energies)
            c += rods.x[i]
            moved = displacement(c, w, i, anchors, rods.half)
        limit = energies[i] - np.log(1.0 - uniform(rng))
        energy = rod_energy(i, c, w, rods, lists, potential, limit)
        if energy > limit:
            continue
        accept(i, c, w, energy, rods, lists, energies)
        anchors.bounds[0] = max(anchors.bounds[0], moved)
        moves[kind, 1] += 1
    return lists


@nb.njit
def move_box(rods, skin, pressure, factors, lists, potential, anchors, energies, rng):  # type: ignore[no-untyped-def]
    """Try to scale the box by factors (3,); return the lists, and whether it was done."""
    trial = placed(rods.x * factors, rods.u, rods.box * factors, rods.half)
    before, after = rods.box.prod(), trial.box.prod()
    work = pressure * (after - before) - (len(rods.x) + 1) * np.log(after / before)
    limit = 0.5 * energies.sum() - work - np.log(1.0 - uniform(rng))
    cutoff = np.sqrt(potential.cutoff2)
    slack = slack_after(anchors, factors, rods.half, skin, cutoff)
    farthest = max(1.0, factors.max()) * anchors.bounds[0]
    outdated = 2.0 * farthest > slack
    if outdated:
        lists = build_lists(trial.x, trial.u, trial.box, trial.half, cutoff + skin, lists)
    accepted = all_energies(trial, lists, potential, limit, np.empty(0)) <= limit
    if accepted:
        rods.x[:], rods.box[:], rods.vectors[:] = trial.x, trial.box, trial.vectors
    if outdated:
        lists = settle(rods, skin, lists, potential, anchors, energies)
    elif accepted:
        anchors.x[:] *= factors
        anchors.factors[:] *= factors
        anchors.bounds[0], anchors.bounds[1] = farthest, slack
        all_energies(rods, lists, potential, np.inf, energies)
    return lists, accepted


@nb.njit(cache=True)
def run(x, u, box, length, sweeps, pressure, mode, steps, skin, core2, cutoff2, table, per_r2, rng, moves):  # type: ignore[no-untyped-def]
    """Do sweeps of N trial moves of rods each, and a trial move of the box after each where mode >= 0.

    Args:
        x: centres (N, 3) [sigma], changed in place, as are u, box, rng and moves.
        u: orientations (N, 3), unit vectors.
        box: edges (3,) [sigma], each at least length + cutoff + skin.
        length: L of the cylinders [sigma]; 0 for spheres, which are not turned.
        sweeps: number of sweeps.
        pressure: beta P [1/sigma^3].
        mode: how the box moves: ISOTROPIC, Z_APART (z or x and y together), EDGES (one of the three), ASPECT (its
            shape, at constant volume, in a fifth of the sweeps), or -1: not at all. The measure is dV, dA dL_z,
            dL_x dL_y dL_z, d ln L_z.
        steps: largest steps (3,): translation in each direction [sigma], rotation (radius of the ball added to u),
            change of ln V (ASPECT: ln L_z). sqrt(3) steps[0] <= skin and length steps[1] <= skin, so that a fresh
            list serves any trial move.
        skin: of the neighbour lists [sigma].
        core2, cutoff2, table, per_r2: the potential in d_m^2 [kT], see pair_energy; no energy is negative.
        rng: state of the generator (4,).
        moves: trial moves, tried and accepted, of each kind: TRANSLATION, ROTATION, BOX; shape (3, 2), added to.

    Returns:
        energy [kT] as kept from move to move, infinite (and nothing done) where cores overlap; and how often the box
        would have become too small.
    """
    potential, energies, factors = Table(core2, cutoff2, table, per_r2), np.empty(len(x)), np.empty(3)
    anchors = Anchors(np.empty_like(x), np.empty_like(u), np.ones(3), np.zeros(2))
    rods = placed(x, u, box, 0.5 * length)
    lists = settle(rods, skin, new_lists(len(x), CAPACITY), potential, anchors, energies)
    too_small = 0
    if not np.isfinite(energies.sum()):
        return OVERLAP, too_small
    for _ in range(sweeps):
        lists = move_rods(rods, skin, steps, lists, potential, anchors, energies, rng, moves)
        if mode < 0 or (mode == ASPECT and uniform(rng) >= SHAPE_MOVES):
            continue
        scaling(mode, steps[BOX], rng, factors)
        moves[BOX, 0] += 1
        if (box * factors).min() < length + np.sqrt(cutoff2) + skin:
            too_small += 1
            continue
        lists, accepted = move_box(rods, skin, pressure, factors, lists, potential, anchors, energies, rng)
        moves[BOX, 1] += accepted
    energy = 0.5 * energies.sum()
    settle(rods, skin, lists, potential, anchors, energies)
    return energy, too_small
