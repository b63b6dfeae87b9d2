"""Starting configurations: density, distances, what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.system import Configuration


def distances(configuration: Configuration) -> np.ndarray:
    """Distances of nearest images, shape (N, N), infinite on the diagonal."""
    dx = configuration.positions[:, None] - configuration.positions
    dx -= configuration.box * np.rint(dx / configuration.box)
    return np.sqrt((dx**2).sum(-1)) + np.diag(np.full(len(dx), np.inf))


@pytest.mark.parametrize(("n", "density", "d"), [(256, 0.3, 2), (256, 0.85, 2), (100, 0.9, 3), (2, 0.1, 2)])
def test_fluid(n: int, density: float, d: int) -> None:
    c = starts.fluid(n, density, d, seed=5)
    assert (c.positions.shape, c.density) == ((n, d), pytest.approx(density))
    assert distances(c).min() >= 1
    assert np.all((c.positions >= 0) & (c.positions < c.box))
    np.testing.assert_array_equal(c.positions, starts.fluid(n, density, d, seed=5).positions)
    assert not np.allclose(c.positions, starts.fluid(n, density, d, seed=6).positions)


def test_fluid_has_no_order() -> None:
    """No Bragg peak: S(k) of a crystal of 256 particles would reach 256."""
    c = starts.fluid(256, 0.6, seed=1)
    m = np.arange(-30, 31)
    k = 2 * np.pi * np.stack(np.meshgrid(m, m, indexing="ij"), -1).reshape(-1, 2) / c.box
    s = np.abs(np.exp(-1j * c.positions @ k.T).sum(0)) ** 2 / 256
    assert s[np.any(k != 0, axis=1)].max() < 25


def test_square() -> None:
    r = distances(starts.square(64, 0.9))
    assert np.sum(np.isclose(r, 0.9**-0.5)) == 4 * 64
    assert np.isclose(r.min(), 0.9**-0.5)


@pytest.mark.parametrize("n", [16, 30, 256])
def test_hexagonal(n: int) -> None:
    c = starts.hexagonal(n, 0.9)
    r, a = distances(c), np.sqrt(2 / (np.sqrt(3) * 0.9))
    assert np.sum(np.isclose(r, a)) == 6 * n
    assert np.isclose(r.min(), a)
    assert (c.density, c.box.max() / c.box.min() < 1.6) == (pytest.approx(0.9), True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: starts.square(250, 0.5), "250 is none, 256 is the nearest"),
        (lambda: starts.hexagonal(255, 0.5), "255 is odd"),
        (lambda: starts.fluid(256, 1.3), "do not fit"),
        (lambda: starts.fluid(0, 0.5), "both have to be positive"),
        (lambda: starts.fluid(16, -0.5), "both have to be positive"),
    ],
)
def test_what_does_not_fit(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SimulationError, match=message):
        make()
