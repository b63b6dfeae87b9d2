"""What the terminal says beside the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from softal import strategies
from softal.objective import Objective, learn, minimize
from softal.space import Space
from softal.terminal.remarks import hints, remarks
from softal.trial import Trial, TrialState

SPACE = Space({"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}})
RECORD: dict[str, Any] = {"trials": 7, "method": "leave-one-out", "rmse": {"f": 0.0551}, "r2": {"f": 0.9615}}


def done(f: Callable[[float], float], objective: Objective, points: int = 7) -> list[Trial]:
    finished = [
        Trial(i, {"x": i / 9, "y": 0.5}, state=TrialState.DONE, objective=dict.fromkeys(objective.names, f(i / 9)))
        for i in range(points)
    ]
    return [*finished, Trial(points, {"x": 0.99, "y": 0.1}, state=TrialState.FAILED, reason="it blew up")]


@pytest.mark.parametrize(
    ("f", "said"),
    [
        (lambda x: 2.0, ["f is 2 in all 7 trials, whatever x, y: does the simulation use them?"]),
        (lambda x: 0.0, ["f is 0 in all 7 trials, whatever x, y: does the simulation use them?"]),
        (
            lambda x: 1e12 + x,
            [
                "f differs by 0.67 at most between trials, 7e-13 of its value, less than four digits show: return its "
                "distance from a constant such as 1e+12"
            ],
        ),
        (lambda x: 1.0 + 0.01 * x, []),
        (lambda x: 1e-30 * x, []),
    ],
)
def test_values_that_hardly_change(f: Callable[[float], float], said: list[str]) -> None:
    objective = minimize("f")
    assert list(remarks(SPACE, objective, done(f, objective), {})) == said


def test_few_trials_say_nothing() -> None:
    objective = minimize("f")
    assert not list(remarks(SPACE, objective, done(lambda x: 2.0, objective, 4), {}))
    assert not list(remarks(SPACE, objective, [], {}))


def test_how_well_a_value_was_learnt() -> None:
    objective = learn("f")
    trials = done(lambda x: x, objective)
    assert list(remarks(SPACE, objective, trials, RECORD)) == [
        "f of unseen trials is predicted with RMSE 0.0551, R² 0.96 (leave-one-out, 7 trials)"
    ]
    assert not list(remarks(SPACE, objective, trials, {}))


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        (
            {"low": 1e-19, "high": 1e-14},
            ["k ranges over 5 decades, and nine of ten points lie in the last one; with `log: true` each decade gets"],
        ),
        ({"low": 1e-19, "high": 1e-14, "log": True}, []),
        ({"low": 1e-2, "high": 9}, []),
        ({"low": -1e5, "high": 1e5}, []),
        ({"low": 0, "high": 1e5}, []),
        ({"low": 1e-300, "high": 1e300}, ["k ranges over 600 decades"]),
    ],
)
def test_a_range_over_decades_on_a_linear_scale_is_remarked(parameter: dict[str, Any], said: list[str]) -> None:
    found = list(hints(Space({"k": parameter, "fixed": 3.0}), minimize("f")))
    assert len(found) == len(said)
    assert all(line.startswith(start) for line, start in zip(found, said, strict=True))


@pytest.mark.parametrize(
    ("strategy", "trials", "said"),
    [
        ("cmaes", 20, 1),
        ("cmaes", None, 1),
        ("random", 20, 0),
        ("cmaes", 2, 0),
        ("grid", 20, 0),
        ("bayesian", 20, 0),
        ("sobol", 20, 0),
    ],
)
def test_strategies_that_draw_points_of_few_again_are_remarked(strategy: str, trials: int | None, said: int) -> None:
    space = Space({"n": {"low": 1, "high": 3, "integer": True}})
    found = list(hints(space, minimize("f"), None, strategies.find(strategy), trials))
    assert [line.split(",")[0] for line in found] == ["the space has 3 points"] * said
    assert not list(hints(SPACE, minimize("f"), None, strategies.find(strategy), trials))


@pytest.mark.parametrize(("error", "said"), [(None, 1), (0.1, 0)])
def test_repeats_without_noise(error: float | None, said: int) -> None:
    space = Space({"n": {"low": 1, "high": 3, "integer": True}})
    errors = {} if error is None else {"f": error}
    trials = [
        Trial(i, {"n": 1 + i % 3}, state=TrialState.DONE, objective={"f": float(i % 3)}, objective_errors=errors)
        for i in range(9)
    ]
    found = list(remarks(space, minimize("f"), trials, {}))
    assert (
        found
        == ["6 of 9 trials repeated one of 3 points and gave the same result: without noise, one run of each is enough"]
        * said
    )
