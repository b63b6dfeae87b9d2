"""Settings of the Bayesian strategy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from softal.objective import Objective
from softal.strategies.base import StrategySettings

Acquisition = Literal["auto", "qLogNoisyEI", "qLogEI", "UCB", "Thompson", "qLogNEHVI", "integrated_variance"]
SINGLE: tuple[Acquisition, ...] = ("qLogNoisyEI", "qLogEI", "UCB", "Thompson")
SEVERAL: tuple[Acquisition, ...] = ("qLogNEHVI", "Thompson")
LEARN: tuple[Acquisition, ...] = ("integrated_variance",)


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
        None, ge=2, description="Sobol points before the model is used; the larger of 5 and 2 d + 1 for d parameters"
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

    def composite(self, objective: Objective) -> bool:
        """Return whether curves are modelled, and not losses."""
        return objective.matching if self.model == "auto" else self.model == "composite"
