"""Colloids with the depletion that ideal polymer causes, and colloids among the polymers themselves: Monte Carlo, NVT.

The effective model is exact (`softal.theory.many_body.depletion`): a moved particle changes the energy by z_p times how
much of its depletion sphere others cover, before and after. In the mixture the polymers, which do not see each other,
are a Poisson process in the free volume: they are drawn anew at each sweep, and colloids move between them. With a
fitted potential pairs are exact, and what three and more depletion layers share is the fit's.

Units: sigma is the colloids' diameter, energies are in kT.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import numba as nb
import numpy as np
from numpy.typing import ArrayLike

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo import cells
from softal.simulators.monte_carlo.rng import uniform
from softal.simulators.monte_carlo.system import Configuration, MonteCarlo
from softal.theory.many_body import depletion
from softal.theory.many_body.fitted import PAIRS, FittedPotential

STRETCH = 1e-4  # of lengths, by which energies are compared: the difference is exact to 1e-7 of it

Interaction = Literal["exact", "pairs"]


class DepletionPair:
    """Hard spheres of diameter sigma with the depletion of ideal polymer of diameter q: u/kT = -z_p lens(r).

    Args:
        q: diameter of the polymers [sigma].
        eta_p: packing fraction of the polymers in the reservoir.
    """

    def __init__(self, q: float, eta_p: float) -> None:
        self.q, self.z_p, self.R = q, depletion.fugacity(eta_p, q), depletion.radius(q)

    @property
    def cutoff(self) -> float:
        """The range 1 + q [sigma]."""
        return 1 + self.q

    def lens(self, r: ArrayLike) -> Floats:
        """Return what the depletion spheres of two colloids share [sigma^3], of r's shape."""
        x = np.minimum(np.asarray(r, np.float64), self.cutoff)
        return np.asarray(np.pi * (2 * self.cutoff + x) * (self.cutoff - x) ** 2 / 12)

    def energy(self, r: ArrayLike) -> Floats:
        """Return u/kT, of r's shape; infinite below the core."""
        return np.where(np.asarray(r, np.float64) < 1, np.inf, -self.z_p * self.lens(r))


class Depleted(MonteCarlo):
    """Colloids at constant volume.

    Args:
        configuration: in space.
        q, eta_p: as of `DepletionPair`.
        seed: of the random numbers.

    Raises:
        SimulationError: if cores overlap, or an edge of the box is shorter than twice the range 1 + q.
    """

    moves = ("translation",)
    targets = (0.4,)
    first = (0.1,)  # [sigma]
    smallest = (1e-3,)
    largest = (0.5,)

    def __init__(self, configuration: Configuration, q: float, eta_p: float, *, seed: int = 0) -> None:
        super().__init__(configuration, 1.0, seed=seed)
        self.potential = DepletionPair(q, eta_p)
        if configuration.dimension != 3:
            raise SimulationError(f"colloids move in space; these positions have {configuration.dimension} dimensions")
        if self.box.min() < 2 * self.potential.cutoff:
            raise SimulationError(too_small(len(self.positions), self.box, q))
        if (nearest := _nearest(self.positions, self.box)) < 1:
            raise SimulationError(f"two colloids are {nearest:.6g} sigma apart; allowed: 1 sigma or more")

    @abstractmethod
    def _sweep(self, sweeps: int) -> int:
        """Do sweeps; return how many moves were accepted."""

    @abstractmethod
    def _energy_of(self, x: Floats, box: Floats) -> float:
        """Return the energy [kT], without the cores'."""

    def _advance(self, sweeps: int) -> None:
        self.accepted += self._sweep(sweeps)
        self.tried += sweeps * len(self.positions)

    @property
    def energy(self) -> float:
        """Total energy [kT]: 0 where no depletion layers meet."""
        return self._energy_of(self.positions, self.box)

    @property
    def virial(self) -> float:
        """The pressure [kT/sigma^3] by all forces but the cores' impacts: -dU/dV, by a difference."""
        U = [self._energy_of(self.positions * (1 + x), self.box * (1 + x)) for x in (-STRETCH, STRETCH)]
        return (U[0] - U[1]) / (6 * STRETCH * float(self.box.prod()))

    @property
    def shared(self) -> float:
        """The volume [sigma^3] by which pairs overestimate how much depletion layers overlap."""
        return float(depletion.shared(self.positions, self.box, self.potential.R))

    @property
    def free_volume(self) -> float:
        """The part of the box where a polymer's centre may be."""
        return depletion.free_volume(self.positions, self.box, self.potential.q) / float(self.box.prod())


class Colloids(Depleted):
    """Colloids with the exact effective interaction, or with its pair term alone.

    Args:
        interaction: "exact", or "pairs".
        others: as for Depleted.
    """

    def __init__(
        self, configuration: Configuration, q: float, eta_p: float, *, interaction: Interaction = "exact", seed: int = 0
    ) -> None:
        super().__init__(configuration, q, eta_p, seed=seed)
        self.several = interaction == "exact"

    def _sweep(self, sweeps: int) -> int:
        R, z_p = self.potential.R, self.potential.z_p
        return int(run(self.positions, self.box, sweeps, self.steps[0], R, z_p, self.several, self.random))

    def _energy_of(self, x: Floats, box: Floats) -> float:
        R = self.potential.R
        if not self.several:
            return float(-self.potential.z_p * depletion.pairs(x, box, R))
        return float(self.potential.z_p * (depletion.union(x, box, R) - len(x) * 4 * np.pi * R**3 / 3))


class Mixture(Colloids):
    """Colloids at constant number among ideal polymers at a constant fugacity.

    Attributes:
        polymers: their centres, (N_p, 3) [sigma], as they were drawn last.
    """

    def __init__(self, configuration: Configuration, q: float, eta_p: float, *, seed: int = 0) -> None:
        super().__init__(configuration, q, eta_p, seed=seed)
        self.polymers = self._drawn()

    def _sweep(self, sweeps: int) -> int:
        R, z_p = self.potential.R, self.potential.z_p
        accepted = run_mixture(self.positions, self.box, sweeps, self.steps[0], R, z_p, self.random)
        self.polymers = self._drawn()
        return int(accepted)

    def _drawn(self) -> Floats:
        return np.asarray(draw(self.positions, self.box, self.potential.R, self.potential.z_p, self.random))

    @property
    def free_volume(self) -> float:
        """The part of the box where a polymer's centre may be, by the number of polymers: noise, but no bias."""
        expected = self.potential.z_p * float(self.box.prod())
        return len(self.polymers) / expected if expected else super().free_volume


class Learned(Depleted):
    """Colloids whose pairs are exact, and what more than two share is fitted.

    Args:
        fitted: shares of particles [sigma^3]; its cutoff is 1 + q or more.
        others: as for Depleted.

    Raises:
        SimulationError: as of Depleted, also if the cutoff is less, or the box shorter than twice that.
    """

    def __init__(
        self, configuration: Configuration, q: float, eta_p: float, fitted: FittedPotential, *, seed: int = 0
    ) -> None:
        super().__init__(configuration, q, eta_p, seed=seed)
        if reason := self.misfit(fitted.functions.cutoff, self.box.min(), q):
            raise SimulationError(reason)
        tables = fitted.tables()
        r = np.sqrt(np.arange(PAIRS + 2) / PAIRS) * tables.cutoff
        pairs = tables.pairs - self.potential.lens(r)
        self._model = 1.0, tables.cutoff**2, pairs, tables.cut, tables.triangles
        self._constant = tables.constant

    @staticmethod
    def misfit(cutoff: float, edge: float, q: float) -> str | None:
        """Return in one line that a potential's cutoff is too short for the range, or too long for the box."""
        if 1 + q - 1e-9 <= cutoff <= edge / 2:
            return None
        limits = f"from 1 + q = {1 + q:g} to half the box, {edge / 2:.4g}"
        return f"the potential's cutoff is {cutoff:g} sigma; allowed: {limits}"

    def _sweep(self, sweeps: int) -> int:
        from softal.simulators.monte_carlo.many_body import fitted

        beta = self.potential.z_p  # energies are volumes
        moved: int = fitted.run(
            self.positions, self.box, sweeps, beta, -1.0, self.steps[0], 0.0, False, self._model, self.random
        )[0]
        return moved

    def _energy_of(self, x: Floats, box: Floats) -> float:
        from softal.simulators.monte_carlo.many_body import fitted

        shared = fitted.energy(x, box, (0.0, *self._model[1:])) + len(x) * self._constant
        return float(self.potential.z_p * shared)


def too_small(n: int, box: Floats, q: float) -> str:
    """Return in one line that a box is too small."""
    edges = " x ".join(f"{edge:.4g}" for edge in box)
    return (
        f"{n} colloids in a box of {edges} sigma: its edges have to be at least {2 * (1 + q):.4g} sigma, twice the "
        "range 1 + q; take more particles"
    )


def _nearest(x: Floats, box: Floats) -> float:
    """Return the least distance of two particles."""
    apart = x[:, None] - x
    apart -= box * np.rint(apart / box)
    return float(np.sqrt((apart**2).sum(axis=2)[np.triu_indices(len(x), 1)].min(initial=np.inf)))


@nb.njit(cache=True)
def run(x, box, sweeps, step, R, z_p, several, rng):  # type: ignore[no-untyped-def]
    """Do sweeps of the effective model, and return how many moves were accepted."""
    n, accepted = len(x), 0
    shape = cells.shape_of(box, 2 * R)
    head, after, before = cells.build(x, box, shape)
    place, old, new = np.empty(3), np.empty((n, 3)), np.empty((n, 3))
    for _ in range(sweeps * n):
        i = int(uniform(rng) * n)
        _try(x[i], box, step, rng, place)
        there = cells.around(place, i, x, box, shape, head, after, 4 * R * R, 1.0, new)
        if there < 0:
            continue
        here = cells.around(x[i], i, x, box, shape, head, after, 4 * R * R, 0.0, old)
        gain = z_p * (depletion.covered(new[:there], R, several) - depletion.covered(old[:here], R, several))
        if gain < 0.0 and uniform(rng) >= np.exp(gain):
            continue
        accepted += 1
        _put(i, place, x, box, shape, head, after, before)
    return accepted


@nb.njit(cache=True)
def run_mixture(x, box, sweeps, step, R, z_p, rng):  # type: ignore[no-untyped-def]
    """Do sweeps of the mixture, and return how many moves of colloids were accepted."""
    n, accepted = len(x), 0
    shape, fine = cells.shape_of(box, 1.0), cells.shape_of(box, R)
    head, after, before = cells.build(x, box, shape)
    place, away = np.empty(3), np.empty((n, 3))
    for _ in range(sweeps):
        polymers = draw(x, box, R, z_p, rng)
        first, following, _preceding = cells.build(polymers, box, fine)
        for _ in range(n):
            i = int(uniform(rng) * n)
            _try(x[i], box, step, rng, place)
            if cells.around(place, i, x, box, shape, head, after, 1.0, 1.0, away) < 0:
                continue
            if cells.around(place, -1, polymers, box, fine, first, following, R * R, R * R, away) < 0:
                continue
            accepted += 1
            _put(i, place, x, box, shape, head, after, before)
    return accepted


@nb.njit(cache=True)
def draw(x, box, R, z_p, rng):  # type: ignore[no-untyped-def]
    """Return centres of ideal polymers among colloids x (N, 3): a Poisson process in the free volume."""
    shape = cells.shape_of(box, R)
    head, after, _ = cells.build(x, box, shape)
    mean, place, away = z_p * np.prod(box), np.empty(3), np.empty((len(x), 3))
    found, count = np.empty((int(mean + 10 * np.sqrt(mean) + 10), 3)), 0
    left = mean + np.log(1 - uniform(rng))
    while left > 0.0 and count < len(found):
        for axis in range(3):
            place[axis] = uniform(rng) * box[axis]
        if cells.around(place, -1, x, box, shape, head, after, R * R, R * R, away) >= 0:
            found[count] = place
            count += 1
        left += np.log(1 - uniform(rng))
    return found[:count].copy()


@nb.njit(cache=True)
def _try(here, box, step, rng, place):  # type: ignore[no-untyped-def]
    """Write where a move leads, in [0, L)."""
    for axis in range(3):
        to = here[axis] + step * (2.0 * uniform(rng) - 1.0)
        to -= box[axis] * np.floor(to / box[axis])
        place[axis] = to if to < box[axis] else 0.0


@nb.njit(cache=True)
def _put(i, place, x, box, shape, head, after, before):  # type: ignore[no-untyped-def]
    """Move a particle, and from cell to cell."""
    was, now = cells.cell_of(x[i], box, shape), cells.cell_of(place, box, shape)
    x[i] = place
    if now != was:
        cells.leave(i, was, head, after, before)
        cells.enter(i, now, head, after, before)
