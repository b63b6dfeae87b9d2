"""Elastic shells against sums over their surface; symmetry functions and their selection against plain numpy."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body import points, shells
from softal.theory.many_body.selection import select
from softal.theory.many_body.symmetry_functions import SymmetryFunctions, pool

pytestmark = pytest.mark.physics  # compiles

BOX = np.array([9.0, 8.0])
DSCRIBE = json.loads((Path(__file__).parents[1] / "data" / "symmetry_functions.json").read_text())


def hexagonal(rho: float, rows: int = 6) -> tuple[Floats, Floats]:
    """Return positions and box of a crystal of this density."""
    a = np.sqrt(2 / (np.sqrt(3) * rho))
    positions = [((i + (j % 2) / 2) * a, j * a * np.sqrt(3) / 2) for j in range(rows) for i in range(rows)]
    return np.array(positions), np.array([rows * a, rows * a * np.sqrt(3) / 2])


def square(rho: float, rows: int = 6) -> tuple[Floats, Floats]:
    a = rho**-0.5
    return np.array(list(itertools.product(range(rows), repeat=2))) * a, np.full(2, rows * a)


def around(positions: Floats, box: Floats, i: int = 0) -> Floats:
    """Return where the neighbours of a particle are."""
    away = positions - positions[i]
    away -= box * np.rint(away / box)
    r = np.linalg.norm(away, axis=1)
    return away[(r > 0) & (r < 1)]


def summed(away: Floats, normals: Floats, areas: Floats) -> float:
    """Return the energy by eq. 2.1 and 2.3, from points on the sphere and their areas [sigma^2]."""
    height = normals @ np.column_stack([away, np.zeros(len(away))]).T  # cosine times distance
    distance = np.linalg.norm(away, axis=1)
    with np.errstate(divide="ignore"):
        push = np.where(height > 0, 0.5 - distance**2 / (2 * np.maximum(height, 1e-300)), 0.0)
    return float(np.sum(areas / 2 * np.maximum(push.max(axis=1), 0.0) ** 2))


def grid(n: int = 600) -> tuple[Floats, Floats]:
    """Return normals and areas of a fine grid of heights and longitudes on a sphere of diameter 1."""
    z, p = (np.arange(n) + 0.5) / n * 2 - 1, (np.arange(2 * n) + 0.5) / n * np.pi
    z, p = (one.ravel() for one in np.meshgrid(z, p, indexing="ij"))
    s = np.sqrt(1 - z**2)
    return np.column_stack([s * np.cos(p), s * np.sin(p), z]), np.full(len(z), np.pi / len(z))


def test_two_shells_have_the_energy_in_closed_form() -> None:
    for r in (0.5, 0.62, 0.9, 0.9999, 1.0, 1.3):
        found = shells.energies(np.array([[0.0, 0.0], [r, 0.0]]), BOX)
        assert found == pytest.approx(np.full(2, shells.pair_energy(np.array(r))), abs=1e-10)
    # An expansion about the touch: pi / 48 (1 - r)^3 and no (1 - r)^(5/2) of Hertz.
    assert shells.pair_energy(np.array(0.999)) == pytest.approx(np.pi / 48 * 1e-9, rel=2e-3)


@pytest.mark.parametrize(
    ("crystal", "rho"),
    [
        (hexagonal, 2.4),
        (hexagonal, 3.0),
        (hexagonal, 4.0),
        (hexagonal, 4.6),
        (square, 2.4),
        (square, 3.0),
        (square, 3.9),
    ],
)
def test_many_shells_are_the_sum_over_their_surfaces(crystal, rho: float) -> None:
    positions, box = crystal(rho)
    found, sides = shells.energies(positions, box), shells.energies(positions, box, pairwise=True)
    assert found == pytest.approx(found[0])
    assert found[0] == pytest.approx(summed(around(positions, box), *grid()), rel=2e-5)
    assert sides[0] == pytest.approx(sum(shells.pair_energy(np.linalg.norm(around(positions, box), axis=1))), abs=1e-9)
    assert found[0] < sides[0]


def test_two_hundred_points_scatter_about_it() -> None:
    """The thesis' estimate: its mean over particles and orientations is the energy without noise."""
    rng, (positions, box) = np.random.default_rng(1), hexagonal(3.0)
    positions = (positions + rng.normal(0, 0.02, positions.shape)) % box
    found, error = points.energies(positions, box, rng)
    exact = shells.energies(positions, box)
    assert np.mean(((found - exact) / error) ** 2) < 2
    assert np.mean(found - exact) == pytest.approx(0, abs=4 * np.mean(error) / np.sqrt(len(exact)))
    assert error.max() < 1e-3 * exact.mean()


def test_cells_on_a_sphere_cover_it() -> None:
    directions, areas = points.sphere(200)
    assert areas.sum() == pytest.approx(np.pi)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(np.ones(200))
    with pytest.raises(TheoryError, match="allowed: 4 or more"):
        points.sphere(3)


def test_an_outline_in_the_plane_is_a_disk_cut_by_chords() -> None:
    """Between two shells at a distance r the outline is r / 2 away, and half of sigma on the other sides."""
    positions = np.array([[0.2, 0.5], [1.0, 0.5]])
    reach = shells.outlines(positions, np.array([3.0, 3.0]), np.array([0.0, np.pi / 2, np.pi]))
    np.testing.assert_allclose(reach, [[0.4, 0.5, 0.5], [0.5, 0.5, 0.4]])


def test_neighbours_on_opposite_sides_do_not_know_of_each_other() -> None:
    away = np.array([[0.8, 0.0], [-0.6, 0.0]])
    assert shells.energy(away) == pytest.approx(sum(shells.pair_energy(np.array([0.8, 0.6]))), abs=1e-12)
    one_behind = np.array([[0.6, 0.0], [0.95, 0.0]])  # which the nearer one hides
    assert shells.energy(one_behind) == pytest.approx(float(shells.pair_energy(np.array(0.6))), abs=1e-12)


def test_the_energy_is_the_same_however_one_looks_and_has_no_jumps() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        angles = np.sort(rng.uniform(0, 2 * np.pi, 5))
        away = np.column_stack([np.cos(angles), np.sin(angles)]) * rng.uniform(0.5, 1, (5, 1))
        turn = rng.uniform(0, 2 * np.pi)
        turned = away @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        assert shells.energy(turned[rng.permutation(5)]) == pytest.approx(shells.energy(away), rel=1e-7)
        moved = away + rng.normal(0, 1e-7, away.shape)
        if np.linalg.norm(moved, axis=1).min() > 0.5 and np.linalg.norm(moved, axis=1).max() < 1:
            assert shells.energy(moved) == pytest.approx(shells.energy(away), abs=1e-6)


def test_cores_do_not_overlap() -> None:
    found = shells.energies(np.array([[0.0, 0.0], [0.49, 0.0], [4.0, 4.0]]), BOX)
    assert np.isinf(found).tolist() == [True, True, False]


@pytest.mark.parametrize(("positions", "box"), [(np.zeros((3, 3)), BOX), (np.zeros((3, 2)), [9.0, 1.9])])
def test_shells_that_cannot_be(positions: Floats, box: Floats) -> None:
    with pytest.raises(TheoryError, match="allowed"):
        shells.energies(positions, np.array(box))


# Symmetry functions.


def plain(functions: SymmetryFunctions, positions: Floats, box: Floats, i: int) -> Floats:
    """Return the functions of a particle as the equations stand."""
    rc = functions.cutoff
    away = positions - positions[i]
    away -= box * np.rint(away / box)
    r = np.linalg.norm(away, axis=1)
    others = [j for j in range(len(r)) if j != i]

    def f(x: float) -> float:
        return (np.cos(np.pi * x / rc) + 1) / 2 if x < rc else 0.0

    found = [sum(np.exp(-eta * (r[j] - place) ** 2) * f(r[j]) for j in others) for eta, place in functions.radial]
    for eta, xi, sign in functions.angular:
        total = 0.0
        for j, k in itertools.permutations(others, 2):
            apart = np.linalg.norm(away[j] - away[k])
            cosine = away[j] @ away[k] / (r[j] * r[k])
            squares = r[j] ** 2 + r[k] ** 2 + apart**2
            total += (1 + sign * cosine) ** xi * np.exp(-eta * squares) * f(r[j]) * f(r[k]) * f(apart)
        found.append(2 ** (1 - xi) * total)
    return np.array(found)


@pytest.mark.parametrize("d", [2, 3])
def test_functions_are_their_equations(d: int) -> None:
    rng = np.random.default_rng(d)
    box = np.array([2.6, 3.1, 2.9])[:d]
    positions = rng.uniform(0, 1, (24, d)) * box
    functions = SymmetryFunctions(1.3, [[0.5, 0], [4, 0.7]], [[0.1, 1, 1], [2, 4, -1], [1, 2.5, 1]])
    found = functions.values(positions, box)
    for i in (0, 7, 23):
        assert found[i] == pytest.approx(plain(functions, positions, box, i), rel=1e-10)
    assert functions.values(positions, box, np.array([23, 7])).tolist() == found[[23, 7]].tolist()
    shifted = functions.values((positions + 1.7) % box, box)
    assert shifted == pytest.approx(found, rel=1e-8, abs=1e-12)
    order = rng.permutation(24)
    assert functions.values(positions[order], box) == pytest.approx(found[order], rel=1e-10)


@pytest.mark.parametrize("system", DSCRIBE["systems"], ids=["space", "plane"])
def test_another_code_has_the_same_functions(system: dict) -> None:
    functions = SymmetryFunctions(DSCRIBE["cutoff"], np.array(DSCRIBE["radial"]), np.array(DSCRIBE["angular"]))
    found = functions.values(np.array(system["positions"]), np.array(system["box"]))
    twice = np.repeat([1, 2], [len(functions.radial), len(functions.angular)])  # dscribe counts each two of them once
    assert found == pytest.approx(np.array(system["values"]) * twice, abs=2e-9)  # its digits in the file


def test_a_move_changes_what_is_near() -> None:
    rng = np.random.default_rng(5)
    positions, box = rng.uniform(0, 6, (60, 2)), np.array([6.0, 6.0])
    functions = pool().take(range(0, 108, 9))
    values = functions.values(positions, box)
    for _ in range(20):
        i, to = int(rng.integers(60)), rng.uniform(0, 6, 2)
        moved = functions.after_move(values, positions, box, i, to)
        same = (moved == values).all(axis=1)
        assert same.sum() > 20
        positions[i], values = to, moved
    assert values == pytest.approx(functions.values(positions, box), rel=1e-12, abs=1e-300)


def test_the_pool_of_the_thesis() -> None:
    functions = pool(2.0)
    assert (len(functions.radial), len(functions.angular)) == (60, 48)
    positions, box = hexagonal(3.0)
    # Lengths in units of the cutoff: nothing changes where all lengths are twice as long.
    assert pool().values(positions, box) == pytest.approx(functions.values(2 * positions, 2 * box), rel=1e-9)
    few = functions.take([100, 3, 61])
    assert few.values(2 * positions, 2 * box) == pytest.approx(
        functions.values(2 * positions, 2 * box)[:, [3, 100, 61]], rel=1e-12
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cutoff": 1.0}, "empty"),
        ({"cutoff": 0.0, "radial": [[1, 0]]}, "cutoff"),
        ({"cutoff": 1.0, "angular": [[1, 1, 0.5]]}, "lambda"),
        ({"cutoff": 1.0, "angular": [[1, 0, 1]]}, "xi above 0"),
        ({"cutoff": 1.0, "radial": [[np.nan, 0]]}, "finite"),
    ],
)
def test_functions_that_cannot_be(given: dict, said: str) -> None:
    with pytest.raises(TheoryError, match=said):
        SymmetryFunctions(**given)


def test_a_cutoff_beyond_half_the_box() -> None:
    with pytest.raises(TheoryError, match=r"more than half the box, whose shortest side is 1\.9"):
        pool().values(np.zeros((2, 2)), np.array([1.9, 5]))


# Selection.


def test_each_step_is_the_best_of_all_fits() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(200, 12)) @ rng.normal(size=(12, 12))  # correlated
    y = X[:, [2, 7]] @ [1.0, -2.0] + rng.normal(0, 1.5, 200)
    held = rng.normal(size=(50, 12)), rng.normal(size=50)

    def fitted(columns: list[int]) -> tuple[float, float]:
        one = np.column_stack([np.ones(200), X[:, columns]])
        c = np.linalg.lstsq(one, y, rcond=None)[0]
        wrong = np.column_stack([np.ones(50), held[0][:, columns]]) @ c - held[1]
        return 1 - np.var(y - one @ c) / np.var(y), float(np.sqrt(np.mean(wrong**2)))

    found, chosen = select(X, y, 5, held), []
    for m in range(5):
        best = max((j for j in range(12) if j not in chosen), key=lambda j: fitted([*chosen, j])[0])
        chosen.append(best)
        assert found.order[m] == best
        assert (found.r_squared[m], found.unseen[m]) == pytest.approx(fitted(chosen), rel=1e-9)
        assert found.rmse[m] == pytest.approx(np.std(y) * np.sqrt(1 - found.r_squared[m]), rel=1e-9)


def test_what_is_said_already_is_not_chosen() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 80))
    found = select(np.column_stack([a, 3 * a + 1, np.ones(80), b, a - b]), a + 0.3 * b, 5)
    assert len(found.order) == 2
    assert found.r_squared[-1] == pytest.approx(1)


def test_fits_without_an_intercept_are_those_through_the_origin() -> None:
    rng = np.random.default_rng(5)
    X, held = rng.uniform(1, 2, (60, 6)), rng.uniform(1, 2, (20, 6))
    y, values = X[:, 4] - 0.2 * X[:, 1] + rng.normal(0, 0.1, 60), held[:, 4]
    found = select(X, y, 3, (held, values), intercept=False)
    c = np.linalg.lstsq(X[:, found.order], y, rcond=None)[0]
    assert found.order[0] == np.argmax((X.T @ y) ** 2 / (X**2).sum(axis=0))
    assert found.rmse[-1] == pytest.approx(np.sqrt(np.mean((X[:, found.order] @ c - y) ** 2)))
    assert found.r_squared[-1] == pytest.approx(1 - found.rmse[-1] ** 2 / np.mean(y**2))
    assert found.unseen[-1] == pytest.approx(np.sqrt(np.mean((held[:, found.order] @ c - values) ** 2)))


def test_nothing_is_chosen_to_say_rounding() -> None:
    X = np.random.default_rng(6).normal(size=(50, 8))
    found = select(X, 2 * X[:, 3] + 1, 8)
    assert found.order.tolist() == [3]


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (np.empty((5, 0)), np.arange(5.0), "M above 0"),
        (np.ones((5, 2)), np.arange(5.0), "no candidate varies"),
        (np.eye(5), np.ones(5), "the values do not vary"),
        (np.eye(5), np.full(5, np.nan), "finite"),
        (np.eye(5), np.ones(4), "allowed"),
    ],
)
def test_selections_that_cannot_be(X: Floats, y: Floats, said: str) -> None:
    with pytest.raises(TheoryError, match=said):
        select(X, y, 3)


def test_few_functions_of_the_pool_say_the_energy_of_shells() -> None:
    """Of the thesis: the pair energy is nearly one function, and with more the many-body part comes."""
    rng, X, y = np.random.default_rng(6), [], []
    for rho in (2.4, 2.8, 3.2, 3.6):
        positions, box = hexagonal(rho, 8)
        for _ in range(4):
            moved = positions + rng.normal(0, 0.03, positions.shape)
            energies = shells.energies(moved, box)
            sound = np.isfinite(energies)
            X.append(pool().values(moved, box)[sound])
            y.append(energies[sound])
    found = select(np.vstack(X[::2]), np.concatenate(y[::2]), 18, (np.vstack(X[1::2]), np.concatenate(y[1::2])))
    assert found.r_squared[0] > 0.9
    assert found.unseen[17] < found.unseen[6] < found.unseen[0] / 5
    assert found.unseen[17] < 2e-4
