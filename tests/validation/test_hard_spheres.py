"""Hard spheres (rods of length 0): density at constant pressure, and pressure at constant volume, as a fluid.

Reference: J. Kolafa's equation, in T. Boublik, Mol. Phys. 59, 371 (1986), a correction of Carnahan and Starling's that
is within 0.1 % of simulations up to freezing (eta = 0.494).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from softal.simulators.monte_carlo.potentials import HardCore
from softal.simulators.monte_carlo.spherocylinders import Spherocylinders
from softal.simulators.monte_carlo.starts import fluid
from softal.simulators.statistics import mean_and_error

pytestmark = [pytest.mark.physics, pytest.mark.validation]

N = 128


def pressure_at(density: float) -> float:
    eta = np.pi / 6 * density
    return density * (1 + eta + eta**2 - 2 / 3 * eta**3 * (1 + eta)) / (1 - eta) ** 3


@pytest.mark.parametrize(
    ("density", "box_moves"),
    [(0.3, "isotropic"), (0.6, "isotropic"), (0.85, "isotropic"), (0.6, "anisotropic"), (0.6, "z_apart")],
)
def test_constant_pressure(density: float, box_moves: Any) -> None:
    start, pressure = fluid(N, 0.95 * density, 3), pressure_at(density)
    mc = Spherocylinders(start, HardCore(), 1.0, pressure, seed=1, box_moves=box_moves)
    mc.tune(1000)
    series = []
    for _ in range(400):
        mc.run(30)
        series.append(mc.density)
    mean, error = mean_and_error(series)
    assert error < 0.015 * density
    assert mean == pytest.approx(density, abs=3 * error)


@pytest.mark.parametrize("density", [0.3, 0.6, 0.85])
def test_constant_volume(density: float) -> None:
    mc = Spherocylinders(fluid(N, density, 3), HardCore(), 1.0, seed=2)
    mc.tune(800)
    series = []
    for _ in range(400):
        mc.run(8)
        series.append(mc.virtual_pressure)
    mean, error = mean_and_error(series)
    assert error < 0.03 * mean
    assert mean == pytest.approx(pressure_at(density), abs=3 * error)
