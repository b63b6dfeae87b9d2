"""Points that satisfy linear constraints A u <= b in the unit cube, where some columns are on a lattice.

A column with `cells` c > 0 takes only the values (i + 1/2) / c, i = 0 ... c - 1 (integers and choices); 0 marks a
real one. Values that lie unevenly (whole numbers on a log scale) are found by branch and bound. Hit-and-run (Smith,
Oper. Res. 32, 1296 (1984), doi:10.1287/opre.32.6.1296) walks over the real columns; lattice columns move alone or in
pairs along their feasible chord. Uniform on the feasible set in the long run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from softal.errors import SpaceError
from softal.numeric import Floats

TOLERANCE = 1e-9  # on A u - b, with rows scaled to a largest coefficient of 1
SOLVER_TOLERANCE = 1e-7  # of HiGHS, on the distance of the centre from the constraints
BURN_IN = 60  # steps per dimension before the first point is kept
THINNING = 12  # steps per dimension between two points
UNEVEN = -1  # in place of a number of cells: values that lie unevenly
BRANCHES = 1000  # boxes looked at for values that lie unevenly, at most
NODES = 2000  # of the search for whole numbers: about 2 s; equalities between many of them may take centuries
PATIENCE = 4.0  # s for all boxes together

NODES_REACHED, TIME_REACHED = 4, 1  # status of scipy's `milp`, which knows the first limit only as "other"

Around = Callable[[float], tuple[float, float]]


class Undecided(SpaceError):
    """Neither a point was found that satisfies the constraints, nor that there is none."""


def interior_point_among(
    A: Floats, b: Floats, cells: NDArray[np.int64], around: Mapping[int, Around]
) -> tuple[Floats, float]:
    """Return a point as `interior_point` does, where some columns take only values that lie unevenly.

    Args:
        A, b, cells: as in `interior_point`.
        around: column -> function that returns the values next to a coordinate, below and above: the same one twice
            where it is one itself, or is beyond the first or the last.

    Returns:
        (d,) first point found whose distance is above the solver's tolerance, else the one with the largest; and that
        distance.

    Raises:
        Undecided: the search ended at its limits with nothing found.
    """
    cells = np.where([column in around for column in range(len(cells))], UNEVEN, cells)
    low, high = np.zeros(len(cells)), np.ones(len(cells))
    for column, neighbours in around.items():
        low[column], high[column] = neighbours(0.0)[0], neighbours(1.0)[1]
    boxes, best = [(low, high)], (np.full(len(cells), 0.5), -1.0)
    deadline = time.monotonic() + PATIENCE
    for _ in range(BRANCHES):
        if not boxes or best[1] > SOLVER_TOLERANCE:
            break
        low, high = boxes.pop()
        point, distance = interior_point(A, b, cells, low, high, max(0.1, deadline - time.monotonic()))
        if distance <= best[1]:
            continue
        parts = _parts(point, low, high, around)
        boxes += parts
        if not parts and (not around or (A @ point - b).max(initial=0.0) <= TOLERANCE):  # HiGHS is not that exact
            best = point, distance
    return best


def _parts(point: Floats, low: Floats, high: Floats, around: Mapping[int, Around]) -> list[tuple[Floats, Floats]]:
    """Return the two boxes beside the widest gap in which the point lies, the nearer one last; none on values alone."""
    gaps = {column: neighbours(point[column]) for column, neighbours in around.items()}
    column = max(gaps, key=lambda column: gaps[column][1] - gaps[column][0], default=None)
    if column is None or gaps[column][0] == gaps[column][1]:
        return []
    below, above = gaps[column]
    boxes = [(low, _with(high, column, below)), (_with(low, column, above), high)]
    return boxes[::-1] if point[column] - below < above - point[column] else boxes


def _with(values: Floats, column: int, value: float) -> Floats:
    changed = values.copy()
    changed[column] = value
    return changed


def interior_point(
    A: Floats,
    b: Floats,
    cells: NDArray[np.int64],
    low: Floats | None = None,
    high: Floats | None = None,
    patience: float = PATIENCE,
) -> tuple[Floats, float]:
    """Return a feasible point as far from the constraints as possible, and that distance (Chebyshev centre).

    Args:
        A: (m, d) coefficients.
        b: (m,) bounds.
        cells: (d,) values of each lattice column, 0 for a real one, UNEVEN for one from which no distance is kept.
        low, high: (d,) bounds of the columns that are not on a lattice, 0 and 1 where not given.
        patience: time that the search may take [s]; it ends sooner, after `NODES`.

    Returns:
        (d,) point and its distance over the real columns, the best that was found; distance -1 where nothing is
        feasible.

    Raises:
        Undecided: the search ended at its limits with nothing found.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    lattice, real = cells > 0, cells == 0
    low, high = (np.zeros(len(cells)) if low is None else low), (np.ones(len(cells)) if high is None else high)
    width = np.where(lattice, cells, 1)  # unit = (i + 1/2) / width on the lattice
    shift = np.where(lattice, 0.5 / width, 0.0)
    radius = np.linalg.norm(A[:, real], axis=1)
    rows = np.column_stack([A / width, radius])
    wall = np.column_stack([np.eye(A.shape[1])[real], np.ones(real.sum())])
    wall_low = np.column_stack([np.eye(A.shape[1])[real], -np.ones(real.sum())])
    bottom = np.append(np.where(lattice, 0, low), 0.0)
    top = np.append(np.where(lattice, cells - 1, high), 0.5)
    constraints = [LinearConstraint(rows, -np.inf, b - A @ shift)]
    if real.any():
        constraints += [
            LinearConstraint(wall, -np.inf, high[real]),
            LinearConstraint(wall_low, low[real], np.inf),
        ]
    found = milp(
        c=np.append(np.zeros(A.shape[1]), -1.0),
        constraints=constraints,
        bounds=Bounds(bottom, top),
        integrality=np.append(lattice.astype(int), 0),
        options={"node_limit": NODES, "time_limit": patience},
    )
    if found.x is None and found.status in (NODES_REACHED, TIME_REACHED):
        raise Undecided("no point of the space was found that satisfies them")
    if found.x is None:
        return np.full(A.shape[1], 0.5), -1.0
    solution = np.where(lattice, np.round(found.x[:-1]), np.clip(found.x[:-1], low, high))
    return solution / width + shift, float(found.x[-1])


def walk(A: Floats, b: Floats, cells: NDArray[np.int64], start: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Return n points of a random walk that never leaves the feasible set.

    Args:
        A, b, cells: as in `interior_point`.
        start: (d,) feasible point.
        n: number of points wanted.
        rng: source of randomness.

    Returns:
        (n, d) feasible points.
    """
    u = start.copy()
    points = np.empty((n, len(u)))
    for _ in range(BURN_IN * len(u)):
        _step(u, A, b, cells, rng)
    for i in range(n):
        for _ in range(THINNING * len(u)):
            _step(u, A, b, cells, rng)
        points[i] = u
    return points


def _step(u: Floats, A: Floats, b: Floats, cells: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Move u along a random chord: over the real columns together, or over one or two lattice columns."""
    real, lattice = np.flatnonzero(cells == 0), np.flatnonzero(cells > 0)
    if len(real) and (not len(lattice) or rng.random() < 0.5):
        direction = np.zeros(len(u))
        direction[real] = rng.standard_normal(len(real))
        low, high = _chord(u, direction, A, b, np.zeros(len(u)))
        u += direction * rng.uniform(low, max(low, high))
        u[real] = np.clip(u[real], 0.0, 1.0)  # rounding
        return
    moving = rng.choice(lattice, size=min(len(lattice), int(rng.integers(1, 3))), replace=False)
    direction = np.zeros(len(u))
    direction[moving] = rng.choice([-1.0, 1.0], size=len(moving)) / cells[moving]
    margin = np.where(cells > 0, 0.5 / np.maximum(cells, 1), 0.0)
    low, high = _chord(u, direction, A, b, margin)
    steps = rng.integers(int(np.ceil(low - 1e-9)), int(np.floor(high + 1e-9)) + 1)
    u += direction * steps


def _chord(u: Floats, direction: Floats, A: Floats, b: Floats, margin: Floats) -> tuple[float, float]:
    """Return the range of t, which holds 0, for which u + t * direction is feasible."""
    slopes = np.concatenate([A @ direction, direction, -direction])
    room = np.concatenate([b - A @ u, 1.0 - margin - u, u - margin])
    room = np.maximum(room, 0.0)
    ahead, behind = slopes > 1e-14, slopes < -1e-14
    high = float((room[ahead] / slopes[ahead]).min(initial=np.inf))
    low = float((room[behind] / slopes[behind]).max(initial=-np.inf))
    return min(low, 0.0), max(high, 0.0)
