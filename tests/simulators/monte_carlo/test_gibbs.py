"""Gas and liquid in two boxes: against distributions in closed form, and pressures that have to be equal."""

from __future__ import annotations

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo import starts
from softal.simulators.monte_carlo.colloids import DepletionPair
from softal.simulators.monte_carlo.gibbs import Gibbs
from softal.simulators.monte_carlo.system import Configuration
from softal.simulators.statistics import mean_and_error

pytestmark = pytest.mark.physics


def boxes(n: int, edge: float) -> tuple[Configuration, Configuration]:
    """Return two cubes with n particles each, on a line."""
    x = np.arange(n)[:, None] * [1.1, 0, 0] + [0, 1.0, 1.0]
    return Configuration(x, np.full(3, edge)), Configuration(x, np.full(3, edge))


def numbers(gibbs: Gibbs, samples: int, every: int) -> Floats:
    """Return how many particles the first box has."""
    found = []
    for _ in range(samples):
        gibbs.run(every)
        found.append(float(np.sum(gibbs.inside == 0)))
    return np.array(found)


def near(series: Floats, expected: float) -> bool:
    mean, error = mean_and_error(series)
    return abs(float(mean) - expected) < 4 * float(error)


def test_any_number_of_an_ideal_gas_is_as_likely() -> None:
    gibbs = Gibbs(boxes(2, 100.0), 0.4, 0.0, seed=1)
    gibbs.steps[1] = 0.5
    found = numbers(gibbs, 8000, 2)
    for n in range(5):
        assert near(found == n, 0.2)


@pytest.mark.parametrize("eta_p", [0.0, 0.7])
def test_two_colloids_are_together_as_often_as_integrals_say(eta_p: float) -> None:
    """With z(V) = V^2 - 2 B_2 V for two in a box: P(2) is as the integral of z(V_1), P(1) as that of 2 V_1 V_2."""
    r, edge = np.linspace(1, 1.4, 4001), 3.6
    u = DepletionPair(0.4, eta_p).energy(r)
    twice_B2 = 4 * np.pi / 3 - 4 * np.pi * np.trapezoid((np.exp(-u) - 1) * r**2, r)
    V, total = np.linspace(2.8**3, 2 * edge**3 - 2.8**3, 10_001), 2 * edge**3
    both, apart = V**2 - twice_B2 * V, 2 * V * (total - V)
    expected = both.sum() / (2 * both.sum() + apart.sum())
    gibbs = Gibbs(boxes(1, edge), 0.4, eta_p, seed=2)
    gibbs.steps[:] = [0.5, 0.5]
    found = numbers(gibbs, 20_000, 5)
    assert near(found == 2, expected)
    assert near(found == 0, expected)


def test_cores_stay_apart_and_nothing_is_lost() -> None:
    start = tuple(starts.fluid(32, eta * 6 / np.pi, 3, i) for i, eta in enumerate((0.1, 0.25)))
    gibbs = Gibbs(start, 0.8, 0.8, seed=3)
    volume = float(np.sum(gibbs.edges**3))
    gibbs.tune(100)
    gibbs.run(20)
    assert np.sum(gibbs.edges**3) == pytest.approx(volume)
    assert (gibbs.accepted > 0).all()
    for box in range(2):
        x, edge = gibbs.positions[gibbs.inside == box], gibbs.edges[box]
        assert x.min() >= 0
        assert x.max() < edge
        apart = x[:, None] - x
        apart -= edge * np.rint(apart / edge)
        assert np.linalg.norm(apart, axis=2)[np.triu_indices(len(x), 1)].min() >= 1


@pytest.mark.long
def test_far_above_the_critical_point_there_is_a_gas_and_a_liquid() -> None:
    start = tuple(starts.fluid(48, eta * 6 / np.pi, 3, i) for i, eta in enumerate((0.05, 0.25)))
    gibbs = Gibbs(start, 0.8, 1.0, seed=4)
    gibbs.tune(100)
    found = []
    for _ in range(20):
        gibbs.run(5)
        found.append(np.sort(gibbs.packing))
    gas, liquid = np.mean(found, axis=0)
    assert gas < 0.08
    assert 0.25 < liquid < 0.45


@pytest.mark.parametrize("box", [np.array([5.0, 5, 6]), np.full(3, 2.7)])
def test_boxes_that_cannot_be(box: Floats) -> None:
    one = Configuration(np.ones((1, 3)), box)
    with pytest.raises(SimulationError, match=r"allowed: cubes of 2.8 sigma or more, twice the range 1 \+ q"):
        Gibbs((one, one), 0.4, 0.3)
