"""Perfect crystals and quasicrystals of the plane, whose vertices are particles: references for what simulations form.

All have edges of length 1. The dodecagonal square-triangle tiling comes from Stampfli's inflation: a parent of squares
and triangles grows by 2 + sqrt(3), each of its vertices becomes a wheel (a dodecagon of twelve triangles and six
squares around a hexagon), two neighbouring wheels share an edge, three leave a triangle between them, and four a square
with a triangle at each side. With T triangles and S squares, and T / 2 + S vertices,

    T' = 7 T + 16 S,    S' = 3 T + 7 S,

so that T / S tends to 4 / sqrt(3) and half of the plane is squares. A periodic parent gives a periodic approximant. The
hexagon in a wheel has two orientations, 30 degrees apart, which are drawn at random: twelvefold on average.

Tilings of other symmetries are vertices of de Bruijn's multigrids, rhombi of edge 1. They are cut from the infinite
tiling, not periodic; the shortest distance is the short diagonal of the thinnest rhombus.

Sources: P. Stampfli, Helv. Phys. Acta 59, 1260 (1986); M. Oxborrow, C. L. Henley, Phys. Rev. B 48, 6966 (1993); N. G.
de Bruijn, Indag. Math. 43, 39 (1981).
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats

INFLATION = 2 + np.sqrt(3)
SIGMA_CELL = (np.sqrt(6) + np.sqrt(2)) / 2  # edge of the sigma phase's cell, and circumradius of a wheel
RHOMBIC = (8, 10, 12, 14, 18)  # folds of rhombic tilings; half as many grids
SAME = 1e-6  # distance within which two vertices are the same


class Tiling(NamedTuple):
    """Positions, shape (N, 2), in [0, L), and the edges of their box, shape (2,), in units of the tiles' edge."""

    positions: Floats
    box: Floats


def square_lattice(columns: int, rows: int) -> Tiling:
    """Return the square crystal of columns x rows particles, 4^4."""
    i, j = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    return Tiling(np.column_stack([i.ravel(), j.ravel()]).astype(np.float64), np.array([columns, rows], dtype=float))


def hexagonal_lattice(columns: int, rows: int) -> Tiling:
    """Return the hexagonal crystal of columns x rows particles, 3^6; a row lies along x.

    Raises:
        SimulationError: if the number of rows is odd, which does not close periodically.
    """
    if rows % 2:
        raise SimulationError(f"rows = {rows}: a hexagonal crystal in a rectangular box needs an even number of rows")
    i, j = np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij")
    positions = np.column_stack([(i + j % 2 / 2).ravel(), (np.sqrt(3) / 2 * j).ravel()])
    return Tiling(positions, np.array([columns, np.sqrt(3) / 2 * rows]))


def sigma_phase(columns: int, rows: int) -> Tiling:
    """Return columns x rows cells of the sigma phase, 3^2.4.3.4: 4 particles, 2 squares and 4 triangles each."""
    x = (np.sqrt(3) - 1) / 4
    cell = np.array([[x, x + 0.5], [-x, 0.5 - x], [0.5 - x, x], [0.5 + x, -x]]) % 1
    corners = square_lattice(columns, rows).positions
    positions = (corners[:, None, :] + cell[None, :, :]).reshape(-1, 2)
    return Tiling(positions * SIGMA_CELL, SIGMA_CELL * np.array([columns, rows], dtype=float))


def dodecagonal(generations: int, parent: Literal["square", "sigma"] = "sigma", seed: int = 0) -> Tiling:
    """Return a periodic approximant of the dodecagonal square-triangle tiling, in a square box; see the module.

    N is 1, 15, 209, 2911 ... after 0, 1, 2, 3 generations from one cell of the square crystal, and 4, 56, 780, 10864
    ... from one of the sigma phase.

    Args:
        generations: how often the parent is inflated, from 0.
        parent: whose cell is the first generation.
        seed: of the wheels' orientations.
    """
    rng = np.random.default_rng(seed)
    tiling = square_lattice(1, 1) if parent == "square" else sigma_phase(1, 1)
    # Directions of edges are multiples of 30 degrees from this one, in all generations.
    first = 0.0 if parent == "square" else np.pi / 12
    for _ in range(generations):
        tiling = inflated(tiling, first, rng.integers(2, size=len(tiling.positions)))
    return tiling


def inflated(parent: Tiling, first: float, orientations: NDArray[np.integer]) -> Tiling:
    """Return the inflation of a periodic tiling of squares and triangles.

    Args:
        parent: the tiling; all of its edges point along `first` + a multiple of 30 degrees.
        first: direction of an edge [radian].
        orientations: 0 or 1 for each vertex, shape (N,): whether its wheel's hexagon points along `first` or lies 30
            degrees from it.
    """
    sixths, twelfths = np.arange(6) * np.pi / 3, np.arange(12) * np.pi / 6
    hexagons = _ring(first + orientations[:, None] * np.pi / 6 + sixths, 1.0)
    rims = np.broadcast_to(_ring(first + np.pi / 12 + twelfths, SIGMA_CELL), (len(orientations), 12, 2))
    wheels = np.concatenate([np.zeros((len(orientations), 1, 2)), hexagons, rims], axis=1)
    box = parent.box * INFLATION
    vertices = (parent.positions[:, None, :] * INFLATION + wheels).reshape(-1, 2)
    return Tiling(_distinct(vertices, box), box)


def _ring(angles: NDArray[np.floating], radius: float) -> Floats:
    return np.asarray(radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1), dtype=np.float64)


def _distinct(positions: Floats, box: Floats) -> Floats:
    """Return one of each group of periodic positions that are the same."""
    from scipy.spatial import cKDTree

    inside = np.mod(np.mod(positions, box), box)  # twice: mod(-1e-20, L) is L
    pairs = cKDTree(inside, boxsize=box).query_pairs(SAME, output_type="ndarray")
    kept = np.ones(len(inside), dtype=bool)
    kept[pairs[:, 1]] = False
    return np.asarray(inside[kept])


def rhombic(fold: int, length: float, seed: int = 0) -> Tiling:
    """Return the vertices in a square of a tiling of rhombi of edge 1 with that symmetry: not periodic.

    Fold 10 is Penrose's tiling or a locally different relative, 8 is Ammann's and Beenker's.

    Args:
        fold: 8, 10, 12, 14 or 18.
        length: edge of the square.
        seed: of the grids' offsets, which are generic: never do three lines meet in a point.

    Raises:
        SimulationError: if `fold` is none of these.
    """
    if fold not in RHOMBIC:
        raise SimulationError(f"fold = {fold}: rhombic tilings are made of fold {', '.join(map(str, RHOMBIC))}")
    grids = fold // 2
    normals = _ring((1 + grids % 2) * np.pi / grids * np.arange(grids), 1.0)
    offsets = np.random.default_rng(seed).uniform(size=grids)
    offsets[-1] = -offsets[:-1].sum()  # an integer sum is what makes five grids Penrose's tiling
    # A vertex lies at about grids / 2 times the place of its mesh of the grids.
    reach = np.ceil(length / grids * np.sqrt(2) + 2)
    meshes = np.concatenate([_meshes(normals, offsets, pair, reach) for pair in combinations(range(grids), 2)])
    vertices = np.unique(meshes, axis=0) @ normals + length / 2
    return Tiling(vertices[np.all((vertices >= 0) & (vertices < length), axis=1)], np.full(2, float(length)))


def _meshes(normals: Floats, offsets: Floats, pair: tuple[int, int], reach: float) -> NDArray[np.intp]:
    """Return the four meshes around each crossing of two grids' lines, as the numbers of lines below, (4 n, grids)."""
    lines = np.arange(-reach, reach + 1)
    numbers = np.stack(np.meshgrid(lines, lines, indexing="ij"), axis=-1).reshape(-1, 2)
    crossings = np.linalg.solve(normals[list(pair)], (numbers - offsets[list(pair)]).T).T
    below = np.ceil(crossings @ normals.T + offsets)
    # On its own two lines a crossing is on the edge of rounding.
    below[:, list(pair)] = numbers
    steps = np.zeros((4, len(normals)))
    steps[:, list(pair)] = [[0, 0], [1, 0], [0, 1], [1, 1]]
    return (below[:, None, :] + steps).reshape(-1, len(normals)).astype(np.intp)
