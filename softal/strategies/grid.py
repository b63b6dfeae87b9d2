"""All points of a grid, once each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from softal.objective import Objective
from softal.space import Space
from softal.space.parameters import Choice, Integer
from softal.strategies.base import Strategy, StrategySettings
from softal.trial import Proposal, Trial

Levels = Annotated[int, Field(ge=1)]
MAX_POINTS = 10_000_000
CHUNK = 4096


class GridSettings(StrategySettings):
    """Settings of the grid."""

    levels: Levels | dict[str, Levels] = Field(
        5, description="values of each real or integer parameter: one number for all, or one by name (others take 5)"
    )
    shuffle: bool = Field(False, description="visit the grid in random order instead of the last parameter first")


class Grid(Strategy):
    """Evenly spaced values (on a log scale where the parameter has one), bounds included; every choice; exhausts.

    Integers take every value where there are no more of them than levels. Points outside the constraints are left out.
    """

    kind = "grid"
    Settings = GridSettings

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why a grid cannot serve: a strange name in `levels`, or too many points."""
        wanted = settings if isinstance(settings, GridSettings) else GridSettings()
        if not space.dimension:
            return "the space has no free parameter"
        names = wanted.levels if isinstance(wanted.levels, dict) else {}
        if strange := [name for name in names if name not in space.names]:
            return f"levels.{strange[0]} is not a free parameter; these are {', '.join(space.names)}"
        size = math.prod(len(axis) for axis in _axes(space, wanted))
        return f"the grid has {size} points; at most {MAX_POINTS} are allowed" if size > MAX_POINTS else None

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points."""
        return f"all {len(self._order())} points of the grid were proposed"

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        order = self._order()
        return self._proposals(self._unit(order[self.asked : self.asked + n]))

    def _order(self) -> NDArray[np.int64]:
        """Return the numbers of the feasible grid points in the order of proposal."""
        if not hasattr(self, "_feasible"):
            self._grid = _axes(self.space, self.settings)
            size = math.prod(len(axis) for axis in self._grid)
            numbers = np.arange(size, dtype=np.int64)
            parts = [
                part[self.space.feasible(self._unit(part))] for part in np.split(numbers, range(CHUNK, size, CHUNK))
            ]
            self._feasible = np.concatenate(parts)
            if self.settings.shuffle:
                np.random.default_rng(self.seed).shuffle(self._feasible)
        return self._feasible

    def _unit(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the grid points of these numbers, the last parameter running fastest, shape (n, d)."""
        digits = np.unravel_index(numbers, [len(axis) for axis in self._grid])
        return np.column_stack([axis[digit] for axis, digit in zip(self._grid, digits, strict=True)])


def _axes(space: Space, settings: GridSettings) -> list[NDArray[np.float64]]:
    """Return the values of each parameter in unit coordinates."""
    levels = settings.levels if isinstance(settings.levels, dict) else dict.fromkeys(space.names, settings.levels)
    return [_axis(space, name, levels.get(name, 5)) for name in space.names]


def _axis(space: Space, name: str, levels: int) -> NDArray[np.float64]:
    parameter, column = space.parameters[name], space.names.index(name)
    if isinstance(parameter, Choice):
        levels = len(parameter.choices)
    middle = np.full((1, space.dimension), 0.5)
    if isinstance(parameter, Integer) and parameter.high - parameter.low < levels:
        values = range(parameter.low, parameter.high + 1)
        return space.to_unit([{**space.from_unit(middle)[0], name: value} for value in values])[:, column]
    rows = np.repeat(middle, levels, axis=0)
    rows[:, column] = np.linspace(0.0, 1.0, levels) if levels > 1 else 0.5
    return np.unique(space.snap(rows)[:, column])
