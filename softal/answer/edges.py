"""Points on the edge of the searched range: a wider range may hold a better one, and no error bar tells.

The distribution of a parameter whose optimum lies outside its range is cut off at the bound. Its width there says how
finely the bound was hit, not how well the parameter is known, so no error is given for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from softal.space import Space
from softal.space.coordinates import coordinate
from softal.space.parameters import Integer, Real
from softal.trial import Value

Edge = Literal["lower", "upper"]

NEAR = 0.01  # of the range of a real parameter, in unit coordinates
ROUNDING = 1e-9  # of the coordinate of an integer
PILED = 1 / 3  # part of many points which, within `NEAR` of a bound, is a pile: of even ones a hundredth is
FEWEST = 3  # values of an integer; one of two is always at an end


def edges(space: Space, points: Iterable[Mapping[str, Value]]) -> dict[str, Edge]:
    """Return the free numbers of which at least a third of the points lie on the edge of their range, and which edge.

    A real parameter is on the edge within 1 % of its range, in unit coordinates, an integer at its last value. Choices
    have no edges.
    """
    return edges_of(space, space.to_unit(points))


def edges_of(space: Space, U: ArrayLike) -> dict[str, Edge]:
    """Return the same for points U (n, d) in unit coordinates, snapped."""
    found: dict[str, Edge] = {}
    for name, column, cells in zip(space.names, np.asarray(U).T, space.cells, strict=True):
        parameter = space.parameters[name]
        if not isinstance(parameter, Real | Integer) or 0 < cells < FEWEST:
            continue
        low, high = (coordinate(name, parameter, bound) for bound in (parameter.low, parameter.high))
        near = NEAR if isinstance(parameter, Real) else ROUNDING
        parts: dict[Edge, float] = {
            "lower": float(np.mean(column <= low + near)),
            "upper": float(np.mean(column >= high - near)),
        }
        edge = max(parts, key=lambda one: parts[one])
        if parts[edge] >= PILED:
            found[name] = edge
    return found


def warnings(space: Space, found: Mapping[str, Edge]) -> list[str]:
    """Return a line for each parameter on an edge, such as `epsilon: at the edge of its range (160 K): widen it?`."""
    lines = []
    for name, edge in found.items():
        parameter = space.parameters[name]
        assert isinstance(parameter, Real | Integer)
        bound = f"{parameter.low if edge == 'lower' else parameter.high:g}"
        unit = f" {parameter.unit}" if parameter.unit else ""
        lines.append(f"{name}: at the edge of its range ({bound}{unit}): widen it?")
    return lines
