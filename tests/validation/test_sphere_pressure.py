"""Spheres in space against published pressures: mixtures, fcc, both ensembles, with swaps and without.

References are in `softal.theory.sphere_pressure`: BMCSL is within 0.5 % of simulations at these states, Speedy's fit
of fcc within 0.1 %.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from softal.simulators.monte_carlo import sphere_starts
from softal.simulators.monte_carlo.spheres import Spheres
from softal.simulators.statistics import mean_and_error
from softal.theory import sphere_pressure

pytestmark = [pytest.mark.physics, pytest.mark.validation]


def averaged(mc: Spheres, measure: Callable[[Spheres], float], samples: int, every: int) -> tuple[float, float]:
    """Mean and error of a property, after 1000 sweeps in which step sizes are tuned and 500 more."""
    mc.tune(1000)
    mc.run(500)
    series = []
    for _ in range(samples):
        mc.run(every)
        series.append(measure(mc))
    mean, error = mean_and_error(series)
    return float(mean), float(error)


@pytest.mark.parametrize(
    ("phi", "ratio", "small", "swaps"),
    [(0.2, 1.0, 0.0, 0.0), (0.45, 1.0, 0.0, 0.0), (0.4, 0.54, 2 / 3, 0.0), (0.45, 0.82, 2 / 3, 0.2)],
)
def test_fluids_have_bmcsl_s_pressure(phi: float, ratio: float, small: float, swaps: float) -> None:
    start = sphere_starts.mixture(256, phi, ratio, small, seed=1).configuration
    mc = Spheres(start, seed=2, swaps=swaps)
    mean, error = averaged(mc, lambda one: one.virtual_pressure / one.density, 1000, 5)
    expected = sphere_pressure.fluid(phi, ratio, small)
    assert error < 0.015 * expected
    assert mean == pytest.approx(expected, abs=3 * error + 0.005 * expected)


@pytest.mark.parametrize("phi", [0.55, 0.65])
def test_fcc_has_speedy_s_pressure(phi: float) -> None:
    mc = Spheres(sphere_starts.crystal("fcc", 256, phi).configuration, seed=3)
    mean, error = averaged(mc, lambda one: one.virtual_pressure / one.density, 1000, 5)
    expected = sphere_pressure.solid(phi)
    assert error < 0.015 * expected
    assert mean == pytest.approx(expected, abs=3 * error + 0.003 * expected)


@pytest.mark.parametrize(("structure", "phi", "ratio", "small"), [("fluid", 0.4, 0.6, 0.5), ("fcc", 0.57, 1.0, 0.0)])
def test_constant_pressure_gives_the_packing_fraction_back(
    structure: str, phi: float, ratio: float, small: float
) -> None:
    """In NPT at theory's pressure, packing fractions are theory's, and contacts give the pressure that was set."""
    crystal = structure != "fluid"
    start = sphere_starts.crystal("fcc", 256, phi) if crystal else sphere_starts.mixture(256, phi, ratio, small, seed=1)
    Z = sphere_pressure.solid(phi) if crystal else sphere_pressure.fluid(phi, ratio, small)
    pressure = Z * phi / sphere_pressure.volume_of(ratio, small)
    mc = Spheres(start.configuration, 1.0, pressure, seed=4, box_moves="anisotropic" if crystal else "isotropic")
    mc.tune(1000)
    mc.run(1000)
    rows = []
    for _ in range(800):
        mc.run(8)
        rows.append((mc.packing_fraction, mc.virtual_pressure))
    (packing, measured), (error, spread) = mean_and_error(rows)
    assert error < 0.01 * phi
    assert packing == pytest.approx(phi, abs=3 * error + 0.001 * phi)
    assert measured == pytest.approx(pressure, abs=3.5 * spread)
    assert spread < 0.02 * pressure


def test_wca_particles_have_one_pressure_in_both_ensembles() -> None:
    start = sphere_starts.mixture(200, 0.4, 0.8, 0.5, seed=1).configuration
    mean, error = averaged(Spheres(start, 0.2, seed=5, interaction="wca"), lambda one: one.virtual_pressure, 500, 5)
    npt = Spheres(start, 0.2, mean, seed=6, interaction="wca")
    packing, spread = averaged(npt, lambda one: one.packing_fraction, 500, 10)
    stiff = 4 * mean / 0.4  # dP / dphi is about this, or more
    assert packing == pytest.approx(0.4, abs=3 * float(np.hypot(spread, error / stiff)))
    assert spread < 0.004


def test_swaps_leave_distances_as_they_are() -> None:
    """Near pairs of large spheres, large and small, and small ones: as many with swaps as without."""
    start = sphere_starts.mixture(200, 0.35, 0.7, 0.5, seed=1).configuration
    found = []
    for swaps in (0.0, 1.0):
        mc = Spheres(start, seed=7, swaps=swaps)
        mc.tune(800)
        rows = []
        for _ in range(500):
            mc.run(6)
            rows.append(near(mc))
        found.append(mean_and_error(rows))
    (one, e), (other, f) = found
    assert np.all(np.abs(one - other) < 3.5 * np.hypot(e, f))
    assert np.all(np.hypot(e, f) < 0.03 * one)


def near(mc: Spheres) -> np.ndarray:
    """Pairs nearer than 1.2 s: of two large spheres, of a large and a small one, of two small ones."""
    apart = mc.positions[:, None] - mc.positions
    apart -= mc.box * np.rint(apart / mc.box)
    s = (mc.diameters[:, None] + mc.diameters) / 2
    touching = np.triu((apart**2).sum(axis=2) < (1.2 * s) ** 2, 1)
    return np.array([touching[np.isclose(s, width)].sum() for width in (1.0, 0.85, 0.7)], dtype=np.float64)
