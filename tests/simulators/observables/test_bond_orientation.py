"""Bond order: perfect crystals, SANN against its definition solved by bisection, and freud."""

from __future__ import annotations

import freud
import numpy as np
import pytest
from scipy.optimize import brentq

from softal.errors import SimulationError
from softal.simulators.observables.bond_orientation import (
    bond_order,
    chi_m,
    nearest_neighbours,
    psi_m,
    sann_neighbours,
)
from softal.simulators.observables.rotation import rotated
from softal.simulators.observables.threads import limited_threads
from softal.simulators.observables.tilings import (
    Tiling,
    dodecagonal,
    hexagonal_lattice,
    rhombic,
    sigma_phase,
    square_lattice,
)

CRYSTALS = {"square": square_lattice(8, 10), "hexagonal": hexagonal_lattice(8, 10), "sigma": sigma_phase(4, 4)}


def gas(box: np.ndarray, particles: int = 150, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(particles, 2)) * box


def shaken(tiling: Tiling, width: float, seed: int = 0) -> Tiling:
    noise = np.random.default_rng(seed).normal(scale=width, size=tiling.positions.shape)
    return Tiling(tiling.positions + noise, tiling.box)


@pytest.mark.parametrize(
    ("crystal", "m", "expected"),
    [("square", 4, 1), ("square", 6, 0), ("square", 12, 1), ("hexagonal", 6, 1), ("hexagonal", 4, 0)],
)
def test_perfect_crystals(crystal: str, m: int, expected: float) -> None:
    x, box = CRYSTALS[crystal]
    assert chi_m(x, box, m) == pytest.approx(np.full(len(x), expected), abs=1e-9)
    neighbours = nearest_neighbours(x, box, {"square": 4, "hexagonal": 6}[crystal])
    assert bond_order(neighbours, m) == pytest.approx(np.full(len(x), expected), abs=1e-9)


@pytest.mark.parametrize(("crystal", "m"), [("square", 4), ("hexagonal", 6)])
def test_the_phase_of_psi_turns_with_the_crystal(crystal: str, m: int) -> None:
    """Away from the faces of the cut, where neighbours no longer fit."""
    x, box = CRYSTALS[crystal]
    turned = rotated(x, box, 0.3)
    inner = np.all(np.abs(turned - box / 2) < box / 2 - 1.1, axis=1)
    assert psi_m(turned, box, m)[inner] == pytest.approx(np.full(inner.sum(), np.exp(1j * m * 0.3)), abs=1e-9)


@pytest.mark.parametrize(("crystal", "number"), [("square", 4), ("hexagonal", 6), ("sigma", 5)])
def test_sann_finds_the_neighbours_of_crystals(crystal: str, number: int) -> None:
    neighbours = sann_neighbours(*CRYSTALS[crystal])
    assert np.all(neighbours.number == number)
    assert np.linalg.norm(neighbours.vectors, axis=1) == pytest.approx(np.ones(len(neighbours.index)))


def test_quasicrystals_have_their_own_symmetry_around_every_particle() -> None:
    x, box = dodecagonal(2)
    assert chi_m(x, box, 12).mean() == pytest.approx(1, abs=0.01)
    assert max(chi_m(x, box, m).mean() for m in (4, 6, 10, 18)) < 0.2


@pytest.mark.parametrize("fold", [10, 18])
def test_rhombic_tilings_prefer_their_own_symmetry(fold: int) -> None:
    x, box = rhombic(fold, 16)
    order = {m: chi_m(x, box, m).mean() for m in (4, 6, 8, 10, 12, 18)}
    assert max(order, key=lambda m: order[m]) == fold
    assert order[fold] > 0.4


def brute_force_sann(positions: np.ndarray, box: np.ndarray, particle: int) -> set[int]:
    """The definition: the smallest m whose R, the root of sum arccos(r_k / R) = pi, is not beyond r_(m + 1)."""
    vectors = positions - positions[particle]
    r = np.linalg.norm(vectors - box * np.rint(vectors / box), axis=1)
    order = np.argsort(r)[1:]
    for m in range(3, len(order)):
        nearest = r[order[:m]]

        def excess(R: float, nearest: np.ndarray = nearest) -> float:
            return float(np.arccos(np.minimum(nearest / R, 1)).sum() - np.pi)

        if excess(nearest[-1]) > 0:  # the root lies below the last of them: m - 1 already closed
            raise AssertionError
        if brentq(excess, nearest[-1], 1e4 * nearest[-1]) <= r[order[m]]:
            return set(order[:m].tolist())
    raise AssertionError


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["gas", "shaken square", "shaken tiling"])
def test_sann_against_its_definition(kind: str, seed: int) -> None:
    box = np.array([11.0, 14.0])
    x, box = {
        "gas": Tiling(gas(box, seed=seed), box),
        "shaken square": shaken(square_lattice(11, 13), 0.1, seed),
        "shaken tiling": shaken(dodecagonal(2, "square"), 0.1, seed),
    }[kind]
    neighbours = sann_neighbours(x, box)
    ends = np.cumsum(neighbours.number)
    for particle, (start, end) in enumerate(zip(ends - neighbours.number, ends, strict=True)):
        assert set(neighbours.index[start:end].tolist()) == brute_force_sann(x, box, particle)


def test_a_void_needs_more_candidates_than_are_looked_at_first() -> None:
    """A particle beside 40 in a clump sees them all in one direction: its neighbours go around them."""
    box = np.array([40.0, 40.0])
    rng = np.random.default_rng(0)
    clump = np.array([20.0, 20.0]) + rng.uniform(-0.5, 0.5, size=(40, 2))
    ring = np.array([16.0, 20.0]) + 8 * np.column_stack([f(np.arange(12) * np.pi / 6 + 0.1) for f in (np.cos, np.sin)])
    x = np.concatenate([[[16.0, 20.0]], clump, ring])
    neighbours = sann_neighbours(x, box)
    found = set(neighbours.index[: neighbours.number[0]].tolist())
    assert found == brute_force_sann(x, box, 0)
    assert len(found) > 3


@pytest.mark.validation
@pytest.mark.parametrize("m", [4, 6])
def test_psi_against_freud(m: int) -> None:
    box = np.array([11.0, 14.0])
    x = gas(box)
    second = freud.order.Hexatic(k=m)
    frame = freud.box.Box(*box)
    with limited_threads(1):
        second.compute((frame, frame.wrap(np.column_stack([x - box / 2, np.zeros(len(x))]))))
    assert psi_m(x, box, m) == pytest.approx(np.asarray(second.particle_order), abs=1e-4)


@pytest.mark.parametrize("m", [4, 6, 12])
def test_chi_does_not_see_orientation_translation_or_images(m: int) -> None:
    box = np.array([12.0, 12.0])
    x = gas(box)
    expected = np.sort(chi_m(x, box, m))
    moved = x + [3.3, -40.1] + box * np.random.default_rng(1).integers(-2, 3, size=x.shape)
    assert np.sort(chi_m(moved, box, m)) == pytest.approx(expected, abs=1e-9)
    assert np.sort(chi_m(rotated(x, box, np.pi / 2), box, m)) == pytest.approx(expected, abs=1e-9)


def test_random_bonds_have_the_order_of_a_random_walk() -> None:
    """chi_m = 1 / n for n bonds in independent directions; SANN's are nearly that for a high m, in a gas."""
    box = np.array([40.0, 40.0])
    x = gas(box, 1600)
    neighbours = nearest_neighbours(x, box, 5)
    chi = np.abs(bond_order(neighbours, 30)) ** 2
    # Bonds shared by two particles make their chi dependent, by less than a factor of two.
    assert abs(chi.mean() - 1 / 5) < 4 * 2 * chi.std() / np.sqrt(1600)


def test_thermal_squares_keep_psi_but_lose_chi_to_their_diagonals() -> None:
    x, box = shaken(square_lattice(16, 16), 0.08)
    assert np.abs(psi_m(x, box, 4).mean()) > 0.8
    assert 0.1 < chi_m(x, box, 4).mean() < 0.6


def test_too_few_particles_for_sann() -> None:
    with pytest.raises(SimulationError, match=r"4 particles in a box of 6 x 6: too few, SANN finds no end"):
        sann_neighbours(np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]), np.array([6.0, 6.0]))


def test_too_few_particles_for_the_nearest() -> None:
    with pytest.raises(SimulationError, match="not all of the 4 particles have 6 neighbours within half the box"):
        psi_m(np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]]), np.array([6.0, 6.0]), 6)


@pytest.mark.parametrize(("shape", "box"), [((5, 3), np.ones(3)), ((5, 2), np.ones(3)), ((1, 2), np.ones(2))])
def test_shapes_that_do_not_fit(shape: tuple[int, int], box: np.ndarray) -> None:
    with pytest.raises(SimulationError, match=r"bonds in the plane need positions \(N, 2\), N > 1, and a box \(2,\)"):
        sann_neighbours(np.random.default_rng(0).uniform(size=shape), box)
