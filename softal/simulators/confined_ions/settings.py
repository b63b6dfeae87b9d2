"""Settings of the kind `confined_ions`, and its units."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from softal.kinds.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

# Lengths in nm, energies in kT at 298 K, and masses of one ion make times in NANOMETRE_TIME.
TEMPERATURE = 298.0  # [K]
KT_ZEPTOJOULE = 1.380649e-2 * TEMPERATURE  # kT [1e-21 J]: kT/nm^3 in MPa
KT_KILOJOULE_PER_MOLE = 8.31446261815324e-3 * TEMPERATURE  # kT [kJ/mol]
MOLAR = 0.602214076  # 1 mol/l [1/nm^3]
CHARGE_DENSITY = 1 / 0.1602176634  # 1 C/m^2 [e/nm^2]
# (m nm^2 / kT)^(1/2) [ps]: the paper's tau = d (m / kT)^(1/2) is 2.18 ps at d = 0.714 nm, so m is 23.1 u, sodium's
# mass.
NANOMETRE_TIME = 2.18 / 0.714
# Of the fastest cutoffs of 114 to 1204 ions (one core of an AMD EPYC; the best of four within a tenth).
FASTEST, WIDEST = 3.8, 0.4
SIZE = 0.714  # of both ions where none is given, the paper's hydrated ones [nm]
BINS = 300  # of the profiles, as in the paper


class ConfinedIonsSettings(Settings):
    """Settings of the kind `confined_ions`."""

    engine: Literal["auto", "lammps"] = Field(
        "auto", description="LAMMPS; HOOMD-blue has no Ewald sum of slabs, and no charged walls"
    )
    composition: Literal["exact", "paper"] = Field(
        "exact",
        description="how whole numbers of ions come about: the box's sides are fitted such that concentration and "
        "surface charge are right, or sides and rounding as in the paper",
    )
    side: Positive | None = Field(
        None, description="side of the box, about [nm]; none is 10 above 0.5 mol/l and 15 below, as in the paper"
    )
    bjerrum_length: Positive = Field(0.714, description="of water at 298 K with a permittivity of 80 [nm]")
    timestep: float = Field(0.003, gt=0, le=0.01, description="[tau = d (m / kT)^(1/2)] of the smaller ion")
    cutoff: float | None = Field(
        None,
        ge=1.0,
        allow_inf_nan=False,
        description="of the charges' sum in real space [nm], the rest is PPPM's; none is about the fastest",
    )
    accuracy: float = Field(
        2e-3, gt=0, le=0.1, description="of the forces of charges, by PPPM [force between two unlike ions in contact]"
    )
    equilibration: float = Field(
        10.0,
        ge=2.0,
        description="least length of the equilibration's last two thirds, in correlation times of the slowest",
    )
    sampling: Positive = Field(1000.0, description="length of the sampling at fidelity 1 [ps]")
    longest_equilibration: Positive = Field(
        3000.0, description="after which a run is sampled all the same, and marked as not equilibrated [ps]"
    )
    sample_every: int = Field(10, ge=1, le=1000, description="between two instants that are analysed [time steps]")
    bins: int = Field(BINS, ge=20, le=2000, description="of the profiles over z/h from -1/2 to 1/2, an even number")
    forces: bool = Field(True, description="profiles from counts and forces together; without, from counts alone")
    aging_threshold: float = Field(
        7.0, gt=0, description="difference of the sampling's halves, in standard errors, from which on a run was aging"
    )

    @model_validator(mode="after")
    def _even(self) -> Self:
        if self.bins % 2:
            raise ValueError(f"bins: {self.bins} is odd: profiles are folded about z = 0; say {self.bins + 1}")
        return self

    def time_step(self, d: float) -> float:
        """Return the time step [ps] for ions of which the smaller has the diameter d [nm]."""
        return self.timestep * d * NANOMETRE_TIME

    def about(self, c: float) -> float:
        """Return about how long a side of the box is at c [mol/l] [nm]."""
        return self.side if self.side is not None else (10.0 if c > 0.5 else 15.0)

    def real_space(self, ions: int, side: float, h: float) -> float:
        """Return the cutoff of the charges' sum in real space [nm], at most WIDEST of the side.

        A step costs a N (N / side^2) r^2 for pairs and b V / r^3 for PPPM's mesh in the volume V, with the gap between
        the slab's images, whose cells are as wide as a fifth of r: least where r^5 goes as V side^2 / N^2.
        """
        volume = side**2 * max(3 * h, h + side)
        fastest = FASTEST * (volume * side**2 / ions**2) ** 0.2
        return min(fastest if self.cutoff is None else self.cutoff, WIDEST * side)

    @property
    def charge_square_pressure(self) -> float:
        """2 pi l_B [nm]: over it, (surface charge [e/nm^2])^2 is sigma^2 / (2 epsilon) [kT/nm^3]."""
        return 2 * math.pi * self.bjerrum_length
