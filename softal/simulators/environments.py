"""Values of configurations in space by what a campaign has learned of particles: the part of them in each structure.

`maximize: {environment: fcc, learner: runs/binary_crystals}` is the value `fraction_fcc` of a simulator with the
setting `environments`, which the objective sets. Every learner that tells particles apart will do, and `unknown` is
what is like nothing that it has learned from: novelty.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, ValidationInfo, field_validator

from softal.errors import SimulationError, SoftalError, SurrogateError
from softal.kinds.settings import Settings, folder_beside
from softal.numeric import Floats
from softal.simulators.base import Simulator
from softal.simulators.environment_target import SETTING, known, value_of
from softal.simulators.statistics import mean_and_error
from softal.surrogates import load_learner
from softal.surrogates.particles import ParticleLearner, particle_folder


class EnvironmentSettings(Settings):
    """Settings of a simulator whose particles may be judged."""

    environments: Path | None = Field(
        None,
        description="folder of a campaign that learned what particles are in, or of its learner; "
        "`maximize: {environment: ..., learner: ...}` sets it",
    )

    @field_validator(SETTING)
    @classmethod
    def _environments_beside(cls, environments: Path | None, info: ValidationInfo) -> Path | None:
        return None if environments is None else folder_beside(environments, info)


class Judging(Simulator):
    """A simulator with that setting, whose observations have the fractions if it is given."""

    @cached_property
    def environment_values(self) -> tuple[str, ...]:
        """Names of the values, read without loading the learner."""
        folder = self.settings.environments
        return () if folder is None else tuple(map(value_of, known(folder)))

    @cached_property
    def _judge(self) -> ParticleLearner:
        found = load_learner(particle_folder(self.settings.environments))
        assert isinstance(found, ParticleLearner)
        return found

    def check_environments(self) -> list[str]:
        """Say that there is no such learner."""
        try:
            self.environment_values  # noqa: B018
        except SoftalError as error:
            return [str(error)]
        return []

    def environments_of(
        self, configurations: Sequence[tuple[Floats, Floats]], types: Sequence[ArrayLike] | None = None
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Return the fractions, means over configurations, and their standard errors; nothing without the setting.

        Args:
            configurations: positions (N, 3) and boxes (3,), in the order of time.
            types: of the particles in each, (N,); None where all are alike.

        Raises:
            SimulationError: if the learner is one for other particles.
        """
        if self.settings.environments is None:
            return {}, {}
        try:
            found = [
                self._judge.classify(x, box, None if types is None else types[i]).fractions
                for i, (x, box) in enumerate(configurations)
            ]
        except SurrogateError as wrong:
            raise SimulationError(str(wrong)) from None
        series = np.array([list(one.values()) for one in found])
        means, deviations = mean_and_error(series)
        names = [value_of(name) for name in found[0]]
        errors = dict(zip(names, deviations.tolist(), strict=True))
        return dict(zip(names, means.tolist(), strict=True)), {n: one for n, one in errors.items() if np.isfinite(one)}
