"""Settings of the kind `argon`: the states, the lengths of a run and the grids of what is measured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from softal.kinds.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class SecondState(Settings):
    """Another state, of which energy and pressure are sampled in a run of its own, melted anew."""

    temperature: Positive = Field(description="[K]")
    number_density: Positive = Field(description="[1/angstrom^3]")
    sampling: Positive = Field(50.0, description="length of the sampling at fidelity 1 [ps]")


class ArgonSettings(Settings):
    """Settings of the kind `argon`."""

    engine: Literal["auto", "hoomd", "lammps"] = Field(
        "auto", description="HOOMD-blue where it is installed, or LAMMPS"
    )
    particles: int = Field(864, ge=108, le=1_000_000, description="number of atoms; 4 n^3 fills an fcc lattice")
    temperature: Positive = Field(85.0, description="[K]")
    number_density: Positive = Field(0.02125, description="[1/angstrom^3]")
    timestep: Positive = Field(10.0, le=50.0, description="[fs]")
    melting: Positive = Field(4.0, description="length of the melting [ps]")
    equilibration: Positive = Field(16.0, description="length of the equilibration [ps]")
    sampling: Positive = Field(100.0, description="length of the sampling at fidelity 1 [ps]")
    sample_every: Positive = Field(1.0, description="between two configurations that are analysed [ps]")
    cutoff: Positive = Field(2.5, description="[sigma]")
    k_max: Positive = Field(6.2, description="end of S(k) [1/angstrom]")
    k_bin: Positive = Field(0.04, description="bins of S(k) [1/angstrom]")
    r_bin: Positive = Field(0.05, description="bins of g(r) [angstrom]")
    forces: bool = Field(True, description="make g(r) of the forces on atoms, too, which makes it less noisy")
    second_state: SecondState | None = Field(
        None, description="another state, whose `second_pressure` and `second_potential_energy` are returned, too"
    )
