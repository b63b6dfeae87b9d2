"""Scattering functions of mixtures: limits, labels, times in any order, T_mct; bad input in one line."""

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.theory import hard_spheres
from softal.theory.mode_coupling.liquid import wave_numbers
from softal.theory.mode_coupling.scattering import at_middles, critical_temperature, mixture_scattering

pytestmark = pytest.mark.physics

K = wave_numbers()
X = np.array([0.8, 0.2])


def labelled(phi):
    """S_AA, S_AB, S_BB (3, 100) of Percus and Yevick's hard spheres, four in five of which are called A."""
    S = hard_spheres.structure_factor(K, phi) - 1
    return np.array([0.8 + 0.64 * S, 0.16 * S, 0.2 + 0.04 * S])


def solved(phi, times, **changes):
    return mixture_scattering(
        labelled(phi), K, hard_spheres.density(phi), 1.0, at=7.25, times=times, points=64, **changes
    )


@pytest.mark.parametrize("dynamics", ["newtonian", "overdamped"])
def test_a_liquid(dynamics):
    found = solved(0.45, [0.0, 0.01, 0.1, 1e6], dynamics=dynamics)
    assert not found.glass
    assert found.F_self.shape == (2, 4)
    assert found.F_coherent.shape == (3, 4)
    np.testing.assert_allclose(found.F_self[:, 0], 1.0, atol=1e-12)
    np.testing.assert_allclose(found.F_coherent[[0, 2], 0], 1.0, atol=0.01)  # S's spline is not that of the ratio
    np.testing.assert_allclose(found.F_self[:, 3], 0.0, atol=1e-6)
    np.testing.assert_allclose(found.F_self[0], found.F_self[1], atol=1e-2)  # the species differ by name


def test_free_flight_at_short_times():
    t = np.geomspace(1e-5, 3e-3, 5)
    free = np.exp(-(7.25**2) * t**2 / 2)
    np.testing.assert_allclose(solved(0.45, t).F_self, [free, free], atol=2e-5)


def test_a_glass_stays_at_its_nonergodicity_parameters():
    found = solved(0.53, [1e6])
    assert found.glass
    assert found.f_self.shape == (2, 100)
    between = np.sort(found.f_self[0, [17, 18]])
    assert between[0] < found.F_self[0, 0] < between[1]


def test_times_may_come_in_any_order():
    there, back = solved(0.45, [0.1, 1.0, 10.0]), solved(0.45, [10.0, 0.1, 1.0])
    np.testing.assert_allclose(there.F_self, back.F_self[:, [1, 2, 0]], atol=1e-12)


def test_a_wave_number_of_the_grid_needs_no_interpolation():
    found = mixture_scattering(labelled(0.53), K, hard_spheres.density(0.53), 1.0, at=K[17], times=[1e6], points=64)
    np.testing.assert_allclose(found.F_self[:, 0], found.f_self[:, 17], atol=1e-6)
    np.testing.assert_allclose(found.F_coherent[:, 0], found.f_coherent[:, 17], atol=1e-6)


def test_critical_temperature_is_where_the_structure_is_the_critical_one():
    # A liquid whose packing fraction is linear in 1/T, at the density of the critical one: there it is exactly that.
    phi_c = 0.51591
    states = {T: labelled(0.5 + 0.02 / T) for T in (0.9, 1.0, 1.2, 1.4, 1.7, 2.0)}
    found = critical_temperature(states, K, hard_spheres.density(phi_c), degree=3, tolerance=1e-4)
    assert found == pytest.approx(0.02 / (phi_c - 0.5), rel=1e-3)


def wrong_spectrum():
    S = labelled(0.45)
    S[1, 40] = 0.6
    return S


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"S": wrong_spectrum()}, r"S\(k\): not positive at k = 16\.2"),
        ({"S": labelled(0.45)[:2]}, r"S\(k\): shape \(2, 100\), but S_AA, S_AB and S_BB"),
        ({"k": K + 0.2}, "k: wave number 1 is 0.4, but the grid"),
        ({"rho": -1.2}, "rho: -1.2 is not allowed"),
        ({"T": 0.0}, "T: 0 is not allowed"),
        ({"times": [1.0, -0.5]}, r"times: number 2 is -0\.5, but they must be finite and not negative"),
        ({"times": [np.nan]}, "times: number 1 is nan"),
        ({"at": 50.0}, "at: k = 50 is outside the grid, which is from 0.2 to 39.8"),
        ({"dynamics": "ballistic"}, "dynamics: 'ballistic' is not known"),
    ],
)
def test_bad_input_is_said_in_one_line(changes, message):
    arguments = {"S": labelled(0.45), "k": K, "rho": 0.86, "T": 1.0, "at": 7.25, "times": [1.0]} | changes
    with pytest.raises(TheoryError, match=message) as raised:
        mixture_scattering(**arguments)
    assert "\n" not in str(raised.value)


def test_too_few_temperatures():
    with pytest.raises(TheoryError, match="T_mct: 2 temperatures, a fit of degree 2 needs 3 or more"):
        critical_temperature({1.0: labelled(0.5), 2.0: labelled(0.45)}, K, 0.95)


def test_middles_of_bins_are_recovered_from_means_over_them():
    fine = (np.arange(100 * 40) + 0.5) * 0.01
    S = hard_spheres.structure_factor(fine, 0.5) - 1
    means = np.array([0.8 + 0.64 * S, 0.16 * S, 0.2 + 0.04 * S]).reshape(3, 100, 40).mean(axis=2)
    error_before, error = (np.abs(one - labelled(0.5))[:, 2:-1].max(axis=1) for one in (means, at_middles(means)))
    assert np.all(error < 0.4 * error_before)
    np.testing.assert_array_equal(at_middles(means)[:, [0, 1, -1]], means[:, [0, 1, -1]])


def test_middles_stay_positive():
    S = labelled(0.45)
    S[:, 40] = 0.01 * S[:, 40]
    S[:, 41] *= 30.0
    assert np.all(np.linalg.eigvalsh(at_middles(S)[[[0, 1], [1, 2]]].transpose(2, 0, 1)) > 0)
