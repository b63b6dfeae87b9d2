"""Pair potentials for Monte Carlo: a core that nothing enters, and an energy beyond it as a table in r^2.

Hard disks and spheres, the hard-core square shoulder (thesis, (7.1); PHYSICS.md D),

    u(r)/epsilon = inf for r < sigma, 1 for sigma <= r < delta, 0 beyond,

and the softened-core shoulder (thesis, (7.2)),

    u(r)/epsilon = (sigma/r)^14 + (1 - tanh(k (r - delta)))/2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from softal.errors import SimulationError
from softal.numeric import Floats

NEGLIGIBLE = 1e-4  # [epsilon] energy at which the softened shoulder is cut off, and by which it is shifted
SOFT_CORE = 0.65  # [sigma] its core: u = 416 epsilon there, a Boltzmann factor below 1e-18 up to kT = 10 epsilon
HOTTEST = 10.0  # [epsilon] highest kT for which that core is no change of the model
ROWS = 4096


class PairPotential(ABC):
    """An isotropic pair potential, in units of sigma and epsilon."""

    @property
    @abstractmethod
    def core(self) -> float:
        """Distance below which two particles overlap [sigma]."""

    @property
    @abstractmethod
    def cutoff(self) -> float:
        """Distance from which on two particles do not interact [sigma]."""

    @abstractmethod
    def energy(self, r: ArrayLike) -> Floats:
        """Return u(r)/epsilon, of r's shape; infinite below the core."""

    @abstractmethod
    def table(self, kT: float) -> tuple[Floats, float]:
        """Return u/kT (n,) at r^2 = core^2 + i/per_r2, and per_r2 [1/sigma^2]; one entry is a constant energy.

        Raises:
            SimulationError: if kT [epsilon] is not a temperature, or too high for the potential.
        """


@dataclass(frozen=True)
class HardCore(PairPotential):
    """Hard disks, spheres or spherocylinders of diameter sigma."""

    core = 1.0
    cutoff = 1.0

    def energy(self, r: ArrayLike) -> Floats:
        """Return 0 beyond the core."""
        return np.where(np.asarray(r, np.float64) < self.core, np.inf, 0.0)

    def table(self, kT: float) -> tuple[Floats, float]:
        """Return a constant energy of 0; temperature plays no role."""
        _checked_temperature(kT)
        return np.zeros(1), 0.0


@dataclass(frozen=True)
class SquareShoulder(PairPotential):
    """Hard core with a shoulder of height epsilon out to delta [sigma], which is greater than 1."""

    delta: float
    core = 1.0

    def __post_init__(self) -> None:
        if not 1 < self.delta < np.inf:
            raise SimulationError(f"a square shoulder's delta is {self.delta:g} sigma; it has to be greater than sigma")

    @property
    def cutoff(self) -> float:
        """The shoulder's edge delta."""
        return self.delta

    def energy(self, r: ArrayLike) -> Floats:
        """Return 1 on the shoulder, 0 beyond."""
        r = np.asarray(r, np.float64)
        return np.where(r < self.core, np.inf, np.where(r < self.delta, 1.0, 0.0))

    def table(self, kT: float) -> tuple[Floats, float]:
        """Return the constant energy of the shoulder."""
        return np.array([1 / _checked_temperature(kT)]), 0.0


@dataclass(frozen=True)
class SoftenedShoulder(PairPotential):
    """Softened core with a shoulder of steepness k [1/sigma] out to about delta [sigma].

    It is cut off and shifted where u = 1e-4 epsilon, 1e-3 kT at the low end of the temperatures in use (kT = 0.1
    epsilon). Kernels interpolate linearly in r^2, with an error below 1e-4 u + 1e-5 epsilon up to k = 40/sigma.
    """

    delta: float
    k: float = 10.0
    core = SOFT_CORE

    def __post_init__(self) -> None:
        for name, value, least in (("delta", self.delta, self.core), ("k", self.k, 0.0)):
            if not least < value < np.inf:
                raise SimulationError(f"a softened shoulder's {name} is {value:g}; it has to be greater than {least:g}")

    @cached_property
    def cutoff(self) -> float:
        """Distance at which u = 1e-4 epsilon."""
        far = self.delta + 2 + 10 / self.k  # (sigma/r)^14 < 1e-6 and the shoulder's tail < exp(-20) there
        return float(brentq(lambda r: float(self._unshifted(r)) - NEGLIGIBLE, self.core, far))

    def energy(self, r: ArrayLike) -> Floats:
        """Return (7.2), cut off and shifted."""
        r = np.asarray(r, np.float64)
        inside = (r >= self.core) & (r < self.cutoff)
        u = self._unshifted(np.where(inside, r, self.cutoff)) - NEGLIGIBLE
        return np.where(r < self.core, np.inf, np.where(inside, u, 0.0))

    def table(self, kT: float) -> tuple[Floats, float]:
        """Return u/kT at 4097 values of r^2 from the core to the cutoff."""
        if _checked_temperature(kT) > HOTTEST:
            raise SimulationError(
                f"kT is {kT:g} epsilon; particles with a softened core need kT <= {HOTTEST:g} epsilon"
            )
        r2, width = np.linspace(self.core**2, self.cutoff**2, ROWS + 1, retstep=True)
        return (self._unshifted(np.sqrt(r2)) - NEGLIGIBLE) / kT, float(1 / width)

    def _unshifted(self, r: ArrayLike) -> Floats:
        r = np.asarray(r, np.float64)
        return np.asarray(r**-14.0 + (1 - np.tanh(self.k * (r - self.delta))) / 2)


def _checked_temperature(kT: float) -> float:
    if not 0 < kT < np.inf:
        raise SimulationError(f"kT is {kT:g} epsilon; it has to be positive")
    return kT
