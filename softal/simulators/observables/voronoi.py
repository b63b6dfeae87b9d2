"""Voronoi cells of the plane, and the triangles and squares that the bonds between near particles enclose.

A cell's number of sides leaves out those shorter than `SHORT_SIDE`: four cells meet in a point in a perfect square
crystal, and any motion opens a short fifth side. Cells have 6 sides in a hexagonal crystal, 4 in a square one, and in a
square-triangle tiling as many as a vertex has edges: 5 in the sigma phase and 93 % of the dodecagonal tiling, 6 in the
rest, the middles of the wheels.

Bonds that are shorter than sqrt(2) times the shortest distance never cross, so that they cut the plane into tiles. In
the dodecagonal square-triangle tiling the number of triangles is 4 / sqrt(3) = 2.31 times that of squares, and each
kind has half of the area.

Sources: M. Oxborrow, C. L. Henley, Phys. Rev. B 48, 6966 (1993); cells from freud (V. Ramasubramani et al., Comput.
Phys. Commun. 254, 107275 (2020)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats

Index = NDArray[np.intp]
SHORT_SIDE = 0.2  # of the square root of the cell's area
COINCIDENT = 1e-4  # [length]; freud ends the process, without an exception, where two points are nearer than 1e-5


@dataclass(frozen=True)
class Cells:
    """Voronoi cells of N particles.

    Attributes:
        polygons: corners of each cell, counter-clockwise, N arrays of shape (corners, 2) [length]; cells at a face of
            the box reach out of it.
        areas: shape (N,) [length^2].
        sides: number of each cell's sides, short ones left out, shape (N,).
    """

    polygons: list[Floats]
    areas: Floats
    sides: Index

    def distribution(self) -> Floats:
        """Return the part of the cells with n sides, n being the index; it ends with the largest n."""
        return np.asarray(np.bincount(self.sides) / len(self.sides))


def voronoi_cells(positions: Floats, box: Floats, short_side: float = SHORT_SIDE) -> Cells:
    """Return the periodic Voronoi cells.

    Args:
        positions: shape (N, 2) [length]; they need not be in the box.
        box: edges, shape (2,) [length].
        short_side: sides shorter than this times the square root of their cell's area are not counted.

    Raises:
        SimulationError: if two particles are at the same place.
    """
    from freud.box import Box
    from freud.locality import Voronoi

    inside = _inside(positions, box)
    coinciding = _near_pairs(inside, box, COINCIDENT)
    if len(coinciding):
        first, second = coinciding[0]
        raise SimulationError(
            f"particles {first} and {second} are at the same place, {inside[first]}: no Voronoi cells"
        )
    frame = Box(*box)
    found = Voronoi().compute((frame, frame.wrap(np.column_stack([inside - box / 2, np.zeros(len(inside))]))))
    polygons = [np.asarray(corners[:, :2] + box / 2, dtype=np.float64) for corners in found.polytopes]
    areas = np.array(found.volumes, dtype=np.float64)
    lengths = [np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1) for corners in polygons]
    sides = [np.sum(length > short_side * np.sqrt(area)) for length, area in zip(lengths, areas, strict=True)]
    return Cells(polygons, areas, np.array(sides, dtype=np.intp))


def distinct(positions: Floats, box: Floats) -> Floats:
    """Return the positions (n, 2) in the box without those that coincide with another.

    Args:
        positions: shape (N, 2) [length]; they need not be in the box.
        box: edges, shape (2,) [length].
    """
    inside = _inside(positions, box)
    return np.delete(inside, np.unique(_near_pairs(inside, box, COINCIDENT)[:, 1]), axis=0)


def _inside(positions: Floats, box: Floats) -> Floats:
    return np.asarray(np.mod(np.mod(positions, box), box))  # twice: mod(-1e-20, L) is L, which trees refuse


def _near_pairs(inside: Floats, box: Floats, reach: float) -> Index:
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(inside, boxsize=box).query_pairs(reach, output_type="ndarray"))


@dataclass(frozen=True)
class Tiles:
    """The tiles between the bonds of one configuration.

    Attributes:
        triangles: their number.
        squares: number of tiles with four sides.
        area_of_triangles: part of the box's area that triangles cover.
        area_of_squares: the same of squares; what is left are tiles of more sides.
    """

    triangles: int
    squares: int
    area_of_triangles: float
    area_of_squares: float

    @property
    def ratio(self) -> float:
        """Triangles for each square: 4 / sqrt(3) = 2.31 in the dodecagonal tiling, 2 in the sigma phase."""
        return self.triangles / self.squares if self.squares else np.inf


def tiles(positions: Floats, box: Floats, longest: float) -> Tiles:
    """Return how many triangles and squares the bonds shorter than `longest` make.

    Args:
        positions: shape (N, 2) [length]; they need not be in the box.
        box: edges, shape (2,) [length].
        longest: a bond's length [length]: between the edge of a square and its diagonal, and less than sqrt(2) times
            the shortest distance between two particles, 1.25 diameters for hard disks at contact.

    Raises:
        SimulationError: if `longest` allows crossing bonds.
    """
    pairs = _near_pairs(inside := _inside(positions, box), box, longest)
    source, target = np.concatenate([pairs, pairs[:, ::-1]]).T
    vectors = inside[target] - inside[source]
    vectors -= box * np.rint(vectors / box)
    _check_planar(np.linalg.norm(vectors, axis=1), longest)
    following = _around_tiles(source, np.arctan2(vectors[:, 1], vectors[:, 0]))
    second, third = following[following], following[following[following]]
    # The triangle at a corner is all of a triangle, which has three corners; those of a square's four cover it twice.
    # A negative area is what lies around an island of bonds.
    corner = np.asarray(_cross(vectors, vectors[following]) / 2 / np.prod(box))
    threes = (third == np.arange(len(source))) & (corner > 0)
    around = corner + corner[following] + corner[second] + corner[third]
    there_and_back = (source == source[second]) | (source[following] == source[third])
    fours = (following[third] == np.arange(len(source))) & (around > 0) & ~there_and_back
    areas = float(corner[threes].sum() / 3), float(corner[fours].sum() / 2)
    return Tiles(int(threes.sum()) // 3, int(fours.sum()) // 4, *areas)


def _check_planar(lengths: Floats, longest: float) -> None:
    if len(lengths) and longest >= np.sqrt(2) * lengths.min():
        raise SimulationError(
            f"longest = {longest:.4g}: bonds may cross; less than sqrt(2) times the shortest distance is allowed, "
            f"{np.sqrt(2) * lengths.min():.4g}"
        )


def _around_tiles(source: Index, theta: Floats) -> Index:
    """Return the directed bond that follows each around the tile on its left; the second half are the reversed ones."""
    bonds = len(source)
    turned = np.lexsort((theta, source))  # counter-clockwise around each particle
    first = np.searchsorted(source[turned], source[turned], side="left")
    after = np.searchsorted(source[turned], source[turned], side="right")
    place = np.arange(bonds)
    clockwise = np.empty(bonds, dtype=np.intp)
    clockwise[turned] = turned[np.where(place > first, place - 1, after - 1)]
    return clockwise[(place + bonds // 2) % bonds]


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
