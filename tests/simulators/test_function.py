"""Plain functions as simulators: every way in which they may take their point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from softal import simulators
from softal.errors import InvalidObservation, SimulationError, SoftalError
from softal.simulators.base import Context, Simulator
from softal.simulators.function import simulator_class
from softal.trial import Array

POINT = {"x": 2.0, "y": 3.0}


def by_point(point):  # type: ignore[no-untyped-def]
    """x times y."""
    return {"z": point["x"] * point["y"]}


def by_point_and_context(point: Mapping[str, float], context: Context) -> dict[str, float]:
    return {"z": point["x"] * point["y"], "trial": context.trial}


def by_annotation(p: dict[str, float], seed: int) -> dict[str, float]:
    return {"z": p["x"] * p["y"], "trial": seed - 2}


def by_name(x: float, y: float, scale: float = 1.0) -> dict[str, float]:
    return {"z": scale * x * y}


def by_name_and_context(x: float, y: float, *, workdir: Path, seed: int, context: Context) -> dict[str, Any]:
    assert workdir == context.workdir
    return {"z": x * y, "seed": seed}


def anything(**point: float) -> dict[str, float]:
    return {"z": point["x"] * point["y"]}


def with_errors(x: float) -> dict[str, Any]:
    return {"u": (x, 0.1), "g": np.array([x, x]), "s": Array.of([1, 2], grid=[0, 1])}


def broken(x: float) -> dict[str, float]:
    return {"z": float("nan")}


def context(tmp_path: Path) -> Context:
    return Context(tmp_path, seed=5, trial=3)


@pytest.mark.parametrize(
    "function",
    [by_point, by_point_and_context, by_annotation, by_name, by_name_and_context, anything, lambda x, y: {"z": x * y}],
)
def test_ways_to_take_a_point(function: Callable[..., Any], tmp_path: Path) -> None:
    observation = simulator_class(function)().run(dict(POINT), context(tmp_path))
    assert observation.values["z"] == 6.0
    assert observation.values.get("trial", 3) == 3
    assert observation.values.get("seed", 5) == 5


@pytest.mark.parametrize(
    ("function", "parameters", "defaults"),
    [
        (by_point, None, {}),
        (by_annotation, None, {}),
        (anything, None, {}),
        (by_name, {"x": "", "y": "", "scale": ""}, {"scale": 1.0}),
        (by_name_and_context, {"x": "", "y": ""}, {}),
    ],
)
def test_parameters_are_declared(function: Callable[..., Any], parameters: object, defaults: object) -> None:
    made = simulator_class(function)
    assert made.parameters == parameters
    assert made.defaults == defaults
    assert made.outputs is None


def test_parameters_that_others_need_are_left_out(tmp_path: Path) -> None:
    assert simulator_class(by_name)().run({**POINT, "k": 1.0}, context(tmp_path)).values == {"z": 6.0}


def test_errors_and_arrays(tmp_path: Path) -> None:
    observation = simulator_class(with_errors)().run({"x": 2.0}, context(tmp_path))
    assert observation.values == {"u": 2.0}
    assert observation.errors == {"u": 0.1}
    assert set(observation.arrays) == {"g", "s"}


def test_it_is_found_by_its_name(tmp_path: Path) -> None:
    simulator = simulators.build("tests.simulators.test_function:by_point")
    assert isinstance(simulator, Simulator)
    assert simulator.run(dict(POINT), context(tmp_path)).values == {"z": 6.0}
    assert type(simulator).__doc__ == "x times y."


def test_a_missing_parameter(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"by_name\(\) needs 'y'"):
        simulator_class(by_name)().run({"x": 1.0}, context(tmp_path))


def test_nan_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(InvalidObservation, match="'z' is nan"):
        simulator_class(broken)().run({"x": 1.0}, context(tmp_path))


def test_a_file_beside_the_code_is_not_in_the_trials_folder(tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("3")
    (tmp_path / "beside.py").write_text("def reads(x):\n    return {'z': x * float(open('table.txt').read())}\n")
    names: dict[str, Any] = {}
    exec(compile((tmp_path / "beside.py").read_text(), tmp_path / "beside.py", "exec"), names)
    with pytest.raises(
        FileNotFoundError, match=rf"in the trial's folder, where functions run, but in {tmp_path}: give"
    ):
        simulator_class(names["reads"])().run({"x": 1.0}, context(tmp_path))


@pytest.mark.parametrize("kind", ["argonn", "no_such_module:f", "math:no_such_function", "math:pi"])
def test_what_is_no_simulator(kind: str) -> None:
    with pytest.raises(SoftalError, match=kind.partition(":")[0]):
        simulators.build(kind)
