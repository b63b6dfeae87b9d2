"""Sums of stretched exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from softal.errors import TheoryError
from softal.theory.memory_equation import solve
from softal.theory.memory_function import StretchedExponentials

pytestmark = pytest.mark.physics

T = np.geomspace(1e-3, 1e4, 50)


def test_it_is_the_papers_equation() -> None:
    memory = StretchedExponentials.one(0.3, [5.0, 2.0], [0.1, 30.0], [0.7, 1.2], a=[0.25, 0.1])
    expected = 0.3
    for w, a, tau, b in ((5.0, 0.25, 0.1, 0.7), (2.0, 0.1, 30.0, 1.2)):
        expected = expected + w * ((1 - a) * np.exp(-((T / tau) ** b)) + a)
    np.testing.assert_allclose(memory.values(T)[0], expected, rtol=1e-13)
    assert (memory.size, memory.modes) == (1, 2)
    assert memory.scale() >= abs(memory.values(np.zeros(1))[0])


def test_what_does_not_decay_can_as_well_be_in_c() -> None:
    w, a = np.array([5.0, -2.0]), np.array([0.25, 0.1])
    memory = StretchedExponentials.one(0.3, w, [0.1, 30.0], [0.7, 1.2], a=a)
    same = StretchedExponentials.one(0.3 + w @ a, w * (1 - a), [0.1, 30.0], [0.7, 1.2])
    np.testing.assert_allclose(solve(memory, 2.0, 1e4).at(T), solve(same, 2.0, 1e4).at(T), atol=1e-13)


@pytest.mark.parametrize("b", [2.0, 15.0, 30.0, 100.0])
def test_steep_steps_come_after_any_number_of_blocks(b: float) -> None:
    """(h / tau)^b is 0 in 64 bits where b is large and the first step short: it must not stay 0."""
    memory = StretchedExponentials.one(w=1.0, tau=1.0, b=b)
    grids = solve(memory, 1e20, 10.0).grids
    np.testing.assert_allclose(memory.on(grids)[0], memory.values(grids.t), atol=1e-12)


def test_rows_can_be_taken() -> None:
    memory = StretchedExponentials(np.arange(3.0), *(np.full((3, 1), x) for x in (1.0, 0.0, 2.0, 0.5)))
    np.testing.assert_array_equal(memory[np.array([2, 0])].values(T), memory.values(T)[[2, 0]])


GOOD: dict[str, Any] = {
    "c": np.zeros(2), "w": np.ones((2, 2)), "a": np.zeros((2, 2)), "tau": np.ones((2, 2)), "b": np.ones((2, 2)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("tau", [[1, 1], [1, 0]], "memory function 1: tau of mode 2 is 0; allowed: a finite number above 0"),
        ("tau", [[-3, 1], [1, 1]], "memory function 0: tau of mode 1 is -3; allowed: a finite number above 0"),
        ("b", [[1, 1], [0, 1]], "memory function 1: b of mode 1 is 0; allowed: a number from 0.01 to 100"),
        ("b", [[1, 1], [1, 101]], "memory function 1: b of mode 2 is 101; allowed: a number from 0.01 to 100"),
        ("w", [[1, np.nan], [1, 1]], "memory function 0: w of mode 2 is nan; allowed: a finite number"),
        ("c", [0, np.inf], "memory function 1: c is inf; allowed: a finite number"),
        ("b", [[1, 1]], r"b has the shape \(1, 2\); allowed: \(2, 2\), as w"),
        ("c", [0, 0, 0], r"c and w have the shapes \(3,\) and \(2, 2\); allowed: \(P,\) and \(P, N_exp\)"),
    ],
)
def test_bad_input_is_said_in_one_line(name: str, values: Any, said: str) -> None:
    with pytest.raises(TheoryError, match=said) as raised:
        StretchedExponentials(**{**GOOD, name: np.array(values, dtype=float)})
    assert "\n" not in str(raised.value)
