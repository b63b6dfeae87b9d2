"""Hard disks against their published equation of state, and NVT against NPT.

The equation of state is the [4/5] Pade approximant of the virial series up to the tenth coefficient (N. Clisby and
B. M. McCoy, J. Stat. Phys. 122, 15 (2006), Table 1; B_3 and B_4 are known exactly). Its own error: it differs from the
[5/4] approximant by less than 5e-4 of Z at the densities used here, which a test checks.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import pade

from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SoftenedShoulder, SquareShoulder
from softal.simulators.monte_carlo.system import Disks
from softal.simulators.statistics import mean_and_error

pytestmark = [pytest.mark.physics, pytest.mark.validation]

# B_n / B_2^(n-1), n = 1 to 10; B_2 = pi sigma^2 / 2
VIRIAL = [1.0, 1.0, 0.782004, 0.53223180, 0.33355604, 0.1988425, 0.1148728, 0.0649930, 0.0362193, 0.0199537]
DENSITIES = [0.3, 0.5, 0.7, 0.8]  # freezing is at 0.88
THIN_AND_DENSE = [0.3, *(pytest.param(density, marks=pytest.mark.exhaustive) for density in (0.5, 0.7)), 0.8]
PARTICLES = 256


def pressure_of(density: float, order: int = 5) -> float:
    """beta P sigma^2 of hard disks."""
    numerator, denominator = pade(VIRIAL, order)
    y = np.pi / 2 * density
    return float(density * numerator(y) / denominator(y))


def sampled(mc: Disks, equilibration: int, samples: int, sweeps: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Density and virtual pressure, shape (samples,) each."""
    mc.tune(equilibration // 2)
    mc.run(equilibration - equilibration // 2)
    found = np.empty((samples, 2))
    for k in range(samples):
        mc.run(sweeps)
        found[k] = mc.density, mc.virtual_pressure
    return found[:, 0], found[:, 1]


@pytest.mark.parametrize("density", DENSITIES)
def test_equation_of_state_is_accurate_here(density: float) -> None:
    assert pressure_of(density, 4) == pytest.approx(pressure_of(density), rel=5e-4)


@pytest.mark.parametrize("density", THIN_AND_DENSE)
def test_pressure_at_fixed_volume(density: float) -> None:
    mc = Disks(starts.fluid(PARTICLES, density, seed=1), HardCore(), 1.0, seed=1)
    mean, error = mean_and_error(sampled(mc, 4000, 6000)[1])
    assert abs(mean - pressure_of(density)) < 3 * error, (mean, error)
    assert error < 0.02 * mean


@pytest.mark.parametrize("density", THIN_AND_DENSE)
def test_density_at_fixed_pressure(density: float) -> None:
    mc = Disks(starts.fluid(PARTICLES, density, seed=2), HardCore(), 1.0, pressure_of(density), seed=2)
    mean, error = mean_and_error(sampled(mc, 10_000, 4000, 20)[0])
    assert abs(mean - density) < 3 * error, (mean, error)
    assert error < 0.005 * mean


@pytest.mark.parametrize(
    ("potential", "kT"), [(SquareShoulder(1.4), 0.7), (SoftenedShoulder(1.35), 0.5)], ids=["hcss", "scs"]
)
def test_fixed_volume_and_fixed_pressure_agree(potential: PairPotential, kT: float) -> None:
    """A fluid at the pressure that it has at density 0.5 has that density; also with edges that move on their own."""
    start = starts.fluid(PARTICLES, 0.5, seed=3)
    pressure, error_of_pressure = mean_and_error(sampled(Disks(start, potential, kT, seed=3), 4000, 3000)[1])
    mc = Disks(start, potential, kT, float(pressure), seed=4, box_moves="anisotropic")
    densities, virtual = sampled(mc, 6_000, 3000, 10)
    density, error = mean_and_error(densities)
    # d ln rho / d(beta P) = kappa, from the fluctuations of the volume: kappa = <dV^2> / <V>
    volume = PARTICLES / densities
    through = density * volume.var() / volume.mean() * error_of_pressure
    assert abs(density - 0.5) < 3 * np.hypot(error, through), (density, error, through)
    again, error_again = mean_and_error(virtual)
    assert abs(again - pressure) < 3 * error_again, (again, error_again)
