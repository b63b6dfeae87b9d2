"""Perfect tilings: unit edges, tiles that are squares and triangles only, their numbers, and their diffraction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from softal.errors import SimulationError
from softal.simulators.observables.diffraction import diffraction_pattern
from softal.simulators.observables.tilings import (
    INFLATION,
    Tiling,
    dodecagonal,
    hexagonal_lattice,
    inflated,
    rhombic,
    sigma_phase,
    square_lattice,
)

PERIODIC = {
    "square": square_lattice(5, 7),
    "hexagonal": hexagonal_lattice(6, 4),
    "sigma": sigma_phase(3, 2),
    "dodecagonal 1": dodecagonal(1),
    "dodecagonal 2": dodecagonal(2, "square"),
    "dodecagonal 2s": dodecagonal(2, "sigma", seed=5),
    "dodecagonal 3": dodecagonal(3, "square"),
}


def gaps(tiling: Tiling) -> np.ndarray:
    """The angles [degree] between successive edges around all vertices, brute force over all pairs."""
    x, box = tiling
    apart = x[None] - x[:, None]
    apart -= box * np.rint(apart / box)
    edge = np.abs(np.linalg.norm(apart, axis=-1) - 1) < 1e-6
    found = []
    for vectors, near in zip(apart, edge, strict=True):
        angles = np.sort(np.degrees(np.arctan2(vectors[near, 1], vectors[near, 0])))
        found.append(np.diff(angles, append=angles[0] + 360))
    return np.concatenate(found)


@pytest.mark.parametrize("name", PERIODIC)
def test_edges_are_one_and_all_tiles_are_squares_or_triangles(name: str) -> None:
    """Faces whose angles are all 60 or 90 degrees, with edges 1, can only be triangles and squares."""
    x, box = PERIODIC[name]
    assert np.all((x >= 0) & (x < box))
    distances, _ = cKDTree(x, boxsize=box).query(x, k=2)
    assert distances[:, 1] == pytest.approx(np.ones(len(x)), abs=1e-9)
    angles = gaps(PERIODIC[name])
    triangles = np.abs(angles - 60) < 1e-5
    squares = np.abs(angles - 90) < 1e-5
    assert np.all(triangles | squares)
    # Nothing is left out: the tiles fill the box.
    assert triangles.sum() / 3 * np.sqrt(3) / 4 + squares.sum() / 4 == pytest.approx(np.prod(box))


@pytest.mark.parametrize(("parent", "numbers"), [("square", (1, 15, 209, 2911)), ("sigma", (4, 56, 780, 10864))])
def test_numbers_of_the_inflation(parent: str, numbers: tuple[int, ...]) -> None:
    triangles, squares = {"square": (0, 1), "sigma": (4, 2)}[parent]
    for generation, number in enumerate(numbers):
        tiling = dodecagonal(generation, parent)  # type: ignore[arg-type]
        assert len(tiling.positions) == number == triangles // 2 + squares
        assert np.prod(tiling.box) == pytest.approx(triangles * np.sqrt(3) / 4 + squares)
        triangles, squares = 7 * triangles + 16 * squares, 3 * triangles + 7 * squares
    assert triangles / squares == pytest.approx(4 / np.sqrt(3), rel=1e-4)


def test_orientations_of_wheels_are_of_the_seed() -> None:
    first, same, other = (dodecagonal(2, "square", seed) for seed in (0, 0, 1))
    assert np.array_equal(first.positions, same.positions)
    assert not np.allclose(np.sort(first.positions, axis=0), np.sort(other.positions, axis=0), atol=1e-3)


def test_inflation_of_a_crystal_of_triangles() -> None:
    """T = 2 N triangles become 7 T, and 3 T squares; edges of the parent point along 0, 60 ... degrees."""
    parent = hexagonal_lattice(2, 2)
    child = inflated(parent, 0.0, np.zeros(4, dtype=int))
    assert len(child.positions) == 7 * 8 // 2 + 3 * 8
    assert child.box == pytest.approx(parent.box * INFLATION)
    assert set(np.rint(gaps(child)).astype(int)) == {60, 90}


def test_dodecagonal_tiling_has_twelve_peaks_as_bright_as_a_crystals() -> None:
    """The brightest ring has 12 peaks, 30 degrees apart, with more than 70 % of N each."""
    x, box = dodecagonal(2, "sigma")
    S = diffraction_pattern(x, box, 64)
    S[64, 64] = 0
    peaks = np.argwhere(S / len(x) > 0.7) - 64
    assert len(peaks) == 12
    angles = np.sort(np.degrees(np.arctan2(*peaks.T)))
    assert np.diff(angles) == pytest.approx(np.full(11, 30), abs=1.0)
    assert np.ptp(np.hypot(*peaks.T)) < 1.0


@pytest.mark.parametrize(
    ("fold", "shortest", "density"),
    [
        # Vertices per area: one for each tile. Each pair of directions has rhombi in the ratio of their areas,
        # sin(pi j / (fold / 2)), so that density is the mean of sin over the mean of sin^2.
        (8, 2 * np.sin(np.pi / 8), (1 + np.sqrt(2)) / 2),
        (10, 2 * np.sin(np.pi / 10), 1.2311),
        (12, 2 * np.sin(np.pi / 12), (2 + np.sqrt(3)) / 3),
        (18, 2 * np.sin(np.pi / 18), 1.2602),
    ],
)
def test_rhombic_tilings(fold: int, shortest: float, density: float) -> None:
    x, box = rhombic(fold, 40)
    distances, _ = cKDTree(x).query(x, k=2)
    assert distances[:, 1].min() == pytest.approx(shortest)
    ratios = np.sin(2 * np.pi / fold * np.arange(1, fold // 2))
    assert ratios.sum() / (ratios**2).sum() == pytest.approx(density, rel=1e-4)
    # The number fluctuates by less than one vertex for every two units of the square's edges.
    assert len(x) == pytest.approx(density * 1600, abs=80)
    assert np.all((x >= 0) & (x < box))


@pytest.mark.parametrize("fold", [4, 6, 9])
def test_folds_without_a_rhombic_tiling(fold: int) -> None:
    with pytest.raises(SimulationError, match=f"fold = {fold}: rhombic tilings are made of fold 8, 10, 12, 14, 18"):
        rhombic(fold, 10)


def test_an_odd_number_of_hexagonal_rows_does_not_close() -> None:
    with pytest.raises(SimulationError, match=r"rows = 5: .* even number of rows"):
        hexagonal_lattice(6, 5)
