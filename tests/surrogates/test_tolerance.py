"""What tolerances leave open, against normal distributions that are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from softal.objective import Objective, Target, match
from softal.space import Space
from softal.surrogates import Surrogate, build
from softal.surrogates.analysis import optimum, summary
from softal.surrogates.optimum import find_optimum
from softal.surrogates.tolerance import tolerated
from softal.trial import Observation, Trial, TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"a": {"low": 1.0, "high": 3.0}, "b": {"low": 0.0, "high": 1.0}})


def fitted(*targets: Target) -> Surrogate:
    """A surrogate of 25 exact results for the values `sum` = a + 4 b and `difference` = a - 4 b."""
    objective: Objective = match(dict(zip("pq", targets, strict=False)))
    surrogate = build("composite", SPACE, ["mismatch"], {}, objective)
    trials = []
    for i, point in enumerate(SPACE.from_unit(SPACE.sample(25, np.random.default_rng(0)))):
        a, b = float(point["a"]), float(point["b"])
        observation = Observation({"sum": a + 4 * b, "difference": a - 4 * b}, {"sum": 1e-3, "difference": 1e-3}, {})
        values, errors = objective.evaluate(observation)
        trials.append(
            Trial(i, point, state=TrialState.DONE, observation=observation, objective=values, objective_errors=errors)
        )
    surrogate.fit(trials)
    return surrogate


def spreads(U: np.ndarray) -> dict[str, float]:
    return {name: spread for name, (_, spread) in summary(SPACE, U).items()}


def test_two_targets_leave_their_tolerances() -> None:
    """a = (sum + difference)/2 and b = (sum - difference)/8: their variances are those of independent tolerances.

    The mismatch is the root of the mean of both squares: two times its square is the sum that is wanted.
    """
    surrogate = fitted(Target("sum", 4.0, 0.24), Target("difference", 0.0, 0.32))
    U = tolerated(surrogate, weight=2.0)
    found = summary(SPACE, U)
    assert found["a"][0] == pytest.approx(2.0, abs=0.06)
    assert found["b"][0] == pytest.approx(0.5, abs=0.015)
    assert found["a"][1] == pytest.approx(0.2, rel=0.2)
    assert found["b"][1] == pytest.approx(0.05, rel=0.2)
    assert spreads(optimum(surrogate))["a"] < 0.1 * found["a"][1]  # exact results know the lowest point itself
    assert np.all((U >= 0) & (U <= 1))
    np.testing.assert_array_equal(U, tolerated(surrogate, weight=2.0))


def test_what_no_target_speaks_of_stays_open() -> None:
    """The sum alone: anywhere along a valley, as far as the space goes."""
    U = tolerated(fitted(Target("sum", 4.0, 0.1)), weight=1.0)
    points = SPACE.from_unit(U)
    sums = [float(point["a"]) + 4 * float(point["b"]) for point in points]
    assert np.std(sums) == pytest.approx(0.1, rel=0.25)
    a = np.array([float(point["a"]) for point in points])
    assert a.min() < 1.1
    assert a.max() > 2.9


def test_the_optimum_says_what_the_tolerances_leave() -> None:
    surrogate = fitted(Target("sum", 4.0, 0.24), Target("difference", 0.0, 0.32))
    trials = [Trial(0, {"a": 2.0, "b": 0.5}, state=TrialState.DONE, objective={"mismatch": 0.1})]
    found = find_optimum(surrogate.objective, trials, surrogate)
    assert found is not None
    assert found.tolerated == summary(SPACE, tolerated(surrogate, weight=2.0))
    assert found.to_json()["a"]["tolerated"]["uncertainty"] > 3 * found.place["a"][1]
