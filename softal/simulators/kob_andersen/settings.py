"""Settings of the kind `kob_andersen`, and what they make of a state point: its time step, and its box."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from softal.kinds.settings import Settings
from softal.theory.kob_andersen import AT_DENSITY, CUTOFF, SIGMA, peak_wave_number

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

R_MAX = 4.0  # of g(r), where the box allows it [sigma]
FIRST_LAG = 0.01  # of the grid of times [tau]; a whole number of time steps
# How far neighbour lists reach beyond the cutoffs [sigma]. Of 0.15 to 0.5 (LJ) and 0.25 to 0.8 (WCA) the fastest at
# 1200 particles.
SKIN = {"LJ": 0.25, "WCA": 0.5}


class KobAndersenSettings(Settings):
    """Settings of the kind `kob_andersen`. Times are in tau = sigma (m / epsilon)^(1/2)."""

    engine: Literal["auto", "hoomd", "lammps"] = Field(
        "auto", description="HOOMD-blue where it is installed, or LAMMPS"
    )
    particles: int = Field(1200, ge=100, le=1_000_000, description="number of particles, a multiple of 5")
    timestep: float = Field(
        0.005, gt=0, le=0.01, description="longest time step [tau]; hotter and denser states have a shorter one"
    )
    ensemble: Literal["nvt", "nve"] = Field(
        "nvt", description="of the sampling: Bussi's thermostat with a time constant of 0.2 tau, or constant energy"
    )
    t_max: float = Field(100.0, ge=1.0, le=1e7, description="longest correlation time [tau]")
    relaxations: float = Field(
        10.0, ge=2.0, description="correlation times go to so many tau_A, where that is shorter than t_max"
    )
    sampling: float = Field(
        4.0, ge=1.5, le=1000, description="length of the sampling at fidelity 1, in longest correlation times"
    )
    equilibration: float = Field(10.0, ge=1.0, description="a part of the equilibration is at least so many tau_A long")
    longest_run: float = Field(
        1200.0, gt=0, le=1e8, description="whole time that a state may be simulated [tau]; colder ones are marked as "
        "not equilibrated"
    )  # fmt: skip
    origins: int = Field(60, ge=8, le=10_000, description="time origins at fidelity 1")
    lags_per_decade: int = Field(15, ge=3, le=100, description="correlation times in a factor of 10")
    wave_number: Positive | None = Field(
        None, description="k of F_s [1/sigma]; none is the main peak's of S_AA, 7.25 (rho / 1.2)^(1/3)"
    )
    r_max: float | None = Field(
        None, ge=2.0, description="end of g(r), at most half of the box; none is that, up to 4 [sigma]"
    )
    r_bin: float = Field(0.05, gt=0, le=0.5, description="bins of g(r) [sigma]")
    forces: bool = Field(True, description="make g(r) of the forces on particles, too: less noise within a run")
    crystal_threshold: float = Field(
        0.05,
        gt=0,
        le=1,
        description="part of the particles in crystalline surroundings from which on a run crystallized",
    )
    aging_threshold: float = Field(
        7.0, gt=0, description="difference of the sampling's halves, in standard errors, from which on a run was aging"
    )
    mode_coupling: bool = Field(
        False, description="add what mode-coupling theory makes of S(k): F_mct_A, F_mct_B, and the value mct_seconds"
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.particles % 5:
            near = 5 * round(self.particles / 5)
            raise ValueError(f"particles: {self.particles} is not a multiple of 5: 80 % are A, 20 % B; say {near}")
        least = 2 * self.sampling * self.t_max
        if self.longest_run < least:
            raise ValueError(
                f"longest_run: {self.longest_run:g} is too short for t_max = {self.t_max:g}: sampling alone may take "
                f"{least / 2:g}; allowed: {least:g} or more"
            )
        return self

    def box_length(self, rho: float) -> float:
        """Return the cube's side [sigma]."""
        return math.cbrt(self.particles / rho)

    def time_step(self, T: float, rho: float) -> float:
        """Return the time step [tau] of a state: FIRST_LAG over a whole number, and no longer than

        timestep min(1, T^(-1/2), (1.2/rho)^(7/3)): a fast particle goes as far in a step as one at T = 1, and the
        fastest vibrations, whose frequencies grow as those of inverse 12th powers, are as well resolved as at 1.2.
        """
        shorter = min(1.0, math.pow(T, -0.5), math.pow(AT_DENSITY / rho, 7 / 3))
        return FIRST_LAG / math.ceil(FIRST_LAG / (self.timestep * shorter) - 1e-9)

    def scattering_k(self, rho: float) -> float:
        """Return the wave number of the self-intermediate scattering functions [1/sigma]."""
        return peak_wave_number(rho) if self.wave_number is None else self.wave_number

    def end_of_g(self, box_length: float) -> float:
        """Return where g(r) ends [sigma]."""
        return min(box_length / 2, R_MAX if self.r_max is None else self.r_max)

    def misfit(self, rho: float, interaction: str) -> str | None:
        """Say that the box is too small for the potential or for g(r); None where it is not."""
        half = self.box_length(rho) / 2
        reach = CUTOFF[interaction] * max(SIGMA.values()) + SKIN[interaction]
        for what, needed in (("the potential's cutoff and the neighbour lists", reach), ("r_max", self.r_max or 0.0)):
            if half < needed:
                enough = 5 * math.ceil((2 * needed) ** 3 * rho / 5)
                return (
                    f"a box of {self.particles} particles at rho = {rho:g} has half a side of {half:.2f}, less than "
                    f"{what}, {needed:g}: particles = {enough} or more are needed"
                )
        return None
