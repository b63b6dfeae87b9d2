"""Pair potentials: (7.1), (7.2), and the error of their tables."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators.monte_carlo.compression import pairs_energy
from softal.simulators.monte_carlo.potentials import (
    NEGLIGIBLE,
    HardCore,
    PairPotential,
    SoftenedShoulder,
    SquareShoulder,
)

ALL = [HardCore(), SquareShoulder(1.4), SoftenedShoulder(1.35), SoftenedShoulder(1.6, 40.0)]


def tabulated(potential: PairPotential, r: float, kT: float) -> float:
    """u/epsilon of two particles, as kernels find it."""
    x, box = np.array([[0.1, 0.2], [0.1 + r, 0.2]]), np.array([20.0, 20.0])
    table = potential.table(kT)
    return float(kT * pairs_energy(x, box, potential.core**2, potential.cutoff**2, *table))


@pytest.mark.parametrize("kT", [0.1, 1.0])
@pytest.mark.parametrize("potential", ALL, ids=str)
def test_tables_are_the_energy(potential: PairPotential, kT: float) -> None:
    for r in np.linspace(potential.core + 1e-9, potential.cutoff + 0.2, 3001):
        exact = float(potential.energy(r))
        assert abs(tabulated(potential, r, kT) - exact) <= 1e-4 * exact + 1e-5, r


@pytest.mark.parametrize("potential", ALL, ids=str)
def test_core_and_cutoff(potential: PairPotential) -> None:
    assert np.isinf(potential.energy(potential.core - 1e-9))
    assert np.isfinite(potential.energy(potential.core + 1e-9))
    assert potential.energy(potential.cutoff) == 0
    assert np.isinf(tabulated(potential, potential.core - 1e-6, 1.0))
    assert tabulated(potential, potential.cutoff + 1e-6, 1.0) == 0


def test_softened_shoulder_is_the_formula_but_for_the_shift() -> None:
    potential, r = SoftenedShoulder(1.35, 10.0), np.linspace(0.7, 1.9, 50)
    formula = r**-14 + (1 - np.tanh(10 * (r - 1.35))) / 2
    np.testing.assert_allclose(formula - potential.energy(r), NEGLIGIBLE, atol=1e-9)
    assert 1.9 < potential.cutoff < 2.0


@pytest.mark.parametrize("k", [0.5, 5.0, 100.0])
def test_cutoff_of_any_steepness(k: float) -> None:
    potential = SoftenedShoulder(1.35, k)
    tail = potential.cutoff**-14 + (1 - np.tanh(k * (potential.cutoff - 1.35))) / 2
    assert tail == pytest.approx(NEGLIGIBLE, rel=1e-6)


@pytest.mark.parametrize("delta", [0.9, 1.0, np.inf, np.nan])
def test_shoulder_inside_the_core(delta: float) -> None:
    with pytest.raises(SimulationError, match=r"delta is .* greater than"):
        SquareShoulder(delta)


@pytest.mark.parametrize(("delta", "k"), [(0.5, 10.0), (1.35, 0.0), (1.35, np.nan)])
def test_softened_shoulder_refuses(delta: float, k: float) -> None:
    with pytest.raises(SimulationError, match="greater than"):
        SoftenedShoulder(delta, k)


@pytest.mark.parametrize("potential", ALL, ids=str)
@pytest.mark.parametrize("kT", [0.0, -1.0, np.inf])
def test_temperatures(potential: PairPotential, kT: float) -> None:
    with pytest.raises(SimulationError, match="kT is"):
        potential.table(kT)


def test_a_temperature_at_which_the_core_would_matter() -> None:
    with pytest.raises(SimulationError, match="kT <= 10"):
        SoftenedShoulder(1.35).table(11.0)
