"""Settings of the Bayesian strategy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from softal.kinds.settings import Settings
from softal.objective import Objective
from softal.strategies.base import StrategySettings

Acquisition = Literal["auto", "qLogNoisyEI", "qLogEI", "UCB", "Thompson", "qLogNEHVI", "integrated_variance"]
SINGLE: tuple[Acquisition, ...] = ("qLogNoisyEI", "qLogEI", "UCB", "Thompson")
SEVERAL: tuple[Acquisition, ...] = ("qLogNEHVI", "Thompson")
LEARN: tuple[Acquisition, ...] = ("integrated_variance",)


class RefinementSettings(Settings):
    """Settings of the local phase at the end of a search, and of the repeats of its best point."""

    after: int = Field(40, ge=2, description="points asked before the search ends and the local phase begins")
    trials: int = Field(16, ge=0, description="at most so many points in the local phase")
    fidelity: float = Field(1.0, gt=0, le=1, description="of the local phase and of the repeats")
    repeats: int = Field(
        4, ge=1, description="runs of the best point at this fidelity, with different seeds, at the end"
    )
    radius: float = Field(0.1, gt=0, le=1, description="half width of the first trust region, in units of each range")
    min_radius: float = Field(0.005, gt=0, le=1, description="the local phase ends when the region is smaller")
    incumbents: int = Field(
        3, ge=1, description="so many of the search's best points run at this fidelity first, where they did not yet"
    )


class BayesianSettings(StrategySettings):
    """Settings of the Bayesian strategy."""

    acquisition: Acquisition = Field(
        "auto",
        description="qLogNoisyEI for one objective, qLogNEHVI for several, integrated_variance for `learn`",
    )
    model: Literal["auto", "scalar", "composite"] = Field(
        "auto",
        description="scalar: the losses are modelled; composite: the curves of a match are, and the loss is what is "
        "known of them; auto: composite where every component of the objective is a match",
    )
    n_initial: int | None = Field(
        None,
        ge=2,
        description="Sobol points before the model is used; for d parameters the larger of 5 and 2 d + 1, or for the "
        "composite model the larger of 5 and d + 4 (2 d + 1 for less than 3)",
    )
    q_max: int = Field(
        4,
        ge=0,
        description="up to so many points at once are found by the acquisition function; more come from "
        "sample paths of the posterior, one each",
    )
    beta: float = Field(4.0, gt=0, description="of UCB: mean + sqrt(beta) standard deviations")
    transform: Literal["auto", "none", "log"] = Field(
        "auto", description="of losses before they are modelled; see softal/strategies/bayesian/warp.py"
    )
    feasibility: bool = Field(True, description="learn from failed trials where simulations fail, and keep away")
    trust_region: bool | Literal["auto"] = Field(
        "auto",
        description="search in a box around the best point that grows and shrinks (TuRBO); auto: from 20 parameters on",
    )
    max_fit: int = Field(300, ge=10, description="hyperparameters are fitted on at most so many trials")
    max_points: int = Field(
        1500, ge=20, description="sample paths and `learn` are conditioned on at most so many trials"
    )
    max_points_acquisition: int = Field(
        400, ge=20, description="acquisition functions, which cost more, are conditioned on at most so many trials"
    )
    refinement: RefinementSettings | None = Field(
        None, description="a local phase after the search, which ends the campaign; see docs/refinement.md"
    )

    def composite(self, objective: Objective) -> bool:
        """Return whether curves are modelled, and not losses."""
        return objective.matching if self.model == "auto" else self.model == "composite"
