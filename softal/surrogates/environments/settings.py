"""Settings of the learner `environments`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from softal.kinds.settings import Settings
from softal.surrogates.particle_phases.settings import NeighboursSettings

Rule = Literal["elbow", "overlap"]


class EnvironmentsSettings(Settings):
    """Settings of the learner of environments."""

    neighbours: NeighboursSettings = Field(NeighboursSettings(), description="which particles are neighbours")
    environments: int = Field(
        2000, ge=10, description="particles of a trial that count at most, drawn from as few snapshots as have so many"
    )
    most: int = Field(
        20_000, ge=100, le=1_000_000, description="particles that are learned from at most, of all trials alike"
    )
    held_out: float = Field(
        0.2, gt=0, le=0.5, description="part of the particles by which is calibrated what is far from all others"
    )
    bottleneck: int | None = Field(
        None, ge=1, le=16, description="coordinates of the autoencoder; `null`: by the elbow of the variance explained"
    )
    bottlenecks: int = Field(8, ge=4, le=16, description="up to how many coordinates that elbow is looked for")
    enough: float = Field(
        0.95,
        gt=0,
        le=1,
        description="part of the variance that is enough: there are no more coordinates than the first two or more "
        "that explain it; a curve that begins there has no elbow",
    )
    weight_decay: float = Field(
        1e-5,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="of the sum of squared weights, beside the mean squared error of the bond order parameters",
    )
    steps: int = Field(1500, ge=1, le=1_000_000, description="of Adam")
    batch: int = Field(256, ge=1, le=65_536, description="particles of a step")
    learning_rate: float = Field(0.01, gt=0, le=1, description="of the first step")
    components: int | None = Field(None, ge=1, le=64, description="of the mixture; `null`: by the lowest BIC")
    most_components: int = Field(10, ge=1, le=64, description="up to how many the lowest BIC is looked for")
    restarts: int = Field(4, ge=1, le=100, description="starts of each fit of a mixture, of which the best is kept")
    clusters: int | None = Field(
        None, ge=1, le=64, description="to which components are merged, if there are more; `null`: as `merge` says"
    )
    merge: Rule = Field(
        "overlap",
        description="`overlap`: as long as the next pair's is above `overlap`; `elbow`: to the elbow of the entropy",
    )
    overlap: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="limit of how undecided particles are between two clusters, 1 where nothing tells these apart; "
        "with `elbow`, too, all are one cluster where each pair is above it, and it decides for less than four",
    )
    refits: int = Field(
        2, ge=0, le=100, description="fits by other seeds, whose clusters are compared with these (adjusted Rand index)"
    )
    seed: int = Field(0, ge=0, description="of what is drawn, of first weights, batches and starts")
