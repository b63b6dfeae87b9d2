"""Equations of state of hard spheres: limits, each other's, published values."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.theory import sphere_pressure


@pytest.mark.parametrize("phi", [0.05, 0.3, 0.49])
def test_one_kind_is_carnahan_and_starling_s(phi: float) -> None:
    expected = (1 + phi + phi**2 - phi**3) / (1 - phi) ** 3
    for ratio, small in ((1.0, 0.0), (0.4, 0.0), (1.0, 0.7)):
        assert sphere_pressure.fluid(phi, ratio, small) == pytest.approx(expected, rel=1e-12)


def test_the_second_virial_coefficient_is_exact() -> None:
    """B_2 = 2 pi / 3 sum x_i x_j s_ij^3."""
    parts, d = np.array([0.3, 0.7]), np.array([1.0, 0.5])
    pairs = 2 * np.pi / 3 * (np.outer(parts, parts) * (np.add.outer(d, d) / 2) ** 3).sum()
    phi = 1e-6
    rho = phi * 6 / np.pi / (parts * d**3).sum()
    assert (sphere_pressure.fluid(phi, 0.5, 0.7) - 1) / rho == pytest.approx(pairs, rel=1e-5)


def test_fluid_and_crystal_coexist_near_the_published_pressure() -> None:
    """beta P sigma^3 = 11.56 to 11.58 at packing fractions 0.4915 and 0.543 (Noya and Almarza, 2015; others)."""
    for phi, z in ((0.4915, sphere_pressure.fluid(0.4915)), (0.543, sphere_pressure.solid(0.543))):
        assert z * phi * 6 / np.pi == pytest.approx(11.57, rel=0.01)


def test_packing_fractions_belong_to_pressures() -> None:
    phi = sphere_pressure.fluid_at(8.0, 0.6, 0.5)
    volume = sphere_pressure.volume_of(0.6, 0.5)
    assert phi * sphere_pressure.fluid(phi, 0.6, 0.5) / volume == pytest.approx(8.0)
    phi = sphere_pressure.crystal_at(20.0, 0.7405, np.pi / 6)
    assert phi * 6 / np.pi * sphere_pressure.cage(phi, 0.7405) == pytest.approx(20.0)
    assert phi * 6 / np.pi * sphere_pressure.solid(phi) == pytest.approx(20.0, rel=0.1)


def test_what_is_out_of_range_is_said() -> None:
    with pytest.raises(TheoryError, match="packing fraction: 1 is given; allowed: above 0 and below 1"):
        sphere_pressure.fluid(1.0)
    with pytest.raises(TheoryError, match=r"bcc at packing fraction 0\.6 is given; allowed: fcc, hcp, from 0\.5"):
        sphere_pressure.solid(0.6, "bcc")
