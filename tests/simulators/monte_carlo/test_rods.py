"""Kernels of rods: energies against sums over all images, energies kept from move to move, exact ensembles."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.monte_carlo import rods
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SoftenedShoulder, SquareShoulder
from softal.simulators.monte_carlo.rng import seeded
from softal.simulators.monte_carlo.rod_energies import CAPACITY, total_energy
from softal.simulators.monte_carlo.segments import shortest_distance

pytestmark = pytest.mark.physics

SKIN = 0.7
SOFT = SoftenedShoulder(1.35)


def table(potential: PairPotential, kT: float) -> tuple[float, float, np.ndarray, float]:
    return potential.core**2, potential.cutoff**2, *potential.table(kT)


def random_rods(n: int, box: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(n, 3))
    return rng.random((n, 3)) * box, u / np.linalg.norm(u, axis=1)[:, None]


def image_distances(x: np.ndarray, u: np.ndarray, box: np.ndarray, length: float) -> np.ndarray:
    """Return d_m of all pairs and all 5^3 nearest images, shape (125, pairs)."""
    i, j = np.triu_indices(len(x), 1)
    shifts = (np.array(list(np.ndindex(5, 5, 5))) - 2) * box
    return np.array([shortest_distance(x[j] + shift - x[i], u[i], u[j], length) for shift in shifts])


@pytest.mark.parametrize("length", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("box", [[7.7, 8.0, 12.0], [12.0, 9.0, 30.0]], ids=["tight", "with cells"])
def test_energy_of_all_images(length: float, box: list[float]) -> None:
    edges = np.array(box) - (5 - length) * 0.7
    potential = SoftenedShoulder(1.35)
    x, u = random_rods(40, edges, 5)
    d = image_distances(x, u, edges, length)
    energies = potential.energy(np.maximum(d, potential.core)).sum()
    # Overlapping pairs have infinite energy: a core of 0 lets the table's first entry stand for them.
    core2, cutoff2, u_table, per_r2 = table(potential, 1.0)
    flat = np.append(np.full(600, u_table[0]), u_table)
    found = total_energy(x, u, edges, length, core2 - 600 / per_r2, cutoff2, flat, per_r2)
    assert core2 - 600 / per_r2 < 0
    assert (d < potential.cutoff).sum() > 10
    assert found == pytest.approx(energies, rel=1e-4)


def test_two_images_of_one_rod() -> None:
    """Rods along x, half a box apart: both the nearest images lie alongside, and both count."""
    x = np.array([[0.0, 0.0, 0.0], [4.0, 1.2, 0.0]])
    u = np.tile([1.0, 0.0, 0.0], (2, 1))
    found = total_energy(x, u, np.full(3, 8.0), 5.0, *table(SquareShoulder(1.4), 0.5))
    assert found == pytest.approx(2 * 2.0)


def start(length: float, n: int = 64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rods along z on a lattice with room, in a box that is shorter than 2 (L + cutoff)."""
    side = round(n ** (1 / 3))
    spacing = np.array([2.2, 2.2, length + 2.2])
    x = (np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3) + 0.5) * spacing
    return x, np.tile([0.0, 0.0, 1.0], (side**3, 1)), side * spacing


@pytest.mark.parametrize("mode", [-1, rods.ISOTROPIC, rods.Z_APART, rods.EDGES, rods.ASPECT])
@pytest.mark.parametrize("length", [0.0, 5.0])
def test_energy_is_kept(length: float, mode: int) -> None:
    """Whatever lists leave out would be missing from the energy that is kept from move to move."""
    x, u, box = start(length)
    args = table(SOFT, 0.3)
    volume = box.prod()
    for seed in range(4):
        moves = np.zeros((3, 2), np.int64)
        steps = np.array([0.3, SKIN / max(length, 2), 0.02])
        energy, too_small = rods.run(x, u, box, length, 150, 0.05, mode, steps, SKIN, *args, seeded(seed), moves)
        d = image_distances(x, u, box, length)
        assert energy == pytest.approx(SOFT.energy(d).sum() / 0.3, rel=1e-3)
        assert energy == pytest.approx(total_energy(x, u, box, length, *args), rel=1e-12)
        assert np.allclose((u**2).sum(1), 1, rtol=1e-12)
    assert too_small == 0
    assert (box.prod() == pytest.approx(volume)) == (mode in (-1, rods.ASPECT))
    assert (moves[:, 1] > 0).tolist() == [True, length > 0, mode >= 0]
    assert moves[:2, 0].sum() == 150 * len(x)


def test_shapes_of_box_moves() -> None:
    """Which edges have stayed in proportion tells which moves were made."""
    ratios = {}
    for mode in (rods.ISOTROPIC, rods.Z_APART, rods.EDGES, rods.ASPECT):
        x, u, box = start(0.0)
        old = box.copy()
        steps, moves = np.array([0.3, 0.0, 0.02]), np.zeros((3, 2), np.int64)
        rods.run(x, u, box, 0.0, 50, 0.05, mode, steps, SKIN, *table(SOFT, 0.3), seeded(1), moves)
        grown = box / old
        ratios[mode] = bool(np.isclose(grown[0], grown[1])), bool(np.isclose(grown[0], grown[2]))
    assert ratios[rods.ISOTROPIC] == (True, True)
    assert ratios[rods.Z_APART] == ratios[rods.ASPECT] == (True, False)
    assert ratios[rods.EDGES] == (False, False)


def test_many_neighbours() -> None:
    """Lists grow with the number of neighbours: 150 soft spheres, all of them near each other."""
    potential = SoftenedShoulder(4.0)
    _, u = random_rods(150, np.full(3, 9.6), 3)
    x = (np.stack(np.meshgrid(*[np.arange(6)] * 3), -1).reshape(-1, 3)[:150] + 0.5) * 1.6
    args, box, moves = table(potential, 1.0), np.full(3, 9.6), np.zeros((3, 2), np.int64)
    energy, _ = rods.run(x, u, box, 0.0, 20, 0.0, -1, np.full(3, 0.2), SKIN, *args, seeded(1), moves)
    d = image_distances(x, u, box, 0.0)
    assert 2 * (d < potential.cutoff).sum() > CAPACITY * 150
    assert energy == pytest.approx(potential.energy(d).sum(), rel=1e-4)


def test_overlapping_start() -> None:
    x, u = np.zeros((2, 3)), np.tile([0.0, 0.0, 1.0], (2, 1))
    box, moves = np.full(3, 20.0), np.zeros((3, 2), np.int64)
    energy, _ = rods.run(x, u, box, 5.0, 9, 0.0, -1, np.full(3, 0.1), SKIN, *table(HardCore(), 1.0), seeded(1), moves)
    assert energy == np.inf
    assert not moves.any()


@pytest.mark.parametrize("length", [0.0, 1.0, 5.0])
def test_second_virial_coefficient(length: float) -> None:
    """Two hard rods at random overlap with probability 2 B_2 / V; B_2 = v + S R, R the mean radius of curvature.

    A. Isihara, J. Chem. Phys. 18, 1446 (1950): R = 1/2 + L/4, S = pi (1 + L), v = pi/6 + pi L/4 for diameter 1.
    """
    b2 = np.pi / 6 + np.pi * length / 4 + np.pi * (1 + length) * (0.5 + length / 4)
    n, edge = 100_000, 2 * (length + 1)
    rng = np.random.default_rng(7)
    u, v = (random_rods(n, np.ones(3), seed)[1] for seed in (8, 9))
    d = shortest_distance((rng.random((n, 3)) - 0.5) * edge, u, v, length)
    expected = 2 * b2 / edge**3
    assert (d < 1).mean() == pytest.approx(expected, abs=3.5 * np.sqrt(expected * (1 - expected) / n))
