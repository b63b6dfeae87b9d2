"""Gas and liquid of colloids in ideal polymer side by side: Monte Carlo of the Gibbs ensemble, in two boxes.

Particles move, volume goes from one box to the other, and particles do, so that pressure and chemical potential become
equal without an interface. A sweep is N trial moves of particles, N trial transfers and VOLUMES changes of volume:
where many colloids touch, steps of ln V are a thousandth, and with one a sweep a liquid keeps its density for 10^4
sweeps. What moves cost is exact: of a transfer z_p times what others cover of the depletion sphere here and there, of a
change of volume the union of all spheres. Terms linear in V and N are the same before and after.

Source: A. Z. Panagiotopoulos, Mol. Phys. 61, 813 (1987); D. Frenkel and B. Smit, Understanding Molecular Simulation
(2002), section 8.3, with N + 1 for N where a random walk is in ln(V_1 / V_2).
"""

from __future__ import annotations

import numba as nb
import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.colloids import DepletionPair
from softal.simulators.monte_carlo.rng import seeded, uniform
from softal.simulators.monte_carlo.system import Configuration
from softal.theory.many_body import depletion

TARGETS = np.array([0.4, 0.3])  # accepted parts of moves and of changes of volume
SMALLEST, LARGEST = np.array([1e-3, 1e-4]), np.array([0.5, 0.5])  # [sigma], [ln V_1/V_2]
INTERVAL = 20  # sweeps between two changes of step sizes
VOLUMES = 10  # changes of volume that are tried in a sweep


class Gibbs:
    """Two cubic boxes that exchange colloids and volume.

    Args:
        configurations: what the boxes hold at first, in cubes.
        q, eta_p: as of `DepletionPair`.
        several: whether many-body terms count, or pairs alone.
        seed: of the random numbers.

    Attributes:
        positions: (N, 3) [sigma], each in its own box.
        inside: (N,) 0 or 1, the box that a particle is in.
        edges: (2,) [sigma].
        tried, accepted: moves, changes of volume, transfers.

    Raises:
        SimulationError: if a box is no cube, or shorter than twice the range.
    """

    def __init__(
        self,
        configurations: tuple[Configuration, Configuration],
        q: float,
        eta_p: float,
        *,
        several: bool = True,
        seed: int = 0,
    ) -> None:
        self.potential, self.several = DepletionPair(q, eta_p), several
        for one in configurations:
            if one.dimension != 3 or np.ptp(one.box) > 0 or one.box[0] < 2 * (1 + q):
                edges = " x ".join(f"{edge:.4g}" for edge in one.box)
                least = f"{2 * (1 + q):.4g} sigma or more, twice the range 1 + q"
                raise SimulationError(f"a box of the Gibbs ensemble is {edges} sigma; allowed: cubes of {least}")
        self.positions = np.concatenate([one.positions for one in configurations])
        self.inside = np.repeat([0, 1], [len(one.positions) for one in configurations])
        self.edges = np.array([one.box[0] for one in configurations], dtype=np.float64)
        self.steps, self.random = np.array([0.1, 0.02]), seeded(seed)
        self.tried, self.accepted = np.zeros(3, np.int64), np.zeros(3, np.int64)

    def run(self, sweeps: int) -> None:
        """Do sweeps with the step sizes as they are."""
        run(
            self.positions, self.inside, self.edges, sweeps, self.steps, self.potential.R, self.potential.z_p,
            self.several, self.random, self.tried, self.accepted,
        )  # fmt: skip

    def tune(self, sweeps: int) -> None:
        """Do sweeps and change step sizes towards the target acceptance; for equilibration only."""
        for start in range(0, sweeps, INTERVAL):
            self.tried[:], self.accepted[:] = 0, 0
            self.run(min(INTERVAL, sweeps - start))
            share = self.accepted[:2] / np.maximum(self.tried[:2], 1)
            self.steps = np.clip(self.steps * np.exp(share - TARGETS), SMALLEST, LARGEST)
        self.tried[:], self.accepted[:] = 0, 0

    @property
    def packing(self) -> Floats:
        """Packing fractions of both boxes, (2,)."""
        return np.bincount(self.inside, minlength=2) * np.pi / 6 / self.edges**3


@nb.njit(cache=True)
def run(x, inside, edges, sweeps, steps, R, z_p, several, rng, tried, accepted):  # type: ignore[no-untyped-def]
    """Do sweeps, and count moves, changes of volume and transfers."""
    n = len(x)
    place, away, before = np.empty(3), np.empty((n, 3)), np.empty(2)
    for _ in range(sweeps):
        for _ in range(2 * n):
            if uniform(rng) < 0.5:
                tried[0] += 1
                accepted[0] += move(x, inside, edges, steps[0], R, z_p, several, rng, place, away)
            else:
                tried[2] += 1
                accepted[2] += transfer(x, inside, edges, R, z_p, several, rng, place, away)
        for box in range(2):
            before[box] = energy(x[inside == box], np.full(3, edges[box]), R, several)
        for _ in range(VOLUMES):
            tried[1] += 1
            accepted[1] += exchange(x, inside, edges, before, steps[1], R, z_p, several, rng)


@nb.njit(cache=True)
def move(x, inside, edges, step, R, z_p, several, rng, place, away):  # type: ignore[no-untyped-def]
    """Try to move a particle within its box."""
    i = int(uniform(rng) * len(x))
    edge = edges[inside[i]]
    for axis in range(3):
        to = x[i, axis] + step * (2.0 * uniform(rng) - 1.0)
        to -= edge * np.floor(to / edge)
        place[axis] = to if to < edge else 0.0
    count = around(place, i, inside[i], x, inside, edge, 2 * R, 1.0, away)
    if count < 0:
        return 0
    gain = z_p * depletion.covered(away[:count], R, several)
    count = around(x[i], i, inside[i], x, inside, edge, 2 * R, 0.0, away)
    gain -= z_p * depletion.covered(away[:count], R, several)
    if gain < 0.0 and uniform(rng) >= np.exp(gain):
        return 0
    x[i] = place
    return 1


@nb.njit(cache=True)
def transfer(x, inside, edges, R, z_p, several, rng, place, away):  # type: ignore[no-untyped-def]
    """Try to bring a particle of either box to a random place in the other one."""
    n = len(x)
    here = 0 if uniform(rng) < 0.5 else 1
    there, count = 1 - here, np.sum(inside == here)
    if count == 0:
        return 0
    for axis in range(3):
        place[axis] = uniform(rng) * edges[there]
    near = around(place, -1, there, x, inside, edges[there], 2 * R, 1.0, away)
    if near < 0:
        return 0
    gain = z_p * depletion.covered(away[:near], R, several)
    number = min(int(uniform(rng) * count), count - 1)
    i = -1
    while number >= 0:
        i += 1
        if inside[i] == here:
            number -= 1
    near = around(x[i], i, here, x, inside, edges[here], 2 * R, 0.0, away)
    gain -= z_p * depletion.covered(away[:near], R, several)
    weight = count * (edges[there] / edges[here]) ** 3 / (n - count + 1) * np.exp(gain)
    if uniform(rng) >= weight:
        return 0
    x[i], inside[i] = place, there
    return 1


@nb.njit(cache=True)
def exchange(x, inside, edges, before, step, R, z_p, several, rng):  # type: ignore[no-untyped-def]
    """Try to change ln(V_1 / V_2) at constant V_1 + V_2; before (2,) are the energies as of `energy`, kept up."""
    volumes = edges**3
    ratio = volumes[0] / volumes[1] * np.exp(step * (2.0 * uniform(rng) - 1.0))
    total = volumes[0] + volumes[1]
    new = np.array([total * ratio / (1 + ratio), total / (1 + ratio)]) ** (1 / 3)
    if new.min() < 4 * R:
        return 0
    scale = new / edges
    for box in range(2):
        if scale[box] < 1.0 and overlap(x[inside == box], edges[box], 1.0 / scale[box]):
            return 0
    weight, after = 0.0, np.empty(2)
    for box in range(2):
        own = x[inside == box]
        after[box] = energy(own * scale[box], np.full(3, new[box]), R, several)
        weight += (len(own) + 1) * 3 * np.log(scale[box]) - z_p * (after[box] - before[box])
    if uniform(rng) >= np.exp(weight):
        return 0
    before[:] = after
    for i in range(len(x)):
        x[i] *= scale[inside[i]]
    edges[:] = new
    return 1


@nb.njit(cache=True)
def energy(x, box, R, several):  # type: ignore[no-untyped-def]
    """Return the energy over z_p [sigma^3], but for a constant of each particle."""
    if several:
        return depletion.union(x, box, R)
    return -depletion.pairs(x, box, R)


@nb.njit(cache=True)
def overlap(x, edge, core):  # type: ignore[no-untyped-def]
    """Return whether two particles of a cube are nearer than the core."""
    for i in range(len(x)):
        for j in range(i):
            square = 0.0
            for axis in range(3):
                d = x[i, axis] - x[j, axis]
                d -= edge * np.rint(d / edge)
                square += d * d
            if square < core * core:
                return True
    return False


@nb.njit(cache=True)
def around(place, i, box, x, inside, edge, reach, core, away):  # type: ignore[no-untyped-def]
    """Write how far particles of a box are away from a place; return how many, -1 if one is in the core."""
    count = 0
    for j in range(len(x)):
        if inside[j] != box or j == i:
            continue
        square = 0.0
        for axis in range(3):
            d = x[j, axis] - place[axis]
            d -= edge * np.rint(d / edge)
            away[count, axis] = d
            square += d * d
        if square < core * core:
            return -1
        if square < reach * reach:
            count += 1
    return count
