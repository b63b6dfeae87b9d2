"""Configurations to start from: a disordered fluid without overlap, crystals of disks.

Densities are numbers per area or volume [1/sigma^d].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.system import Configuration

ATTEMPTS = 5
DENSEST = {2: 1.0, 3: 1.1}  # [1/sigma^d] random packings are jammed a little above
SNUB = (np.sqrt(3) - 1) / 4
MARGIN = 1e-4  # [sigma] by which disks are pushed further apart than sigma: minimization ends a little short of it


def fluid(n: int, density: float, dimension: int = 2, seed: int = 0) -> Configuration:
    """Return n particles at random in a square or cubic box, no two of them nearer than sigma.

    Random points are pushed apart by the energy sum (1 - r)^2 of overlapping pairs until none is left. What comes out
    is disordered, no equilibrium.

    Args:
        n: number of particles.
        density: number density [1/sigma^d]; up to 1 in the plane, 1.1 in space.
        dimension: 2 or 3.
        seed: of the random numbers.

    Raises:
        SimulationError: if the particles do not fit.
    """
    edge = (_checked(n, density) / density) ** (1 / dimension)
    rng = np.random.default_rng(seed)
    for _ in range(ATTEMPTS if edge > 2 and density <= DENSEST[dimension] else 0):
        x = pushed_apart(rng.random((n, dimension)) * edge, edge)
        if not len(_pairs(x, edge, 1.0)):
            return Configuration(x, np.full(dimension, edge))
    raise SimulationError(
        f"{n} particles do not fit as a fluid of density {density:g} into a box of {edge:.3g} sigma; it has to be "
        f"longer than 2 sigma, and the density at most {DENSEST[dimension]:g}"
    )


def slab(n: int, densities: tuple[float, float], length: float, seed: int = 0) -> Configuration:
    """Return a dense fluid between a dilute one, half of a box each along its last axis, no two nearer than sigma.

    They are made as `fluid` is; where both meet, some particles are pushed out.

    Args:
        n: number of particles.
        densities: of the dilute and of the dense fluid [1/sigma^3].
        length: of the box, over its other two edges.
        seed: of the random numbers.

    Raises:
        SimulationError: if the particles do not fit.
    """
    low, high = densities
    side = (n / (low + high) * 2 / length) ** (1 / 3)
    box = np.array([side, side, length * side])
    dense = round(_checked(n, high) * high / (low + high))
    rng = np.random.default_rng(seed)
    for _ in range(ATTEMPTS if side > 2 and high <= DENSEST[3] else 0):
        x = rng.random((n, 3))
        x[:, 2] = (x[:, 2] + np.where(np.arange(n) < dense, 0.5, 1.5)) / 2 % 1
        x = pushed_apart(x * box, box)
        if not len(_pairs(x, box, 1.0)):
            return Configuration(x, box)
    raise SimulationError(
        f"{n} particles do not fit as fluids of densities {low:g} and {high:g} into a box {side:.3g} sigma wide; it "
        f"has to be wider than 2 sigma, and densities at most {DENSEST[3]:g}"
    )


def pushed_apart(x: Floats, edge: float | Floats, diameters: Floats | None = None) -> Floats:
    """Return points (N, d) in [0, L) moved until they overlap no more, if that can be: descent of sum (s - r)^2.

    Args:
        x: points to start from.
        edge: of the box, or its edges (d,) [sigma].
        diameters: (N,) [sigma], s being the mean of two; all sigma without.
    """
    widths = np.ones(len(x)) if diameters is None else diameters
    reach = float(widths.max()) + MARGIN

    def overlap(flat: Floats) -> tuple[float, Floats]:
        points = flat.reshape(x.shape) % edge
        points[points >= edge] = 0.0  # what rounding leaves at the edge
        pairs = _pairs(points, edge, reach)
        apart = points[pairs[:, 0]] - points[pairs[:, 1]]
        apart -= edge * np.rint(apart / edge)
        r = np.maximum(np.sqrt((apart**2).sum(1)), 1e-12)
        depth = np.maximum(widths[pairs].mean(axis=1) + MARGIN - r, 0.0)
        force = np.zeros_like(points)
        push = (2 * depth / r)[:, None] * apart
        np.add.at(force, pairs[:, 0], push)
        np.add.at(force, pairs[:, 1], -push)
        return float((depth**2).sum()), -force.ravel()

    found = minimize(overlap, x.ravel(), jac=True, method="L-BFGS-B", options={"ftol": 0.0, "gtol": 1e-9})
    moved = np.asarray(found.x, np.float64).reshape(x.shape) % edge
    return np.where(moved >= edge, 0.0, moved)


def _pairs(x: Floats, edge: float | Floats, reach: float) -> NDArray[np.intp]:
    """Return the pairs (m, 2) of points (N, d) nearer than reach, in a periodic box of one edge, or of (d,) edges."""
    tree = cKDTree(x, boxsize=np.full(x.shape[1], edge))
    return np.asarray(tree.query_pairs(reach, output_type="ndarray"))


def apart(x: Floats, edge: float | Floats, diameters: Floats) -> float:
    """Return the least r / s of spheres (N, d) [sigma] that are near, of diameters (N,); infinite where none are."""
    pairs = _pairs(x, edge, 1.5 * float(diameters.max()))
    between = x[pairs[:, 0]] - x[pairs[:, 1]]
    between -= edge * np.rint(between / edge)
    return float((np.sqrt((between**2).sum(1)) / diameters[pairs].mean(axis=1)).min(initial=np.inf))


def square(n: int, density: float) -> Configuration:
    """Return a square crystal of n = m^2 disks in a square box.

    Raises:
        SimulationError: if n is no square number.
    """
    m = round(np.sqrt(_checked(n, density)))
    if m * m != n:
        raise SimulationError(
            f"a square crystal needs a square number of particles; {n} is none, {m * m} is the nearest"
        )
    edge = np.sqrt(n / density)
    return Configuration(_grid(m, m) * edge / m, np.array([edge, edge]))


def hexagonal(n: int, density: float) -> Configuration:
    """Return a hexagonal crystal of n disks, of columns and an even number of rows, in the box nearest to a square.

    Raises:
        SimulationError: if n is odd.
    """
    columns, rows = _hexagonal_shape(_checked(n, density))
    a = np.sqrt(2 / (np.sqrt(3) * density))  # distance of nearest neighbours
    step = np.array([a, a * np.sqrt(3) / 2])
    return Configuration(_shifted_rows(columns, rows) * step, np.array([columns, rows]) * step)


def sigma_phase(n: int, density: float) -> Configuration:
    """Return a sigma phase of n = 4 m^2 disks in a square box: the snub square tiling, squares and triangles.

    Its four vertices a cell lie at (x, x + 1/2) and so on (plane group p4g); edges are equal at x = (sqrt 3 - 1) / 4.

    Raises:
        SimulationError: if n is not 4 m^2.
    """
    m = round(np.sqrt(_checked(n, density) / 4))
    if 4 * m * m != n:
        raise SimulationError(f"a sigma phase needs 4 m^2 particles; {n} is none, {4 * max(m, 1) ** 2} is the nearest")
    cell = np.array([[SNUB, 0.5 + SNUB], [1 - SNUB, 0.5 - SNUB], [0.5 - SNUB, SNUB], [0.5 + SNUB, 1 - SNUB]])
    edge = np.sqrt(n / density)
    corners = _grid(m, m) - 0.5
    return Configuration((corners[:, None] + cell).reshape(-1, 2) * edge / m, np.array([edge, edge]))


def _hexagonal_shape(n: int) -> tuple[int, int]:
    """Return columns and (even) rows of n disks whose hexagonal crystal is nearest to a square."""
    shapes = [(n // rows, rows) for rows in range(2, n + 1, 2) if n % rows == 0]
    if not shapes:
        raise SimulationError(f"a hexagonal crystal needs an even number of particles; {n} is odd")
    return min(shapes, key=lambda shape: _strain(*shape))


def hexagonal_aspect(n: int) -> float:
    """Return the ratio, at least 1, of the edges of `hexagonal`'s box; SimulationError if n is odd."""
    return float(np.exp(_strain(*_hexagonal_shape(n))))


def _strain(columns: int, rows: int) -> float:
    return float(abs(np.log(columns / (rows * np.sqrt(3) / 2))))


def _shifted_rows(columns: int, rows: int) -> Floats:
    """Return points (columns * rows, 2) of a grid of unit cells, every second row shifted by half a cell."""
    x = _grid(columns, rows)
    x[:, 0] += np.where(np.floor(x[:, 1]) % 2 == 1, 0.25, -0.25)
    return x


def _grid(*shape: int) -> Floats:
    """Return the centres (prod(shape), d) of the cells of a grid of unit cells."""
    axes = np.meshgrid(*(np.arange(m) + 0.5 for m in shape), indexing="ij")
    return np.stack(axes, axis=-1).reshape(-1, len(shape))


def _checked(n: int, density: float) -> int:
    if n < 1 or not 0 < density < np.inf:
        raise SimulationError(f"{n} particles at a density of {density:g} sigma^-d; both have to be positive")
    return n
