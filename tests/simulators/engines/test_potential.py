"""The Mie potential against its closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from softal.errors import SimulationError
from softal.simulators.engines import Mie

EXPONENTS = [(12.0, 6.0), (8.0, 6.0), (20.0, 6.0), (10.5, 5.0)]


def test_lennard_jones_has_the_coefficient_four() -> None:
    assert Mie(1.0, 1.0, 2.5).coefficient == pytest.approx(4.0)
    assert Mie(1.0, 1.0, 2.5).energy(1.5) == pytest.approx(4 * (1.5**-12 - 1.5**-6))


@pytest.mark.parametrize(("n", "m"), EXPONENTS)
def test_the_minimum_is_minus_epsilon(n: float, m: float) -> None:
    mie = Mie(119.8, 3.405, 10.0, n=n, m=m)
    r_min = (n / m) ** (1 / (n - m)) * 3.405
    assert mie.energy(r_min) == pytest.approx(-119.8)
    assert mie.force(r_min) == pytest.approx(0, abs=1e-9)
    assert mie.energy(3.405) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), EXPONENTS)
def test_the_force_is_the_slope(n: float, m: float) -> None:
    mie, r, h = Mie(2.0, 1.1, 3.0, n=n, m=m), np.linspace(0.95, 2.9, 50), 1e-5
    slope = (mie.energy(r + h) - mie.energy(r - h)) / (2 * h)
    assert mie.force(r) == pytest.approx(-slope, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("shift", [False, True])
def test_the_cutoff(shift: bool) -> None:
    mie = Mie(1.0, 1.0, 2.5, shift=shift)
    below, beyond = mie.energy(np.array([2.5 - 1e-9, 2.5 + 1e-9]))
    assert beyond == 0
    assert below == pytest.approx(0.0 if shift else 4 * (2.5**-12 - 2.5**-6), abs=1e-8)
    assert mie.force(2.4) == Mie(1.0, 1.0, 2.5).force(2.4)


@pytest.mark.parametrize(("n", "m"), EXPONENTS)
def test_tails_are_the_integrals(n: float, m: float) -> None:
    mie, full, density = Mie(1.3, 0.9, 2.2, n=n, m=m), Mie(1.3, 0.9, 1e9, n=n, m=m), 0.8
    energy, _ = quad(lambda r: float(full.energy(r)) * r**2, 2.2, np.inf)
    virial, _ = quad(lambda r: -float(full.force(r)) * r**3, 2.2, np.inf)
    assert mie.energy_tail(density) == pytest.approx(2 * np.pi * density * energy, rel=1e-6)
    assert mie.pressure_tail(density) == pytest.approx(-2 / 3 * np.pi * density**2 * virial, rel=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epsilon": -1.0}, "epsilon = -1"),
        ({"sigma": 0.0}, "sigma = 0"),
        ({"sigma": float("nan")}, "sigma = nan"),
        ({"cutoff": float("inf")}, "cutoff = inf"),
        ({"n": 6.0}, "n > m"),
        ({"m": 3.0}, "m > 3"),
        ({"n": float("nan")}, "n > m"),
    ],
)
def test_what_is_no_potential_is_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        Mie(**{"epsilon": 1.0, "sigma": 1.0, "cutoff": 2.5, **values})
