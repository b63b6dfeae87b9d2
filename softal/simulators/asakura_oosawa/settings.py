"""Settings of colloids in ideal polymer, of their gas and liquid, and which particles fit into which state."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from softal.simulators.environments import EnvironmentSettings
from softal.simulators.monte_carlo.settings import LearnedSettings, SampledSettings

Sweeps = Annotated[int, Field(ge=10)]
Potential = Literal["exact", "pairs", "mixture"]

MOST_POLYMERS = 2_000_000  # in the reservoir's volume, that the mixture draws at each sweep


class AsakuraOosawaSettings(SampledSettings, LearnedSettings, EnvironmentSettings):
    """Settings of the simulator `asakura_oosawa`."""

    particles: int = Field(256, ge=20, le=20_000, description="number of colloids")
    equilibration: Sweeps = Field(2000, description="at fidelity 1 [sweeps: one trial move of every colloid]")
    sampling: Sweeps = Field(10_000, description="at fidelity 1 [sweeps]")
    snapshots: int = Field(20, ge=1, le=1000, description="configurations that are kept, evenly over the sampling")
    potential: Potential = Field(
        "exact",
        description="`exact`: depletion with all of its many-body terms; `pairs`: its pair term alone; `mixture`: "
        "colloids among the polymers themselves",
    )
    learner: Path | None = Field(
        None,
        description="folder of a trained `symmetry_potential`, or of the campaign that trained it: pairs are exact, "
        "and what three and more depletion layers share is as it was learned",
    )
    r_max: float = Field(2.0, ge=1.2, le=10, description="where g_r ends [sigma]")
    trajectory: bool = Field(False, description="keep the snapshots as `trajectory.gsd`")

    @model_validator(mode="after")
    def _one_potential(self) -> Self:
        if self.learner is not None and self.potential != "exact":
            raise ValueError(f"potential: {self.potential} is given with a learner; allowed then: none")
        return self

    def edge(self, eta_c: float) -> float:
        """Return the cube's side [sigma] at a packing fraction of the colloids."""
        return math.cbrt(self.particles * math.pi / (6 * eta_c))

    def misfit(self, eta_c: float, eta_p: float, q: float) -> str | None:
        """Return in one line that the box is too small, or the polymers are too many; None where they are not."""
        edge = self.edge(eta_c)
        for what, least in (("twice the range 1 + q", 2 * (1 + q)), ("twice r_max", 2 * self.r_max)):
            if edge < least:
                enough = math.ceil(least**3 * 6 * eta_c / math.pi)
                return (
                    f"the box of {self.particles} particles at eta_c = {eta_c:g} is {edge:.3g} sigma wide; allowed: "
                    f"{least:.4g} or more, {what}: particles = {enough} or more"
                )
        polymers = eta_p * 6 / (math.pi * q**3) * edge**3
        if self.potential == "mixture" and polymers > MOST_POLYMERS:
            return (
                f"the mixture at eta_p = {eta_p:g} and q = {q:g} has {polymers:.3g} polymers in the volume; allowed: "
                f"{MOST_POLYMERS:g} or fewer"
            )
        return None


class CoexistenceSettings(LearnedSettings):
    """Settings of the simulator `asakura_oosawa_coexistence`."""

    method: Literal["gibbs", "direct"] = Field(
        "gibbs",
        description="`gibbs`: two boxes that exchange colloids and volume; `direct`: both phases in one long box",
    )
    particles: int = Field(256, ge=40, le=5000, multiple_of=2, description="number of colloids, of both phases")
    gas: float = Field(
        0.03, gt=0, le=0.5, description="packing fraction of the colloids in the one box, or half of a box, at first"
    )
    liquid: float = Field(
        0.45,
        gt=0,
        le=0.5,
        description="and in the other one; too loose a liquid parts within its box, and voids remain for long",
    )
    length: float = Field(4.0, ge=2, le=20, description="of the long box, over its side; for `direct`")
    equilibration: Sweeps = Field(
        2000,
        description="at fidelity 1 [sweeps: a trial move of every colloid, by `gibbs` also a transfer of each and ten "
        "changes of volume, by `direct` at every fourth one to anywhere in the box]",
    )
    sampling: Sweeps = Field(8000, description="at fidelity 1 [sweeps]")
    potential: Literal["exact", "pairs"] = Field(
        "exact", description="`exact`: depletion with all of its many-body terms; `pairs`: its pair term alone"
    )
    learner: Path | None = Field(
        None,
        description="folder of a trained `symmetry_potential`, or of the campaign that trained it, for `direct`: pairs "
        "are exact, and what three and more depletion layers share is as it was learned",
    )

    @model_validator(mode="after")
    def _learned_in_one_box(self) -> Self:
        if self.learner is not None and (self.method != "direct" or self.potential != "exact"):
            given = f"method: {self.method}, potential: {self.potential}"
            raise ValueError(f"{given} is given with a learner; allowed then: method: direct, and no potential")
        return self

    def box(self) -> tuple[float, float]:
        """Return side and length [sigma] of the long box."""
        side = math.cbrt(self.particles * math.pi / (3 * (self.gas + self.liquid) * self.length))
        return side, self.length * side

    def edges(self) -> tuple[float, float]:
        """Return the cubes' sides [sigma]; each has half of the particles."""
        of_gas, of_liquid = (math.cbrt(self.particles // 2 * math.pi / (6 * eta)) for eta in (self.gas, self.liquid))
        return of_gas, of_liquid
