"""How much of what is known goes into proposals: of every strategy with a model, in virtual time and on a real Ray."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from softal.objective import learn, minimize, several
from softal.orchestrator.campaign import Campaign
from softal.space import Space
from softal.testing.virtual_time import VirtualCampaign
from softal.trial import Trial, TrialState

pytestmark = pytest.mark.learning

SPACE = Space({"x": {"low": 0.5, "high": 2.0}, "y": {"low": 0.8, "high": 1.3}})
COST, TWO, LEARN = minimize("cost"), several(minimize("cost"), minimize("other")), learn("cost")
DESIGN = 5  # initial points of two parameters
THINKING = 0.3  # s, of the strategist
WITH_A_MODEL = {
    **{name: (COST, {"acquisition": name}) for name in ("qLogNoisyEI", "qLogEI", "UCB", "Thompson")},
    "qLogNEHVI": (TWO, {"acquisition": "qLogNEHVI"}),
    "integrated_variance": (LEARN, {"acquisition": "integrated_variance"}),
    "committee": (LEARN, {"kind": "committee", "surrogate": "gp", "candidates": 64}),
    "mixture": (COST, {"kind": "mixture", "strategies": ["cmaes", "bayesian"], "shares": [1, 3]}),
    "cmaes": (COST, {"kind": "cmaes"}),
}


def simulate(trial: Trial) -> Trial:
    """A noisy bowl, and another beside it."""
    rng, x, y = np.random.default_rng(trial.seed), trial.point["x"], trial.point["y"]
    error = 0.02 * (1 + x)
    values = {
        "cost": (x - 1.2) ** 2 + 3 * (y - 1.0) ** 2 + rng.normal(0, error),
        "other": (x - 0.8) ** 2 + (y - 1.1) ** 2 + rng.normal(0, error),
    }
    return replace(trial, state=TrialState.DONE, objective=values, objective_errors=dict.fromkeys(values, error))


def scattered(mean: float) -> Callable[[Trial], float]:
    return lambda trial: mean * np.random.default_rng(trial.seed).lognormal(0.0, 0.2)


def campaign(name: str, seconds: float = 1.0, **changes) -> VirtualCampaign:
    objective, settings = WITH_A_MODEL.get(name, (COST, {"kind": name}))
    kind = settings.get("kind", "bayesian")
    chosen = {key: value for key, value in settings.items() if key != "kind"}
    made = VirtualCampaign(SPACE, objective, simulate, scattered(seconds), (kind, chosen), thinking=THINKING)
    return replace(made, **changes)


def by_the_model(trial: Trial) -> bool:
    return trial.notes.get("acquisition", "") != "initial"


def cases() -> list[Any]:
    """Each strategy with simulations of 1 s, and the cheapest with others: a model's choice takes a second of ours."""
    usual = [pytest.param(name, 1.0, marks=pytest.mark.long) for name in WITH_A_MODEL]
    return [*usual, *((name, seconds) for name in ("Thompson", "cmaes") for seconds in (0.001, 10.0))]


@pytest.mark.parametrize(("name", "seconds"), cases())
def test_most_of_25_proposals_come_from_the_model(name: str, seconds: float):
    record = campaign(name, seconds).run()
    assert len(record.trials) == 25
    assert sum(not by_the_model(trial) for trial in record.trials) <= DESIGN
    if name == "cmaes":
        assert sum(trial.notes["generation"] > 0 for trial in record.trials) >= 15
    for waits, unstarted in record.waiting:
        assert waits <= 0.1 * unstarted, record.waiting


@pytest.mark.parametrize("seconds", [0.001, 1.0])
def test_a_proposal_of_a_model_knows_all_results_that_are_in(seconds: float):
    trials = campaign("Thompson", seconds).run().trials
    for trial in filter(by_the_model, trials):
        in_when_asked = sum(other.finished <= trial.proposed - THINKING + 1e-9 for other in trials)
        assert trial.notes["results"] == in_when_asked
        assert trial.notes["pending"] <= (1 if seconds > THINKING else 0), "what is there at once was not waited for"
        assert trial.started - trial.proposed == 0, "it waited, and what came in meanwhile is not in it"


@pytest.mark.parametrize("slots", [8, 32])
def test_more_workers_than_initial_points_begin_at_once_and_then_wait_for_the_model(slots: int):
    trials = campaign("Thompson", slots=slots, budget=slots + 12, thinking=0.01).run().trials
    assert [trial.id for trial in trials if not by_the_model(trial)] != []
    assert sum(not by_the_model(trial) for trial in trials) == max(slots, DESIGN)
    assert {trial.started for trial in trials if not by_the_model(trial)} == {0.01}


def test_many_workers_wait_for_what_cheap_simulations_say():
    trials = campaign("Thompson", 0.001, slots=32, budget=40).run().trials
    modelled = [trial for trial in trials if by_the_model(trial)]
    assert [(trial.notes["results"], trial.notes["pending"]) for trial in modelled] == [(n, 0) for n in range(32, 40)]


def test_failed_trials_are_made_up_for_in_the_initial_design():
    def fails_at_first(trial: Trial) -> Trial:
        return replace(trial, state=TrialState.FAILED, reason="it blew up") if trial.id < 4 else simulate(trial)

    trials = campaign("Thompson", simulate=fails_at_first, budget=12).run().trials
    assert sum(not by_the_model(trial) for trial in trials) <= DESIGN + 4
    assert by_the_model(trials[-1])


@pytest.mark.parametrize("strategy", ["random", "sobol"])
def test_strategies_that_do_not_learn_are_asked_ahead(strategy: str):
    record = campaign(strategy, 0.001, budget=1000).run()
    assert 200 < max(waits for waits, _ in record.waiting) <= 256
    assert len(record.waiting) < 20


def test_the_rest_of_a_generation_waits_for_the_workers():
    kept = campaign("cmaes", 0.01, strategy=("cmaes", {"popsize": 20}), budget=200).run()
    assert max(waits for waits, _ in kept.waiting) >= 10
    assert len(kept.waiting) < 80, "a call for each point"
    drawn = sorted(kept.trials, key=lambda trial: trial.id)
    assert all(trial.notes["generation"] >= trial.id // 20 - 1 for trial in drawn)


@pytest.mark.parametrize(("freshness", "lacking"), [(0.0, 1), (0.1, 3), (1.0, 8)])
def test_freshness_is_what_a_proposal_may_lack(freshness: float, lacking: int):
    record = campaign("Thompson", 0.1, budget=60, freshness=freshness).run()
    late = [trial for trial in record.trials if by_the_model(trial)]
    lacked = [sum(o.finished <= t.started for o in record.trials) - t.notes["results"] for t in late]
    assert max(lacked) <= lacking
    assert (max(lacked) >= lacking / 2) or not freshness


def test_a_long_simulation_among_cheap_ones_is_not_waited_for():
    def duration(trial: Trial) -> float:
        return 100.0 if trial.id == 7 else 0.001

    trials = campaign("Thompson", duration=duration, budget=20).run().trials
    assert [trial.id for trial in trials][-1] == 7


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_most_of_25_proposals_come_from_the_model_on_a_real_ray(make_campaign: Callable[..., Campaign]):
    made = make_campaign(strategy={"kind": "bayesian", "acquisition": "Thompson"}, budget={"trials": 25})
    made.launch()
    trials = made.list_trials()
    assert sum(trial.notes["acquisition"] == "initial" for trial in trials) == DESIGN
    assert all(trial.notes["results"] >= trial.id - 2 for trial in trials[DESIGN:]), "a proposal that waited"
    assert trials[-1].origin.startswith("Thompson from 2")
