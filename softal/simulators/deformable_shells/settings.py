"""Settings of deformable shells, and which particles fit into which start."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from softal.errors import SimulationError
from softal.simulators.monte_carlo.settings import LearnedSettings, SampledSettings

Start = Literal["fluid", "hexagonal", "square", "sigma"]
Sweeps = Annotated[int, Field(ge=10)]

STARTS: tuple[Start, ...] = ("fluid", "hexagonal", "square", "sigma")
POTENTIALS = ("exact", "learned")  # which of both, where there is a learner
CORE = 0.5  # [sigma]
DENSEST = {  # [1/sigma^2] where cores touch; a fluid's is that of random packings
    "fluid": 1.0 / CORE**2,
    "hexagonal": 2 / math.sqrt(3) / CORE**2,
    "square": 1.0 / CORE**2,
    "sigma": 4 / (2 + math.sqrt(3)) / CORE**2,
}
LOOSE = {"fluid": 2.4, "hexagonal": 4.5, "square": 3.9, "sigma": 4.2}  # [1/sigma^2] where a constant pressure begins


class DeformableShellsSettings(SampledSettings, LearnedSettings):
    """Settings of the simulator `deformable_shells`."""

    ensemble: Literal["nvt", "npt"] = Field("nvt", description="constant density `rho`, or constant pressure `P`")
    particles: int = Field(64, ge=16, le=10_000, description="2 n for hexagons, n^2 for squares, 4 n^2 for sigma")
    start: Start = Field("hexagonal", description="where a run starts; the parameter of this name goes before")
    equilibration: Sweeps = Field(1000, description="at fidelity 1 [sweeps: one trial move of every particle]")
    sampling: Sweeps = Field(2000, description="at fidelity 1 [sweeps]")
    snapshots: int = Field(50, ge=2, le=1000, description="configurations that are kept, evenly over the sampling")
    box_moves: Literal["anisotropic", "isotropic"] = Field(
        "anisotropic", description="of constant pressure: edges change independently, or the box keeps its shape"
    )
    learner: Path | None = Field(
        None,
        description="folder of a trained `symmetry_potential`, or of the campaign that trained it: runs have the "
        "energy that it learned, unless the parameter `potential` says `exact`; without it they have the exact one",
    )
    trajectory: bool = Field(False, description="keep the snapshots as `trajectory.gsd`")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if reason := misfit(self.particles, self.start):
            raise ValueError(f"particles: {reason}")
        return self


def misfit(n: int, start: str) -> str | None:
    """Return why n particles cannot start that way; None where they can."""
    from softal.simulators.monte_carlo import starts

    try:
        {"square": starts.square, "hexagonal": starts.hexagonal, "sigma": starts.sigma_phase}.get(
            start, lambda n, density: None
        )(n, 1.0)
    except SimulationError as error:
        return str(error)
    return None


def shortest(n: int, start: str, density: float) -> float:
    """Return the shorter edge of the box [sigma] of n particles that start that way at a density."""
    from softal.simulators.monte_carlo.starts import hexagonal_aspect

    aspect = hexagonal_aspect(n) if start == "hexagonal" else 1.0
    return math.sqrt(n / density / aspect)
