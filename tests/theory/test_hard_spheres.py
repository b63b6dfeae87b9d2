"""Percus-Yevick hard spheres: limits, the transform of c(r) done numerically, sum rules."""

import numpy as np
import pytest
from scipy.integrate import quad

from softal.errors import TheoryError
from softal.theory import hard_spheres

PHI = (0.05, 0.3, 0.516)


def c_of_r(x, phi):
    l_1, l_2 = (1 + 2 * phi) ** 2 / (1 - phi) ** 4, (1 + phi / 2) ** 2 / (1 - phi) ** 4
    return -(l_1 - 6 * phi * l_2 * x + phi * l_1 * x**3 / 2)


@pytest.mark.parametrize("phi", PHI)
@pytest.mark.parametrize("k", [1e-3, 0.2, 0.499, 0.501, 7.0, 39.8])
def test_closed_form_is_the_transform_of_c_of_r(phi, k):
    integral, _ = quad(lambda x: 4 * np.pi * x * c_of_r(x, phi) * np.sin(k * x) / k, 0, 1, epsabs=1e-11, limit=200)
    assert hard_spheres.direct_correlation(np.array([k]), phi)[0] == pytest.approx(integral, rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("phi", PHI)
def test_compressibility_at_zero_wave_number(phi):
    expected = (1 - phi) ** 4 / (1 + 2 * phi) ** 2
    assert hard_spheres.structure_factor(0.0, phi) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("phi", PHI)
def test_an_ideal_gas_at_large_wave_numbers(phi):
    assert hard_spheres.structure_factor(1e4, phi) == pytest.approx(1.0, abs=1e-6)


def test_dilute_spheres_have_the_virial_coefficient():
    assert hard_spheres.direct_correlation(0.0, 1e-8) == pytest.approx(-4 * np.pi / 3, rel=1e-6)


@pytest.mark.parametrize("phi", [0.0, -0.1, 1.0, float("nan")])
def test_impossible_packing_fractions(phi):
    with pytest.raises(TheoryError, match=r"packing fraction: .* above 0 and below 1"):
        hard_spheres.structure_factor(7.0, phi)
