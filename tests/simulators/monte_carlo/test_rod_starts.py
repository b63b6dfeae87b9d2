"""Starts of rods: numbers, densities, layers, order, and room between the rods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo.potentials import HardCore
from softal.simulators.monte_carlo.rod_energies import total_energy
from softal.simulators.monte_carlo.rod_starts import isotropic, smectic
from softal.simulators.monte_carlo.system import Configuration

pytestmark = pytest.mark.physics


def hard_energy(start: Configuration, length: float, core: float = 1.0) -> float:
    """Return 0 where no two rods are nearer than the core, else infinity."""
    table, per_r2 = HardCore().table(1.0)
    assert start.orientations is not None
    return float(total_energy(start.positions, start.orientations, start.box, length, core**2, core**2, table, per_r2))


@pytest.mark.parametrize("order", ["liquid", "square", "hexagonal"])
@pytest.mark.parametrize(("density", "layers"), [(0.1385, 3), (0.1, 3), (0.12, 4)])
def test_smectic(order: Any, density: float, layers: int) -> None:
    n = 432 if order != "square" or layers == 3 else 400
    start = smectic(n, density, 5.0, layers, order=order)
    heights, counts = np.unique(start.positions[:, 2].round(9), return_counts=True)
    assert start.density == pytest.approx(density)
    assert start.box[0] == pytest.approx(start.box[1])
    assert start.box[2] > start.box[0]
    assert counts.tolist() == [n // layers] * layers
    assert np.allclose(np.diff(heights), start.box[2] / layers)
    assert np.array_equal(np.abs(start.orientations), np.tile([0, 0, 1], (n, 1)))
    assert np.all((start.positions >= 0) & (start.positions < start.box))
    assert hard_energy(start, 5.0, 0.93) == 0


@pytest.mark.parametrize(("order", "peak"), [("square", True), ("hexagonal", True), ("liquid", False)])
def test_order_within_layers(order: Any, peak: bool) -> None:
    """A crystal scatters all of its N into one direction along its rows, a liquid no more than a few."""
    start = smectic(432, 0.1, 5.0, 3, order=order)
    x = start.positions[:, 1]
    rows = 12
    intensity = [abs(np.exp(2j * np.pi * m * x / start.box[1]).sum()) ** 2 / len(x) for m in range(2, 2 * rows + 1)]
    assert (max(intensity) > 400) == peak


def test_layers_of_a_liquid_differ_and_repeat_with_the_seed() -> None:
    start = smectic(432, 0.1, 5.0, seed=3)
    layers = start.positions[:, :2].reshape(3, 144, 2)
    assert np.abs(layers[0] - layers[1]).max() > 0.1
    assert np.array_equal(start.positions, smectic(432, 0.1, 5.0, seed=3).positions)
    assert not np.array_equal(start.positions, smectic(432, 0.1, 5.0, seed=7).positions)


@pytest.mark.parametrize("length", [0.0, 2.0, 5.0])
def test_isotropic(length: float) -> None:
    start = isotropic(100, 0.03, length, seed=2)
    u = start.orientations
    assert u is not None
    assert start.density == pytest.approx(0.03)
    assert np.allclose(np.linalg.norm(u, axis=1), 1)
    # Each component of u^2 has mean 1/3 and variance 4/45.
    assert np.abs((u**2).mean(0) - 1 / 3).max() < 4 * np.sqrt(4 / 45 / 100)
    assert hard_energy(start, length) == 0
    assert np.array_equal(start.positions, isotropic(100, 0.03, length, seed=2).positions)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: smectic(431, 0.12, 5.0), "431 rods do not fill 3 layers alike; .* multiple of 3"),
        (lambda: smectic(432, 0.01, 5.0), "has to be higher than wide: take more layers"),
        (lambda: smectic(432, 0.12, 5.0, 4, order="square"), "square number of particles; 108 is none, 100"),
        (lambda: smectic(432, -0.1, 5.0), "at a density of -0.1; all of these have to be positive"),
        (lambda: isotropic(30, 0.0, 5.0), "30 rods of length 5 sigma at a density of 0"),
        (lambda: isotropic(8, 0.06, 5.0), "5.109 sigma is too small for rods of length 5"),
        (lambda: isotropic(40, 0.15, 5.0), "40 rods of length 5 sigma do not fit at random at a density of 0.15"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        make()
