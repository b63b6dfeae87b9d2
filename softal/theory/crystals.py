"""Crystals of spheres of one and two kinds: where particles are in a cell, and which environment each has.

Cells are cuboids; a hexagonal cell (a, c) is doubled to (a, sqrt(3) a, c). Sites are those of the space groups, at
their ideal places: icosahedra of AB13 are regular, tetrahedra of the Laves phases, too.

Environments are those that one shell of neighbours tells apart, which for the Laves phases are six: of MgNi2, half of
the large and some of the small spheres have those of MgCu2 or MgZn2.

Sources: chapter 3 of E. Boattini's thesis (Utrecht, 2021), section 3.4 and figure 3.3; International Tables for
Crystallography A, Wyckoff positions of P6/mmm (AlB2), Fm-3c (NaZn13), Fd-3m (MgCu2), P6_3/mmc (MgZn2, MgNi2).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from softal.errors import TheoryError
from softal.numeric import Floats

Ints = NDArray[np.int64]
Site = tuple[int, str, Sequence[Sequence[float]]]  # kind of particle, environment, places

ENVIRONMENTS = (
    "fluid", "fcc", "hcp", "sc", "bcc", "NaCl", "AlB2_large", "AlB2_small", "AB13_large", "AB13_small",
    "MgCu2_large", "MgCu2_small", "MgZn2_large", "MgZn2_small_2a", "MgZn2_small_6h", "MgNi2_small_4f",
)  # fmt: skip
GOLDEN = (1 + math.sqrt(5)) / 2
TOUCHING = 0.11091  # z of AB13 at which neighbouring icosahedra are as far apart as their spheres from the middle
FACES = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))


@dataclass(frozen=True)
class Cell:
    """A cuboid cell: edges (3,) over the first one, places (n, 3) in [0, 1), types and labels (n,).

    Types are 0 and 1, of large and small particles; labels count `ENVIRONMENTS`.
    """

    edges: Floats
    places: Floats
    types: Ints
    labels: Ints


def cell(structure: str, size_ratio: float = 1.0) -> Cell:
    """Return the cell of a structure; the size ratio small/large changes those of AlB2 and AB13.

    Raises:
        TheoryError: for another structure.
    """
    if structure not in STRUCTURES:
        raise TheoryError(f"structure: {structure!r} is given; allowed: {', '.join(STRUCTURES)}")
    hexagonal, edges, sites = STRUCTURES[structure](size_ratio)
    places = [np.reshape(found, (-1, 3)) for _, _, found in sites]
    types = np.repeat([kind for kind, _, _ in sites], [len(one) for one in places])
    labels = np.repeat([ENVIRONMENTS.index(name) for _, name, _ in sites], [len(one) for one in places])
    x = np.concatenate(places).astype(np.float64)
    if hexagonal:
        x = np.column_stack([x[:, 0] - x[:, 1] / 2, x[:, 1] / 2, x[:, 2]])
        x, types, labels = np.concatenate([x, x + np.array([0.5, 0.5, 0.0])]), np.tile(types, 2), np.tile(labels, 2)
    x = x % 1.0
    return Cell(np.array(edges), np.where(x >= 1.0, 0.0, x), types.astype(np.int64), labels.astype(np.int64))


def binary(structure: str) -> bool:
    """Return whether a structure has two kinds of particles."""
    return bool(cell(structure).types.any())


@lru_cache(maxsize=256)
def densest(structure: str, size_ratio: float = 1.0) -> float:
    """Return the packing fraction at which the first two spheres touch."""
    found = cell(structure, size_ratio)
    d = np.where(found.types == 1, size_ratio, 1.0)
    closest = 0.0
    for image in itertools.product((-1, 0, 1), repeat=3):
        apart = (found.places[:, None] - found.places + image) * found.edges
        r = np.sqrt((apart**2).sum(axis=2))
        if image == (0, 0, 0):
            np.fill_diagonal(r, np.inf)
        closest = max(closest, float(((d[:, None] + d) / 2 / r).max()))
    return float(np.pi / 6 * (d**3).sum() / (closest**3 * found.edges.prod()))


def _cubic(*sites: Site) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    return False, (1.0, 1.0, 1.0), sites


def _hexagonal(c: float, *sites: Site) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    return True, (1.0, math.sqrt(3), c), sites


def _centred(*places: Sequence[float]) -> list[list[float]]:
    return [[a + b for a, b in zip(place, shift, strict=True)] for place in places for shift in FACES]


def _al_b2(ratio: float) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    """Large spheres in layers right above one another, small ones in the prisms between; they touch where they can."""
    a = max(1.0, math.sqrt(3) * ratio)
    c = max(1.0, math.sqrt(max((1 + ratio) ** 2 - 4 * a * a / 3, 0.0)))
    small = [(1 / 3, 2 / 3, 0.5), (2 / 3, 1 / 3, 0.5)]
    return _hexagonal(c / a, (0, "AlB2_large", [(0, 0, 0)]), (1, "AlB2_small", small))


def icosahedron(ratio: float) -> float:
    """Return z of AB13's icosahedra (0, golden z, z): their spheres touch the middle one, and large ones if they can."""

    def gap(z: float) -> float:
        to_large = math.sqrt(0.0625 + (0.25 - GOLDEN * z) ** 2 + (0.25 - z) ** 2)
        return to_large / (z * math.sqrt(1 + GOLDEN**2)) - (1 + ratio) / (2 * ratio)

    return TOUCHING if gap(TOUCHING) > 0 else float(brentq(gap, 1e-3, TOUCHING))


def _ab13(ratio: float) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    z = icosahedron(ratio)
    y = GOLDEN * z
    large = list(itertools.product((0.25, 0.75), repeat=3))
    middles = list(itertools.product((0.0, 0.5), repeat=3))
    around = []
    for middle in middles:
        near, far = (y, z) if round(2 * sum(middle)) % 2 == 0 else (z, y)  # every second one is turned
        for axis, first, second in itertools.product(range(3), (near, -near), (far, -far)):
            around.append(np.array(middle) + np.roll([0.0, first, second], axis))
    small = (1, "AB13_small", [*middles, *around])
    return _cubic((0, "AB13_large", large), small)


def _mg_cu2(_: float) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    large = _centred((0, 0, 0), (0.25, 0.25, 0.25))
    small = _centred((5 / 8, 5 / 8, 5 / 8), (5 / 8, 7 / 8, 7 / 8), (7 / 8, 5 / 8, 7 / 8), (7 / 8, 7 / 8, 5 / 8))
    return _cubic((0, "MgCu2_large", large), (1, "MgCu2_small", small))


def _mg_zn2(_: float) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    return _hexagonal(
        math.sqrt(8 / 3),
        (0, "MgZn2_large", _4f(1 / 16)),
        (1, "MgZn2_small_2a", [(0, 0, 0), (0, 0, 0.5)]),
        (1, "MgZn2_small_6h", _6h(-1 / 6)),
    )


def _mg_ni2(_: float) -> tuple[bool, tuple[float, float, float], tuple[Site, ...]]:
    z, triangles = 3 / 32, [(0.5, 0, h) for h in (0, 0.5)] + [(0, 0.5, h) for h in (0, 0.5)]
    return _hexagonal(
        2 * math.sqrt(8 / 3),
        (0, "MgCu2_large", [(0, 0, z), (0, 0, z + 0.5), (0, 0, -z), (0, 0, 0.5 - z)]),
        (0, "MgZn2_large", _4f(27 / 32)),
        (1, "MgCu2_small", [*triangles, (0.5, 0.5, 0), (0.5, 0.5, 0.5)]),
        (1, "MgZn2_small_6h", _6h(1 / 6)),
        (1, "MgNi2_small_4f", _4f(1 / 8)),
    )


def _4f(z: float) -> list[tuple[float, float, float]]:
    return [(1 / 3, 2 / 3, z), (2 / 3, 1 / 3, z + 0.5), (2 / 3, 1 / 3, -z), (1 / 3, 2 / 3, 0.5 - z)]


def _6h(x: float) -> list[tuple[float, float, float]]:
    above = [(x, 2 * x, 0.25), (-2 * x, -x, 0.25), (x, -x, 0.25)]
    return above + [(-a, -b, 0.75) for a, b, _ in above]


STRUCTURES: dict[str, Callable[[float], tuple[bool, tuple[float, float, float], tuple[Site, ...]]]] = {
    "fcc": lambda _: _cubic((0, "fcc", FACES)),
    "hcp": lambda _: _hexagonal(math.sqrt(8 / 3), (0, "hcp", [(1 / 3, 2 / 3, 0.25), (2 / 3, 1 / 3, 0.75)])),
    "sc": lambda _: _cubic((0, "sc", [(0, 0, 0)])),
    "bcc": lambda _: _cubic((0, "bcc", [(0, 0, 0), (0.5, 0.5, 0.5)])),
    "NaCl": lambda _: _cubic((0, "NaCl", FACES), (1, "NaCl", _centred((0.5, 0.5, 0.5)))),
    "AlB2": _al_b2,
    "AB13": _ab13,
    "MgCu2": _mg_cu2,
    "MgZn2": _mg_zn2,
    "MgNi2": _mg_ni2,
}
