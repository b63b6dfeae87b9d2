"""Trial moves of colloids to places anywhere in the box, which let a gas fill its part at once, and pass interfaces.

Local moves with steps for a liquid spread a gas over ten sigma in some 10^4 sweeps. A relocation is symmetric, too, so
that both kinds may follow each other.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.simulators.monte_carlo import colloids
from softal.simulators.monte_carlo.many_body.fitted import energy_of, room_for
from softal.simulators.monte_carlo.many_body.lists import square_between
from softal.simulators.monte_carlo.rng import uniform


def relocate(system: colloids.Colloids | colloids.Learned, sweeps: int) -> float:
    """Do sweeps of one trial relocation of each colloid, and return the accepted part."""
    x, box, potential = system.positions, system.box, system.potential
    if isinstance(system, colloids.Learned):
        moved = run(x, box, sweeps, potential.z_p, system.model, system.random)
    else:  # steps up to half of the longest edge
        half = float(box.max()) / 2
        moved = colloids.run(x, box, sweeps, half, potential.R, potential.z_p, system.several, system.random)
    return float(moved) / max(sweeps * len(x), 1)


@nb.njit(cache=True)
def run(x, box, sweeps, beta, model, rng):  # type: ignore[no-untyped-def]
    """Do sweeps with a fitted potential, and return how many moves were accepted; model as of `fitted.energy_of`."""
    n, accepted = len(x), 0
    neighbours, counts = np.empty((n, n), np.int32), np.zeros(n, np.int32)
    place, scratch = np.empty(3), room_for(n)
    for _ in range(sweeps * n):
        i = min(int(uniform(rng) * n), n - 1)
        for axis in range(3):
            place[axis] = uniform(rng) * box[axis]
        if not near(i, place, x, box, model[0], model[1], neighbours, counts):
            continue
        after = energy_of(i, place, x, box, neighbours, counts, model, scratch, -1)
        near(i, x[i], x, box, 0.0, model[1], neighbours, counts)
        change = after - energy_of(i, x[i], x, box, neighbours, counts, model, scratch, -1)
        if change > 0.0 and uniform(rng) >= np.exp(-beta * change):
            continue
        accepted += 1
        x[i] = place
    return accepted


@nb.njit(cache=True)
def near(i, place, x, box, core2, reach2, neighbours, counts):  # type: ignore[no-untyped-def]
    """Write which particles are near a place into the list of i; return whether none of them is in the core."""
    counts[i] = 0
    for j in range(len(x)):
        if j == i:
            continue
        square = square_between(place, x[j], box)
        if square < core2:
            return False
        if square < reach2:
            neighbours[i, counts[i]] = j
            counts[i] += 1
    return True
