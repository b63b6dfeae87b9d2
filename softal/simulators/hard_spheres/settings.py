"""Settings of hard spheres and WCA particles."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from softal.simulators.environments import EnvironmentSettings
from softal.simulators.monte_carlo.settings import SampledSettings

Structure = Literal["fluid", "fcc", "hcp", "sc", "bcc", "NaCl", "AlB2", "AB13", "MgCu2", "MgZn2", "MgNi2"]
Sweeps = Annotated[int, Field(ge=10)]

STRUCTURES: tuple[str, ...] = get_args(Structure)


class HardSpheresSettings(SampledSettings, EnvironmentSettings):
    """Settings of the simulator `hard_spheres`."""

    ensemble: Literal["nvt", "npt"] = Field("nvt", description="constant `packing_fraction`, or constant `pressure`")
    interaction: Literal["hard", "wca"] = Field(
        "hard", description="`hard` spheres, or `wca`: the repulsive part of the Lennard-Jones potential"
    )
    particles: int = Field(
        432, ge=30, le=100_000, description="wanted; a crystal has whole cells, whose number may be 5 % off"
    )
    structure: Structure = Field("fluid", description="where a run starts; the parameter of this name goes before")
    size_ratio: float = Field(
        0.82, ge=0.1, le=1, description="diameter of small spheres over that of large ones; the parameter goes before"
    )
    small_fraction: float = Field(
        0.0, ge=0, lt=1, description="part of a fluid's particles that are small; the parameter goes before"
    )
    beside: Structure | None = Field(
        None, description="a second phase in the same box, side by side along z; each has half of the particles"
    )
    packing_beside: float = Field(0.5, gt=0, lt=0.8, description="packing fraction in which the second phase starts")
    swaps: float = Field(
        0.1, ge=0, le=1, description="trial exchanges of diameters over trial moves, in fluids of two kinds"
    )
    box_moves: Literal["anisotropic", "isotropic"] = Field(
        "anisotropic",
        description="of constant pressure: edges change independently, or the box keeps its shape, as a fluid's does",
    )
    equilibration: Sweeps = Field(2000, description="at fidelity 1 [sweeps: one trial move of every particle]")
    sampling: Sweeps = Field(10_000, description="at fidelity 1 [sweeps]")
    snapshots: int = Field(20, ge=1, le=1000, description="configurations that are kept, evenly over the sampling")
    trajectory: bool = Field(False, description="keep the snapshots as `trajectory.gsd`")
