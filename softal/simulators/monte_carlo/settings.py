"""Settings that simulators by Monte Carlo share."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import ValidationInfo, field_validator, model_validator

from softal.kinds.settings import Settings, folder_beside


class SampledSettings(Settings):
    """Settings of runs that keep snapshots; those who have them say the defaults."""

    sampling: int
    snapshots: int

    @model_validator(mode="after")
    def _sweeps_enough(self) -> Self:
        if self.snapshots > self.sampling:
            raise ValueError(
                f"snapshots: {self.snapshots} is given, of {self.sampling} sweeps of sampling; at most one a sweep"
            )
        return self


class LearnedSettings(Settings):
    """Settings of runs that may have a learned potential."""

    learner: Path | None

    @field_validator("learner")
    @classmethod
    def _absolute(cls, learner: Path | None, info: ValidationInfo) -> Path | None:
        return None if learner is None else folder_beside(learner, info)
