"""Settings of the learner `particle_phases`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from softal.errors import TheoryError
from softal.kinds.settings import Settings
from softal.theory.local_structure.descriptors import By, Neighbourhood, Same
from softal.trial import Value

Cutoff = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class NeighboursSettings(Settings):
    """Which particles are neighbours."""

    by: By = Field(
        "sann",
        description="`sann`: by solid angles, without a parameter, pairs of which each is the other's; `cutoff`; "
        "`voronoi`: cells with a common face",
    )
    cutoffs: tuple[Cutoff, ...] = Field(
        (), description="for `cutoff`: one distance [sigma], or (of all, of large ones, of small ones among themselves)"
    )
    same: Same = Field(
        "filtered",
        description="neighbours of a particle's own species: those of all its neighbours (`filtered`), or found as if "
        "its species were `alone` in the box; cutoffs say it themselves",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        try:
            self.neighbourhood()
        except TheoryError as error:
            raise ValueError(str(error)) from None
        return self

    def neighbourhood(self) -> Neighbourhood:
        """Return them as theory knows them."""
        return Neighbourhood(self.by, self.cutoffs, self.same)


class ParticlePhasesSettings(Settings):
    """Settings of the learner of particles' phases."""

    neighbours: NeighboursSettings = Field(NeighboursSettings(), description="which particles are neighbours")
    hidden: int = Field(
        0,
        ge=0,
        le=256,
        description="units of a hidden layer (tanh); 0: one softmax layer, which is linear, as in the thesis",
    )
    learned_from: tuple[dict[str, Value], ...] | None = Field(
        None,
        min_length=1,
        description="points that are learned from, as far as they are given: `[{structure: fcc, packing: 0.55}, ...]`; "
        "runs elsewhere only test; `null`: all",
    )
    held_out: float = Field(
        0.25, gt=0, le=0.5, description="part of the runs of each structure that only test, where there are two or more"
    )
    environments: int = Field(5000, ge=10, description="particles of a trial that count at most, drawn at random")
    penalty: float = Field(1e-5, gt=0, le=1, description="of half the sum of squared weights, beside the cross-entropy")
    iterations: int = Field(1000, ge=1, le=100_000, description="of L-BFGS at most")
    seed: int = Field(0, ge=0, description="of what is drawn, of what is held out, and of first weights")
