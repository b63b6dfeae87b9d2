"""A system of particles in a periodic box, and Monte Carlo that moves it: the interface of all engines.

Energies are in units of epsilon, lengths in sigma; a pressure is beta P sigma^d. A sweep is N trial moves of particles,
and one of the box where there is a pressure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.potentials import PairPotential

State = dict[str, NDArray[np.generic]]
BoxMoves = Literal["isotropic", "anisotropic"]

TUNING_INTERVAL = 50  # [sweeps] between two changes of step sizes: 12,800 trial moves for 256 particles


@dataclass(frozen=True)
class Configuration:
    """Where the particles are.

    positions (N, d) [sigma] in [0, L), box (d,) [sigma], orientations (N, 3) or None, and diameters (N,) [sigma], which
    are None where all have the one that the potential says.
    """

    positions: Floats
    box: Floats
    orientations: Floats | None = None
    diameters: Floats | None = None

    def __post_init__(self) -> None:
        x, box = self.positions, self.box
        if x.ndim != 2 or x.shape[1] not in (2, 3) or box.shape != x.shape[1:] or not len(x):
            raise SimulationError(f"positions {x.shape} and box {box.shape} have to be (N, d) and (d,), with d 2 or 3")
        if self.orientations is not None and self.orientations.shape != (len(x), 3):
            raise SimulationError(f"orientations have the shape {self.orientations.shape} instead of ({len(x)}, 3)")
        if self.diameters is not None and self.diameters.shape != (len(x),):
            raise SimulationError(f"diameters have the shape {self.diameters.shape} instead of ({len(x)},)")
        if not (np.isfinite(x).all() and np.isfinite(box).all() and np.all(box > 0)):
            raise SimulationError("positions have to be finite, and a box's edges positive")

    @property
    def dimension(self) -> int:
        """Number of dimensions d, 2 or 3."""
        return int(self.positions.shape[1])

    @property
    def volume(self) -> float:
        """Area or volume of the box [sigma^d]."""
        return float(self.box.prod())

    @property
    def density(self) -> float:
        """Number density N/V [1/sigma^d]."""
        return len(self.positions) / self.volume


class MonteCarlo(ABC):
    """Monte Carlo of N particles at kT [epsilon], at fixed volume or at a pressure (beta P sigma^d).

    A subclass says which kinds of moves it has, with the acceptance that `tune` aims at and the range of step sizes,
    and does sweeps in `_advance`, which works on the attributes `positions`, `box`, `orientations`, `random`, `steps`,
    and adds to `tried` and `accepted`. What a run does is a function of `state` alone.
    """

    moves: ClassVar[tuple[str, ...]]
    targets: ClassVar[tuple[float, ...]]
    smallest: ClassVar[tuple[float, ...]]
    largest: ClassVar[tuple[float, ...]]
    first: ClassVar[tuple[float, ...]]

    def __init__(
        self,
        configuration: Configuration,
        kT: float,
        pressure: float | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.positions = np.array(configuration.positions, np.float64, order="C")
        self.box = np.array(configuration.box, np.float64)
        u = configuration.orientations
        self.orientations = None if u is None else np.array(u, np.float64, order="C")
        self.kT, self.pressure = float(kT), None if pressure is None else float(pressure)
        self.random = np.random.SeedSequence(seed).generate_state(4, np.uint64).astype(np.uint64)
        self.steps = np.array(self.first)
        self.tried = np.zeros(len(self.moves), np.int64)
        self.accepted = np.zeros(len(self.moves), np.int64)
        self.set_state_point()

    @abstractmethod
    def _advance(self, sweeps: int) -> None:
        """Do sweeps."""

    @property
    @abstractmethod
    def energy(self) -> float:
        """Total energy [epsilon], from all pairs anew; infinite where cores overlap."""

    def run(self, sweeps: int) -> None:
        """Do sweeps with the step sizes as they are."""
        if sweeps > 0:
            self._advance(sweeps)

    def tune(self, sweeps: int) -> None:
        """Do sweeps and change step sizes towards the target acceptance; for equilibration only.

        A step size that depends on the past breaks detailed balance, so nothing that is sampled may come from here.
        """
        for start in range(0, sweeps, TUNING_INTERVAL):
            self.reset_acceptance()
            self.run(min(TUNING_INTERVAL, sweeps - start))
            share = self.accepted / np.maximum(self.tried, 1)
            change = np.where(self.tried > 0, np.exp(share - np.array(self.targets)), 1.0)
            self.steps = np.clip(self.steps * change, self.smallest, self.largest)
        self.reset_acceptance()

    def set_state_point(self, kT: float | None = None, pressure: float | None = None) -> None:
        """Go on at another kT [epsilon] or pressure; None leaves it as it is.

        Raises:
            SimulationError: if kT is not positive, or the pressure negative.
        """
        kT, pressure = self.kT if kT is None else kT, self.pressure if pressure is None else pressure
        if not 0 < kT < np.inf:
            raise SimulationError(f"kT is {kT:g} epsilon; it has to be positive")
        if pressure is not None and not 0 <= pressure < np.inf:
            raise SimulationError(f"the pressure is {pressure:g}; it has to be positive")
        self.kT, self.pressure = float(kT), None if pressure is None else float(pressure)

    @property
    def configuration(self) -> Configuration:
        """Where the particles are now (a copy)."""
        u = self.orientations
        x = np.where(self.positions >= self.box, 0.0, self.positions)  # rounding can leave x = L
        return Configuration(x, self.box.copy(), None if u is None else u.copy())

    @property
    def density(self) -> float:
        """Number density N/V [1/sigma^d]."""
        return len(self.positions) / float(self.box.prod())

    @property
    def acceptance(self) -> dict[str, float]:
        """Accepted part of each kind of trial moves since `reset_acceptance`; kinds never tried are left out."""
        return {
            name: int(accepted) / int(tried)
            for name, accepted, tried in zip(self.moves, self.accepted, self.tried, strict=True)
            if tried
        }

    @property
    def virtual_pressure(self) -> float:
        """Estimate of beta P sigma^d from this configuration alone; NaN where there is none."""
        return float("nan")

    def reset_acceptance(self) -> None:
        """Count trial moves from 0 again."""
        self.tried[:] = 0
        self.accepted[:] = 0

    def state(self) -> State:
        """Return everything that a run depends on, as arrays that np.savez and `restore` take."""
        pressure = np.nan if self.pressure is None else self.pressure
        names = ("positions", "box", "orientations", "random", "steps", "tried", "accepted")
        state = {name: np.array(getattr(self, name)) for name in names if getattr(self, name) is not None}
        return state | {"state_point": np.array([self.kT, pressure])}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from `state()`, bit for bit.

        Raises:
            SimulationError: if the state is of another system.
        """
        own = self.state()
        if {name: a.shape for name, a in own.items()} != {name: np.shape(a) for name, a in state.items()}:
            raise SimulationError("a saved state of Monte Carlo is of another system: its arrays have other shapes")
        for name in own.keys() - {"state_point"}:
            setattr(self, name, np.array(state[name], own[name].dtype, order="C"))
        kT, pressure = np.asarray(state["state_point"], np.float64)
        self.kT, self.pressure = float(kT), None if np.isnan(pressure) else float(pressure)


class PairMonteCarlo(MonteCarlo):
    """Monte Carlo of particles whose energy is a sum over pairs.

    Args:
        configuration, kT, pressure, seed: as for MonteCarlo.
        potential: of a pair.
    """

    def __init__(
        self,
        configuration: Configuration,
        potential: PairPotential,
        kT: float,
        pressure: float | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self.potential = potential
        self._tabulated: tuple[float, tuple[Floats, float]] | None = None
        super().__init__(configuration, kT, pressure, seed=seed)

    @property
    def virtual_pressure(self) -> float:
        """Estimate of beta P sigma^d from this configuration alone, by virtual compression; average many of them."""
        from softal.simulators.monte_carlo import compression

        d, volume = len(self.box), float(self.box.prod())
        return self.density + compression.slope(self._crossings(compression.SHRINKAGE)) / (d * volume)

    def _crossings(self, shrinkage: Floats) -> Floats:
        """Return sum over pairs of 1 - exp(-(u(xi) - u(0))/kT), shape (m,), of a system shrunk by 1 - xi, xi (m,)."""
        if self.orientations is not None:
            raise SimulationError("there is no virtual pressure of rods yet")
        from softal.simulators.monte_carlo import compression

        return np.asarray(compression.crossings(self.positions, self.box, shrinkage, *self._table()))

    def _table(self) -> tuple[float, float, Floats, float]:
        """Return the potential as kernels take it: core^2, cutoff^2 [sigma^2], u/kT, entries per sigma^2."""
        if self._tabulated is None or self._tabulated[0] != self.kT:
            self._tabulated = self.kT, self.potential.table(self.kT)
        return self.potential.core**2, self.potential.cutoff**2, *self._tabulated[1]


class Disks(PairMonteCarlo):
    """Disks in the plane with an isotropic pair potential.

    Args:
        configuration, potential, kT, pressure, seed: as for PairMonteCarlo.
        box_moves: "isotropic" keeps the box's shape; "anisotropic" changes one edge at a time, which crystals need
            that do not fit the box. A fluid resists no shape: the ratio of the edges is kept below 1.5.

    Raises:
        SimulationError: if cores overlap, or an edge of the box is shorter than twice the potential's cutoff, so that
            a particle would see another one twice.
    """

    moves = ("translation", "volume")
    targets = (0.4, 0.3)
    first = (0.1, 0.01)  # [sigma], [ln V]
    smallest = (1e-4, 1e-6)
    largest = (0.5, 0.1)

    def __init__(
        self,
        configuration: Configuration,
        potential: PairPotential,
        kT: float,
        pressure: float | None = None,
        *,
        seed: int = 0,
        box_moves: BoxMoves = "isotropic",
    ) -> None:
        super().__init__(configuration, potential, kT, pressure, seed=seed)
        if configuration.dimension != 2:
            raise SimulationError(f"disks move in the plane; these positions have {configuration.dimension} dimensions")
        self.box_moves = box_moves
        self._check_box()

    def _advance(self, sweeps: int) -> None:
        from softal.simulators.monte_carlo import disks

        self._check_box()
        pressure = -1.0 if self.pressure is None else self.pressure
        independent = self.box_moves == "anisotropic"
        x, box, rng = self.positions, self.box, self.random
        moved, boxes, _, end = disks.run(x, box, sweeps, pressure, *self.steps, independent, *self._table(), rng)
        if end == disks.CORES_OVERLAP:
            raise SimulationError(
                f"cores of diameter {self.potential.core:g} sigma overlap in the configuration to start from"
            )
        self._check_box()
        self.tried += [sweeps * len(x), 0 if self.pressure is None else sweeps]
        self.accepted += [moved, boxes]

    def _check_box(self) -> None:
        least = 2 * self.potential.cutoff
        if self.box.min() < least:
            edges = " x ".join(f"{edge:.4g}" for edge in self.box)
            raise SimulationError(
                f"{len(self.positions)} particles in a box of {edges} sigma: its edges have to be at least {least:.4g} "
                "sigma, twice the range of the potential; take more particles"
            )

    @property
    def energy(self) -> float:
        """Total energy [epsilon], from all pairs anew; infinite where cores overlap."""
        from softal.simulators.monte_carlo import compression

        return float(compression.pairs_energy(self.positions, self.box, *self._table()) * self.kT)
