"""Parameters as axes: what the page must know of each, and places along it through a point."""

from __future__ import annotations

from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.space.parameters import Choice, Integer, Parameter, Real

RESOLUTION = 81  # points of a slice along a real parameter


def places_along(space: Space, column: int) -> Floats:
    """Return places (k,) in [0, 1] along a parameter: all of its values where there are few, or evenly spread ones."""
    cells = int(space.cells[column])
    if cells == 0 or cells > RESOLUTION:
        unit = np.full((RESOLUTION, space.dimension), 0.5)
        unit[:, column] = np.linspace(0, 1, RESOLUTION)
        return np.asarray(np.unique(space.snap(unit)[:, column]))
    name, parameter = space.names[column], space.parameters[space.names[column]]
    values = parameter.choices if isinstance(parameter, Choice) else range(parameter.low, parameter.high + 1)  # type: ignore[union-attr,arg-type]
    [middle] = space.from_unit([[0.5] * space.dimension])
    return space.to_unit([{**middle, name: value} for value in values])[:, column]


def moved_along(here: Floats, column: int, places: Floats) -> Floats:
    """Return a unit point (d,) moved to places (k,) along one parameter, (k, d)."""
    rows = np.tile(here, (len(places), 1))
    rows[:, column] = places
    return rows


def described_parameter(name: str, parameter: Parameter) -> dict[str, Any]:
    """Return kind, unit and range of a free parameter."""
    described: dict[str, Any] = {"name": name, "unit": parameter.unit}
    if isinstance(parameter, Choice):
        return described | {"kind": "choice", "choices": list(parameter.choices)}
    assert isinstance(parameter, Real | Integer)
    kind = "integer" if isinstance(parameter, Integer) else "real"
    return described | {"kind": kind, "low": parameter.low, "high": parameter.high, "log": parameter.log}
