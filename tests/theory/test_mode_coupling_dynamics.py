"""Correlators over time: closed solutions, short and long times, resolution, and labels that mean nothing."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import ive

from softal.errors import TheoryError
from softal.theory import hard_spheres
from softal.theory.mode_coupling.dynamics import relax
from softal.theory.mode_coupling.liquid import Liquid, wave_numbers
from softal.theory.mode_coupling.schematic import Schematic

pytestmark = pytest.mark.physics

DYNAMICS = ("overdamped", "newtonian")


def at(found, t, values=None):
    """Values on the solution's times, (n_t, ...), at times t by a spline."""
    values = found.F if values is None else values
    u = found.t[1]
    return CubicSpline(np.log1p(found.t / u), values)(np.log1p(np.asarray(t) / u))


def test_f1_at_its_critical_point_has_a_closed_solution():
    # v = 1: F = exp(-2t) [I_0(2t) + I_1(2t)], by Laplace transformation; it falls as t^(-1/2).
    t = np.geomspace(1e-3, 1e6, 60)
    F = at(relax(Schematic(v_1=1.0), 1e6, dynamics="overdamped"), t)[:, 0, 0, 0]
    assert np.max(np.abs(F - (ive(0, 2 * t) + ive(1, 2 * t)))) < 1e-5


@pytest.mark.parametrize(
    ("dynamics", "exact", "error"), [("overdamped", lambda t: np.exp(-t), 2e-5), ("newtonian", np.cos, 1e-3)]
)
def test_without_memory(dynamics, exact, error):
    t = np.linspace(0.0, 2.0, 50)
    F = at(relax(Schematic(), 2.0, dynamics=dynamics), t)[:, 0, 0, 0]
    assert np.max(np.abs(F - exact(t))) < error


@pytest.mark.parametrize("dynamics", DYNAMICS)
@pytest.mark.parametrize(("v", "limit"), [(3.9, 0.0), (4.1, (1 + np.sqrt(1 - 4 / 4.1)) / 2)])
def test_f2_comes_to_its_limit(dynamics, v, limit):
    found = relax(Schematic(v_2=v), 1e12, dynamics=dynamics)
    assert found.arrived
    assert found.t[-1] < 1e6  # it need not go on to 1e12
    assert found.F[-1].item() == pytest.approx(limit, abs=1e-6)


def test_f2_at_its_critical_point_comes_to_the_plateau_by_a_power_law():
    found = relax(Schematic(v_2=4.0), 1e8, dynamics="overdamped", points=128)
    t = np.geomspace(1e4, 1e8, 9)
    F = at(found, t)[:, 0, 0, 0]
    # F - 1/2 falls as t^-a with a = 0.395, Gamma(1 - a)^2 = Gamma(1 - 2a) / 2.
    slopes = np.diff(np.log(F - 0.5)) / np.diff(np.log(t))
    np.testing.assert_allclose(slopes, -0.395, atol=0.02)


def test_short_times_overdamped():
    # F(t) = S - J t + ...: dF/dt = -Omega^2 S with Omega^2 = k^2 kT / (m S).
    liquid = hard_spheres.liquid(0.45)
    found = relax(liquid, 0.0, dynamics="overdamped", tagged=True)
    slope = (found.F[1] - found.F[0]) / found.t[1]
    np.testing.assert_allclose(slope[0, 0], -(liquid.k**2), rtol=1e-3)
    np.testing.assert_allclose((found.F_s[1] - 1)[0] / found.t[1], -(liquid.k**2), rtol=1e-3)


@pytest.mark.parametrize("T", [1.0, 2.5])
def test_short_times_newtonian(T):
    # F''(0) = -Omega^2 S = -k^2 kT / m whatever S is: free flight.
    k = wave_numbers()
    liquid = Liquid(k, hard_spheres.structure_factor(k, 0.45), hard_spheres.density(0.45), T, masses=(2.0,))
    found = relax(liquid, 0.0, tagged=True)
    t = found.t[20]
    np.testing.assert_allclose(2 * (found.F[20, 0, 0] - liquid.S[0, 0]) / t**2, -(k**2) * T / 2.0, rtol=2e-3)
    np.testing.assert_allclose(2 * (found.F_s[20, 0] - 1) / t**2, -(k**2) * T / 2.0, rtol=2e-3)


@pytest.mark.parametrize("dynamics", DYNAMICS)
def test_a_liquid_of_hard_spheres_forgets_its_structure(dynamics):
    found = relax(hard_spheres.liquid(0.51), 1e9, dynamics=dynamics, tagged=True)
    assert found.arrived
    assert not np.any(found.limit)
    assert np.max(np.abs(found.F[-1])) < 1e-6
    assert np.max(np.abs(found.F_s[-1])) < 1e-6


@pytest.mark.parametrize("dynamics", DYNAMICS)
def test_a_glass_of_hard_spheres_comes_to_the_nonergodicity_parameters(dynamics):
    liquid = hard_spheres.liquid(0.53)
    found = relax(liquid, 1e3, dynamics=dynamics, tagged=True)  # far before it is told to end there
    np.testing.assert_allclose(found.F[-1], found.limit, atol=1e-4)
    np.testing.assert_allclose(found.F_s[-1], found.limit_s, atol=1e-4)
    assert found.limit_s[0, 17] > 0.7


@pytest.mark.long
@pytest.mark.parametrize(("dynamics", "error"), [("overdamped", 3e-4), ("newtonian", 3e-3)])
def test_twice_the_points_change_little(dynamics, error):
    """The error is of the second order: the finer solution's is a quarter, so the change is three quarters of it.

    The longest wave is left out: its sound lives for many periods, and the step damps it (S is 0.016 there).
    """
    liquid = hard_spheres.liquid(0.5)
    few, many = (relax(liquid, 1e3, dynamics=dynamics, tagged=True, points=points) for points in (256, 512))
    t = np.geomspace(1e-3, min(few.t[-1], many.t[-1]), 300)
    change = (at(few, t) - at(many, t))[:, 0, 0, 1:] / liquid.S[0, 0, 1:]
    assert np.max(np.abs(change)) < 0.75 * error
    assert np.max(np.abs(at(few, t, few.F_s) - at(many, t, many.F_s))) < 0.75 * error


@pytest.mark.parametrize("dynamics", DYNAMICS)
def test_labels_change_nothing(dynamics):
    x = np.array([0.8, 0.2])
    one = hard_spheres.liquid(0.5)
    S = np.diag(x)[:, :, None] + np.multiply.outer(x, x)[:, :, None] * (one.S[0, 0] - 1)
    two = Liquid(one.k, S, one.rho, composition=tuple(x))
    whole, parts = (relax(liquid, 30.0, dynamics=dynamics, tagged=True, points=128) for liquid in (one, two))
    t = np.geomspace(1e-3, 30.0, 40)
    F, F_s = at(whole, t)[:, 0, 0], at(whole, t, whole.F_s)[:, 0]
    # Both carry the errors of their own steps, which are not the same, since the mixture has faster motions.
    error = {"overdamped": 1e-3, "newtonian": 8e-3}[dynamics]
    np.testing.assert_allclose(at(parts, t).sum(axis=(1, 2))[:, 1:], F[:, 1:], atol=error)
    np.testing.assert_allclose(at(parts, t, parts.F_s), np.stack([F_s, F_s], axis=1), atol=error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t_max": -1.0}, "t_max: -1 is not allowed, a time must not be negative"),
        ({"t_max": 1.0, "dynamics": "brownian"}, "dynamics: 'brownian' is not known, only overdamped, newtonian"),
        ({"t_max": 1.0, "tagged": True}, "a liquid has them, a schematic model has not"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(TheoryError, match=message):
        relax(Schematic(v_2=1.0), **arguments)
