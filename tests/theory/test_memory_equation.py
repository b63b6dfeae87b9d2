"""The memory equation's solver: closed forms, order, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from softal.errors import TheoryError
from softal.theory.memory_equation import Grids, Prescribed, solve
from softal.theory.memory_function import StretchedExponentials

pytestmark = pytest.mark.physics

Floats = NDArray[np.float64]
TIMES = np.geomspace(1e-9, 900.0, 2000)


def exponential(t: Floats) -> Floats:
    """F of M = exp(-t), Gamma = 1."""
    s = np.sqrt(5)
    return ((1 + s) * np.exp(-(3 - s) * t / 2) + (s - 1) * np.exp(-(3 + s) * t / 2)) / (2 * s)


def one_exponential(t: Floats, area: float, tau: float) -> Floats:
    """F of M = area/tau exp(-t/tau), Gamma = 1: two exponentials, with the roots of tau z^2 + (1 + A + tau) z + 1."""
    fast, slow = np.roots([tau, 1 + area + tau, 1.0])
    share = (-1 - slow) / (fast - slow)
    return share * np.exp(fast * t) + (1 - share) * np.exp(slow * t)


def test_the_closed_form_of_an_exponential() -> None:
    solution = solve(StretchedExponentials.one(w=1, tau=1, b=1), 1.0, 1000.0)
    np.testing.assert_allclose(solution.F, exponential(solution.grids.t), atol=1e-6)
    np.testing.assert_allclose(solution.at(TIMES)[0], exponential(TIMES), atol=1e-6)
    assert solution.at([0.0]) == pytest.approx(1.0, abs=1e-15)


def test_the_order_is_the_third() -> None:
    memory = StretchedExponentials.one(w=1, tau=1, b=1)
    solutions = {n: solve(memory, 1.0, 1000.0, points=n) for n in (32, 64, 128, 256)}
    errors = [float(np.abs(each.at(TIMES)[0] - exponential(TIMES)).max()) for each in solutions.values()]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all((orders > 2.6) & (orders < 3.4)), orders


@pytest.mark.parametrize("area", [0.02, 1.0, 100.0])
def test_a_memory_much_shorter_than_all_else_is_a_friction(area: float) -> None:
    """tau = 1e-5: F has decayed seven decades after the memory; a first-order scheme is off by 0.01 there."""
    tau, t = 1e-5, np.geomspace(1e-8, 1000 * (1 + area), 500)
    solution = solve(StretchedExponentials.one(w=area / tau, tau=tau, b=1), 1.0, t[-1])
    np.testing.assert_allclose(solution.at(t)[0], one_exponential(t, area, tau), atol=1e-6)


def test_without_memory_it_decays_as_an_exponential() -> None:
    solution = solve(StretchedExponentials.one(w=0, tau=1, b=1), 2.0, 30.0)
    np.testing.assert_allclose(solution.F, np.exp(-2 * solution.grids.t), atol=1e-6)


@pytest.mark.parametrize("last", [10.0, 1e14])
def test_a_constant_memory_leaves_a_plateau(last: float) -> None:
    """f = c / (Gamma + c); to 10^10 first steps, and to 10^17."""
    c, rate = 3.0, 2.0
    solution = solve(StretchedExponentials.one(c, 0, 1, 1), rate, last)
    plateau = c / (rate + c)
    expected = plateau + (1 - plateau) * np.exp(-(rate + c) * solution.grids.t)
    np.testing.assert_allclose(solution.F, expected, atol=1e-6)
    assert solution.F[0, -1] == pytest.approx(plateau, abs=1e-12 if last > 1e3 else 1e-6)


@pytest.mark.parametrize(
    ("rate", "w", "tau", "b"),
    [(1.0, 1.0, 1.0, 0.5), (1.0, 5.0, 10.0, 0.3), (1.0, 10.0, 10.0, 3.0), (50.0, 5000.0, 0.01, 0.8)],
)
def test_any_function_of_time_gives_what_its_closed_form_does(rate: float, w: float, tau: float, b: float) -> None:
    t = np.geomspace(1e-6, 1e5, 300)
    memory = StretchedExponentials.one(w=w, tau=tau, b=b)
    general = Prescribed(lambda t: w * np.exp(-((t / tau) ** b)))
    np.testing.assert_allclose(solve(general, rate, 1e5).at(t), solve(memory, rate, 1e5).at(t), atol=1e-8)


@pytest.mark.parametrize("b", [0.3, 0.5, 1.0, 3.0])
def test_averages_are_integrals(b: float) -> None:
    """Also where the slope diverges, over intervals much shorter and much longer than tau."""
    tau, grids = 0.02, Grids(np.array([1e-4]), np.array([12]), 64)
    M, mean = StretchedExponentials.one(0.5, 2.0, tau, b).on(grids)
    t = grids.t[0]
    np.testing.assert_allclose(M[0], 0.5 + 2 * np.exp(-((t / tau) ** b)), rtol=1e-12)
    for j in (1, 2, 3, 8, 9, 20, 100, 250):
        integral, _ = quad(lambda s: 0.5 + 2 * np.exp(-((s / tau) ** b)), t[j - 1], t[j], epsabs=1e-14)
        assert mean[0, j] == pytest.approx(integral / (t[j] - t[j - 1]), abs=1e-6)


@pytest.mark.parametrize("factor", [1e-6, 7.3, 1e8])
def test_the_unit_of_time_does_not_matter(factor: float) -> None:
    t = np.geomspace(1e-4, 1e4, 200)
    memory = StretchedExponentials.one(0.1, [20, 3], [0.1, 200], [0.7, 0.5])
    scaled = StretchedExponentials.one(
        0.1 / factor, [20 / factor, 3 / factor], [0.1 * factor, 200 * factor], [0.7, 0.5]
    )
    ours, theirs = solve(memory, 2.0, 1e4), solve(scaled, 2.0 / factor, 1e4 * factor)
    np.testing.assert_allclose(theirs.at(t * factor), ours.at(t), atol=1e-9)


def population(size: int) -> tuple[StretchedExponentials, Floats]:
    rng = np.random.default_rng(1)
    w, b = 10 ** rng.uniform(-1, 4, (size, 2)), rng.uniform(0.3, 1.5, (size, 2))
    tau = 10 ** rng.uniform([-4, 0], [0, 5], (size, 2))
    return StretchedExponentials(np.zeros(size), w, np.zeros((size, 2)), tau, b), 10 ** rng.uniform(-1, 2, size)


def test_what_comes_out_for_one_does_not_depend_on_the_others() -> None:
    memory, rate = population(20)
    t = np.geomspace(1e-3, 1e6, 50)
    together = solve(memory, rate, 1e6).at(t)
    for p in range(memory.size):
        np.testing.assert_array_equal(solve(memory[p : p + 1], rate[p], 1e6).at(t)[0], together[p])


def test_they_decay_monotonically_from_one() -> None:
    """M, made of positive exponentials with b <= 1, is completely monotonic, and so is F."""
    memory, rate = population(50)
    memory = StretchedExponentials(memory.c, memory.w, memory.a, memory.tau, np.minimum(memory.b, 1.0))
    F = solve(memory, rate, 1e8).at(np.geomspace(1e-6, 1e8, 400))
    assert np.all(np.diff(F, axis=1) < 1e-9)
    assert F.min() > -1e-6
    assert F.max() <= 1


def test_where_the_memory_drives_it_f_grows_and_is_not_hidden() -> None:
    F = solve(StretchedExponentials.one(w=-300, tau=0.05, b=1), 2.0, 100.0).at([0.01, 100.0])[0]
    assert 0 < F[0] < 1
    assert not abs(F[1]) < 1e3


MEMORY = StretchedExponentials.one(w=1, tau=1, b=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"rate": -1.0}, r"rate is -1; allowed: a finite number above 0"),
        ({"rate": [1.0, 2.0]}, r"rate has the shape \(2,\); allowed: one number, or one for each of 1"),
        ({"last": 0.0}, r"the last time is 0; allowed: a finite number above 0"),
        ({"last": np.inf}, r"the last time is inf"),
        ({"first_step": -0.1}, r"the first step is -0.1; allowed: a finite number above 0"),
        ({"rate": 1e200}, r"memory function 0: rate \+ \|M\(0\)\| is 1e\+200; allowed: a number below 1e\+100"),
        ({"points": 50}, r"a block has 50 points; allowed: a multiple of 16"),
    ],
)
def test_bad_input_is_said_in_one_line(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(TheoryError, match=said) as raised:
        solve(MEMORY, **{"rate": 1.0, "last": 10.0, **arguments})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("t", "said"), [(-1.0, "time -1 is asked for"), (11.0, "time 11 is asked for; allowed: 0 to 10")]
)
def test_times_beyond_the_solution_are_refused(t: float, said: str) -> None:
    with pytest.raises(TheoryError, match=said):
        solve(MEMORY, 1.0, 10.0).at([1.0, t])
