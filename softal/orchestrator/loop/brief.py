"""What the agents of a campaign are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from softal.objective import Objective
from softal.simulators import Simulator
from softal.space import Space


@dataclass(frozen=True)
class Brief:
    """What an agent must know of its campaign."""

    name: str
    folder: Path
    source: Path
    space: Space
    objective: Objective
    seed: int
    strategy: tuple[str, Any]
    surrogate: tuple[str, Any] | None
    mlflow: str | None = field(repr=False)  # it may have a password
    experiment: str
    simulator: Simulator | None = None
    described: Mapping[str, Any] = field(default_factory=dict)  # the simulator's kind and settings, as JSON has them
    learner: tuple[str, Any] | None = None

    @property
    def learners(self) -> str:
        """Who learns, in words: `the surrogate and the learner`; empty where nobody does."""
        there = {"the surrogate": self.surrogate, "the learner": self.learner}
        return " and ".join(name for name, chosen in there.items() if chosen)
