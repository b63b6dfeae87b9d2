"""Lennard-Jones clusters: energies, alignments, saddles, connected paths, against published numbers and identities."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.theory.clusters import kernels, saddle_kernels
from softal.theory.clusters.alignment import alignments, check_pair, congruent, fingerprint, random_rotation
from softal.theory.clusters.band import SPRING, relax, straight
from softal.theory.clusters.basin_hopping import basin_hopping, random_start
from softal.theory.clusters.chain import Chain, build
from softal.theory.clusters.connection import connect
from softal.theory.clusters.descent import ASIDE, descend, from_end, from_saddle
from softal.theory.clusters.exploration import lowered
from softal.theory.clusters.landscape import Landscape
from softal.theory.clusters.stationary import check_atoms, energy, exact, gradient, hessian, quench
from softal.theory.clusters.structures import face_centred_cubic, hexagon, mackay_icosahedron, pair

pytestmark = pytest.mark.physics

# Minima of seven atoms in the plane; C. Dellago, P. G. Bolhuis, D. Chandler, J. Chem. Phys. 108, 9236 (1998), fig. 2,
# has the same four, with two digits.
IN_THE_PLANE = [-12.53487, -11.50129, -11.47691, -11.40342]
LJ38 = (-173.928427, -173.252378)
PUBLISHED = 4.219  # the highest saddle above the fcc minimum of 38 atoms (Doye, Miller and Wales 1999)


def moved(x: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rotation = random_rotation(rng, x.shape[1], reflected=seed % 2 == 1)
    return np.asarray(x[rng.permutation(len(x))] @ rotation + rng.normal(size=x.shape[1]))


@pytest.fixture(scope="module")
def plane() -> tuple[Landscape, Chain]:
    """The centre of a hexagon becomes part of its ring; 400 searches find all that there is."""
    ends = pair("lj7_plane")
    landscape = Landscape(ends.groups)
    legs = from_end(ends.start), from_end(ends.end)
    ids = landscape.below(legs[0]), landscape.below(legs[1])
    rng = np.random.default_rng(1)
    record = lowered(landscape, ids, 400, rng)
    chain = build(landscape, *legs, ids)
    assert chain is not None
    assert landscape.searches == 400
    assert record[-1] == (400, chain.top)
    for number in range(len(landscape.minima)):
        landscape.search(number, rng)
    return landscape, chain


@pytest.mark.parametrize("dimension", [2, 3])
def test_gradient_and_hessian_are_the_energy_s_derivatives(dimension: int) -> None:
    rng = np.random.default_rng(3)
    x = quench(random_start(6, dimension, 1)).x + 0.03 * rng.normal(size=(6, dimension))
    along, h = rng.normal(size=x.shape), 1e-5
    difference = (energy(x + h * along) - energy(x - h * along)) / (2 * h)
    assert np.sum(gradient(x) * along) == pytest.approx(difference, rel=1e-7)
    second = (gradient(x + h * along) - gradient(x - h * along)) / (2 * h)
    np.testing.assert_allclose(hessian(x) @ along.ravel(), second.ravel(), rtol=1e-6, atol=1e-6 * np.abs(second).max())
    np.testing.assert_allclose(hessian(x), hessian(x).T, atol=1e-12 * np.abs(hessian(x)).max())


def test_two_atoms_at_rest_have_the_depth_of_the_potential() -> None:
    x = np.array([[0.0, 0, 0], [2 ** (1 / 6), 0, 0], [50.0, 0, 0]])
    assert energy(x) == pytest.approx(-1, abs=1e-7)


@pytest.mark.parametrize("dimension", [2, 3])
def test_rigid_motions_have_no_curvature(dimension: int) -> None:
    x = quench(random_start(6, dimension, 2)).x
    motions = saddle_kernels.rigid_motions(x)
    np.testing.assert_allclose(motions @ motions.T, np.eye(len(motions)), atol=1e-12)
    assert np.abs(motions @ hessian(x)).max() < 1e-5


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("cluster", ["octahedron", "icosahedral", "hexagon", "disordered"])
def test_alignment_finds_a_rotation_a_reflection_and_a_permutation_again(cluster: str, seed: int) -> None:
    x = {
        "octahedron": lambda: pair("lj38").start,
        "icosahedral": lambda: pair("lj38").end,
        "hexagon": hexagon,
        "disordered": lambda: quench(random_start(20, 3, 5)).x,
    }[cluster]()
    y = moved(x, seed)
    found = congruent(x, y)
    assert found is not None
    np.testing.assert_allclose(found.apply(x), y, atol=1e-9)
    np.testing.assert_allclose(fingerprint(x), fingerprint(y), atol=1e-12)


def test_alignment_of_many_starts_finds_them_too() -> None:
    x = quench(random_start(13, 3, 5)).x
    best, *others = alignments(x, moved(x, 1), 200, 0)
    assert best.distance < 1e-9
    distances = [one.distance for one in others]
    assert distances == sorted(distances)
    assert distances[0] > 1e-3  # others are other ones


def test_other_structures_are_not_taken_for_copies() -> None:
    ends = pair("lj38")
    assert congruent(ends.start, ends.end) is None
    bent = ends.start + 0.01 * np.random.default_rng(0).normal(size=ends.start.shape)
    assert congruent(ends.start, bent, tolerance=1e-3) is None


def test_atoms_of_different_groups_keep_their_places() -> None:
    x, groups = hexagon(), np.array([1, 0, 0, 0, 0, 0, 0])
    exchanged = x[[1, 0, 2, 3, 4, 5, 6]]
    assert congruent(x, exchanged) is not None
    assert congruent(x, exchanged, groups=groups) is None
    assert np.abs(fingerprint(x, groups) - fingerprint(exchanged, groups)).max() > 0.1
    for one in alignments(x, exchanged, 20, 0, groups=groups):
        np.testing.assert_array_equal(groups[one.order], groups)


def test_known_minima() -> None:
    """Energies as published, to all digits."""
    assert round(quench(mackay_icosahedron(1)).energy, 6) == -44.326801
    assert round(quench(mackay_icosahedron(2)).energy, 6) == -279.248470
    ends = pair("lj38")
    assert (round(energy(ends.start), 6), round(energy(ends.end), 6)) == LJ38
    for x in (ends.start, ends.end):
        assert exact(x).index == 0


def test_basin_hopping_finds_thirteen_and_seven_atoms() -> None:
    assert round(basin_hopping(random_start(13, 3, 0), 200, 0, goal=-44.3268).energy, 6) == -44.326801
    assert round(basin_hopping(random_start(7, 2, 1), 60, 1).energy, 5) == IN_THE_PLANE[0]


@pytest.mark.validation
def test_basin_hopping_finds_both_minima_of_38_atoms() -> None:
    found = basin_hopping(mackay_icosahedron(2)[:38], 2000, 3, goal=-173.9284)
    assert round(found.energy, 6) == LJ38[0]
    start = quench(pair("lj38").end + 0.25 * np.random.default_rng(0).normal(size=(38, 3))).x
    assert energy(start) > LJ38[1] + 0.5
    assert round(basin_hopping(start, 2000, 2, goal=-173.25237).energy, 6) == LJ38[1]


def test_the_cuboctahedron_is_a_saddle_from_which_thirteen_atoms_go_down() -> None:
    """B. Wang et al. have 0.9 sigma for the length of the path."""
    point = exact(face_centred_cubic(13, (0, 0, 0)))
    assert (point.index, round(point.energy, 6)) == (1, -40.884494)
    leg = from_end(point.x)
    assert round(energy(leg.end), 6) == -44.326801
    assert leg.arc[-1] == pytest.approx(0.9, abs=0.05)
    assert leg.arc[-1] > np.linalg.norm(leg.end - leg.frames[0])  # the way is longer than the distance
    energies = [energy(x) for x in leg.frames]
    assert np.all(np.diff(energies) < 0)


def test_a_search_ends_in_a_saddle_between_two_minima() -> None:
    landscape, rng = Landscape(), np.random.default_rng(0)
    number = landscape.below(from_end(pair("lj38").end))
    while len(landscape.saddles) < 3:
        landscape.search(number, rng)
    for saddle in landscape.saddles:
        point = exact(saddle.point.x)
        assert point.gradient < 1e-6
        assert point.index == 1
        values = np.linalg.eigvalsh(hessian(point.x))
        assert np.sum(values < -1e-4) == 1
        assert np.sum(np.abs(values) < 1e-4) == 6  # translations and rotations
        assert point.energy > max(landscape.minima[k].energy for k in saddle.sides)


def test_saddles_and_minima_of_seven_atoms_in_the_plane(plane: tuple[Landscape, Chain]) -> None:
    landscape, _ = plane
    assert sorted({round(minimum.energy, 5) for minimum in landscape.minima}) == IN_THE_PLANE
    for saddle in landscape.saddles:
        point = exact(saddle.point.x)
        assert (point.index, len(point.curvatures)) == (1, 11)
        assert point.gradient < 1e-6


def test_the_centre_of_seven_atoms_comes_into_the_ring(plane: tuple[Landscape, Chain]) -> None:
    landscape, chain = plane
    assert_connected(chain)
    assert chain.energies[[0, -1]] == pytest.approx(IN_THE_PLANE[0], abs=1e-5)
    radius = np.linalg.norm(chain.frames - chain.frames.mean(axis=1, keepdims=True), axis=2)
    assert radius[0, 0] < 0.01
    assert radius[-1, 0] == pytest.approx(1.118, abs=0.01)
    assert np.sort(radius[-1])[0] < 0.01  # another one is in the middle
    assert chain.top == pytest.approx(landscape.heights(0)[1], abs=1e-9)


def assert_connected(chain: Chain) -> None:
    """Each frame is near the one before, energies rise to saddles and fall to minima, and the arc is what it says."""
    steps = np.linalg.norm(np.diff(chain.frames, axis=0).reshape(len(chain.frames) - 1, -1), axis=1)
    arcs = np.diff(chain.arc)
    assert np.all(arcs > 0)
    assert np.all(steps < arcs + 0.02)
    assert steps.sum() == pytest.approx(chain.length, rel=0.02)
    marks = sorted([*chain.minima, *chain.saddles])
    for a, b in pairwise(marks):
        sign = 1 if b in chain.saddles else -1
        assert np.all(sign * np.diff(chain.energies[a : b + 1]) > -1e-9)
    for point, k in zip(chain.points, chain.saddles, strict=True):
        assert point.energy == pytest.approx(chain.energies[k], abs=1e-9)
        assert (point.index, point.gradient < 1e-6) == (1, True)
    assert chain.top == pytest.approx(chain.energies.max(), abs=1e-9)


def test_sides_of_saddles_are_those_of_the_gradient_flow() -> None:
    """dx/dt = -dV/dx, integrated by LSODA, ends in the minima that a saddle is said to join."""
    from scipy.integrate import solve_ivp

    landscape, rng = Landscape(), np.random.default_rng(4)
    number = landscape.below(from_end(pair("lj38").end))
    while len(landscape.saddles) < 3:
        landscape.search(number, rng)
    for saddle in landscape.saddles:
        for sign, side in zip((-1, 1), saddle.sides, strict=True):
            start = (saddle.point.x + sign * ASIDE * saddle.point.mode).ravel()
            flow = solve_ivp(
                lambda _, x: -gradient(x.reshape(38, 3)).ravel(), (0, 20), start, "LSODA", rtol=1e-6, atol=1e-8
            )
            assert quench(flow.y[:, -1].reshape(38, 3), longest=0.02).energy == pytest.approx(
                landscape.minima[side].energy, abs=1e-7
            )


def test_a_descent_that_keeps_its_symmetry_does_not_end_in_a_saddle() -> None:
    """Four atoms in a rectangle become a square, which is a saddle, and only then a rhombus."""
    rectangle = np.array([[0.0, 0], [1.3, 0], [1.3, 1.1], [0, 1.1]])
    leg = descend(rectangle)
    square = quench(rectangle)
    assert exact(square.x).index == 1
    assert leg.energy < square.energy - 0.1
    assert exact(leg.end).index == 0
    assert np.any(np.abs([energy(x) - square.energy for x in leg.frames]) < 1e-6)


def test_what_is_no_saddle_is_not_taken_in() -> None:
    landscape = Landscape()
    line = np.column_stack([np.arange(7) * 1.11, np.zeros(7)])  # a chain of atoms: many directions lead down
    assert exact(line).index > 1
    assert landscape.take(exact(line)) is None
    assert landscape.take(exact(hexagon())) is None  # a minimum
    assert (landscape.saddles, landscape.minima) == ([], [])


def test_searches_stay_below_the_ceiling(plane: tuple[Landscape, Chain]) -> None:
    ends, top = pair("lj7_plane"), plane[1].top
    landscape = Landscape(ends.groups)
    ids = landscape.below(from_end(ends.start)), landscape.below(from_end(ends.end))
    assert lowered(landscape, ids, 150, np.random.default_rng(0), top - 1e-6) == []
    assert landscape.searches == 150
    assert all(saddle.energy < top - 1e-6 for saddle in landscape.saddles)
    start, end = (set(region) for region in landscape.regions(ids, top - 1e-6)[:2])
    assert start.isdisjoint(end)
    (_, lid), *_ = lowered(landscape, ids, 300, np.random.default_rng(0), top + 1e-6)
    assert lid == pytest.approx(top, abs=1e-7)


def test_bands_connect_minima(plane: tuple[Landscape, Chain]) -> None:
    """Elastic bands alone connect the exchange in the plane; no lower than the searches do."""
    ends = pair("lj7_plane")
    landscape = Landscape(ends.groups)
    ids = landscape.below(from_end(ends.start)), landscape.below(from_end(ends.end))
    assert connect(landscape, *ids, 60, np.random.default_rng(0)) <= 60
    assert landscape.heights(ids[0])[ids[1]] > plane[1].top - 1e-6


def test_a_band_goes_over_the_saddle() -> None:
    """Two neighbouring minima of the plane: the highest image comes close to the saddle between them."""
    landscape = Landscape()
    number, rng = landscape.below(descend(hexagon())), np.random.default_rng(2)
    while not landscape.saddles:
        landscape.search(number, rng)
    point = landscape.saddles[0].point
    left, right = (from_saddle(point, sign).end for sign in (-1, 1))
    band = straight(left, right, 25, rng)
    energies, force, used = relax(band, 3000, 0.01, SPRING)
    assert force < 0.01
    assert used > 25
    assert energies.max() == pytest.approx(point.energy, abs=0.02)
    assert energies.max() < point.energy + 1e-9


def test_atoms_that_meet_head_on_are_pushed_apart() -> None:
    x = hexagon()
    line = straight(x, x[[1, 0, 2, 3, 4, 5, 6]], 21, np.random.default_rng(0), 0.02)
    closest = min(np.linalg.norm(a[i] - a[j]) for a in line for i in range(7) for j in range(i))
    assert closest > 0.8
    np.testing.assert_allclose(line[[0, -1]], [x, x[[1, 0, 2, 3, 4, 5, 6]]], atol=1e-12)


def test_minimisation_across_a_direction_leaves_it_alone() -> None:
    x = random_start(8, 3, 3)
    v = np.random.default_rng(0).normal(size=24)
    v /= np.linalg.norm(v)
    before = x.ravel() @ v
    kernels.minimise(x, v, 1e-8, 5000, 0.1)
    assert x.ravel() @ v == pytest.approx(before, abs=1e-12)
    g = gradient(x).ravel()
    assert np.abs(g - (g @ v) * v).max() < 1e-8


def test_what_cannot_be_the_ends_of_a_path() -> None:
    x = hexagon()
    with pytest.raises(TheoryError, match="7 atoms in 2 dimensions and 6 atoms in 2 dimensions"):
        check_pair(x, x[:6])
    twice = x.copy()
    twice[3] = twice[4]
    with pytest.raises(TheoryError, match="the end has atoms on top of each other: 3 and 4 are 0 sigma apart"):
        check_atoms(twice, "end")
    with pytest.raises(TheoryError, match="not finite"):
        check_atoms(x * np.nan, "start")
    with pytest.raises(TheoryError, match="no pair of clusters 'lj14'"):
        pair("lj14")


@pytest.mark.validation
@pytest.mark.exhaustive  # a minute; `test_a_trial_of_38_atoms` goes the same way with fewer searches
def test_the_barrier_of_38_atoms() -> None:
    """From the ends and a ceiling a way below it is found, and none below the published 4.219 and 3.543."""
    ends = pair("lj38")
    landscape = Landscape()
    legs = from_end(ends.start), from_end(ends.end)
    ids = landscape.below(legs[0]), landscape.below(legs[1])
    lowered(landscape, ids, 6000, np.random.default_rng(0), energy(ends.start) + 4.6)
    chain = build(landscape, *legs, ids)
    assert chain is not None
    assert_connected(chain)
    assert PUBLISHED - 1e-3 < chain.top - energy(ends.start) < 4.6
