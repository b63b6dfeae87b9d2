"""The line of freezing, of runs whose phases and densities are known."""

from __future__ import annotations

import numpy as np
import pytest

from softal.simulators.deformable_shells.freezing import FEWEST, freezing


def runs(n: int, noise: float = 0.0) -> tuple[np.ndarray, ...]:
    """Return runs of a system that freezes at P = 20 beta_K^0.2, from 3.0 to 3.2 times (P / P_f)^0.3."""
    rng = np.random.default_rng(1)
    stiff, pressure = np.exp(rng.uniform(0, 6, n)), np.exp(rng.uniform(np.log(10), np.log(150), n))
    line = 20 * stiff**0.2
    solid = pressure > line * np.exp(noise * rng.normal(size=n))
    density = np.where(solid, 3.2, 3.0) * (pressure / line) ** 0.3
    return stiff, pressure, density, np.where(solid, 0.7, 0.1)


def test_the_line_and_the_densities_at_it() -> None:
    at = np.array([3.0, 20.0, 100.0])
    found = freezing(*runs(300), at)
    assert found is not None
    np.testing.assert_allclose(found.pressure, 20 * at**0.2, rtol=0.03)
    np.testing.assert_allclose(found.fluid, 3.0, rtol=0.01)
    np.testing.assert_allclose(found.solid, 3.2, rtol=0.01)


def test_errors_are_about_as_large_as_what_is_wrong() -> None:
    """Phases that are drawn by chance near the line: the pressure is wrong by its standard errors, not by ten."""
    at = np.array([3.0, 20.0, 100.0])
    found = freezing(*runs(120, noise=0.2), at)
    assert found is not None
    off = np.abs(found.pressure - 20 * at**0.2) / found.errors[0]
    assert off.max() < 4
    assert (found.errors > 0).all()
    assert (found.errors[0] < 0.3 * found.pressure).all()


def test_one_phase_alone_has_no_line() -> None:
    stiff, pressure, density, order = runs(100)
    few = np.sort(np.flatnonzero(order > 0.4)[: FEWEST - 1].tolist() + np.flatnonzero(order < 0.4).tolist())
    assert freezing(stiff[few], pressure[few], density[few], order[few], np.array([10.0])) is None


@pytest.mark.parametrize("factor", [1.0, 7.0])
def test_units_of_pressure_do_not_matter(factor: float) -> None:
    stiff, pressure, density, order = runs(200)
    found = freezing(stiff, pressure * factor, density, order, np.array([10.0]))
    assert found is not None
    assert found.pressure[0] / factor == pytest.approx(20 * 10**0.2, rel=0.03)
