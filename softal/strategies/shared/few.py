"""Spaces of few points: without a real parameter, and small enough to be looked through completely."""

from __future__ import annotations

import numpy as np

from softal.numeric import Floats
from softal.space import Space

FEW = 2048  # points of a space that is looked through completely, at most
SURE = 5  # repeats without a difference, after which a simulation has no noise
OUTCOMES = 3  # different results at least: yes or no, 0 or 1, come again by chance


def every_point(space: Space) -> Floats | None:
    """Return all feasible unit points (n, d) of a space of few points; None for others."""
    cells = space.cells
    if np.any(cells == 0) or np.prod(cells.astype(np.float64)) > FEW:
        return None
    columns = [coordinates(space, column) for column in range(len(cells))]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*columns, indexing="ij")], axis=1)
    return points[space.feasible(points)]


def coordinates(space: Space, column: int) -> Floats:
    """Return the unit coordinates of all values of an integer or choice, ascending."""
    name = space.names[column]
    parameter = space.parameters[name]
    count = int(space.cells[column])
    if not getattr(parameter, "log", False):
        return (np.arange(count) + 0.5) / count
    point = space.from_unit(np.full((1, space.dimension), 0.5))[0]
    low = int(parameter.low)  # type: ignore[union-attr]
    return space.to_unit([{**point, name: low + k} for k in range(count)])[:, column]


def same_again(X: Floats, losses: Floats, errors: Floats) -> bool:
    """Return whether repeats say that the simulation has no noise: SURE of them or more, all as the first run.

    Args:
        X: (n, d) snapped unit points.
        losses: (n, m).
        errors: (n, m) standard errors of the losses; NaN where not known.
    """
    if np.any(errors > 0) or len(np.unique(losses, axis=0)) < OUTCOMES:
        return False
    first, group = np.unique(X.round(9), axis=0, return_index=True, return_inverse=True)[1:]
    return len(X) - len(first) >= SURE and bool(np.all(losses == losses[first][group.ravel()]))
