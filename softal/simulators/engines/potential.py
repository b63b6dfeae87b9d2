"""Pair potentials: what engines need of one, and the Mie potential with what a cutoff leaves out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats

MIE_INNER = 0.4  # [sigma]


class PairPotential(Protocol):
    """A pair potential that any engine can tabulate."""

    @property
    def cutoff(self) -> float:
        """Where U ends [length]."""
        ...

    @property
    def inner(self) -> float:
        """Pairs are never closer than this, but in a blow-up [length]."""
        ...

    def energy(self, r: Floats | float) -> Floats:
        """Return U(r) [energy]; 0 from the cutoff on."""
        ...

    def force(self, r: Floats | float) -> Floats:
        """Return -dU/dr [energy/length]; 0 from the cutoff on."""
        ...


def extended(potential: PairPotential, r: Floats) -> tuple[Floats, Floats]:
    """Return U(r) and -dU/dr with U going on as a straight line below `inner`, for tables that begin at 0.

    Engines have no good answer to pairs below a table's beginning: LAMMPS' threaded code ends the process, HOOMD-blue
    lets atoms pass through each other. At the cutoff both are the limits from below: tables must not bend down to 0.
    """
    known = np.clip(r, potential.inner, np.nextafter(potential.cutoff, 0))
    force = potential.force(known)
    return potential.energy(known) + np.where(r < potential.inner, force * (known - r), 0.0), force


def all_lennard_jones(potentials: Iterable[PairPotential]) -> bool:
    """Whether all are Mie potentials with exponents 12 and 6, and all shifted or none."""
    shifts = {one.shift if isinstance(one, Mie) and one.lennard_jones else None for one in potentials}
    return len(shifts) == 1 and None not in shifts


@dataclass(frozen=True)
class Mie:
    """Mie n-m potential, U(r) = C epsilon [(sigma/r)^n - (sigma/r)^m], C = n/(n-m) (n/m)^(m/(n-m)).

    C makes the well's depth epsilon; n = 12, m = 6 is Lennard-Jones with C = 4.

    Attributes:
        epsilon: depth of the well [energy].
        sigma: where U is zero [length].
        n, m: repulsive and attractive exponent, n > m > 3 (the tail corrections diverge at 3).
        cutoff: where U ends [length].
        shift: whether U is shifted to zero at the cutoff.

    Raises:
        SimulationError: for values that describe no such potential.
    """

    epsilon: float
    sigma: float
    cutoff: float
    n: float = 12.0
    m: float = 6.0
    shift: bool = False

    def __post_init__(self) -> None:
        for name in ("epsilon", "sigma", "cutoff"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise SimulationError(f"{name} = {getattr(self, name)} is not allowed: it must be positive")
        if not self.n > self.m > 3:
            raise SimulationError(f"a Mie potential needs n > m > 3, not n = {self.n:g}, m = {self.m:g}")

    @property
    def inner(self) -> float:
        """Pairs are never closer, but in a blow-up [length]."""
        return MIE_INNER * self.sigma

    @property
    def lennard_jones(self) -> bool:
        """Whether the exponents are 12 and 6, for which engines have code of their own."""
        return (self.n, self.m) == (12.0, 6.0)

    @property
    def coefficient(self) -> float:
        """C, such that the minimum is -epsilon."""
        return float(self.n / (self.n - self.m) * (self.n / self.m) ** (self.m / (self.n - self.m)))

    def energy(self, r: Floats | float) -> Floats:
        """Return U(r) [energy]."""
        r = np.asarray(r, dtype=np.float64)
        offset = self._full(np.array(self.cutoff)) if self.shift else 0.0
        return np.where(r < self.cutoff, self._full(r) - offset, 0.0)

    def force(self, r: Floats | float) -> Floats:
        """Return -dU/dr [energy/length]."""
        r = np.asarray(r, dtype=np.float64)
        ratio = self.sigma / r
        full = self.coefficient * self.epsilon * (self.n * ratio**self.n - self.m * ratio**self.m) / r
        return np.where(r < self.cutoff, full, 0.0)

    def _full(self, r: Floats) -> Floats:
        ratio = self.sigma / r
        return np.asarray(self.coefficient * self.epsilon * (ratio**self.n - ratio**self.m))

    def energy_tail(self, density: float) -> float:
        """Return the energy per particle that the cutoff leaves out [energy], with g(r) = 1 beyond it.

        2 pi rho int_{r_c}^inf U r^2 dr; density in [1/length^3]. (Allen, Tildesley, Computer Simulation of Liquids,
        2nd ed., eq. 2.144.) For an unshifted potential.
        """
        return 2 * math.pi * density * self._tail(1 / (self.n - 3), 1 / (self.m - 3))

    def pressure_tail(self, density: float) -> float:
        """Return the pressure that the cutoff leaves out, -(2/3) pi rho^2 int_{r_c}^inf U' r^3 dr [energy/length^3]."""
        return 2 / 3 * math.pi * density**2 * self._tail(self.n / (self.n - 3), self.m / (self.m - 3))

    def _tail(self, repulsive: float, attractive: float) -> float:
        ratio = self.sigma / self.cutoff
        terms = repulsive * ratio**self.n - attractive * ratio**self.m
        return float(self.coefficient * self.epsilon * self.cutoff**3 * terms)
