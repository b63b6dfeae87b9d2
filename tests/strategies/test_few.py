"""Spaces of few points: none comes again before each has come, and the search ends where repeats say nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from softal.objective import minimize
from softal.space import Space
from softal.strategies import Strategy, build
from softal.strategies.shared.few import every_point
from softal.trial import Point, Trial, TrialState

pytestmark = pytest.mark.learning

SIX = Space({"n": {"low": 1, "high": 3, "integer": True}, "kind": {"choices": ["a", "b"]}})


def exact(point: Point) -> float:
    return (float(point["n"]) - 2) ** 2 + {"a": 0.0, "b": 0.5}[str(point["kind"])]


def run(strategy: Strategy, f: Callable[[Point], float], budget: int, errors: float | None = None) -> list[Point]:
    """The points of a campaign with one worker."""
    points: list[Point] = []
    while len(points) < budget and (proposals := strategy.ask(1)):
        point, value = proposals[0].point, f(proposals[0].point)
        known = {} if errors is None else {"f": errors}
        notes = proposals[0].notes
        trial = Trial(
            len(points), point, state=TrialState.DONE, objective={"f": value}, objective_errors=known, notes=notes
        )
        strategy.tell([trial])
        points.append(point)
    return points


@pytest.mark.parametrize("kind", ["sobol", "random"])
@pytest.mark.parametrize("constraints", [[], ["n >= 2"]])
@pytest.mark.parametrize("seed", range(3))
def test_all_points_come_before_any_comes_again(kind: str, constraints: list[str], seed: int) -> None:
    space = Space(SIX.to_dict()["parameters"], constraints)
    every = every_point(space)
    assert every is not None
    count = len(every)
    points = [proposal.point for proposal in build(kind, space, minimize("f"), seed).ask(3 * count)]
    for start in range(0, 3 * count, count):
        assert {(p["n"], p["kind"]) for p in points[start : start + count]} == {
            (p["n"], p["kind"]) for p in space.from_unit(every)
        }
    assert points[:count] != points[count : 2 * count] or kind == "sobol"
    parts = build(kind, space, minimize("f"), seed)
    assert [parts.ask(1)[0].point for _ in points] == points


def test_the_search_ends_where_all_is_known() -> None:
    strategy = build("bayesian", SIX, minimize("f"), 1)
    points = run(strategy, exact, 20)
    assert len({str(p) for p in points[:6]}) == 6
    assert len(points) == 11
    assert strategy.exhausted_because == (
        "all 6 points of the space were run, and runs of the same point give the same result"
    )


noise = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("f", "errors"),
    [
        (lambda point: exact(point) + noise.normal(0, 0.1), None),  # repeats differ
        (exact, 0.1),  # errors are known
        (lambda point: float(exact(point) > 0.7), None),  # 0 or 1: the same by chance
    ],
)
def test_the_search_goes_on_where_there_may_be_noise(f: Callable[[Point], float], errors: float | None) -> None:
    assert len(run(build("bayesian", SIX, minimize("f"), 1), f, 14, errors)) == 14


def test_a_space_with_a_real_parameter_is_not_looked_through() -> None:
    assert every_point(Space({"x": {"low": 0, "high": 1}, "n": {"low": 1, "high": 3, "integer": True}})) is None
