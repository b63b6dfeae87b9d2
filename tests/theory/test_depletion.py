"""What depletion layers share: against closed forms, integration by random points, a grid, limits and symmetries."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body import depletion
from softal.theory.many_body.intersections import common, lens, triple

pytestmark = pytest.mark.physics  # compiles

Q = 0.4
TETRAHEDRON = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 8**0.5  # sides of 1
SQUARE = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]]) / 2**0.5
OCTAHEDRON = np.vstack([SQUARE, [[0, 0, 0.5**0.5], [0, 0, -(0.5**0.5)]]])


def scattered(n: int, edge: float, seed: int) -> tuple[Floats, Floats]:
    """Return positions of hard spheres in a box whose sides differ a little."""
    rng, box = np.random.default_rng(seed), edge * np.array([1.0, 1.05, 0.95])
    positions: list[Floats] = []
    while len(positions) < n:
        place = rng.random(3) * box
        apart = np.array(positions).reshape(-1, 3) - place
        apart -= box * np.rint(apart / box)
        if (np.linalg.norm(apart, axis=1) >= 1).all():
            positions.append(place)
    return np.array(positions), box


def inside(centres: Floats, R: float, points: Floats) -> Floats:
    """Return how many of the spheres each point is in."""
    return np.sum([np.sum((points - centre) ** 2, axis=1) < R * R for centre in centres], axis=0)


def turned(x: Floats, rng: np.random.Generator) -> Floats:
    return x @ np.linalg.qr(rng.normal(size=(3, 3)))[0] + rng.normal(size=3)


def test_volumes_that_were_calculated_elsewhere() -> None:
    """PHYSICS.md, E: to 1e-5 at q = 0.4."""
    assert lens(1.0, 0.7) == pytest.approx(0.159174, abs=1e-6)
    assert triple(1.0, 1.0, 1.0, 0.7) == pytest.approx(0.029931, abs=1e-5)
    assert triple(1.21, 1.21, 1.21, 0.7) == pytest.approx(0.006492, abs=1e-5)


def test_two_and_three_spheres_are_those_of_any_number() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        x, R = rng.uniform(-1, 1, (3, 3)) * rng.uniform(0.3, 1), rng.uniform(0.6, 1.2)
        a, b, c = (float(np.sum((x[i] - x[j]) ** 2)) for i, j in ((0, 1), (0, 2), (1, 2)))
        assert triple(a, b, c, R) == pytest.approx(common(x, R), abs=1e-12)
        assert lens(a**0.5, R) == pytest.approx(common(x[:2], R), abs=1e-12)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 8])
def test_many_spheres_have_what_random_points_find(n: int) -> None:
    rng, R = np.random.default_rng(n), 0.7
    x = rng.normal(size=(n, 3))
    x *= 0.5 / np.linalg.norm(x, axis=1).max()
    points = rng.uniform(-1.2, 1.2, (400_000, 3))
    part = np.mean(inside(x, R, points) == n)
    error = 2.4**3 * np.sqrt(part / len(points))
    assert 2.4**3 * part > 0.1
    assert abs(common(x, R) - 2.4**3 * part) < 4 * error


@pytest.mark.parametrize("x", [TETRAHEDRON, SQUARE, OCTAHEDRON])
@pytest.mark.parametrize("R", [0.72, 0.9, 1.3])
def test_symmetric_sets_are_no_exceptions(x: Floats, R: float) -> None:
    """Corners that coincide, as in crystals, give what they give a little apart, and however one looks."""
    rng, found = np.random.default_rng(1), common(x, R)
    assert found > 0
    assert common(turned(x, rng)[rng.permutation(len(x))], R) == pytest.approx(found, abs=1e-13)
    assert common(x + rng.normal(0, 1e-9, x.shape), R) == pytest.approx(found, abs=2e-8)


def test_spheres_far_apart_near_together_and_hidden_ones() -> None:
    assert common(SQUARE, 0.7) == triple(1.0, 1.0, 2.0, 0.7) == lens(1.4, 0.7) == 0
    assert common(TETRAHEDRON * 1e-6, 0.7) == pytest.approx(4 * np.pi / 3 * 0.7**3, rel=1e-5)
    behind = np.array([[-0.6, 0, 0], [0.6, 0, 0], [0.05, 0.02, 0.01]])  # the last one has all that the others share
    assert common(behind, 0.7) == pytest.approx(lens(1.2, 0.7), abs=1e-14)


def test_the_part_that_pairs_leave_out_is_what_three_and_more_share() -> None:
    """The sign: a triangle's free volume is less than pairs say, by once what three share."""
    box = np.full(3, 6.0)
    x = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.75**0.5, 0]]) + 3
    R, v = 0.7, 4 * np.pi / 3 * 0.7**3
    shared = triple(1.0, 1.0, 1.0, R)
    assert depletion.particle_energies(x, box, Q) == pytest.approx(np.full(3, shared / 3), abs=1e-12)
    assert depletion.free_volume(x, box, Q) == pytest.approx(box.prod() - 3 * v + 3 * lens(1.0, R) - shared, abs=1e-12)
    assert depletion.free_volume(x, box, Q) < box.prod() - 3 * v + 3 * lens(1.0, R)


def test_four_touching_ones_share_three_times_what_all_have() -> None:
    w = depletion.particle_energies(TETRAHEDRON + 3, np.full(3, 6.0), Q)
    four = common(TETRAHEDRON, 0.7)
    assert 0 < four < 0.01
    assert w.sum() == pytest.approx(4 * triple(1.0, 1.0, 1.0, 0.7) - four, abs=1e-12)


@pytest.mark.parametrize(("n", "edge", "q"), [(60, 4.6, 0.4), (40, 4.4, 0.8), (40, 4.4, 1.0)])
def test_a_fluid_has_what_a_fine_grid_finds(n: int, edge: float, q: float) -> None:
    positions, box = scattered(n, edge, 5)
    w, free = depletion.particle_energies(positions, box, q), depletion.free_volume(positions, box, q)
    shares, counted = depletion.on_grid(positions, box, q, 2_000_000)
    assert (w >= 0).all()
    assert np.abs(w - shares).max() < 0.005 * max(w.max(), 0.2)
    assert w.sum() == pytest.approx(shares.sum(), rel=0.01)
    assert free == pytest.approx(counted, rel=0.003)
    R = depletion.radius(q)
    apart = n * 4 * np.pi * R**3 / 3 - depletion.pairs(positions, box, R)
    assert free == pytest.approx(box.prod() - apart - w.sum(), rel=1e-10)
    assert depletion.shared(positions, box, R) == pytest.approx(w.sum(), abs=1e-10)


def test_the_union_of_spheres_is_what_random_points_find() -> None:
    positions, box = scattered(40, 4.6, 8)
    for q in (0.4, 0.8):
        R, rng = depletion.radius(q), np.random.default_rng(2)
        images = [positions + box * np.array(shift) for shift in itertools.product((-1, 0, 1), repeat=3)]
        part = np.mean(inside(np.vstack(images), R, rng.random((20_000, 3)) * box) > 0)
        error = box.prod() * np.sqrt(part * (1 - part) / 20_000)
        assert abs(depletion.union(positions, box, R) - part * box.prod()) < 4 * error


@pytest.mark.parametrize("q", [0.4, 0.8])
def test_crystals_are_no_exceptions(q: float) -> None:
    """Face-centred cubic, touching: all particles alike, and squares of four whose corners coincide."""
    cell = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) * 2**0.5
    corners = np.array(list(itertools.product(range(3), repeat=3))) * 2**0.5
    positions, box = (corners[:, None] + cell).reshape(-1, 3), np.full(3, 3 * 2**0.5)
    w = depletion.particle_energies(positions * 1.001, box * 1.001, q)
    assert w == pytest.approx(w[0], abs=1e-11)
    shares, counted = depletion.on_grid(positions * 1.001, box * 1.001, q, 3_000_000)
    assert w.sum() == pytest.approx(shares.sum(), rel=0.01)
    assert depletion.free_volume(positions * 1.001, box * 1.001, q) == pytest.approx(counted, abs=0.05)


def test_few_layers_meet_where_polymers_are_small() -> None:
    """The thresholds of the module: circumradii of a triangle, a tetrahedron and an octahedron of side 1."""
    positions, box = scattered(60, 4.6, 3)
    assert depletion.particle_energies(positions, box, 0.1547).max() == 0
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.75**0.5, 0]]) + 2
    for x, least in ((triangle, 0.1548), (TETRAHEDRON, 0.2248), (OCTAHEDRON, 0.4143)):
        assert common(x, depletion.radius(least)) > 0
        assert common(x, depletion.radius(least - 2e-4)) == 0


@pytest.mark.parametrize("q", [0.4, 0.9])
def test_it_is_the_same_however_one_looks(q: float) -> None:
    rng, (positions, box) = np.random.default_rng(4), scattered(40, 4.6, 6)
    w, order = depletion.particle_energies(positions, box, q), rng.permutation(40)
    moved = (positions[order] + rng.normal(size=3) * 5) % box
    assert depletion.particle_energies(moved, box, q) == pytest.approx(w[order], abs=1e-10)
    axes = [2, 0, 1]
    assert depletion.particle_energies(positions[:, axes], box[axes], q) == pytest.approx(w, abs=1e-10)
    aside = positions + rng.normal(0, 1e-7, positions.shape)
    assert depletion.particle_energies(aside, box, q) == pytest.approx(w, abs=1e-4)


@pytest.mark.parametrize("q", [0.4, 0.8, 1.0])
def test_a_moved_particle_changes_the_whole_by_what_it_covers(q: float) -> None:
    rng, (positions, box) = np.random.default_rng(7), scattered(40, 4.6, 7)
    R = depletion.radius(q)
    for several in (True, False):
        for i in range(5):
            moved = positions.copy()
            moved[i] += rng.normal(0, 0.3, 3)
            before, after = (-covered(x, box, i, R, several) for x in (positions, moved))
            whole = [free(x, box, R, several) for x in (positions, moved)]
            assert after - before == pytest.approx(whole[1] - whole[0], abs=1e-10)


def covered(x: Floats, box: Floats, i: int, R: float, several: bool) -> float:
    away = np.delete(x, i, axis=0) - x[i]
    away -= box * np.rint(away / box)
    near = away[np.linalg.norm(away, axis=1) < 2 * R]
    return float(depletion.covered(np.ascontiguousarray(near), R, several))


def free(x: Floats, box: Floats, R: float, several: bool) -> float:
    """Return minus the free volume, but for a constant."""
    return float(depletion.union(x, box, R) if several else -depletion.pairs(x, box, R))


def test_a_grid_as_the_thesis_has_it_is_a_few_per_cent_off() -> None:
    positions, box = scattered(60, 4.6, 5)
    w = depletion.particle_energies(positions, box, Q)
    shares = depletion.on_grid(positions, box, Q, 100_000)[0]
    assert 1e-3 < np.sqrt(np.mean((w - shares) ** 2)) / w.mean() < 0.3


@pytest.mark.parametrize(
    ("positions", "box", "q"),
    [
        (np.zeros((3, 2)), np.full(3, 9.0), Q),
        (np.zeros((3, 3)), np.array([9, 9, 2.7]), Q),
        (np.zeros((3, 3)), np.ones(3), 0),
    ],
)
def test_systems_that_cannot_be(positions: Floats, box: Floats, q: float) -> None:
    with pytest.raises(TheoryError, match="allowed"):
        depletion.particle_energies(positions, box, q)
