"""Settings of the kind `silica`, and what a fidelity makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from softal.kinds.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

SMALLEST_ATOMS, SHORTEST = 375, 3.0  # the run at the lowest fidelity: atoms, and each of its two parts [ps]
SI_MASS, O_MASS = 28.085, 15.999  # [u]
AVOGADRO = 0.602214076  # u in 1e-24 g


class SilicaSettings(Settings):
    """Settings of the kind `silica`."""

    engine: Literal["auto", "hoomd", "lammps"] = Field(
        "auto", description="HOOMD-blue where it is installed, or LAMMPS"
    )
    potential: Literal["BKS", "CHIK", "ML"] = Field(
        "BKS", description="published potential that gives the parameters which a point leaves out"
    )
    particles: int = Field(3000, ge=3, le=1_000_000, description="number of atoms at fidelity 1, a multiple of 3")
    temperature: Positive = Field(3600.0, description="[K]")
    density: Positive = Field(2.2, description="[g/cm^3]")
    timestep: Positive = Field(1.0, le=5.0, description="[fs]")
    equilibration: Positive = Field(10.0, description="length of the equilibration at fidelity 1 [ps]")
    sampling: Positive = Field(10.0, description="length of the sampling at fidelity 1 [ps]")
    sample_every: Positive = Field(0.05, description="between two configurations that are analysed [ps]")
    r_max: Positive = Field(8.0, description="end of g(r); at most half of the smallest box [angstrom]")
    r_bin: Positive = Field(0.05, description="bins of g(r) [angstrom]")
    forces: bool = Field(False, description="make g(r) of the forces on atoms, too: less noise within a run")
    Q_max: float = Field(25.0, ge=1.0, allow_inf_nan=False, description="end of F(Q), which begins at 0.5 [1/angstrom]")
    Q_bin: Positive = Field(0.05, description="bins of F(Q) [1/angstrom]")

    @property
    def number_density(self) -> float:
        """[atoms/angstrom^3]; 3000 atoms at 2.2 g/cm^3 are a cube of 35.661 angstrom, as in the paper, within 0.003."""
        return self.density * AVOGADRO / ((SI_MASS + 2 * O_MASS) / 3)

    def box_length(self, atoms: int) -> float:
        """Return the cube's side [angstrom]."""
        return float((atoms / self.number_density) ** (1 / 3))


@dataclass(frozen=True)
class Extent:
    """How large and long a run is: atoms, and its two parts [ps]."""

    atoms: int
    equilibration: float
    sampling: float


def extent(settings: SilicaSettings, fidelity: float) -> Extent:
    """Return what a run at `fidelity`, its part of the full run's cost, consists of.

    With c = (particles / 375) (equilibration + sampling) / (6 ps), the full run's cost in smallest runs, and
    s = ln(f c) / ln c within [0, 1], atoms are 375 (particles / 375)^s and each part lasts 3 ps (t / 3 ps)^s: fidelity
    1 / c and below is 375 atoms and 3 + 3 ps, fidelity 1 the settings' own. What the settings have smaller than that
    stays as it is.
    """
    cost = settings.particles / SMALLEST_ATOMS * (settings.equilibration + settings.sampling) / (2 * SHORTEST)
    s = 1.0 if cost <= 1 else min(max(math.log(fidelity * cost) / math.log(cost), 0.0), 1.0)

    def scaled(smallest: float, full: float) -> float:
        return full if full <= smallest else smallest * (full / smallest) ** s

    atoms = 3 * round(scaled(SMALLEST_ATOMS, settings.particles) / 3)
    return Extent(atoms, scaled(SHORTEST, settings.equilibration), scaled(SHORTEST, settings.sampling))
