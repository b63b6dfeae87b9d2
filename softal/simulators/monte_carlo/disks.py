"""Compiled Monte Carlo of particles in the plane with an isotropic pair potential: NVT and NPT.

Positions (N, 2) lie in [0, L_x) x [0, L_y), periodic. A potential is a hard core, r < core, and a table of the energy
in r^2; a square shoulder is a table of one entry. A box move changes ln V by up to volume_step, or where edges are
independent the logarithm of one of them, and is accepted with (N + 1) ln(V'/V) in the exponent, (5.4.9) and below of
D. Frenkel and B. Smit, Understanding Molecular Simulation (2002).

Neighbour lists hold pairs within r_list at the time they were built, when each particle was at its `anchor`; anchors
move with the box. A pair that is not listed cannot interact, not even while one of the two tries a step, as long as

    r_list * stretch - 2 d - sqrt(2) step >= cutoff,

d being the greatest distance from an anchor, and stretch the factor by which the shorter-grown edge of the box has
changed since. Minimum images are exact as long as no edge is shorter than 2 cutoff, which a run checks.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo.rng import uniform

WIDTH = 32  # neighbours for which there is room at first
SKIN = 0.4  # [sigma] fastest for 256 particles of a square shoulder in a quasicrystal
STEPS = 7.0  # least skin in steps: with less, a list of a dilute system is too old after a few moves
ASPECT = 1.5  # ratio of the edges that moves of single edges do not exceed: a fluid would become a needle
OVERLAP = np.inf
FINISHED, CORES_OVERLAP, BOX_TOO_SMALL = 0, 1, 2


@nb.njit(inline="always", fastmath={"contract", "arcp"})
def pair_energy(r2, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return u(r) in units of kT; table (n,) holds u at r^2 = core2 + i / per_r2, or one entry: a shoulder."""
    if r2 >= cutoff2:
        return 0.0
    if r2 < core2:
        return OVERLAP
    if len(table) == 1:
        return table[0]
    at = (r2 - core2) * per_r2
    i = min(int(at), len(table) - 2)
    return table[i] + (at - i) * (table[i + 1] - table[i])


@nb.njit(inline="always")
def distance2(xi, yi, xj, yj, Lx, Ly):  # type: ignore[no-untyped-def]
    """Return the squared distance of nearest images; the coordinates may be off by less than an edge."""
    dx, dy = abs(xi - xj), abs(yi - yj)
    dx, dy = min(dx, abs(Lx - dx)), min(dy, abs(Ly - dy))
    return dx * dx + dy * dy


@nb.njit(inline="always")
def cell_of(x, i, box, cells_x, cells_y):  # type: ignore[no-untyped-def]
    """Return the cell (c_x, c_y) of particle i."""
    return min(int(x[i, 0] / box[0] * cells_x), cells_x - 1), min(int(x[i, 1] / box[1] * cells_y), cells_y - 1)


@nb.njit(cache=True)
def build(x, box, r_list, neighbours, counts):  # type: ignore[no-untyped-def]
    """Fill neighbours (N, width) and counts (N,) with pairs within r_list; return False where the width is too small.

    Cells are at least r_list wide. A direction with room for fewer than three has one, or a pair would be met twice.
    """
    n, width = neighbours.shape
    counts[:] = 0
    r2_list = r_list * r_list
    cells_x, cells_y = max(1, int(box[0] / r_list)), max(1, int(box[1] / r_list))
    cells_x, cells_y = (cells_x if cells_x > 2 else 1), (cells_y if cells_y > 2 else 1)
    reach_x, reach_y = (1 if cells_x > 1 else 0), (1 if cells_y > 1 else 0)
    head = np.full(cells_x * cells_y, -1, np.int32)
    following = np.empty(n, np.int32)
    for i in range(n):
        cx, cy = cell_of(x, i, box, cells_x, cells_y)
        following[i] = head[cx * cells_y + cy]
        head[cx * cells_y + cy] = i
    for i in range(n):
        cx, cy = cell_of(x, i, box, cells_x, cells_y)
        for ox in range(-reach_x, reach_x + 1):
            for oy in range(-reach_y, reach_y + 1):
                j = head[((cx + ox) % cells_x) * cells_y + (cy + oy) % cells_y]
                while j >= 0:
                    if j != i and distance2(x[i, 0], x[i, 1], x[j, 0], x[j, 1], box[0], box[1]) < r2_list:
                        if counts[i] == width:
                            return False
                        neighbours[i, counts[i]] = j
                        counts[i] += 1
                    j = following[j]
    return True


@nb.njit(cache=True)
def rebuilt(x, box, r_list, neighbours, counts, anchor):  # type: ignore[no-untyped-def]
    """Build the lists anew, and return neighbours (N, width), wider where that was necessary."""
    while not build(x, box, r_list, neighbours, counts):
        neighbours = np.empty((len(x), 2 * neighbours.shape[1]), np.int32)
    anchor[:] = x
    return neighbours


@nb.njit(cache=True)
def total_energy(x, Lx, Ly, neighbours, counts, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return the energy of all listed pairs [kT]; infinite where cores overlap."""
    energy = 0.0
    for i in range(len(x)):
        xi, yi = x[i, 0], x[i, 1]
        for k in range(counts[i]):
            j = neighbours[i, k]
            if j > i:
                u = pair_energy(distance2(xi, yi, x[j, 0], x[j, 1], Lx, Ly), core2, cutoff2, table, per_r2)
                if u == OVERLAP:
                    return OVERLAP
                energy += u
    return energy


@nb.njit(inline="always")
def energy_change(i, xn, yn, x, Lx, Ly, neighbours, counts, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return what it costs to bring particle i to (xn, yn) [kT]; infinite where cores would overlap."""
    xo, yo = x[i, 0], x[i, 1]
    change = 0.0
    for k in range(counts[i]):
        j = neighbours[i, k]
        xj, yj = x[j, 0], x[j, 1]
        r2 = distance2(xn, yn, xj, yj, Lx, Ly)
        if r2 < core2:
            change = OVERLAP
            break
        change += pair_energy(r2, core2, cutoff2, table, per_r2)
        change -= pair_energy(distance2(xo, yo, xj, yj, Lx, Ly), core2, cutoff2, table, per_r2)
    return change


@nb.njit(inline="always")
def wrapped(a, L):  # type: ignore[no-untyped-def]
    """Return a coordinate that has left [0, L) by less than L, brought back."""
    if a < 0.0:
        return a + L
    if a >= L:
        return a - L
    return a


@nb.njit(cache=True)
def move_particles(x, box, moves, step, anchor, limit2, neighbours, counts, core2, cutoff2, table, per_r2, rng):  # type: ignore[no-untyped-def]
    """Try moves of random particles, until one is farther than limit from its anchor.

    Returns how many were tried and accepted, the energy's change [kT], the greatest squared distance from an anchor.
    """
    n, Lx, Ly = len(x), box[0], box[1]
    accepted, energy, farthest2 = 0, 0.0, 0.0
    for tried in range(1, moves + 1):
        i = int(uniform(rng) * n)
        xn = x[i, 0] + step * (2.0 * uniform(rng) - 1.0)
        yn = x[i, 1] + step * (2.0 * uniform(rng) - 1.0)
        change = energy_change(i, xn, yn, x, Lx, Ly, neighbours, counts, core2, cutoff2, table, per_r2)
        if change == OVERLAP:
            continue
        if change > 0.0 and uniform(rng) >= np.exp(-change):
            continue
        accepted += 1
        energy += change
        xn, yn = wrapped(xn, Lx), wrapped(yn, Ly)
        x[i, 0], x[i, 1] = xn, yn
        d2 = distance2(xn, yn, anchor[i, 0], anchor[i, 1], Lx, Ly)
        if d2 > farthest2:
            farthest2 = d2
            if d2 > limit2:
                return tried, accepted, energy, farthest2
    return moves, accepted, energy, farthest2


@nb.njit(cache=True)
def box_factors(volume_step, independent, rng):  # type: ignore[no-untyped-def]
    """Return the factors of the edges L_x, L_y in a trial move of the box."""
    change = volume_step * (2.0 * uniform(rng) - 1.0)
    if not independent:
        f = np.exp(0.5 * change)
        return f, f
    if uniform(rng) < 0.5:
        return np.exp(change), 1.0
    return 1.0, np.exp(change)


@nb.njit(cache=True)
def move_box(x, box, fx, fy, pressure, energy, trial, neighbours, counts, core2, cutoff2, table, per_r2, rng):  # type: ignore[no-untyped-def]
    """Try to change the edges by factors; return the energy after it [kT], and whether it was accepted."""
    n = len(x)
    Lx, Ly = box[0] * fx, box[1] * fy
    aspect, before = max(Lx / Ly, Ly / Lx), max(box[0] / box[1], box[1] / box[0])
    if fx != fy and aspect > ASPECT and aspect > before:
        return energy, False
    for i in range(n):
        trial[i, 0], trial[i, 1] = x[i, 0] * fx, x[i, 1] * fy
    new_energy = total_energy(trial, Lx, Ly, neighbours, counts, core2, cutoff2, table, per_r2)
    if new_energy == OVERLAP:
        return energy, False
    area = box[0] * box[1]
    log_weight = energy - new_energy - pressure * area * (fx * fy - 1.0) + (n + 1) * np.log(fx * fy)
    if log_weight < 0.0 and uniform(rng) >= np.exp(log_weight):
        return energy, False
    x[:] = trial
    box[0], box[1] = Lx, Ly
    return new_energy, True


@nb.njit(cache=True)
def run(x, box, sweeps, pressure, step, volume_step, independent, core2, cutoff2, table, per_r2, rng):  # type: ignore[no-untyped-def]
    """Do sweeps of N trial moves each, and a trial move of the box after each where pressure >= 0 [kT / sigma^2].

    Returns accepted particle moves, accepted box moves, energy [kT] as summed up from changes, and how it ended.
    """
    n = len(x)
    cutoff = np.sqrt(cutoff2)
    reach = np.sqrt(2.0) * step
    skin = max(SKIN, STEPS * step)
    r_list = max(
        cutoff + skin + reach, 1.01 * cutoff * np.exp(max(volume_step, 0.0))
    )  # a fresh list holds any box move
    anchor, trial, counts = x.copy(), np.empty_like(x), np.empty(n, np.int32)
    neighbours = rebuilt(x, box, r_list, np.empty((n, WIDTH), np.int32), counts, anchor)
    energy = total_energy(x, box[0], box[1], neighbours, counts, core2, cutoff2, table, per_r2)
    accepted, boxes, farthest2, sx, sy = 0, 0, 0.0, 1.0, 1.0
    if energy == OVERLAP:
        return accepted, boxes, energy, CORES_OVERLAP
    for _ in range(sweeps):
        left = n
        while left > 0:
            limit = 0.5 * (r_list * min(sx, sy) - cutoff - reach)
            if limit <= 0.0 or farthest2 > limit * limit:
                neighbours = rebuilt(x, box, r_list, neighbours, counts, anchor)
                farthest2, sx, sy = 0.0, 1.0, 1.0
                limit = 0.5 * skin
            done, moved, change, d2 = move_particles(
                x, box, left, step, anchor, limit * limit, neighbours, counts, core2, cutoff2, table, per_r2, rng
            )
            left -= done
            accepted += moved
            energy += change
            farthest2 = max(farthest2, d2)
        if pressure < 0.0:
            continue
        fx, fy = box_factors(volume_step, independent, rng)
        slack = r_list * min(sx * fx, sy * fy) - cutoff
        if slack <= 0.0 or 4.0 * farthest2 * max(fx, fy) ** 2 > slack * slack:
            neighbours = rebuilt(x, box, r_list, neighbours, counts, anchor)
            farthest2, sx, sy = 0.0, 1.0, 1.0
        energy, moved_box = move_box(
            x, box, fx, fy, pressure, energy, trial, neighbours, counts, core2, cutoff2, table, per_r2, rng
        )
        if moved_box:
            boxes += 1
            anchor[:, 0] *= fx
            anchor[:, 1] *= fy
            farthest2 *= max(fx, fy) ** 2
            sx, sy = sx * fx, sy * fy
            if min(box[0], box[1]) < 2.0 * cutoff:
                return accepted, boxes, energy, BOX_TOO_SMALL
    return accepted, boxes, energy, FINISHED
