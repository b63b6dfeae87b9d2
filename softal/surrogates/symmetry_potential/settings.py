"""Settings of the learner `symmetry_potential`."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from softal.kinds.settings import Settings
from softal.theory.many_body.symmetry_functions import SymmetryFunctions, pool

MOST = 1000  # functions of a pool: 640 environments of them are 5 MB a trial

Eta = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Place = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Power = Annotated[int, Field(ge=1, le=64)]


class RadialSettings(Settings):
    """Radial functions: every eta with every R_s."""

    eta: tuple[Eta, ...] = Field(min_length=1, description="widths of Gaussians [1/cutoff^2]")
    R_s: tuple[Place, ...] = Field((0.0,), min_length=1, description="their places [cutoff]")


class AngularSettings(Settings):
    """Angular functions: every eta with every xi and every lambda."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    eta: tuple[Eta, ...] = Field(min_length=1, description="widths of Gaussians [1/cutoff^2]")
    xi: tuple[Power, ...] = Field(min_length=1, description="powers of 1 + lambda cos theta, whole numbers")
    sign: tuple[Literal[-1, 1], ...] = Field(
        (-1, 1), alias="lambda", min_length=1, description="1: largest at 0 degrees, -1: at 180"
    )


class PoolSettings(Settings):
    """The candidates among which functions are chosen; lengths are in units of the cutoff."""

    radial: tuple[RadialSettings, ...] = Field(
        (), description="`{eta: [...], R_s: [...]}`: every eta [1/cutoff^2] with every R_s [cutoff]"
    )
    angular: tuple[AngularSettings, ...] = Field(
        (),
        description="`{eta: [...], xi: [...], lambda: [...]}`: every eta [1/cutoff^2] with every xi, a whole number, "
        "and every lambda, 1 or -1",
    )

    @model_validator(mode="after")
    def _some(self) -> Self:
        """Refuse a pool of none, or of more than there is memory for."""
        count = sum(len(one.eta) * len(one.R_s) for one in self.radial)
        count += sum(len(one.eta) * len(one.xi) * len(one.sign) for one in self.angular)
        if not 1 <= count <= MOST:
            raise ValueError(f"{count or 'no'} functions are given; allowed: 1 to {MOST}, radial or angular")
        return self

    def functions(self, cutoff: float) -> SymmetryFunctions:
        """Return the candidates with a cutoff [sigma]."""
        radial = [pair for one in self.radial for pair in itertools.product(one.eta, one.R_s)]
        angular = [
            (eta, xi, sign) for one in self.angular for sign, eta, xi in itertools.product(one.sign, one.eta, one.xi)
        ]
        return SymmetryFunctions(
            cutoff,
            np.array(radial).reshape(-1, 2) * [cutoff**-2, cutoff],
            np.array(angular).reshape(-1, 3) * [cutoff**-2, 1, 1],
        )


class SymmetryPotentialSettings(Settings):
    """Settings of the learner of potentials."""

    cutoff: float = Field(
        1.0, gt=0, le=100, allow_inf_nan=False, description="distance beyond which particles do not count [sigma]"
    )
    pool: PoolSettings | None = Field(
        None, description="candidates; `null`: the 108 of E. Boattini's thesis (60 radial, 48 angular)"
    )
    functions: int = Field(18, ge=1, le=MOST, description="how many are chosen at most")
    intercept: bool = Field(
        True, description="a constant beside the functions; without, a particle that has no neighbours has the energy 0"
    )
    environments: int = Field(640, ge=1, description="of a trial that are learned from at most, drawn at random")
    held_out: float = Field(
        0.2, gt=0, le=0.5, description="part of the trials that only test; those at one point are on one side"
    )
    members: int = Field(
        24, ge=2, le=256, description="fits that disagree, where the strategy `committee` asks this learner"
    )
    seed: int = Field(0, ge=0, description="of the environments that are drawn, and of what is held out")

    def candidates(self) -> SymmetryFunctions:
        """Return the pool's functions."""
        return pool(self.cutoff) if self.pool is None else self.pool.functions(self.cutoff)
