"""Settings of the kind `least_action`: the liquid, its true trajectory, and how it is looked for."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from softal.kinds.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

EPSILON, SIGMA = 119.8, 3.405  # of argon [K], [angstrom]
# sigma (m / epsilon)^(1/2), m = 39.948 u; (u angstrom^2 / (k_B K))^(1/2) is 1.0966875 ps (CODATA 2018).
PICOSECONDS = SIGMA * math.sqrt(39.948 / EPSILON) * 1.0966875
FEWEST_STEPS = 10  # of molecular dynamics in a trajectory


class LeastActionSettings(Settings):
    """Settings of the kind `least_action`."""

    engine: Literal["auto", "hoomd", "lammps"] = Field(
        "auto", description="of the true trajectory: HOOMD-blue where it is installed, or LAMMPS"
    )
    particles: int = Field(108, ge=8, le=100_000, description="number of atoms; 4 n^3 fills an fcc lattice")
    temperature: Positive = Field(85.0, le=1000.0, description="[K]")
    number_density: Positive = Field(0.02125, le=0.04, description="[1/angstrom^3]")
    cutoff: float = Field(2.5, ge=1.2, le=10.0, description="[sigma]; the potential is switched off from 0.8 of it on")
    duration: float = Field(0.1, gt=0, le=100.0, description="of the trajectory [ps]")
    timestep: float = Field(2.0, gt=0, le=10.0, description="of molecular dynamics [fs]")
    melting: Positive = Field(10.0, description="length of the melting [ps]")
    equilibration: Positive = Field(50.0, description="length of the equilibration [ps]")
    representation: Literal["prolate", "polynomials", "sines", "network"] = Field(
        "prolate", description="what the trajectory is made of; all but the network have exact ends"
    )
    optimiser: Literal["gauss_newton", "nadam"] = Field("gauss_newton", description="what minimises")
    iterations: int = Field(100, ge=1, le=10_000_000, description="of the optimiser at fidelity 1, at most")
    inner: int = Field(1000, ge=1, le=100_000, description="iterations of LSMR in one of Gauss-Newton's, at most")
    rate: Positive = Field(1e-3, description="NADAM's learning rate")
    waypoints: int = Field(
        0, ge=0, le=1000, description="configurations of the true trajectory, at equal distances, through which the "
        "first guess goes; with none it is the straight line, and nothing but the ends and E_0 is known"
    )  # fmt: skip
    starts: int = Field(
        1, ge=1, le=100_000, description="first guesses, each with as many iterations; the one that comes to the "
        "least loss is taken, and those after the first are bent at random"
    )  # fmt: skip
    seed: int | None = Field(
        None, ge=0, description="of the liquid, so that all trials have the same; none is each trial's own"
    )
    r_bin: float = Field(0.1, gt=0, le=1.0, description="bins of g(r) [angstrom]")
    timing: bool = Field(True, description="return `seconds`, which no seed repeats")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.cutoff > self.box_length / 2:
            enough = math.ceil((2 * self.cutoff * SIGMA) ** 3 * self.number_density)
            raise ValueError(
                f"cutoff: {self.cutoff:g} sigma is longer than half of the box of {self.particles} atoms, "
                f"{self.box_length / 2:.4g}; allowed: up to that, or {enough} particles or more"
            )
        if self.steps < FEWEST_STEPS:
            raise ValueError(
                f"duration: {self.duration:g} ps has {self.steps} time steps of {self.timestep:g} fs; "
                f"allowed: {FEWEST_STEPS} or more, {FEWEST_STEPS * self.timestep * 1e-3:g} ps"
            )
        if self.waypoints > self.steps - 1:
            raise ValueError(f"waypoints: {self.waypoints} are more than the {self.steps - 1} steps between the ends")
        return self

    @property
    def steps(self) -> int:
        """Time steps of molecular dynamics in a trajectory."""
        return round(self.duration / (self.timestep * 1e-3))

    @property
    def dt(self) -> float:
        """Time step of molecular dynamics [sigma (m / epsilon)^(1/2)]."""
        return float(self.timestep * 1e-3 / PICOSECONDS)

    @property
    def kT(self) -> float:  # noqa: N802 - the field's name
        """Temperature [epsilon]."""
        return float(self.temperature / EPSILON)

    @property
    def box_length(self) -> float:
        """The cube's side [sigma]."""
        return float(math.cbrt(self.particles / self.number_density) / SIGMA)
