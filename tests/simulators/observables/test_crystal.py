"""Crystalline surroundings: crystals that move, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.engines.start import face_centred_cubic, random_insertion
from softal.simulators.observables.crystal import crystalline

RHO = 1.2


def cells(repeats: tuple[int, int, int], edges: np.ndarray, basis: np.ndarray) -> np.ndarray:
    corners = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return ((corners + basis) * edges).reshape(-1, 3)


def crystal(lattice: str) -> tuple[np.ndarray, float]:
    if lattice == "fcc":
        length = (864 / RHO) ** (1 / 3)
        return face_centred_cubic(864, length), length
    edge = (2 / RHO) ** (1 / 3)  # CsCl: A on the corners, B in the middles
    return cells((8, 8, 8), np.full(3, edge), np.array([[0, 0, 0], [0.5, 0.5, 0.5]])), 8 * edge


@pytest.mark.parametrize("lattice", ["fcc", "CsCl"])
@pytest.mark.parametrize(("noise", "least"), [(0.0, 1.0), (0.05, 0.99), (0.09, 0.9)])
def test_crystals(lattice: str, noise: float, least: float) -> None:
    positions, length = crystal(lattice)
    moved = positions + noise * np.random.default_rng(0).normal(size=positions.shape)
    assert np.mean(crystalline(moved, length)) >= least


def test_a_random_packing_is_no_crystal() -> None:
    length = (800 / RHO) ** (1 / 3)
    positions, _ = random_insertion((800,), length, {(0, 0): 0.8}, np.random.default_rng(0))
    assert np.mean(crystalline(positions, length)) < 0.01


def test_a_crystal_in_a_liquid_is_found_where_it_is() -> None:
    """Half a box of fcc beside half a box at random."""
    positions, length = crystal("fcc")
    left = positions[:, 0] < length / 2
    rng = np.random.default_rng(1)
    positions[~left] += rng.normal(size=(int(np.sum(~left)), 3)) * 0.5
    inside = crystalline(positions, length)
    assert 0.6 < np.mean(inside[left]) < 1
    assert np.mean(inside[~left]) < 0.05


def test_lengths_may_have_any_unit() -> None:
    positions, length = crystal("fcc")
    assert np.mean(crystalline(positions * 3.4, length * 3.4)) == 1
