"""Points that satisfy linear constraints A u <= b in the unit cube, where some columns are on a lattice.

A column with `cells` c > 0 takes only the values (i + 1/2) / c, i = 0 ... c - 1 (integers and choices); 0 marks a
real one. Hit-and-run (Smith, Oper. Res. 32, 1296 (1984), doi:10.1287/opre.32.6.1296) walks over the real columns;
lattice columns move alone or in pairs along their feasible chord. Uniform on the feasible set in the long run.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 1e-9  # on A u - b, with rows scaled to a largest coefficient of 1
SOLVER_TOLERANCE = 1e-7  # of HiGHS, on the distance of the centre from the constraints
BURN_IN = 60  # steps per dimension before the first point is kept
THINNING = 12  # steps per dimension between two points


def interior_point(A: Floats, b: Floats, cells: NDArray[np.int64]) -> tuple[Floats, float]:
    """Return a feasible point as far from the constraints as possible, and that distance (Chebyshev centre).

    Args:
        A: (m, d) coefficients.
        b: (m,) bounds.
        cells: (d,) values of each lattice column, 0 for a real one.

    Returns:
        (d,) point and its distance over the real columns; distance -1 where nothing is feasible.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    lattice = cells > 0
    width = np.where(lattice, cells, 1)  # unit = (i + 1/2) / width on the lattice
    shift = np.where(lattice, 0.5 / width, 0.0)
    radius = np.linalg.norm(A[:, ~lattice], axis=1)
    rows = np.column_stack([A / width, radius])
    wall = np.column_stack([np.eye(A.shape[1])[~lattice], np.ones((~lattice).sum())])
    wall_low = np.column_stack([np.eye(A.shape[1])[~lattice], -np.ones((~lattice).sum())])
    top = np.append(np.where(lattice, cells - 1, 1), 0.5)
    constraints = [LinearConstraint(rows, -np.inf, b - A @ shift)]
    if (~lattice).any():
        constraints += [LinearConstraint(wall, -np.inf, 1.0), LinearConstraint(wall_low, 0.0, np.inf)]
    found = milp(
        c=np.append(np.zeros(A.shape[1]), -1.0),
        constraints=constraints,
        bounds=Bounds(np.zeros(len(top)), top),
        integrality=np.append(lattice.astype(int), 0),
    )
    if found.x is None:
        return np.full(A.shape[1], 0.5), -1.0
    solution = np.where(lattice, np.round(found.x[:-1]), found.x[:-1])
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
