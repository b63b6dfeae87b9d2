"""Settings of the strategy `committee`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from softal import surrogates
from softal.kinds.settings import ExistingFile, choosing
from softal.strategies.base import StrategySettings

Criterion = Literal["variance", "disagreement", "change"]


class CommitteeSettings(StrategySettings):
    """Settings of the committee."""

    surrogate: Annotated[Any, choosing(surrogates.find_any), WithJsonSchema({"type": "kind"})] = Field(
        "ensemble",
        validate_default=True,
        description="whose members disagree: a surrogate, or a learner that has members: a kind with its settings",
    )
    n_initial: int | None = Field(
        None, ge=2, description="points before the committee is asked; for d parameters the larger of 5 and 2 d + 1"
    )
    initial: Literal["sobol", "corners"] = Field(
        "sobol",
        description="these points: a Sobol sequence, which leaves corners, where simulations may cost most, to the "
        "committee; or `corners` first, then points far from each other",
    )
    cost: str | None = Field(
        None,
        min_length=1,
        description="value of the observation that a simulation costs, such as `simulated_time`; `null`: all cost one",
    )
    criterion: Criterion = Field(
        "variance",
        description="per cost: by how much a simulation lowers the `variance` of the members, averaged over all "
        "candidates, or the `disagreement` at the point itself, or the disagreement and the square of the predicted "
        "`change` from the nearest known point, which stays where a function is steep",
    )
    marks: dict[str, float] | None = Field(
        None,
        description="values of the observation that say that a simulation is no result, although it ran, such as "
        "`{crystallized: 1}`: such points are kept away from like those that failed; `null`: what the simulator says",
    )
    feasibility: bool = Field(True, description="learn where simulations fail or are marked, and keep away")
    growth: float = Field(
        1.1, gt=1, le=10, description="the committee learns anew when the results have grown by this factor"
    )
    candidates: int = Field(512, ge=16, le=8192, description="random points among which the best is taken")
    pool: ExistingFile | None = Field(
        None,
        description="table (CSV) with a column for each free parameter, relative to the campaign file: the only points "
        "that are proposed, each once; `null` is the whole space",
    )
