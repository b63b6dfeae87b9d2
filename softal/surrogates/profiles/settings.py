"""Settings of the learner `profiles`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from softal.kinds.settings import Settings
from softal.outputs import Known
from softal.space.expressions import Expression, ExpressionError


def _expression(text: str) -> str:
    try:
        Expression(text)
    except ExpressionError as error:
        raise ValueError(str(error)) from None
    return text


Formula = Annotated[str, AfterValidator(_expression)]


class KnownSettings(Settings):
    """What is known of an array; what is not given here is as the simulator says."""

    positive: bool | None = Field(None, description="nowhere negative")
    symmetric: bool | None = Field(None, description="the same, read backwards; it is folded about the grid's middle")
    support: Formula | None = Field(
        None, description="expression: distance from the grid's middle beyond which it is zero, such as `(h - d)/(2*h)`"
    )
    contact: Formula | None = Field(
        None, description="expression: distance from the grid's middle from which on it falls to zero at `support`"
    )
    integral: Formula | None = Field(None, description="expression: its integral over the grid")

    @property
    def formulas(self) -> dict[str, str]:
        """The expressions that are given, by name."""
        texts = {"support": self.support, "contact": self.contact, "integral": self.integral}
        return {name: text for name, text in texts.items() if text is not None}

    def over(self, declared: Known) -> Known:
        """Return what is known by both; what is given here counts."""
        return Known(**{**vars(declared), **self.model_dump(exclude_none=True)})


class ProfilesSettings(Settings):
    """Settings of the learner of profiles."""

    @model_validator(mode="before")
    @classmethod
    def _one_of_the_paper(cls, data: Any) -> Any:
        """Make one network of the paper's, which a fifth of the trials tests, where the file says nothing else."""
        if isinstance(data, Mapping) and data.get("network") == "paper":
            return {"members": 1, "folds": 5, **data}
        return data

    arrays: tuple[str, ...] | None = Field(
        None, min_length=1, description="what is learned; `null`: all one-dimensional arrays on a grid"
    )
    network: Literal["ensemble", "paper", "gaussian_process"] = Field(
        "ensemble",
        description="ensemble: small networks, with what is known of the arrays built in, and with uncertainty; paper: "
        "one of 512-256 units with dropout (Kadupitiya et al. 2020); gaussian_process: one for each component",
    )
    known: dict[str, KnownSettings] = Field(
        default_factory=dict, description="array -> what is known of it without a simulation"
    )
    members: int = Field(8, ge=1, le=64, description="networks that see all trials; of `paper`, 1 if absent")
    folds: int = Field(5, ge=2, le=20, description="parts that the trials are split into; each is left out once")
    fold_members: int = Field(3, ge=1, le=64, description="networks that leave out the same part (ensemble)")
    width: int = Field(64, ge=4, le=1024, description="units of both hidden layers (ensemble)")
    components: int = Field(12, ge=1, le=64, description="of an array, at most (ensemble, gaussian_process)")
    prior: float = Field(0.3, ge=0, le=10, description="size of the untrained part of each network (ensemble)")
    steps: int = Field(
        1200, ge=1, description="steps of Adam at most; trials that were left out say when to stop (ensemble)"
    )
    batch: int | None = Field(None, ge=1, description="trials of one step; `null`: 96, of `paper` 25")
    learning_rate: float | None = Field(None, gt=0, le=1, description="of Adam; `null`: 3e-3, of `paper` 1e-4")
    epochs: int = Field(4000, ge=1, description="rounds over all trials (paper)")
    dropout: float = Field(0.15, ge=0, lt=1, description="part of the hidden units that a step leaves out (paper)")
    seed: int = Field(0, ge=0, description="of first weights, of folds, and of what is drawn")
