"""Bonds, coordination numbers and angles of known arrangements."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.observables.bonds import Bonds, angle_distribution, first_minimum

L = 10.0
CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])


def tetrahedron(centre: np.ndarray) -> Bonds:
    positions = np.vstack([centre, centre + CORNERS])
    return Bonds(positions, np.array([0, 1, 1, 1, 1]), L, (0, 1), 2.0)


@pytest.mark.parametrize("centre", [np.full(3, 5.0), np.array([0.2, 9.9, -3.0])], ids=["inside", "across the faces"])
def test_a_tetrahedron(centre: np.ndarray) -> None:
    bonds = tetrahedron(centre)
    assert bonds.coordination == (4, 1)
    assert bonds.angles(0) == pytest.approx([np.degrees(np.arccos(-1 / 3))] * 6)
    assert len(bonds.angles(1)) == 0


def test_a_chain_across_the_box() -> None:
    """Si-O-Si ...: two bonds each, straight."""
    positions = np.column_stack([np.arange(8) * 1.25, np.zeros(8), np.zeros(8)])
    bonds = Bonds(positions, np.arange(8) % 2, L, (0, 1), 1.5)
    assert bonds.coordination == (2, 2)
    assert bonds.angles(0) == pytest.approx([180] * 4)
    assert bonds.angles(1) == pytest.approx([180] * 4)


def test_angles_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    positions, types = rng.uniform(0, L, (60, 3)), rng.integers(0, 2, 60)
    separation = positions[None] - positions[:, None]
    separation -= L * np.round(separation / L)
    distance = np.linalg.norm(separation, axis=-1)
    bonds = Bonds(positions, types, L, (0, 1), 3.0)
    for centre, (own, other) in enumerate([(0, 1), (1, 0)]):
        expected = []
        for i in np.flatnonzero(types == own):
            near = np.flatnonzero((types == other) & (distance[i] <= 3.0))
            for j, k in zip(*np.triu_indices(len(near), 1), strict=True):
                u, v = separation[i, near[j]], separation[i, near[k]]
                expected.append(np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v))))
        assert np.sort(bonds.angles(centre)) == pytest.approx(np.sort(expected))


def test_no_bonds() -> None:
    bonds = Bonds(np.array([[0.0, 0, 0], [5, 5, 5]]), np.array([0, 1]), L, (0, 1), 1.0)
    assert bonds.coordination == (0, 0)
    assert len(bonds.angles(0)) == 0
    assert angle_distribution(bonds.angles(0))[0].sum() == 0


def test_random_directions_are_distributed_as_the_sine() -> None:
    cosines = np.random.default_rng(0).uniform(-1, 1, 200_000)
    P, theta = angle_distribution(np.degrees(np.arccos(cosines)), 5.0)
    assert P.sum() * 5 == pytest.approx(1)
    assert pytest.approx(np.sin(np.radians(theta)) * np.pi / 360, abs=4e-4) == P


def test_first_minimum() -> None:
    r = np.arange(0.05, 8, 0.05)
    g_r = 9 * np.exp(-(((r - 1.6) / 0.1) ** 2)) + (1 + np.cos(2 * np.pi * (r - 4.2) / 2)) * (r > 2.2)
    g_r[r < 2.2] += 0.1 * np.abs(r[r < 2.2] - 2.1)
    assert first_minimum(r, g_r) == pytest.approx(2.1, abs=0.05)
