"""Disks in the plane whose potential has a core and a shoulder: crystals and quasicrystals of two length scales.

    hcss    hard-core square shoulder: u = inf for r < sigma, epsilon for sigma <= r < delta, 0 beyond
    scs     softened-core shoulder: u/epsilon = (sigma/r)^14 + (1 - tanh(k (r - delta)))/2

Units: sigma, epsilon; T is k_B T/epsilon, P is beta P sigma^2, rho is N sigma^2/A.

Source: chapter 7 of E. Boattini's thesis (Utrecht, 2021), (7.1) and (7.2); T. Dotera, T. Oshiro, P. Ziherl, Nature 506,
208 (2014) for the quasicrystals of hcss; H. Pattabhiraman, M. Dijkstra, J. Chem. Phys. 146, 114901 (2017) for those of
scs.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from softal.errors import EngineUnavailable
from softal.simulators.self_assembly.self_assembly import SelfAssembly, SelfAssemblySettings, number
from softal.trial import Point

if TYPE_CHECKING:
    from softal.simulators.monte_carlo.potentials import PairPotential
    from softal.simulators.monte_carlo.system import Configuration, MonteCarlo

DILUTE = 0.4  # [1/sigma^2] density of the fluid from which a run at constant pressure starts
DENSE = 0.9  # [1/sigma^2] fluid of hard disks that can still be made at random with ease
DENSEST_FLUID = 1.0  # [1/sigma^2] densest fluid of hard disks that can be made at all
CRYSTAL = {
    "square": 0.97,
    "hexagonal": 1.05,
}  # [1/sigma^2] densities of its crystals, of nearest neighbours beyond sigma
DENSEST = 2 / math.sqrt(3)  # [1/sigma^2] of hard disks
LONGEST = 2.0  # ratio of the edges of a crystal's box; a longer one may be too narrow for the potential's range
STARTS = ("fluid", "square", "hexagonal")
CHI = (4, 5, 6, 10, 12, 18)
SYMMETRIES = (4, 6, 10, 12, 18)


class ShoulderSettings(SelfAssemblySettings):
    """Settings of disks with a shoulder."""

    particles: int = Field(256, ge=64, le=100_000, description="number of disks; a square crystal needs n^2")
    start: Literal["fluid", "square", "hexagonal"] = Field(
        "fluid", description="configuration that a run starts from; the parameter of this name goes before"
    )
    box_moves: Literal["isotropic", "anisotropic"] = Field(
        "isotropic", description="of constant pressure: the box stays square, or its edges change independently"
    )

    def misfit(self, start: str) -> str | None:
        """Return why these particles cannot start as that crystal; None where they can."""
        from softal.simulators.monte_carlo.starts import hexagonal_aspect

        n = self.particles
        if start == "square" and math.isqrt(n) ** 2 != n:
            return f"{n} is given; a square start needs a square number, such as {round(math.sqrt(n)) ** 2}"
        if start == "hexagonal" and n % 2:
            return f"{n} is given; a hexagonal start needs an even number"
        if start == "hexagonal" and (aspect := hexagonal_aspect(n)) > LONGEST:
            near = min((m for m in range(2, 2 * n, 2) if hexagonal_aspect(m) <= LONGEST), key=lambda m: abs(m - n))
            return f"{n} is given; their hexagonal start is {aspect:.3g} times as long as wide; allowed is {near}"
        return None


class Shoulder(SelfAssembly):
    """Disks with a core and a shoulder: T, P (or rho), delta -> phase."""

    Settings: ClassVar[type[ShoulderSettings]] = ShoulderSettings
    settings: ShoulderSettings
    dimension: ClassVar[int] = 2
    starts = STARTS
    defaults: Mapping[str, Any] = {"delta": 1.4, "start": "fluid"}
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {
        "T": (0.0, 10.0),
        "P": (0.0, 1000.0),
        "rho": (0.0, 2.0),
        "delta": (1.0, 3.0),
    }
    _own: ClassVar[Mapping[str, str]] = {}
    _order_names = (
        *(f"psi_{m}" for m in (4, 6)),
        *(f"chi_{m}" for m in CHI),
        *(f"symmetry_{m}" for m in SYMMETRIES),
    )

    @property
    def parameters(self) -> Mapping[str, str]:  # type: ignore[override]
        """What a point holds, which depends on the ensemble."""
        npt = self.settings.ensemble == "npt"
        state = {"P": "1/sigma^2 (pressure: beta P sigma^2)"} if npt else {"rho": "1/sigma^2 (number density)"}
        return {
            "T": "epsilon/k_B (temperature)",
            **state,
            "delta": "sigma (edge of the shoulder)",
            **self._own,
            "start": "fluid, square or hexagonal (configuration that the run starts from)",
        }

    @abstractmethod
    def _potential(self, point: Point) -> PairPotential:
        """Return the pair potential."""

    def _prepared(self, point: Point, seed: int) -> MonteCarlo:
        pressure = number(point, "P", {}) if self.settings.ensemble == "npt" else None
        start = self._start(point, seed)
        return self._disks(start, self._potential(point), number(point, "T", {}), pressure, seed)

    def _disks(
        self, start: Configuration, potential: PairPotential, kT: float, pressure: float | None, seed: int
    ) -> MonteCarlo:
        from softal.simulators.monte_carlo.system import Disks

        return Disks(start, potential, kT, pressure, seed=seed, box_moves=self.settings.box_moves)

    def _start(self, point: Point, seed: int) -> Configuration:
        from softal.simulators.monte_carlo import starts

        kind, n = str(point.get("start", self.settings.start)), self.settings.particles
        density = DILUTE if kind == "fluid" else CRYSTAL[kind]
        if self.settings.ensemble == "nvt":
            density = number(point, "rho", {})
        if kind == "fluid":
            return self._fluid(density, seed)
        return starts.square(n, density) if kind == "square" else starts.hexagonal(n, density)

    def _fluid(self, density: float, seed: int) -> Configuration:
        from softal.simulators.monte_carlo import starts

        return starts.fluid(self.settings.particles, density, 2, seed)

    def _order(self, configuration: Configuration) -> dict[str, float]:
        from softal.simulators.observables.bond_orientation import chi_m, psi_m
        from softal.simulators.observables.diffraction import diffraction_pattern
        from softal.simulators.observables.symmetry import symmetries

        x, box = configuration.positions, configuration.box
        pattern = diffraction_pattern(x, box, 64)
        order = {f"psi_{m}": float(abs(np.mean(psi_m(x, box, m)))) for m in (4, 6)}
        order |= {f"chi_{m}": float(np.mean(chi_m(x, box, m))) for m in CHI}
        return order | {f"symmetry_{m}": value for m, value in symmetries(pattern, box, SYMMETRIES).items()}


class SquareShoulderSettings(ShoulderSettings):
    """Settings of hard disks with a square shoulder, which two engines know."""

    engine: Literal["auto", "numba", "hoomd"] = Field(
        "auto",
        description="of Monte Carlo: `numba` is softal's own, which `auto` takes as it is the faster one; `hoomd` is "
        "HOOMD-blue's HPMC",
    )

    @model_validator(mode="after")
    def _expressible(self) -> Self:
        if self.engine == "hoomd" and self.box_moves != "isotropic":
            raise ValueError(f"box_moves: {self.box_moves} is given; with engine hoomd they are isotropic")
        return self


class HardCoreSquareShoulder(Shoulder):
    """Hard disks with a square shoulder in the plane: T, P, delta -> phase."""

    Settings: ClassVar[type[SquareShoulderSettings]] = SquareShoulderSettings
    settings: SquareShoulderSettings
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {**Shoulder.bounds, "rho": (0.0, DENSEST)}

    def _potential(self, point: Point) -> PairPotential:
        from softal.simulators.monte_carlo.potentials import SquareShoulder

        return SquareShoulder(number(point, "delta", self.defaults))

    def check(self) -> list[str]:
        """Say that the engine is missing."""
        from softal.simulators.monte_carlo import hpmc

        try:
            if self.settings.engine == "hoomd":
                hpmc.require()
        except EngineUnavailable as error:
            return [str(error)]
        return []

    def _disks(
        self, start: Configuration, potential: PairPotential, kT: float, pressure: float | None, seed: int
    ) -> MonteCarlo:
        if self.settings.engine != "hoomd":
            return super()._disks(start, potential, kT, pressure, seed)
        from softal.simulators.monte_carlo.hpmc import Hpmc

        return Hpmc(start, potential, kT, pressure, seed=seed)

    def refuses(self, point: Point) -> str | None:
        """Say that no fluid of hard disks is that dense, too."""
        if reason := super().refuses(point):
            return reason
        density = point.get("rho", 0.0)
        fluid = point.get("start", self.settings.start) == "fluid"
        if self.settings.ensemble == "nvt" and fluid and isinstance(density, float | int) and density > DENSEST_FLUID:
            return f"rho is {density:g}; a fluid start of hard disks is possible up to {DENSEST_FLUID:g}"
        return None


class SoftenedCoreShoulder(Shoulder):
    """Disks with a softened core and a shoulder in the plane: T, rho (or P), delta, k -> phase."""

    defaults: Mapping[str, Any] = {"delta": 1.35, "k": 10.0, "start": "fluid"}
    _own: ClassVar[Mapping[str, str]] = {"k": "1/sigma (steepness of the shoulder's edge)"}

    def _fluid(self, density: float, seed: int) -> Configuration:
        """Squeeze a fluid of hard disks where none is so dense: softened cores may be nearer than sigma."""
        from softal.simulators.monte_carlo.system import Configuration

        loose = super()._fluid(min(density, DENSE), seed)
        scale = math.sqrt(min(1.0, DENSE / density))
        return Configuration(loose.positions * scale, loose.box * scale)

    def _potential(self, point: Point) -> PairPotential:
        from softal.simulators.monte_carlo.potentials import SoftenedShoulder

        return SoftenedShoulder(number(point, "delta", self.defaults), number(point, "k", self.defaults))
