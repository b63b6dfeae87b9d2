"""Pictures of configurations: cells against what lattices have, peaks where they belong, nothing drawn of nonsense."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from softal.simulators.observables.voronoi import distinct, voronoi_cells
from softal.simulators.snapshots import SIDES, Snapshot, configuration_png, pattern_png, picture
from softal.trial import Array

Floats = np.ndarray


def square(m: int = 8, spacing: float = 1.1) -> tuple[Floats, Floats]:
    x = np.stack(np.meshgrid(np.arange(m), np.arange(m)), axis=-1).reshape(-1, 2) + 0.5
    return x * spacing, np.full(2, m * spacing)


def hexagonal(m: int = 8, spacing: float = 1.1) -> tuple[Floats, Floats]:
    row = np.column_stack([np.arange(m), np.zeros(m)])
    pair = np.concatenate([row, row + np.array([0.5, np.sqrt(0.75)])])
    x = np.concatenate([pair + np.array([0, 2 * j * np.sqrt(0.75)]) for j in range(m // 2)]) + 0.2
    return x * spacing, np.array([m, m * np.sqrt(0.75)]) * spacing


def jiggled(x: Floats, width: float, seed: int = 0) -> Floats:
    return x + width * np.random.default_rng(seed).standard_normal(x.shape)


def arrays(x: Floats, box: Floats, pattern: Floats | None = None) -> dict[str, Array]:
    found = {"snapshot": Array(x), "box": Array(box)}
    return found if pattern is None else {**found, "diffraction": Array(pattern)}


def drawn(png: bytes | None) -> Floats:
    """Return a picture's colours, (rows from the top, columns, 3)."""
    assert png is not None
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def area(cell: Floats) -> float:
    x, y = cell.T
    return 0.5 * abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))


@pytest.mark.parametrize(("lattice", "sides"), [(square, 4), (hexagonal, 6)])
@pytest.mark.parametrize("width", [0.0, 0.03], ids=["perfect", "thermal"])
def test_crystals_have_the_cells_of_their_lattice(lattice: object, sides: int, width: float) -> None:
    x, box = lattice()  # type: ignore[operator]
    cells = voronoi_cells(jiggled(x, width), box)
    assert cells.sides.tolist() == [sides] * len(x)
    assert sum(area(cell) for cell in cells.polygons) == pytest.approx(box.prod())


def test_cells_of_random_points_have_six_sides_on_average() -> None:
    """Euler's relation on the torus, but for the sides that are not counted."""
    x = np.random.default_rng(1).random((400, 2)) * 20
    cells = voronoi_cells(x, np.full(2, 20.0))
    assert np.mean([len(cell) for cell in cells.polygons]) == pytest.approx(6.0)
    assert 4.0 < cells.sides.mean() < 6.0


def test_centres_that_coincide_are_one_cell() -> None:
    """Voro++ would end the process."""
    x, box = square(4)
    twice = np.concatenate([x, x[:2], x[2:3] + 1e-6, x[3:4] + box])
    assert len(voronoi_cells(distinct(twice, box), box).polygons) == len(x)


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"snapshot": Array(np.ones((9, 2)))},
        {"box": Array(np.ones(2))},
        arrays(np.ones(9), np.ones(2)),
        arrays(np.ones((9, 3)), np.ones(3)),
        arrays(np.ones((9, 2)), np.ones(3)),
        arrays(np.ones((2, 2)), np.ones(2)),
        arrays(np.full((9, 2), np.nan), np.ones(2)),
        arrays(np.random.default_rng(0).random((9, 2)), np.array([1.0, 0.0])),
        arrays(np.random.default_rng(0).random((9, 2)), np.array([1.0, np.inf])),
    ],
    ids=[
        "nothing",
        "no box",
        "no snapshot",
        "flat",
        "three columns",
        "box in 3D",
        "two",
        "nan",
        "no width",
        "infinite",
    ],
)
def test_nonsense_is_not_drawn(nonsense: dict[str, Array]) -> None:
    assert Snapshot.of(nonsense) is None


@pytest.mark.parametrize(
    "pattern",
    [np.ones(5), np.ones((5, 7)), np.ones((4, 4)), np.full((5, 5), np.nan)],
    ids=["flat", "oblong", "even", "nan"],
)
def test_a_pattern_that_is_none_is_left_out(pattern: Floats) -> None:
    snapshot = Snapshot.of(arrays(*square(), pattern))
    assert snapshot is not None
    assert pattern_png(snapshot) is None


@pytest.mark.parametrize(("lattice", "sides"), [(square, 4), (hexagonal, 6)])
def test_the_picture_is_the_box_and_has_the_colour_of_its_cells(lattice: object, sides: int) -> None:
    x, box = lattice()  # type: ignore[operator]
    snapshot = Snapshot.of(arrays(jiggled(x, 0.02) + 3 * box, box))  # positions out of the box are taken into it
    assert snapshot is not None
    colours = drawn(configuration_png(snapshot, 300))
    assert colours.shape == (pytest.approx(300 * box[1] / box[0], abs=1), 300, 3)
    cell = np.array([int(SIDES[sides][i : i + 2], 16) for i in (1, 3, 5)])
    core = 255 * 0.4 + 0.6 * cell
    plain, disc = (np.all(np.abs(colours - np.asarray(part)) < 8, axis=2) for part in (cell, core))
    assert disc.mean() == pytest.approx(np.pi / 4 * len(x) / box.prod(), abs=0.06)  # but for the lines on the cores
    assert plain.mean() > 0.3 * (1 - np.pi / 4 * len(x) / box.prod())


def test_cells_reach_over_the_edges() -> None:
    """Nothing of the picture is left empty, whose ground is white."""
    x = np.random.default_rng(2).random((60, 2)) * 9
    snapshot = Snapshot.of(arrays(x, np.full(2, 9.0)))
    assert snapshot is not None
    colours = drawn(configuration_png(snapshot, 200))
    edge = np.concatenate([colours[1], colours[-2], colours[:, 1], colours[:, -2]])
    assert not np.any(np.all(edge == 255, axis=1))


def test_a_peak_stands_where_its_wave_vector_does() -> None:
    pattern = np.ones((33, 33))
    pattern[16 + 12, 16 + 4] = 100.0  # n = (12, 4) in a box that is twice as wide as high
    pattern[16, 16] = 1e6
    snapshot = Snapshot.of(arrays(np.random.default_rng(0).random((9, 2)), np.array([20.0, 10.0]), pattern))
    assert snapshot is not None
    brightness = drawn(pattern_png(snapshot, 320)).sum(axis=2)
    row, column = (np.mean(index) for index in np.nonzero(brightness == brightness.max()))
    shown = min(19.0, 2 * np.pi / 20 * 16)  # the square of k that holds data in every direction
    k = 2 * np.pi * np.array([12 / 20, 4 / 10])
    np.testing.assert_allclose([column, 320 - row], 160 * (1 + k / shown), atol=6)
    assert brightness[160, 160] < 10  # k = 0, black


def rods(z: Floats, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    u = np.column_stack([0.1 * rng.standard_normal((len(z), 2)), np.ones(len(z))])
    return np.column_stack([rng.random((len(z), 2)) * 10, z, u / np.linalg.norm(u, axis=1)[:, None]])


def test_of_layers_the_fullest_is_seen() -> None:
    sizes, box = (50, 70, 60), np.array([10.0, 10.0, 18.0])
    z = np.concatenate([np.full(n, 1.0 + 6 * i) for i, n in enumerate(sizes)])
    x = rods(jiggled(z, 0.5))
    snapshot = Snapshot.of(arrays(x, box))
    assert snapshot is not None
    assert snapshot.view == "one of 3 layers from above"
    np.testing.assert_allclose(snapshot.positions, x[50:120, :2])
    np.testing.assert_allclose(snapshot.directions, x[50:120, 3:5])  # type: ignore[arg-type]


def test_without_layers_a_slice_is_seen() -> None:
    box = np.array([10.0, 10.0, 30.0])
    snapshot = Snapshot.of(arrays(rods(np.random.default_rng(3).random(600) * 30), box))
    assert snapshot is not None
    assert snapshot.view == "a slice from above"
    assert len(snapshot.positions) == pytest.approx(100 / 1.5, rel=0.4)


@pytest.mark.parametrize("pattern", [None, np.ones((9, 9))], ids=["configuration", "both"])
def test_the_picture_of_a_trial_has_both_side_by_side(pattern: Floats | None) -> None:
    found = picture(arrays(*hexagonal(), pattern), "trial 3: P_$qc12$ = 1")
    assert found is not None
    assert found.arrays == {"snapshot", "box", "core", "diffraction"}
    height, width, _ = drawn(found.png).shape
    assert (width > 1.5 * height) == (pattern is not None)


def test_cores_of_another_diameter_are_drawn_as_such() -> None:
    x, box = np.array([[0.5, 0.5], [1.5, 0.5], [0.5, 1.5], [1.5, 1.5]]), np.array([2.0, 2.0])
    arrays = {"snapshot": Array.of(x), "box": Array.of(box)}
    plain, smaller = (Snapshot.of(arrays | more) for more in ({}, {"core": Array.of([0.5])}))
    assert plain is not None
    assert smaller is not None
    assert (plain.core, smaller.core) == (1.0, 0.5)
    assert configuration_png(smaller) != configuration_png(plain)
