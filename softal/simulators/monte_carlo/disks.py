"""Compiled Monte Carlo of particles in the plane with an isotropic pair potential: NVT and NPT.

Positions (N, 2) lie in [0, L_x) x [0, L_y), periodic. A potential is a hard core, r < core, and a table of the energy
in r^2; a square shoulder is a table of one entry.

Neighbour lists hold pairs within r_list = cutoff + skin at the time they were built, at which each particle was at
`anchor`. A pair that is not listed cannot interact as long as

    r_list * stretch - d_i - d_j >= cutoff,

d being the distances from the anchors, which move with the box, and stretch <= 1 the smallest factor by which an edge
of the box has shrunk since. Cells at least r_list wide make the lists in O(N).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo.rng import uniform

MAX_NEIGHBOURS = 64

OVERLAP = np.inf


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
    i = int(at)
    return table[i] + (at - i) * (table[i + 1] - table[i])


@nb.njit(cache=True)
def build_neighbours(x, box, r_list, neighbours, counts):  # type: ignore[no-untyped-def]
    """Fill neighbours (N, MAX) and counts (N,); return False where a particle has too many."""
    n = len(x)
    counts[:] = 0
    cells_x, cells_y = max(1, int(box[0] / r_list)), max(1, int(box[1] / r_list))
    r2_list = r_list * r_list
    if cells_x < 3 or cells_y < 3:
        for i in range(n):
            for j in range(i + 1, n):
                dx = x[i, 0] - x[j, 0]
                dy = x[i, 1] - x[j, 1]
                dx -= box[0] * np.rint(dx / box[0])
                dy -= box[1] * np.rint(dy / box[1])
                if dx * dx + dy * dy < r2_list:
                    if counts[i] == neighbours.shape[1] or counts[j] == neighbours.shape[1]:
                        return False
                    neighbours[i, counts[i]] = j
                    neighbours[j, counts[j]] = i
                    counts[i] += 1
                    counts[j] += 1
        return True
    head = np.full(cells_x * cells_y, -1, np.int32)
    following = np.empty(n, np.int32)
    for i in range(n):
        cx = min(int(x[i, 0] / box[0] * cells_x), cells_x - 1)
        cy = min(int(x[i, 1] / box[1] * cells_y), cells_y - 1)
        following[i] = head[cx * cells_y + cy]
        head[cx * cells_y + cy] = i
    for i in range(n):
        cx = min(int(x[i, 0] / box[0] * cells_x), cells_x - 1)
        cy = min(int(x[i, 1] / box[1] * cells_y), cells_y - 1)
        for ox in range(-1, 2):
            for oy in range(-1, 2):
                j = head[((cx + ox) % cells_x) * cells_y + (cy + oy) % cells_y]
                while j >= 0:
                    if j != i:
                        dx = x[i, 0] - x[j, 0]
                        dy = x[i, 1] - x[j, 1]
                        dx -= box[0] * np.rint(dx / box[0])
                        dy -= box[1] * np.rint(dy / box[1])
                        if dx * dx + dy * dy < r2_list:
                            if counts[i] == neighbours.shape[1]:
                                return False
                            neighbours[i, counts[i]] = j
                            counts[i] += 1
                    j = following[j]
    return True


@nb.njit(cache=True)
def total_energy(x, box, neighbours, counts, core2, cutoff2, table, per_r2):  # type: ignore[no-untyped-def]
    """Return the energy of all listed pairs [kT]; infinite where cores overlap."""
    energy = 0.0
    hx, hy = 0.5 * box[0], 0.5 * box[1]
    for i in range(len(x)):
        xi, yi = x[i, 0], x[i, 1]
        for k in range(counts[i]):
            j = neighbours[i, k]
            if j < i:
                continue
            dx = abs(xi - x[j, 0])
            dy = abs(yi - x[j, 1])
            if dx > hx:
                dx = box[0] - dx
            if dy > hy:
                dy = box[1] - dy
            u = pair_energy(dx * dx + dy * dy, core2, cutoff2, table, per_r2)
            if u == OVERLAP:
                return OVERLAP
            energy += u
    return energy


@nb.njit(cache=True)
def run(x, box, sweeps, pressure, step, volume_step, skin, core2, cutoff2, table, per_r2, rng, neighbours, counts):  # type: ignore[no-untyped-def]
    """Do sweeps of N trial moves each, and a trial move of the box after each where pressure >= 0 [kT / sigma^2].

    Returns accepted particle moves, accepted box moves, energy [kT].
    """
    n = len(x)
    cutoff = np.sqrt(cutoff2)
    r_list = cutoff + skin
    anchor = x.copy()
    build_neighbours(x, box, r_list, neighbours, counts)
    energy = total_energy(x, box, neighbours, counts, core2, cutoff2, table, per_r2)
    limit2 = (0.5 * skin) ** 2
    stretch = 1.0
    farthest2 = 0.0
    accepted = 0
    boxes = 0
    trial = np.empty_like(x)
    trial_box = box.copy()
    rebuilds = 0
    for _ in range(sweeps):
        Lx, Ly = box[0], box[1]
        hx, hy = 0.5 * Lx, 0.5 * Ly
        for _move in range(n):
            i = int(uniform(rng) * n)
            xo, yo = x[i, 0], x[i, 1]
            xn = xo + step * (2.0 * uniform(rng) - 1.0)
            yn = yo + step * (2.0 * uniform(rng) - 1.0)
            change = 0.0
            for k in range(counts[i]):
                j = neighbours[i, k]
                xj, yj = x[j, 0], x[j, 1]
                dx, dy = abs(xn - xj), abs(yn - yj)
                dx = min(dx, abs(Lx - dx))
                dy = min(dy, abs(Ly - dy))
                r2 = dx * dx + dy * dy
                if r2 < core2:
                    change = OVERLAP
                    break
                change += pair_energy(r2, core2, cutoff2, table, per_r2)
                dx, dy = abs(xo - xj), abs(yo - yj)
                dx = min(dx, Lx - dx)
                dy = min(dy, Ly - dy)
                change -= pair_energy(dx * dx + dy * dy, core2, cutoff2, table, per_r2)
            if change == OVERLAP:
                continue
            if change > 0.0 and uniform(rng) >= np.exp(-change):
                continue
            accepted += 1
            energy += change
            # displacement from the anchor
            if xn < 0.0:
                xn += Lx
            elif xn >= Lx:
                xn -= Lx
            if yn < 0.0:
                yn += Ly
            elif yn >= Ly:
                yn -= Ly
            x[i, 0], x[i, 1] = xn, yn
            dx, dy = abs(xn - anchor[i, 0]), abs(yn - anchor[i, 1])
            if dx > hx:
                dx = Lx - dx
            if dy > hy:
                dy = Ly - dy
            d2 = dx * dx + dy * dy
            if d2 > farthest2:
                farthest2 = d2
                if d2 > limit2:
                    build_neighbours(x, box, r_list, neighbours, counts)
                    anchor[:] = x
                    farthest2 = 0.0
                    stretch = 1.0
                    limit2 = (0.5 * skin) ** 2
                    rebuilds += 1
        if pressure >= 0.0:
            area = box[0] * box[1]
            new_area = area * np.exp(volume_step * (2.0 * uniform(rng) - 1.0))
            f = np.sqrt(new_area / area)
            trial_box[0], trial_box[1] = box[0] * f, box[1] * f
            slack = r_list * min(1.0, stretch * f) - cutoff
            if slack <= 0 or 4 * farthest2 * f * f > slack * slack:
                build_neighbours(x, box, r_list, neighbours, counts)
                anchor[:] = x
                farthest2 = 0.0
                stretch = 1.0
                rebuilds += 1
            for i in range(n):
                trial[i, 0], trial[i, 1] = x[i, 0] * f, x[i, 1] * f
            new_energy = total_energy(trial, trial_box, neighbours, counts, core2, cutoff2, table, per_r2)
            if new_energy == OVERLAP:
                continue
            log_weight = -(new_energy - energy) - pressure * (new_area - area) + (n + 1) * np.log(new_area / area)
            if log_weight >= 0 or uniform(rng) < np.exp(log_weight):
                x[:] = trial
                box[:] = trial_box
                for i in range(n):
                    anchor[i, 0] *= f
                    anchor[i, 1] *= f
                farthest2 *= f * f
                stretch *= f
                energy = new_energy
                boxes += 1
            slack = r_list * min(1.0, stretch) - cutoff
            limit2 = (0.5 * max(slack, 0.0)) ** 2
    return accepted, boxes, energy, rebuilds
