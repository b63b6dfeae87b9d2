"""Turning a periodic configuration: what must not change, and what is known of perfect lattices."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.observables.rotation import random_rotation, rotated, rotation_matrix

BOXES = [np.array([9.0, 9.0]), np.array([7.0, 11.5]), np.array([6.0, 6.0, 6.0]), np.array([5.0, 5.0, 14.0])]


def gas(box: np.ndarray, particles: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(particles, len(box))) * box


def ordered(positions: np.ndarray) -> np.ndarray:
    return positions[np.lexsort(np.round(positions, 6).T)]


def turn(dimension: int, seed: int = 3) -> np.ndarray | float:
    return 0.7 if dimension == 2 else random_rotation(np.random.default_rng(seed))


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("angle", [0.0, np.pi])
def test_half_turns_keep_the_periodic_configuration(box: np.ndarray, angle: float) -> None:
    positions = gas(box)
    expected = positions.copy()
    if angle:
        expected[:, :2] = box[:2] - expected[:, :2]
    assert ordered(rotated(positions, box, angle)) == pytest.approx(ordered(expected), abs=1e-12)


@pytest.mark.parametrize("box", BOXES)
def test_positions_outside_the_box_are_the_same_particles(box: np.ndarray) -> None:
    positions = gas(box)
    shifted = positions + box * np.random.default_rng(1).integers(-3, 4, size=positions.shape)
    one, other = (ordered(rotated(x, box, turn(len(box)))) for x in (positions, shifted))
    assert one == pytest.approx(other, abs=1e-9)


@pytest.mark.parametrize("box", BOXES)
def test_the_cut_is_the_box_and_every_particle_in_it_is_there(box: np.ndarray) -> None:
    """Brute force: every image within three boxes, turned and tested one by one."""
    positions, matrix = gas(box, 40), rotation_matrix(turn(len(box)), len(box))
    found = []
    for image in np.ndindex(*[11] * len(box)):
        for x in positions + (np.array(image) - 5) * box:
            y = matrix @ (x - box / 2) + box / 2
            if np.all((y >= 0) & (y < box)):
                found.append(y)
    assert ordered(rotated(positions, box, matrix)) == pytest.approx(ordered(np.array(found)), abs=1e-9)


@pytest.mark.parametrize("box", BOXES)
def test_density_is_kept_on_average(box: np.ndarray) -> None:
    dimension, positions = len(box), gas(box)
    rng = np.random.default_rng(5)
    turns = [rng.uniform(0, 2 * np.pi) if dimension == 2 else random_rotation(rng) for _ in range(60)]
    counts = np.array([len(rotated(positions + rng.uniform(size=dimension) * box, box, turn)) for turn in turns])
    assert abs(counts.mean() - len(positions)) < 4 * counts.std() / np.sqrt(len(counts))
    assert counts.std() < np.sqrt(len(positions))


@pytest.mark.parametrize("angle", [np.pi / 2, -np.pi / 2, np.pi])
@pytest.mark.parametrize("origin", [0.0, 0.5, 0.25])
def test_a_square_lattice_keeps_its_number_although_particles_lie_on_the_faces(angle: float, origin: float) -> None:
    positions = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2) + origin
    assert len(rotated(positions, np.array([8.0, 8.0]), angle)) == 64


def test_in_space_an_angle_turns_about_z() -> None:
    box = np.array([6.0, 6.0, 9.0])
    positions = gas(box)
    turned = rotated(positions, box, np.pi / 2)
    centred = positions - box / 2
    expected = np.column_stack([-centred[:, 1], centred[:, 0], centred[:, 2]]) + box / 2
    assert ordered(turned) == pytest.approx(ordered(expected), abs=1e-9)


def test_random_rotations_are_even() -> None:
    """Every entry of the matrix has mean 0 and mean square 1/3, and the determinant is 1."""
    rng = np.random.default_rng(2)
    matrices = np.array([random_rotation(rng) for _ in range(4000)])
    assert np.linalg.det(matrices) == pytest.approx(np.ones(4000))
    assert np.abs(matrices.mean(axis=0)).max() < 4.5 * np.sqrt(1 / 3 / 4000)
    # The variance of the square of an entry is 1/5 - 1/9.
    assert np.abs((matrices**2).mean(axis=0) - 1 / 3).max() < 4.5 * np.sqrt(4 / 45 / 4000)


@pytest.mark.parametrize("wrong", [np.nan, [1.0, 2.0], [[1.0, 0.5], [0.0, 1.0]], np.eye(3)])
def test_what_is_no_rotation_of_the_plane(wrong: object) -> None:
    with pytest.raises(SimulationError, match="neither an angle in radian nor an orthogonal matrix 2 x 2"):
        rotated(gas(BOXES[0]), BOXES[0], wrong)  # type: ignore[arg-type]
