"""Voronoi cells and tiles: perfect tilings, areas that fill the box, and faces counted by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables.threads import limited_threads
from softal.simulators.observables.tilings import (
    Tiling,
    dodecagonal,
    hexagonal_lattice,
    sigma_phase,
    square_lattice,
)
from softal.simulators.observables.voronoi import tiles, voronoi_cells

BOX = np.array([11.0, 14.0])


def shaken(tiling: Tiling, width: float, seed: int = 0) -> Tiling:
    noise = np.random.default_rng(seed).normal(scale=width, size=tiling.positions.shape)
    return Tiling(tiling.positions + noise, tiling.box)


@pytest.mark.parametrize(
    ("tiling", "parts"),
    [
        (square_lattice(6, 8), {4: 1.0}),
        (hexagonal_lattice(6, 8), {6: 1.0}),
        (sigma_phase(3, 3), {5: 1.0}),
        (dodecagonal(2), {5: 1 - 56 / 780, 6: 56 / 780}),  # the parent's vertices are the middles of the wheels
    ],
)
@pytest.mark.parametrize("motion", [0.0, 0.02])
def test_sides_of_perfect_and_of_warm_tilings(tiling: Tiling, parts: dict[int, float], motion: float) -> None:
    with limited_threads(1):
        distribution = voronoi_cells(*shaken(tiling, motion)).distribution()
    assert distribution.sum() == pytest.approx(1)
    for sides, part in parts.items():
        assert distribution[sides] == pytest.approx(part, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_cells_fill_the_box_and_have_six_sides_on_average(seed: int) -> None:
    x = np.random.default_rng(seed).uniform(size=(200, 2)) * BOX
    with limited_threads(1):
        cells = voronoi_cells(x, BOX, short_side=0.0)
    assert cells.areas.sum() == pytest.approx(np.prod(BOX), rel=1e-5)
    assert cells.sides.mean() == pytest.approx(6, abs=1e-9)  # Euler's theorem on a torus
    for corners, area, particle in zip(cells.polygons, cells.areas, x, strict=True):
        a, b = corners, np.roll(corners, -1, axis=0)
        assert abs(np.sum(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])) / 2 == pytest.approx(area, rel=1e-3)
        assert np.all(np.abs(corners.mean(axis=0) - particle) < BOX / 2)


def test_a_cell_is_what_is_nearest_to_its_particle() -> None:
    x = np.random.default_rng(3).uniform(size=(40, 2)) * BOX
    with limited_threads(1):
        areas = voronoi_cells(x, BOX).areas
    points = np.random.default_rng(4).uniform(size=(40_000, 2)) * BOX
    apart = points[:, None] - x[None]
    nearest = np.linalg.norm(apart - BOX * np.rint(apart / BOX), axis=-1).argmin(axis=1)
    parts = np.bincount(nearest, minlength=40) / 40_000
    expected = areas / np.prod(BOX)
    assert np.all(np.abs(parts - expected) < 4.5 * np.sqrt(expected / 40_000))


def test_particles_at_the_same_place_are_refused_and_not_the_end_of_the_process() -> None:
    x = np.array([[1.0, 1.0], [5.0, 5.0], [1.0 + 11.0, 1.0], [8.0, 2.0]])
    with pytest.raises(SimulationError, match="particles 0 and 2 are at the same place"):
        voronoi_cells(x, BOX)


@pytest.mark.parametrize(
    ("tiling", "triangles", "squares"),
    [
        (square_lattice(6, 8), 0, 48),
        (hexagonal_lattice(6, 8), 96, 0),
        (sigma_phase(3, 3), 36, 18),
        (dodecagonal(2), 836, 362),
    ],
)
@pytest.mark.parametrize("motion", [0.0, 0.02])
def test_tiles_of_perfect_and_of_warm_tilings(tiling: Tiling, triangles: int, squares: int, motion: float) -> None:
    found = tiles(*shaken(tiling, motion), 1.2)
    assert (found.triangles, found.squares) == (triangles, squares)
    assert found.area_of_triangles + found.area_of_squares == pytest.approx(1, abs=1e-9)
    if not motion:
        assert found.area_of_squares == pytest.approx(squares / np.prod(tiling.box))


def test_half_of_the_dodecagonal_tiling_is_squares() -> None:
    found = tiles(*dodecagonal(3, "square"), 1.2)
    assert found.ratio == pytest.approx(4 / np.sqrt(3), rel=1e-4)
    assert found.area_of_squares == pytest.approx(0.5, abs=1e-6)


def test_holes_are_neither_triangles_nor_squares() -> None:
    """One particle taken out of a square crystal leaves an octagon for four squares; out of a hexagonal, a hexagon."""
    x, box = square_lattice(6, 6)
    found = tiles(x[1:], box, 1.2)
    assert (found.triangles, found.squares, found.area_of_squares) == (0, 32, pytest.approx(32 / 36))
    x, box = hexagonal_lattice(6, 6)
    found = tiles(x[1:], box, 1.2)
    assert (found.triangles, found.squares, found.area_of_triangles) == (66, 0, pytest.approx(66 / 72))


@pytest.mark.parametrize(
    ("island", "triangles", "squares"),
    [
        ([[0, 0], [1, 0]], 0, 0),
        ([[0, 0], [1, 0], [2, 0]], 0, 0),
        ([[0, 0], [1, 0], [0.5, 0.9]], 1, 0),
        ([[0, 0], [1, 0], [1, 1], [0, 1]], 0, 1),
        ([[0, 0], [1, 0], [1, 1], [0, 1], [2, 0]], 0, 1),
    ],
)
def test_islands_of_bonds(island: list[list[float]], triangles: int, squares: int) -> None:
    """What lies around an island has as many edges as the island, and is no tile."""
    found = tiles(np.array(island, dtype=float) + 3, BOX, 1.2)
    assert (found.triangles, found.squares) == (triangles, squares)
    expected = {(0, 0): 0.0, (1, 0): 0.45, (0, 1): 1.0}[triangles, squares]
    assert (found.area_of_triangles + found.area_of_squares) * np.prod(BOX) == pytest.approx(expected)


def test_no_bonds_no_tiles() -> None:
    found = tiles(np.array([[1.0, 1.0], [5.0, 5.0]]), BOX, 1.2)
    assert (found.triangles, found.squares, found.ratio) == (0, 0, np.inf)


def test_bonds_that_may_cross_are_refused() -> None:
    with pytest.raises(SimulationError, match=r"longest = 1.45: bonds may cross; .* 1.414"):
        tiles(*square_lattice(6, 6), 1.45)
