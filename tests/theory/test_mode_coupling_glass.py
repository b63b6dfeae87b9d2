"""The glass transition: schematic models' closed results, and the same for labels that mean nothing."""

import math

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.theory import hard_spheres
from softal.theory.mode_coupling.glass import critical_point, exponents, nonergodicity, tagged_nonergodicity
from softal.theory.mode_coupling.liquid import Liquid
from softal.theory.mode_coupling.schematic import Schematic

pytestmark = pytest.mark.physics


@pytest.mark.parametrize("v", [4.0001, 4.5, 8.0])
def test_nonergodicity_of_f2(v):
    assert nonergodicity(Schematic(v_2=v)).item() == pytest.approx((1 + math.sqrt(1 - 4 / v)) / 2, abs=1e-7)


@pytest.mark.parametrize("v", [1.1, 2.0, 5.0])
def test_nonergodicity_of_f1(v):
    assert nonergodicity(Schematic(v_1=v)).item() == pytest.approx(1 - 1 / v, abs=1e-8)


def test_critical_point_of_f2():
    critical = critical_point(lambda v: Schematic(v_2=v), 3.2, 5.1, tolerance=1e-5)
    assert critical == pytest.approx(4.0, abs=4e-5)
    # lambda and f are off by the square root of the relative distance, 1e-5 at most.
    found = exponents(Schematic(v_2=critical))
    assert nonergodicity(Schematic(v_2=critical)).item() == pytest.approx(0.5, abs=4e-3)
    assert found.parameter == pytest.approx(0.5, abs=5e-3)
    assert found.b == pytest.approx(1.0, abs=1e-2)
    assert found.a == pytest.approx(0.395, abs=4e-3)
    assert found.eigenvalue == pytest.approx(1.0, abs=1e-2)


def test_critical_point_of_f1_is_where_f_grows_from_zero():
    # Below F = 1e-3 a state counts as a liquid, and F = 1 - 1/v.
    assert critical_point(lambda v: Schematic(v_1=v), 0.5, 2.0) == pytest.approx(1.001, abs=1e-5)


@pytest.mark.parametrize("v_2", [1.44, 2.25, 3.24])
def test_line_of_f12(v_2):
    critical = critical_point(lambda v: Schematic(v, v_2), 0.01, 3.0, tolerance=1e-5)
    assert critical == pytest.approx(2 * math.sqrt(v_2) - v_2, abs=3e-5)
    at = Schematic(critical, v_2)
    assert nonergodicity(at).item() == pytest.approx(1 - 1 / math.sqrt(v_2), abs=5e-3)
    assert exponents(at).parameter == pytest.approx(1 / math.sqrt(v_2), abs=5e-3)


def labelled(phi, x):
    one = hard_spheres.liquid(phi)
    x = np.asarray(x)
    S = np.diag(x)[:, :, None] + np.multiply.outer(x, x)[:, :, None] * (one.S[0, 0] - 1)
    return Liquid(one.k, S, one.rho, composition=tuple(x))


@pytest.mark.parametrize("x", [(0.5, 0.5), (0.8, 0.2)])
def test_labels_change_no_nonergodicity_parameter(x):
    one, two = hard_spheres.liquid(0.53), labelled(0.53, x)
    F, Fs = nonergodicity(one), nonergodicity(two)
    np.testing.assert_allclose(Fs.sum(axis=(0, 1)), F[0, 0], atol=1e-7)
    tagged = tagged_nonergodicity(one, F)
    np.testing.assert_allclose(tagged_nonergodicity(two, Fs), np.broadcast_to(tagged, (2, 100)), atol=1e-7)
    # F_ab of labels is x_a delta F_s + x_a x_b (F - F_s).
    x = np.asarray(x)
    expected = np.diag(x)[:, :, None] * tagged[0] + np.multiply.outer(x, x)[:, :, None] * (F[0, 0] - tagged[0])
    np.testing.assert_allclose(Fs, expected, atol=1e-7)


def test_labels_change_no_exponent():
    one, two = exponents(hard_spheres.liquid(0.516)), exponents(labelled(0.516, (0.8, 0.2)))
    assert two.parameter == pytest.approx(one.parameter, abs=1e-6)
    assert two.eigenvalue == pytest.approx(one.eigenvalue, abs=1e-6)


def test_a_liquid_has_no_exponents():
    with pytest.raises(TheoryError, match="the model is a liquid here"):
        exponents(Schematic(v_2=3.0))


def test_a_bracket_must_hold_the_transition():
    with pytest.raises(TheoryError, match=r"at 3\.5 there is no glass; begin with a wider bracket"):
        critical_point(lambda v: Schematic(v_2=v), 3.0, 3.5)


@pytest.mark.parametrize(
    ("couplings", "message"), [((-1.0, 0.0), "v_1: -1 is not allowed"), ((0.0, 4.0, 0.0), "rate: 0 is not allowed")]
)
def test_impossible_couplings(couplings, message):
    with pytest.raises(TheoryError, match=message):
        Schematic(*couplings)
