"""Simulators that evaluate many points at once: what a function may return, and what it is made into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal.errors import InvalidObservation, SimulationError
from softal.simulators import build
from softal.simulators.base import Context, Simulator
from softal.simulators.batches import batched, observations
from softal.simulators.function import simulator_class
from softal.testing.simulators import Candidate, SimulatorContract
from softal.trial import Observation, Point

POINTS: list[Point] = [{"x": 1.0, "y": 4.0}, {"x": 2.0, "y": 5.0}, {"x": 3.0, "y": 6.0}]
GRID = np.array([0.0, 0.5, 1.0, 1.5])


@batched(3)
def by_names(x, y, scale=1.0):  # type: ignore[no-untyped-def]
    return {"z": scale * x * y}


@batched(3)
def by_points(points):  # type: ignore[no-untyped-def]
    return [{"z": point["x"] * point["y"]} for point in points]


@batched(3)
def anything(**point):  # type: ignore[no-untyped-def]
    return {"z": point["x"] * point["y"]}


@batched(3)
def with_contexts(x, y, *, seed, workdir, contexts):  # type: ignore[no-untyped-def]
    assert seed == [context.seed for context in contexts]
    assert [folder.name for folder in workdir] == [f"{i}" for i in range(len(x))]
    return {"z": x * y}


@batched(3)
def noisy(x, y, seed):  # type: ignore[no-untyped-def]
    noise = np.array([np.random.default_rng(one).normal(size=4) for one in seed])
    curve = np.exp(-np.outer(x, GRID)) + noise
    return {"z": (curve.mean(axis=1), np.abs(noise).max(axis=1)), "c": {"values": curve, "grid": GRID, "unit": "m"}}


class TestFunction(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate(f"{__name__}:noisy", {}, POINTS[0], others=POINTS[1:])


class OneByOne(Simulator):
    """Cheap, and drawing from the global generators: handed over three at a time."""

    batch = 3

    def run(self, point: Point, context: Context) -> Observation:
        if point["x"] == 2.0:
            raise ZeroDivisionError("x is 2")
        return Observation({"f": float(point["x"]) + np.random.normal()})  # noqa: NPY002


class TestOneByOne(SimulatorContract):
    @pytest.fixture
    def candidate(self) -> Candidate:
        return Candidate(f"{__name__}:OneByOne", {}, POINTS[0], others=[POINTS[2]])


def contexts(folder: Path, n: int) -> list[Context]:
    return [Context(folder / str(i), seed=i) for i in range(n)]


@pytest.mark.parametrize("function", [by_names, by_points, anything, with_contexts])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_ways_to_take_points(function: Callable[..., Any], n: int, tmp_path: Path) -> None:
    simulator = simulator_class(function)()
    assert simulator.batch == 3
    results = simulator.run_batch(POINTS[:n], contexts(tmp_path, n))
    assert [result.values for result in results] == [{"z": 4.0}, {"z": 10.0}, {"z": 18.0}][:n]
    assert simulator.run(POINTS[1], contexts(tmp_path, 1)[0]).values == {"z": 10.0}


def test_its_parameters_are_those_of_one_point() -> None:
    assert simulator_class(by_names).parameters == {"x": "", "y": "", "scale": ""}
    assert simulator_class(by_names).defaults == {"scale": 1.0}
    assert simulator_class(with_contexts).parameters == {"x": "", "y": ""}
    assert simulator_class(by_points).parameters is None


def test_a_parameter_that_the_points_lack(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"by_names\(\) needs 'y', which the point does not have"):
        simulator_class(by_names)().run_batch([{"x": 1.0}], contexts(tmp_path, 1))


def test_forms_of_results() -> None:
    first, second = observations(
        {
            "value": np.array([1.0, 2.0]),
            "pair": ([3.0, 4.0], [0.3, 0.4]),
            "mapping": {"value": [5.0, 6.0], "error": None},
            "array": np.array([[1.0, 2.0], [3.0, 4.0]]),
            "curve": {"values": [[1.0, 2.0], [3.0, 4.0]], "grid": [0.0, 1.0], "grid_unit": "nm"},
            "own": {"values": [[1.0, 2.0], [3.0, 4.0]], "grid": [[0.0, 1.0], [5.0, 6.0]]},
        },
        2,
    )
    assert isinstance(second, Observation)
    assert second.values == {"value": 2.0, "pair": 4.0, "mapping": 6.0}
    assert second.errors == {"pair": 0.4}
    assert second.arrays["array"].values.tolist() == [3.0, 4.0]
    assert second.arrays["curve"].grid.tolist() == [0.0, 1.0]
    assert second.arrays["curve"].grid_unit == "nm"
    assert second.arrays["own"].grid.tolist() == [5.0, 6.0]
    assert isinstance(first, Observation)
    assert first.arrays["own"].grid.tolist() == [0.0, 1.0]


def test_an_error_in_a_list_is_that_points_own() -> None:
    done, melted, strange = observations([{"f": 1.0}, SimulationError("melted"), 7.0], 3)
    assert isinstance(done, Observation)
    assert (type(melted), str(melted)) == (SimulationError, "melted")
    assert isinstance(strange, InvalidObservation)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"f": np.ones(3)}, "'f' has 3 entries; a batched function returns one for each of the 2 points"),
        ({"f": 1.0}, "'f' has no entries; a batched function"),
        ({"f": (np.ones(2), np.ones(1))}, "'f' has 1 entries"),
        ({"f": {"values": np.ones((3, 2))}}, r"'f.values' has 3 entries"),
        ([{"f": 1.0}], "'what it returned' has 1 entries"),
    ],
)
def test_what_has_not_one_entry_a_point(results: Any, message: str) -> None:
    with pytest.raises(InvalidObservation, match=message):
        observations(results, 2)


def test_a_batch_of_nothing() -> None:
    with pytest.raises(ValueError, match=r"batched\(0\): allowed is a whole number, 1 or more"):
        batched(0)


def test_one_by_one_each_has_its_own_seed_and_error(tmp_path: Path) -> None:
    simulator = build(f"{__name__}:OneByOne")
    first, failed, last = simulator.run_batch(POINTS, contexts(tmp_path, 3))
    assert (type(failed), str(failed)) == (ZeroDivisionError, "x is 2")
    np.random.seed(2)  # noqa: NPY002
    assert isinstance(last, Observation)
    assert last.values["f"] == 3.0 + np.random.normal()  # noqa: NPY002
    assert isinstance(first, Observation)
