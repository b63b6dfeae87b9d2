"""Neighbours and bond order in space: crystals of the literature, plain sums, freud, and what must not change them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import sph_harm_y

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.local_structure import wigner
from softal.theory.local_structure.bond_order import BondOrder, mean_of
from softal.theory.local_structure.descriptors import NAMES, OWN, Neighbourhood, inputs
from softal.theory.local_structure.neighbours import Neighbours, apart, joined, voronoi, within
from softal.theory.local_structure.sann import sann

pytestmark = pytest.mark.physics  # compiles

FCC = [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
BCC = [(0, 0, 0), (0.5, 0.5, 0.5)]
HCP = [(0, 0, 0), (0.5, 0.5, 0), (0.5, 5 / 6, 0.5), (0, 1 / 3, 0.5)]
SIDES = {"hcp": (1, np.sqrt(3), np.sqrt(8 / 3))}
BASES = {"fcc": FCC, "bcc": BCC, "hcp": HCP, "sc": [(0, 0, 0)]}
DEGREES = range(1, 9)


def crystal(kind: str, cells: int = 4) -> tuple[Floats, Floats]:
    """Return a crystal whose unit cell has the side 1 along x, (N, 3), and its box (3,)."""
    sides = np.array(SIDES.get(kind, (1, 1, 1)))
    corners = np.array(list(itertools.product(range(cells), repeat=3)))
    places = (corners[:, None] + np.array(BASES[kind])).reshape(-1, 3)
    return places * sides, cells * sides


def fluid(n: int = 200, seed: int = 0, apart: float = 0.85) -> tuple[Floats, Floats]:
    """Return places at random in a box that is no cube, none nearer than `apart` to another one."""
    rng, box, places = np.random.default_rng(seed), np.array([6.5, 7.0, 7.5]) * (n / 200) ** (1 / 3), []
    while len(places) < n:
        place = rng.uniform(0, 1, 3) * box
        d = np.array(places).reshape(-1, 3) - place
        if (np.linalg.norm(d - box * np.rint(d / box), axis=1) > apart).all():
            places.append(place)
    return np.array(places), box


def pairs(found: Neighbours) -> set[tuple[int, int, tuple[float, ...]]]:
    return {
        (int(i), int(j), tuple(np.round(away, 6) + 0.0))
        for i, j, away in zip(found.whose, found.who, found.away, strict=True)
    }


# Neighbours.


def brute_force(positions: Floats, box: Floats, i: int, images: int = 1) -> tuple[Floats, list[int]]:
    """Return vectors from i to all particles and images but itself, nearest first, and whose they are."""
    shifts = np.array(list(itertools.product(range(-images, images + 1), repeat=3))) * box
    away = (positions[None] + shifts[:, None] - positions[i]).reshape(-1, 3)
    who, r = np.tile(np.arange(len(positions)), len(shifts)), np.linalg.norm(away, axis=1)
    order = [k for k in np.argsort(r) if r[k] > 0]
    return away[order], who[order].tolist()


def slow_sann(positions: Floats, box: Floats, i: int) -> set[tuple[int, tuple[float, ...]]]:
    """Return the neighbours of i as the definition has them: cones that fill the sphere, by solid angles."""
    away, who = brute_force(positions, box, i)
    r = np.linalg.norm(away, axis=1)
    for m in range(3, len(r)):
        radius = r[:m].sum() / (m - 2)
        if radius <= r[m]:
            angles = 2 * np.pi * (1 - r[:m] / radius)  # of cones with cosine r / R
            assert angles.sum() == pytest.approx(4 * np.pi)
            return {(who[k], tuple(np.round(away[k], 6) + 0.0)) for k in range(m)}
    raise AssertionError


def test_neighbours_by_solid_angles_are_those_of_the_definition() -> None:
    positions, box = fluid(150)
    found = pairs(sann(positions, box, "none"))
    slow = {(i, *one) for i in range(150) for one in slow_sann(positions, box, i)}
    assert found == slow
    reverse = {(j, i, tuple(np.array(away) * -1 + 0.0)) for i, j, away in slow}
    assert pairs(sann(positions, box, "both")) == slow & reverse
    assert pairs(sann(positions, box, "either")) == slow | reverse
    assert slow != reverse


@pytest.mark.parametrize(("kind", "number"), [("fcc", 12), ("hcp", 12), ("bcc", 14), ("sc", 18)])
@pytest.mark.parametrize("cells", [1, 4])
def test_neighbours_of_crystals_by_solid_angles(kind: str, number: int, cells: int) -> None:
    """In one unit cell, too, where all neighbours are images, many of them of the particle itself."""
    found = sann(*crystal(kind, cells))
    assert set(found.counts) == {number}
    assert np.linalg.norm(found.away, axis=1).max() < 1.42


def test_a_dilute_gas_has_its_neighbours_far_away() -> None:
    rng = np.random.default_rng(1)
    positions, box = np.vstack([rng.uniform(0, 3, (40, 3)), [[15.0, 15, 15]]]), np.full(3, 30.0)
    found = sann(positions, box, "none")
    assert pairs(found) >= {(40, *one) for one in slow_sann(positions, box, 40)}


@pytest.mark.parametrize("cutoff", [0.9, 1.7, 4.1])  # the last one is more than half the box
def test_neighbours_within_a_distance(cutoff: float) -> None:
    positions, box = fluid(60, apart=0.7)
    found = pairs(within(positions + 100 * box, box, cutoff))
    for i in (0, 31, 59):
        away, who = brute_force(positions, box, i, 2)
        near = np.linalg.norm(away, axis=1) < cutoff
        assert {one[1:] for one in found if one[0] == i} == {
            (w, tuple(np.round(a, 6) + 0.0)) for w, a, n in zip(who, away, near, strict=True) if n
        }


def test_cutoffs_of_species() -> None:
    positions, box = fluid(120)
    types = np.arange(120) % 2
    table = np.array([[1.4, 1.1], [1.1, 0.0]])
    found = within(positions, box, table, types)
    r = np.linalg.norm(found.away, axis=1)
    assert (r < table[types[found.whose], types[found.who]]).all()
    every = within(positions, box, 1.4)
    r = np.linalg.norm(every.away, axis=1)
    assert len(found.who) == np.sum(r < table[types[every.whose], types[every.who]])
    assert pairs(within(positions, box, np.diag([1.4, 1.4]), types)) == pairs(every.alike(types))


def test_neighbours_by_voronoi_cells() -> None:
    assert set(voronoi(*crystal("fcc"), smallest=0.01).counts) == {12}
    assert set(voronoi(*crystal("bcc")).counts) == {14}
    positions, box = fluid(120)
    found = voronoi(positions, box)
    assert {(j, i, tuple(-np.array(away) + 0.0)) for i, j, away in pairs(found)} == pairs(found)
    i = found.whose[::37]
    straight = positions[found.who[::37]] - positions[i]
    assert np.rint((found.away[::37] - straight) / box) * box + straight == pytest.approx(found.away[::37], abs=1e-12)
    large = voronoi(positions, box, 0.02)
    assert pairs(large) < pairs(found)


def test_species_alone_in_the_box() -> None:
    positions, box = fluid(120)
    types = np.arange(120) % 3 // 2
    found = apart(positions, box, types, sann)
    for one in (0, 1):
        mine = np.flatnonzero(types == one)
        alone = {(int(mine[i]), int(mine[j]), away) for i, j, away in pairs(sann(positions[mine], box))}
        assert {pair for pair in pairs(found) if types[pair[0]] == one} == alone


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x, box: within(x, box, 0.0), "largest cutoff is 0"),
        (lambda x, box: within(x, box, [[1, 2], [3, 1]]), "symmetric"),
        (lambda x, box: within(x, box, [[1.0, 1], [1, 1]], [2] * len(x)), "2 cutoffs is given for types up to 2"),
        (lambda x, box: within(x, box, [[1.0]], [0.5] * len(x)), "whole numbers"),
        (lambda x, box: within(x, box, 1e4), "images"),
        (lambda x, box: within(x, box[:2], 1.0), "shape"),
        (lambda x, box: within(x * np.nan, box, 1.0), "finite"),
        (lambda x, box: sann(x, -box), "above 0"),
        (lambda x, box: sann(x, box, "all"), "symmetry is 'all'; allowed: both, either, none"),
        (lambda x, box: voronoi(x, box, 1.0), "smallest face"),
        (lambda x, box: BondOrder.of(sann(x, box), []), "degrees"),
        (lambda x, box: BondOrder.of(sann(x, box), [65]), "from 0 to 64"),
        (lambda x, box: Neighbourhood("sann", (1.0,)), "1 cutoffs are given for neighbours by sann"),
        (lambda x, box: Neighbourhood("cutoff"), "0 cutoffs"),
    ],
)
def test_what_cannot_be_is_said(call, said: str) -> None:
    with pytest.raises(TheoryError, match=said) as caught:
        call(*fluid(20))
    assert "\n" not in str(caught.value)


# Bond order.


@pytest.mark.parametrize(
    ("kind", "cutoff", "q4", "q6", "w4", "w6"),
    [  # Steinhardt 1983; Mickel, Kapfer, Schroeder-Turk, Mecke, J. Chem. Phys. 138, 044501 (2013), table I
        ("fcc", 0.8, 0.190941, 0.574524, -0.159317, -0.013161),
        ("hcp", 1.1, 0.097222, 0.484762, 0.134097, -0.012442),
        ("bcc", 1.1, 0.036370, 0.510688, 0.159317, 0.013161),
        ("bcc", 0.9, 0.509175, 0.628539, -0.159317, 0.013161),
        ("sc", 1.1, 0.763763, 0.353553, 0.159317, 0.013161),
    ],
)
def test_crystals_have_the_values_of_the_literature(kind, cutoff, q4, q6, w4, w6) -> None:
    found = BondOrder.of(within(*crystal(kind), cutoff), [4, 6])
    assert found.q == pytest.approx(np.tile([q4, q6], (len(found.q), 1)), abs=1e-6)
    assert found.w == pytest.approx(np.tile([w4, w6], (len(found.q), 1)), abs=1e-6)
    if kind != "hcp":  # all environments are turned alike there
        assert found.averaged().q == pytest.approx(found.q, abs=1e-12)


def test_harmonics_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    away = np.vstack([rng.normal(size=(20, 3)), np.eye(3), -np.eye(3)])
    n, degrees = len(away), (0, 1, 5, 12, 64)
    found = BondOrder.of(joined(n, np.arange(n), np.arange(n), away), degrees).q_lm
    theta, phi = np.arccos(away[:, 2] / np.linalg.norm(away, axis=1)), np.arctan2(away[:, 1], away[:, 0])
    columns = [sph_harm_y(degree, m, theta, phi) for degree in degrees for m in range(degree + 1)]
    np.testing.assert_allclose(found, np.transpose(columns), atol=1e-12)


def test_symbols_are_those_of_the_literature() -> None:
    """Closed forms, as SymPy has them, too."""
    assert wigner.symbol(2, 0, 0) == pytest.approx(-np.sqrt(2 / 35), rel=1e-14)
    assert wigner.symbol(2, 1, 1) == pytest.approx(-np.sqrt(3 / 35), rel=1e-14)
    assert wigner.symbol(4, 0, 0) == pytest.approx(np.sqrt(18 / 1001), rel=1e-14)
    for degree in (2, 8, 12):  # orthogonality: sum of squares over m1, m2 is 1
        all_of = [wigner.symbol(degree, a, b) for a, b in itertools.product(range(-degree, degree + 1), repeat=2)]
        assert np.sum(np.square(all_of)) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("find", [lambda x, box: within(x, box, 1.4), sann])
def test_bond_order_is_that_of_freud(find) -> None:
    """On the same neighbours; freud computes with 7 digits, of which angles near the axis and a small q_l lose some."""
    import freud

    positions, box = fluid(200)
    near = find(positions, box)
    found = BondOrder.of(near, DEGREES)
    listed = freud.locality.NeighborList.from_arrays(200, 200, near.whose, near.who, near.away)
    system = (freud.box.Box(*box), positions - box / 2)
    for average, ours in ((False, found), (True, found.averaged())):
        for column, degree in enumerate(DEGREES):
            theirs = freud.order.Steinhardt(degree, average=average).compute(system, neighbors=listed).ql
            assert ours.q[:, column] == pytest.approx(theirs, abs=1e-5)
            assert np.mean(np.abs(ours.q[:, column] - theirs) < 1e-6) > 0.95
        for column, degree in enumerate((2, 4, 6, 8)):
            made = freud.order.Steinhardt(degree, average=average, wl=True, wl_normalize=True)
            theirs = made.compute(system, neighbors=listed).particle_order
            assert ours.w[:, column] == pytest.approx(theirs, abs=3e-5)
    assert np.std(found.averaged().q[:, 5]) < np.std(found.q[:, 5])


def test_turning_and_shifting_changes_nothing() -> None:
    """Turned bonds of one list; and a whole box whose axes are exchanged, by all inputs."""
    positions, box = fluid(100)
    near = sann(positions, box)
    turned = Neighbours(near.first, near.who, near.away @ Rotation.random(random_state=3).as_matrix())
    one, other = BondOrder.of(near, DEGREES), BondOrder.of(turned, DEGREES)
    for name in ("q", "w", "scalars"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-12)
    np.testing.assert_allclose(one.averaged().w, other.averaged().w, atol=1e-11)
    types, axes = np.arange(100) % 2, [2, 0, 1]
    found = inputs(positions, box, types)
    np.testing.assert_allclose(inputs(positions[:, axes] - 3.3, box[axes], types), found, atol=1e-11)
    order = np.random.default_rng(4).permutation(100)
    np.testing.assert_allclose(inputs(positions[order], box, types[order]), found[order], atol=1e-11)


def test_averages_are_over_a_particle_and_its_neighbours() -> None:
    positions, box = fluid(80)
    near = within(positions, box, 1.35)
    found, averaged = BondOrder.of(near, [4, 6]), BondOrder.of(near, [4, 6]).averaged()
    for i in (0, 40, 79):
        group = [i, *near.who[near.first[i] : near.first[i + 1]]]
        assert found.scalars[i] == pytest.approx(found.q[group].mean(axis=0))
        mean = found.q_lm[group].mean(axis=0)[5:]
        assert averaged.q[i, 1] == pytest.approx(
            np.sqrt(4 * np.pi / 13 * (abs(mean[0]) ** 2 + 2 * np.sum(abs(mean[1:]) ** 2)))
        )
    assert mean_of(near, np.ones((80, 1))) == pytest.approx(np.ones((80, 1)))


def test_a_lone_particle_has_no_bond_order_and_no_nan() -> None:
    positions, box = np.vstack([crystal("fcc", 2)[0], [[12.0, 12, 12]]]), np.full(3, 20.0)
    types = np.arange(33) % 2
    near = Neighbourhood("cutoff", (1.2, 1.2, 1.2))
    found = inputs(positions, box, types, near)
    assert np.isfinite(found).all()
    assert found[32].tolist() == [0.0] * 24
    assert BondOrder.of(near.all(positions, box), [6]).scalars[32].tolist() == [0.0]
    assert np.isfinite(inputs(positions, box, types)).all()


# Inputs.


@pytest.mark.parametrize("near", [Neighbourhood(), Neighbourhood(same="alone"), Neighbourhood("voronoi")])
def test_inputs_are_of_all_neighbours_and_of_the_own_species(near: Neighbourhood) -> None:
    positions, box = fluid(120)
    types = np.arange(120) % 2
    found = inputs(positions, box, types, near)
    assert (found.shape, len(NAMES), len(OWN)) == ((120, 24), 24, 12)
    every = near.all(positions, box)
    averaged = BondOrder.of(every, DEGREES).averaged()
    assert found[:, :12].tolist() == np.hstack([averaged.q, averaged.w]).tolist()
    assert found[:, :12].tolist() == inputs(positions, box, None, near).tolist()
    own = every.alike(types) if near.same == "filtered" else apart(positions, box, types, sann)
    assert found[:, 12:20].tolist() == BondOrder.of(own, DEGREES).averaged().q.tolist()


def test_inputs_by_cutoffs_of_species() -> None:
    """As of the thesis' table 3.1: the large ones' own neighbours lie farther than all that count."""
    positions, box = fluid(120)
    types = np.arange(120) % 2
    found = inputs(positions, box, types, Neighbourhood("cutoff", (1.3, 1.45, 0.83)))
    large = within(positions[types == 0], box, 1.45)
    assert found[types == 0, 12:20] == pytest.approx(BondOrder.of(large, DEGREES).averaged().q, abs=1e-12)
    one = inputs(positions, box, types, Neighbourhood("cutoff", (1.3,)))
    assert (
        one[:, 12:].tolist() == inputs(positions, box, types, Neighbourhood("cutoff", (1.3, 1.3, 1.3)))[:, 12:].tolist()
    )


def test_species_that_are_one_have_the_inputs_of_all() -> None:
    positions, box = crystal("fcc")
    found = inputs(positions, box, np.ones(len(positions)))
    assert found[:, :12] == pytest.approx(found[:, 12:], abs=1e-12)
    assert found[0, [3, 5]] == pytest.approx([0.190941, 0.574524], abs=1e-6)
