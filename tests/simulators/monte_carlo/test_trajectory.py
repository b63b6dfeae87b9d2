"""GSD files: what is read back is what was written."""

from __future__ import annotations

from pathlib import Path

import gsd.hoomd
import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import rod_starts, starts
from softal.simulators.monte_carlo.trajectory import quaternions, write_gsd


def rotated_z(q: np.ndarray) -> np.ndarray:
    """What quaternions (N, 4) make of the z axis."""
    w, x, y, z = q.T
    return np.column_stack([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x**2 + y**2)])


def test_disks(tmp_path: Path) -> None:
    frames = [starts.fluid(16, density, seed=1) for density in (0.2, 0.3)]
    write_gsd(tmp_path / "a.gsd", frames, 1.4)
    with gsd.hoomd.open(tmp_path / "a.gsd") as file:
        assert len(file) == 2
        for frame, c in zip(file, frames, strict=True):
            assert frame.configuration.dimensions == 2
            np.testing.assert_allclose(frame.configuration.box, [*c.box, 0, 0, 0, 0], rtol=1e-6)
            np.testing.assert_allclose(frame.particles.position[:, :2] + c.box / 2, c.positions, atol=1e-5)
            assert np.all(frame.particles.position[:, 2] == 0)
            assert np.all(frame.particles.diameter == np.float32(1.4))


def test_rods(tmp_path: Path) -> None:
    c = rod_starts.smectic(432, 0.1, 5.0)
    write_gsd(tmp_path / "a.gsd", [c], length=5.0)
    with gsd.hoomd.open(tmp_path / "a.gsd") as file:
        frame = file[0]
    assert frame.configuration.dimensions == 3
    np.testing.assert_allclose(rotated_z(frame.particles.orientation), c.orientations, atol=1e-6)
    shape = frame.particles.type_shapes[0]
    assert (shape["rounding_radius"], np.ptp(shape["vertices"])) == (0.5, 5.0)


def test_quaternions() -> None:
    u = np.random.default_rng(1).normal(size=(100, 3))
    u /= np.linalg.norm(u, axis=1)[:, None]
    u = np.vstack([u, [0, 0, 1], [0, 0, -1], [1, 0, 0]])
    q = quaternions(u)
    np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1)
    np.testing.assert_allclose(rotated_z(q), u, atol=1e-12)


def test_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="no configuration"):
        write_gsd(tmp_path / "a.gsd", [])
