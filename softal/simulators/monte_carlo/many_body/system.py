"""Systems whose energy is no sum over pairs, for `protocol.sample`: elastic shells, and fitted potentials."""

from __future__ import annotations

from abc import abstractmethod

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.system import BoxMoves, Configuration, MonteCarlo
from softal.theory.many_body.fitted import FittedPotential, Tables


class ManyBody(MonteCarlo):
    """Particles without orientations, whose energy is in the model's unit, as is kT.

    Args:
        configuration: to start from.
        kT: [unit of the energy].
        pressure: beta P [1/sigma^d]; None is constant volume.
        seed: of the random numbers.
        box_moves: as of `Disks`.

    Raises:
        SimulationError: if an edge of the box is less than twice the range.
    """

    moves = ("translation", "volume")
    targets = (0.4, 0.3)
    first = (0.05, 0.01)  # [sigma], [ln V]
    smallest = (1e-4, 1e-6)
    largest = (0.5, 0.1)
    reach: float
    core: float

    def __init__(
        self,
        configuration: Configuration,
        kT: float,
        pressure: float | None = None,
        *,
        seed: int = 0,
        box_moves: BoxMoves = "anisotropic",
    ) -> None:
        super().__init__(configuration, kT, pressure, seed=seed)
        self.box_moves = box_moves
        self._check_box()

    @abstractmethod
    def _sweep(self, sweeps: int, pressure: float, independent: bool) -> tuple[int, int, int]:
        """Do sweeps; return accepted particle and box moves, and how it ended."""

    @abstractmethod
    def particle_energies(self) -> Floats:
        """Return each particle's energy (N,)."""

    def _advance(self, sweeps: int) -> None:
        from softal.simulators.monte_carlo.many_body.lists import CORES_OVERLAP

        self._check_box()
        pressure = -1.0 if self.pressure is None else self.pressure
        moved, boxes, end = self._sweep(sweeps, pressure, self.box_moves == "anisotropic")
        if end == CORES_OVERLAP:
            raise SimulationError(f"cores of {self.core:g} sigma overlap in the configuration to start from")
        self._check_box()
        self.tried += [sweeps * len(self.positions), 0 if self.pressure is None else sweeps]
        self.accepted += [moved, boxes]

    def _check_box(self) -> None:
        least = 2 * self.reach
        if self.box.min() < least:
            edges = " x ".join(f"{edge:.4g}" for edge in self.box)
            raise SimulationError(
                f"{len(self.positions)} particles in a box of {edges} sigma: its edges have to be at least {least:.4g} "
                "sigma, twice the range of the energy; take more particles"
            )


class Shells(ManyBody):
    """Elastic shells in the plane, exactly; energies in K."""

    reach, core = 1.0, 0.5

    def _sweep(self, sweeps: int, pressure: float, independent: bool) -> tuple[int, int, int]:
        from softal.simulators.monte_carlo.many_body import shells

        found: tuple[int, int, int] = shells.run(
            self.positions, self.box, sweeps, 1 / self.kT, pressure, *self.steps, independent, self.random
        )
        return found

    def particle_energies(self) -> Floats:
        """Return each particle's energy (N,) [K]."""
        from softal.theory.many_body.shells import energies

        return energies(self.positions, self.box)

    @property
    def energy(self) -> float:
        """Total energy [K]; infinite where cores overlap."""
        return float(self.particle_energies().sum())


class Fitted(ManyBody):
    """Particles with a fitted potential, and a hard core.

    Args:
        potential: what was fitted.
        core: diameter of the hard core [sigma]; 0 is none.
        pairs: energy of a pair, in the same unit, beside what was fitted: at r^2 = k cutoff^2 / PAIRS, (PAIRS + 2,).
        others: as for ManyBody.
    """

    def __init__(
        self,
        configuration: Configuration,
        potential: FittedPotential,
        kT: float,
        pressure: float | None = None,
        *,
        core: float = 0.0,
        pairs: Floats | None = None,
        seed: int = 0,
        box_moves: BoxMoves = "anisotropic",
    ) -> None:
        self.fitted, self.core, self.reach = potential, core, potential.functions.cutoff
        tables: Tables = potential.tables()
        added = tables.pairs if pairs is None else tables.pairs + pairs
        self.model = core**2, tables.cutoff**2, added, tables.cut, tables.triangles
        self._constant = tables.constant
        super().__init__(configuration, kT, pressure, seed=seed, box_moves=box_moves)

    def _sweep(self, sweeps: int, pressure: float, independent: bool) -> tuple[int, int, int]:
        from softal.simulators.monte_carlo.many_body import fitted

        found: tuple[int, int, int] = fitted.run(
            self.positions, self.box, sweeps, 1 / self.kT, pressure, *self.steps, independent, self.model, self.random
        )
        return found

    def particle_energies(self) -> Floats:
        """Return each particle's energy (N,), of what was fitted alone."""
        return self.fitted.energies(self.positions, self.box)

    @property
    def energy(self) -> float:
        """Total energy; infinite where cores overlap."""
        from softal.simulators.monte_carlo.many_body import fitted

        return float(fitted.energy(self.positions, self.box, self.model)) + len(self.positions) * self._constant
