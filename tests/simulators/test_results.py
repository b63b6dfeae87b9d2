"""Everything that a user's simulation may return, and what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import InvalidObservation
from softal.objective import minimize
from softal.simulators.base import Outputs, validate_observation
from softal.simulators.results import to_observation
from softal.simulators.statistics import standard_error
from softal.trial import Array, Observation

SERIES = list(np.random.default_rng(0).normal(size=50))


@pytest.mark.parametrize(
    ("result", "value", "error"),
    [
        (1.5, 1.5, None),
        (3, 3.0, None),
        (True, 1.0, None),
        (np.float32(0.5), 0.5, None),
        (np.array(2.5), 2.5, None),
        ((1.5, 0.25), 1.5, 0.25),
        ({"value": 1.5, "error": 0.25}, 1.5, 0.25),
        ({"value": 1.5}, 1.5, None),
        ({"value": 1.5, "error": None}, 1.5, None),
        ({"series": SERIES}, np.mean(SERIES), standard_error(SERIES)),
        ({"series": [4.0]}, 4.0, None),
    ],
)
def test_values(result: Any, value: float, error: float | None) -> None:
    observation = to_observation({"y": result})
    assert observation.values == {"y": pytest.approx(value)}
    assert observation.errors == ({} if error is None else {"y": pytest.approx(error)})


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([1, 2, 3], Array.of([1, 2, 3])),
        (np.ones((2, 2)), Array.of(np.ones((2, 2)))),
        ({"values": [1, 2], "errors": [0.1, 0.2], "grid": [0, 1]}, Array.of([1, 2], [0.1, 0.2], [0, 1])),
        ({"values": [1, 2], "unit": "K", "grid_unit": "nm"}, Array.of([1, 2], unit="K", grid_unit="nm")),
        ({"series": [[1.0, 2.0]] * 5}, Array.of([1, 2], [0, 0])),
        (Array.of([1, 2]), Array.of([1, 2])),
    ],
)
def test_arrays(result: Any, expected: Array) -> None:
    (array,) = to_observation({"g": result}).arrays.values()
    for name in ("values", "errors", "grid"):
        found, wanted = getattr(array, name), getattr(expected, name)
        assert (found is None) == (wanted is None)
        assert wanted is None or np.array_equal(found, wanted)
    assert (array.unit, array.grid_unit) == (expected.unit, expected.grid_unit)


def test_files_and_whole_observations() -> None:
    assert to_observation({"trajectory": Path("a.gsd")}).artifacts == {"trajectory": Path("a.gsd")}
    observation = Observation(values={"y": 1.0})
    assert to_observation(observation) is observation


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (1.5, r"names and values, such as .* not 1\.5"),
        (None, "not None"),
        ([1.0], r"not \[1\.0\]"),
        ({1: 2.0}, "the name 1"),
        ({"y": "high"}, "'y' is 'high'"),
        ({"y": None}, "'y' is None"),
        ({"y": ("a", 1)}, "'a' is not a number"),
        ({"y": ["a"]}, "numbers only"),
        ({"y": [[1, 2], [3]]}, "'y' is"),
        ({"y": {"mean": 1.0}}, "its keys are mean"),
        ({"y": {}}, "its keys are none"),
        ({"y": {"series": []}}, "at least one sample"),
        ({"y": {"series": [1.0, float("nan")]}}, "not finite"),
        ({"y": {"values": [1, 2], "errors": [1]}}, "errors has shape"),
    ],
)
def test_what_cannot_be_understood(results: Any, message: str) -> None:
    with pytest.raises(InvalidObservation, match=message):
        to_observation(results)


@pytest.mark.parametrize(
    ("result", "what"),
    [
        (None, "None"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("liquid", "'liquid'"),
        ((float("nan"), 0.1), "nan"),
    ],
)
def test_a_value_may_be_missing_beside_others(result: Any, what: str) -> None:
    found = to_observation({"y": result, "z": (1.5, float("nan"))})
    assert (found.values, found.errors, found.missing) == ({"z": 1.5}, {}, {"y": what})
    assert validate_observation(found, Outputs(frozenset({"y", "z"}))) is found
    with pytest.raises(InvalidObservation, match=f"value 'y' is {what}"):
        minimize("y").evaluate(found)
    assert minimize("z").evaluate(found) == ({"z": 1.5}, {})
    with pytest.raises(InvalidObservation, match="value 'y' is"):
        minimize("z").subject_to("y <= 1").evaluate(found)


def test_an_array_of_one_number_is_a_value() -> None:
    assert to_observation({"y": np.array([2.5])}).values == {"y": 2.5}


@pytest.mark.parametrize("array", [Array(np.ones((5, 7)), None, np.arange(7.0)), Array(np.ones(4), np.ones(3))])
def test_an_array_whose_parts_have_other_shapes_is_no_result(array: Array) -> None:
    """A class may make it without `Array.of`; the journal could not read it again."""
    with pytest.raises(InvalidObservation, match=r"array 'g': (grid|errors) has shape .*, the values have"):
        validate_observation(Observation({"f": 1.0}, {}, {"g": array}), None)
