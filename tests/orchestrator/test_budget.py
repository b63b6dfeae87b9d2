"""When a campaign has had enough, by its target: which trials count."""

from __future__ import annotations

from typing import Any

import pytest

from softal.objective import learn, maximize, minimize
from softal.orchestrator.budget import Budget, Progress
from softal.strategies import find
from softal.trial import Trial, TrialState, is_whole, same_fidelity


def done(number: int, value: float, fidelity: float = 1.0) -> Trial:
    return Trial(number, {"x": 0.5}, fidelity=fidelity, state=TrialState.DONE, objective={"f": value}, told=number + 1)


def ends(fidelity: float, *trials: Trial, objective: Any = None, target: float = 0.1) -> bool:
    objective = objective or minimize("f")
    budget = Budget(objective, target=target, fidelity=fidelity)
    reason = budget.exhausted(Progress(objective, trials, fidelity), 0.0)
    assert reason is None or reason.startswith("target reached: f = ")
    return reason is not None


def test_a_cheap_trial_does_not_end_a_campaign_by_its_target() -> None:
    cheap, good, better = done(0, 0.01, 0.2), done(1, 0.09), done(2, 0.02, 0.2)
    assert not ends(1.0, cheap)
    assert ends(1.0, cheap, good, better)
    assert ends(0.2, cheap), "the highest fidelity of this campaign"
    assert not ends(1.0, cheap, done(1, 0.2))


def test_targets_of_other_directions() -> None:
    assert ends(1.0, done(0, 0.95), objective=maximize("f"), target=0.9)
    assert not ends(1.0, done(0, 0.95, 0.5), objective=maximize("f"), target=0.9)
    assert Budget(learn("f"), trials=1).exhausted(Progress(learn("f"), [done(0, 1.0)]), 0.0) is not None


def test_the_best_trial_is_the_best_of_all_the_same() -> None:
    progress = Progress(minimize("f"), [done(0, 0.01, 0.2), done(1, 0.09)], 1.0)
    assert (progress.best.id, progress.best_whole.id) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "settings", "highest"),
    [
        ("random", {}, 1.0),
        ("random", {"fidelity": 0.3}, 0.3),
        ("bayesian", {"fidelity": 0.2}, 0.2),
        ("bayesian", {"fidelity": 0.2, "refinement": {"fidelity": 0.5}}, 0.5),
        ("bayesian", {"fidelity": 0.7, "refinement": {"fidelity": 0.5}}, 0.7),
        ("mixture", {"strategies": ["random", {"kind": "cmaes", "fidelity": 0.1}]}, 1.0),
        ("mixture", {"strategies": [{"kind": "sobol", "fidelity": 0.2}, {"kind": "cmaes", "fidelity": 0.1}]}, 0.2),
    ],
)
def test_a_strategy_says_its_highest_fidelity(kind: str, settings: dict[str, Any], highest: float) -> None:
    found = find(kind)
    assert found.highest_fidelity(found.Settings.model_validate(settings)) == highest


def test_fidelities_are_compared_as_decimal_fractions() -> None:
    assert same_fidelity(0.1 + 0.2, 0.3)
    assert not same_fidelity(0.3, 0.301)
    assert is_whole(done(0, 1.0, 0.1 + 0.2), 0.3)
    assert is_whole(done(0, 1.0, 0.3), 0.1 + 0.2)
    assert not is_whole(done(0, 1.0, 0.29), 0.3)
