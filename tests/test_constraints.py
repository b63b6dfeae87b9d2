"""Constraints between parameters on log scales: what is allowed, and that it is the inequality in natural units."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softal.objective import minimize
from softal.space import InvalidSpace, Space
from softal.space.expressions import Expression, constraint_forms
from softal.strategies import build
from softal.trial import Trial, TrialState

CALM = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
RATES: dict[str, Any] = {
    "k1": {"low": 5e-10, "high": 1e-6, "log": True},
    "k2": {"low": 5e-10, "high": 1e-6, "log": True},
    "k3": {"low": 1e-19, "high": 1e-14, "log": True},
    "n": {"low": 1, "high": 500, "log": True, "integer": True},
    "x": {"low": 0, "high": 1},
    "T": 2.5,
    "q": -1,
    "product": {"derived": "k1 * k2"},
    "ratio": {"derived": "sqrt(product / 1e-14) / T"},
    "total": {"derived": "k1 + k2"},
}


def holds(text: str, point: dict[str, Any], slack: float) -> bool:
    """Whether every inequality of the text holds in natural units, to within a factor 1 + slack."""
    return all(
        Expression(smaller.text)(point) <= Expression(larger.text)(point) * (1 + slack)
        for smaller, larger in constraint_forms(text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "k2 <= 4*k1",
        "k1 * k2 <= 1e-16",
        "k3 <= k1**2 / 5",
        "1e-2 <= k2/k1 <= 4",
        "k1 >= k2",
        "+k3 * 2 ** T >= (k1 / 3) ** (T - 1 / 2) * (2 - 1) * 1e-3",
        "sqrt(k1 * k2) <= T * 1e-8",
        "product <= 1e-17",
        "ratio ** q >= 8",
        "k1 <= 1e-8 * n",
        "n ** 2 <= 1e10 * k1",
        "3 <= n <= 17",
    ],
)
def test_monomials_are_the_inequality_in_natural_units(text: str) -> None:
    space = Space(RATES, [text])
    rng = np.random.default_rng(1)
    U = space.snap(rng.random((600, space.dimension)))
    feasible = space.feasible(U)
    assert 10 < feasible.sum() < 590
    for point, fits in zip(space.from_unit(U), feasible, strict=True):
        assert holds(text, point, 1e-6 if fits else -1e-6) == fits
    sampled = space.from_unit(space.sample(50, rng))
    assert all(holds(text, point, 1e-6) for point in sampled)


def test_a_row_by_hand() -> None:
    """k2 <= 10 k1 for k1 in 1 ... 100 and k2 in 1 ... 1e4: 4 v <= 1 + 2 u, scaled to a largest coefficient of 1."""
    space = Space(
        {"k1": {"low": 1, "high": 100, "log": True}, "k2": {"low": 1, "high": 1e4, "log": True}}, ["k2 <= 10*k1"]
    )
    assert space.A_unit == pytest.approx(np.array([[-0.5, 1.0]]))
    assert space.b_unit == pytest.approx([0.25])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("k1 <= x", "`x` cannot stand in a constraint beside a parameter on a log scale; allowed: linear in"),
        ("k1 + k2 <= 1e-6", r"`k1 \+ k2` is no product of powers; allowed: .* or products and powers"),
        ("k1 - k2 <= 0", "`k1 - k2` is no product of powers"),
        ("-k1 <= -k2", "`-k1` is no product of powers"),
        ("k1 <= -4 * k2", "`-4` is -4, but parameters on log scales are positive; allowed beside them"),
        ("k1 >= 0", "`0` is 0, but parameters on log scales are positive"),
        ("k1 <= q * k2", "`q` is -1, but parameters on log scales are positive"),
        ("k1 ** k2 <= 1", "`k2` stands in an exponent, where only numbers and fixed parameters are allowed"),
        ("k1 ** x <= 1", "`x` cannot stand in a constraint beside a parameter on a log scale"),
        ("log(k1) <= 1", r"`log\(k1\)` is no product of powers"),
        ("total <= 1e-6", "`total` cannot stand in a constraint; allowed: linear in parameters with"),
        ("k4 <= k1", "'k4' is not a known parameter; allowed: T, k1, k2"),
        ("k1 / k1 <= 2", "holds always: no free parameter is in it"),
        ("k1 ** 0 >= 2", "holds never: no free parameter is in it"),
        ("k1 ** 1e308 <= 2", "has coefficients that are too large"),
        ("k1 / 0 <= 2", "`0` is 0, but"),
        ("k1 <= 1e-12", "`k1 <= 1e-12` leave no point of the space"),
        ("2.2 <= n <= 2.8", "leave no point of the space"),
        ("k1 <= k2 <= k1", "without volume; write a parameter that the others determine as"),
    ],
)
def test_what_is_refused_says_what_is_allowed(text: str, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message) as raised:
        Space(RATES, [text])
    assert "\n" not in str(raised.value)


decades = st.floats(-30, 30)
powers = st.sampled_from([-2.0, -1.0, -0.5, 0.5, 1.0, 3.0])


@given(decades, st.floats(0.1, 30), decades, st.floats(0.1, 30), powers, powers, st.floats(-40, 40), st.integers(0, 99))
@settings(CALM, max_examples=60)
def test_feasible_is_the_inequality_over_sixty_decades(
    low_x: float, span_x: float, low_y: float, span_y: float, p: float, r: float, c: float, seed: int
) -> None:
    parameters = {
        "x": {"low": 10**low_x, "high": 10 ** (low_x + span_x), "log": True},
        "y": {"low": 10**low_y, "high": 10 ** (low_y + span_y), "log": True},
    }
    try:
        space = Space(parameters, [f"x ** {p!r} <= {10**c!r} * y ** {r!r}"])
    except InvalidSpace:
        return
    rng = np.random.default_rng(seed)
    for U in (rng.random((50, 2)), space.sample(10, rng)):
        points = space.from_unit(U)
        excess = np.array([p * math.log(v["x"]) - r * math.log(v["y"]) - c * math.log(10) for v in points])
        clear = np.abs(excess) > 1e-6
        assert (space.feasible(U) == (excess <= 0))[clear].all()
    assert space.feasible(U).all()


@pytest.mark.parametrize(
    "constraints",
    [
        ["n * m <= 6"],  # few of many points
        ["n <= m <= n"],  # a diagonal: no step of one alone stays on it
        ["n * m <= 1"],  # one point
        ["0.9 * n <= k <= 1.1 * n"],  # parts that are not connected: one round each small n
        ["995.9 <= n <= 996.1"],  # one whole number, far from the middle
        ["1e5 <= n * m * k <= 1.001e5", "k >= 30 * n"],
    ],
)
def test_samples_of_whole_numbers_on_a_log_scale_are_feasible(constraints: list[str]) -> None:
    whole = {"low": 1, "high": 1000, "log": True, "integer": True}
    space = Space({"n": whole, "m": whole, "k": {"low": 0.1, "high": 1e5, "log": True}}, constraints)
    U = space.sample(40, np.random.default_rng(0))
    assert space.feasible(U).all()
    assert space.snap(U) == pytest.approx(U, abs=1e-12)
    points = space.from_unit(U)
    assert all(holds(text, point, 1e-6) for text in constraints for point in points)
    if "n * m <= 6" in constraints:
        assert {(p["n"], p["m"]) for p in points} >= {(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 2)}


@pytest.mark.learning
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("random", {}),
        ("sobol", {}),
        ("grid", {"levels": 7}),
        ("cmaes", {"popsize": 4}),
        ("bayesian", {"n_initial": 5, "q_max": 1}),
        ("bayesian", {"n_initial": 5, "q_max": 0}),  # sample paths
    ],
)
def test_strategies_propose_within_constraints_on_log_scales(kind: str, options: dict[str, Any]) -> None:
    """The least value lies outside, beyond k2 = 4 k1: the search ends beside the constraint."""
    constraints = ["k2 <= 4*k1", "k1 <= 1e-8 * n"]
    space = Space({name: RATES[name] for name in ("k1", "k2", "n")}, constraints)
    strategy = build(kind, space, minimize("f"), 1, options)
    for number in range(9):
        (proposal,) = strategy.ask(1)
        point = proposal.point
        assert all(holds(text, point, 1e-6) for text in constraints)
        f = math.log(float(point["k1"]) / 1e-9) ** 2 + math.log(float(point["k2"]) / 1e-7) ** 2
        trial = Trial(number, point, state=TrialState.DONE, objective={"f": f}, notes=proposal.notes)
        strategy.tell([trial])
