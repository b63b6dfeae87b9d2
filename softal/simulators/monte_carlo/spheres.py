"""Spheres of one or two kinds, or of any diameters, in space: hard ones, and WCA particles; NVT and NPT.

Lengths are in units of sigma, the large spheres' diameter; kT is in units of the WCA potential's epsilon, and counts
for nothing where spheres are hard. u(r) of WCA is the Lennard-Jones one of s_ij = (d_i + d_j)/2, cut and shifted at its
minimum 2^(1/6) s_ij (J. D. Weeks, D. Chandler, H. C. Andersen, J. Chem. Phys. 54, 5237 (1971)).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo import compression
from softal.simulators.monte_carlo.system import BoxMoves, Configuration, MonteCarlo, State

Interaction = Literal["hard", "wca"]

REACH = {"hard": 1.0, "wca": 2 ** (1 / 6)}  # over s
SHRINKAGE = 0.5 * compression.SHRINKAGE  # a dense crystal's contact values fall as fast as exp(-100 xi)


class Spheres(MonteCarlo):
    """Spheres in a cuboid box.

    Args:
        configuration: in space; without diameters all are sigma wide.
        kT: [epsilon], of WCA particles.
        pressure: beta P sigma^3; None keeps the box.
        seed: of the random numbers.
        interaction: "hard" or "wca".
        swaps: trial exchanges of two particles' diameters over trial moves; for fluids.
        box_moves: "isotropic" keeps the box's shape; "anisotropic" changes an edge at a time.

    Raises:
        SimulationError: if hard spheres overlap, or an edge of the box is shorter than twice the range.
    """

    moves = ("translation", "swap", "volume")
    targets = (0.4, 0.4, 0.3)
    first = (0.1, 0.0, 0.01)  # [sigma], swaps have no step, [ln V]
    smallest = (1e-4, 0.0, 1e-6)
    largest = (0.5, 0.0, 0.1)

    def __init__(
        self,
        configuration: Configuration,
        kT: float = 1.0,
        pressure: float | None = None,
        *,
        seed: int = 0,
        interaction: Interaction = "hard",
        swaps: float = 0.0,
        box_moves: BoxMoves = "isotropic",
    ) -> None:
        super().__init__(configuration, kT, pressure, seed=seed)
        if configuration.dimension != 3:
            raise SimulationError(f"spheres move in space; these positions have {configuration.dimension} dimensions")
        d = configuration.diameters
        self.diameters = np.ones(len(self.positions)) if d is None else np.array(d, np.float64)
        self.at_first = self.box.copy()
        self.interaction, self.swaps, self.box_moves = interaction, float(swaps), box_moves
        self._check_box()
        if not np.isfinite(self.energy):
            raise SimulationError(self._overlap())

    @property
    def range(self) -> float:
        """The longest distance [sigma] at which two of them see each other."""
        return REACH[self.interaction] * float(self.diameters.max())

    @property
    def packing_fraction(self) -> float:
        """pi / 6 sum d^3 / V."""
        return float(np.pi / 6 * (self.diameters**3).sum() / self.box.prod())

    @property
    def energy(self) -> float:
        """Total energy [epsilon], from all pairs anew; 0 of hard spheres, and infinite where they overlap."""
        from softal.simulators.monte_carlo import sphere_cells

        return float(sphere_cells.total_energy(self.positions, self.diameters, self.box, self._model()) * self.kT)

    @property
    def virtual_pressure(self) -> float:
        """beta P sigma^3 by this configuration alone: of hard spheres by virtual compression, of WCA by the virial."""
        excess = self._virial() if self.interaction == "wca" else self._by_contacts()
        return self.density + excess / (3 * float(self.box.prod()))

    @property
    def configuration(self) -> Configuration:
        """Where the particles are now (a copy)."""
        found = super().configuration
        return Configuration(found.positions, found.box, None, self.diameters.copy())

    def state(self) -> State:
        """Return everything that a run depends on, as arrays that np.savez and `restore` take."""
        return super().state() | {"diameters": self.diameters.copy(), "at_first": self.at_first.copy()}

    def _advance(self, sweeps: int) -> None:
        from softal.simulators.monte_carlo import sphere_moves

        pressure = -1.0 if self.pressure is None else self.pressure
        how = pressure, self.steps, self.swaps, self.box_moves == "anisotropic", self.at_first, self._model()
        x, d, box = self.positions, self.diameters, self.box
        end = sphere_moves.run(x, d, box, sweeps, *how, self.tried, self.accepted, self.random)
        if end == sphere_moves.OVERLAP:
            raise SimulationError(self._overlap())
        self._check_box()

    def _model(self) -> tuple[float, float, float]:
        strength = 1 / self.kT if self.interaction == "wca" else 0.0
        return REACH[self.interaction] ** 2, strength, float(self.diameters.max())

    def _by_contacts(self) -> float:
        """Return W'(0) of `compression`."""
        met = 1 - 1 / self._ratios(1 / (1 - SHRINKAGE[-1]))
        crossed: Floats = (met[:, None] < SHRINKAGE).sum(axis=0).astype(np.float64)
        return compression.slope(crossed, SHRINKAGE)

    def _virial(self) -> float:
        """Return -sum r u'(r) / kT over pairs."""
        sixth = self._ratios(REACH["wca"]) ** -6.0
        return float(24 * (2 * sixth**2 - sixth).sum() / self.kT)

    def _ratios(self, reach: float) -> Floats:
        from softal.simulators.monte_carlo import sphere_cells

        return np.asarray(sphere_cells.ratios(self.positions, self.diameters, self.box, reach))

    def _overlap(self) -> str:
        least = self._ratios(1.0).min(initial=1.0)
        return f"two spheres are {least:.6g} of their contact distance apart; allowed: 1 or more"

    def _check_box(self) -> None:
        least = 2 * self.range
        if self.box.min() < least:
            edges = " x ".join(f"{edge:.4g}" for edge in self.box)
            raise SimulationError(
                f"{len(self.positions)} spheres in a box of {edges} sigma; allowed: edges of {least:.4g} sigma or "
                "more, twice the range; take more particles"
            )
