"""The optimum by the surrogate beside what a value can be."""

import numpy as np
import pytest

from softal.objective import maximize
from softal.space import Space
from softal.surrogates import build
from softal.surrogates.optimum import find_optimum
from softal.trial import Trial, TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})


def rising(objective):
    """The optimum of a probability that was looked at only where it rises, to 0.97 in the middle."""
    trials = [
        Trial(i, {"x": float(x)}, state=TrialState.DONE, objective={"P": 1.94 * float(x)}, objective_errors={"P": 0.01})
        for i, x in enumerate(np.linspace(0.0, 0.5, 9))
    ]
    surrogate = build("gp", SPACE, ["P"])
    surrogate.fit(trials)
    found = find_optimum(objective, trials, surrogate)
    assert found is not None
    return found


def test_a_probability_is_one_at_most_and_a_surrogate_that_expects_more_is_doubted():
    anything, limited = rising(maximize("P")), rising(maximize("P").within({"P": (0.0, 1.0), "other": (0.0, 2.0)}))
    assert anything.value > 1.2
    assert not anything.doubt
    assert limited.value == 1.0
    assert limited.doubt == "expects more there than can be, which is at most 1"
    assert limited.place == anything.place


def test_limits_that_are_far_away_change_nothing():
    assert rising(maximize("P").within({"P": (-10.0, 10.0)})) == rising(maximize("P"))
