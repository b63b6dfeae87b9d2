"""The loop on a real Ray: budgets, determinism, resuming, agents that die."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import ray
from driving import Listening, StopAfter, results
from patience import PATIENCE
from ray._private.state import state  # which Ray's own dashboard asks

from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign, Silent
from softal.orchestrator.cluster import arrivals
from softal.trial import Trial, TrialState

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]
Make = Callable[..., Campaign]


def test_a_campaign_runs_to_its_budget(make_campaign: Make):
    campaign = make_campaign()
    ending = campaign.launch()
    assert (ending.state, ending.exit_code, ending.reason) == ("finished", 0, "all 6 trials are finished")
    trials = campaign.list_trials()
    assert [trial.id for trial in trials] == list(range(6))
    assert [(trial.state, trial.attempts, trial.reason) for trial in trials] == [(TrialState.DONE, 1, None)] * 6
    assert campaign.best.objective["f"] == min(trial.objective["f"] for trial in trials)
    assert campaign.best.objective_errors == {"f": 0.01}
    status = campaign.status().to_json()
    assert (status["name"], status["state"], status["done"], status["running"], status["failed"]) == (
        "test", "finished", 6, 0, 0
    )  # fmt: skip
    assert 0 <= status["utilisation"] <= 1
    assert status["trials_per_hour"] > 0
    assert campaign.trials["f"].min() == status["best"]["objective"]


@pytest.mark.parametrize(
    "strategy", ["sobol", pytest.param({"kind": "bayesian", "n_initial": 3}, marks=pytest.mark.long)]
)
def test_points_that_the_simulator_refuses_are_not_proposed(make_campaign: Make, strategy):
    campaign = make_campaign(simulator={"kind": "simulations:Choosy"}, strategy=strategy, budget={"trials": 8})
    campaign.launch()
    assert all(trial.point["x"] <= 0.5 for trial in campaign.list_trials())


@pytest.mark.parametrize(
    "strategy",
    [
        "random",
        pytest.param("cmaes", marks=pytest.mark.long),
        pytest.param({"kind": "bayesian", "n_initial": 4}, marks=pytest.mark.long),
    ],
)
def test_one_worker_repeats_and_resumes_as_if_it_had_not_stopped(make_campaign: Make, strategy, tmp_path: Path):
    common = {"strategy": strategy, "workers": {"concurrent": 1, "grace": "0 s"}, "budget": {"trials": 9}}
    whole, again, stopped = (make_campaign(name=name, **common) for name in ("whole", "again", "stopped"))
    whole.launch()
    again.launch()
    assert results(again) == results(whole)
    assert stopped.launch(StopAfter(3)).exit_code == 130
    assert stopped.resume(StopAfter(3)).exit_code == 130
    assert stopped.resume().exit_code == 0
    assert results(stopped) == results(whole)


@pytest.mark.long
def test_another_seed_gives_other_trials(make_campaign: Make):
    first, second = make_campaign(name="first"), make_campaign(name="second", seed=2)
    first.launch()
    second.launch()
    assert results(first) != results(second)


def test_budget_of_a_target(make_campaign: Make):
    campaign = make_campaign(budget={"trials": 500, "target": 0.5})
    ending = campaign.launch()
    assert ending.reason.startswith("target reached: f = ")
    assert campaign.best.objective["f"] <= 0.5
    assert campaign.status().done < 500


def test_budget_of_stagnation(make_campaign: Make):
    campaign = make_campaign(budget={"trials": 500, "stagnation": 8})
    assert campaign.launch().reason == "no improvement in 8 trials"
    assert 8 < campaign.status().done < 500


def test_budget_of_hours(make_campaign: Make):
    campaign = make_campaign(budget={"hours": 2 / 3600}, simulator={"kind": "simulations:Bowl", "seconds": 0.2})
    began = time.time()
    reason = campaign.launch().reason
    # On a busy machine Ray's first worker may need all of these seconds.
    assert reason.endswith("hours are used up" + ("" if campaign.status().done else ", and no trial is finished"))
    assert time.time() - began < 30


def test_a_finished_campaign_goes_on_with_more_budget(make_campaign: Make):
    campaign = make_campaign(budget={"trials": 3})
    campaign.launch()
    before = results(campaign)
    assert campaign.resume().reason == "all 3 trials are finished"
    assert Campaign.open(campaign.folder).resume(trials=5).reason == "all 5 trials are finished"
    assert results(campaign)[:3] == before
    assert len(results(campaign)) == 5
    assert Campaign.open(campaign.folder).spec.budget.trials == 5


def test_a_grid_ends_when_it_has_no_more_points(make_campaign: Make):
    space = {"n": {"low": 1, "high": 3, "integer": True}, "kind": {"choices": ["a", "b"]}}
    campaign = make_campaign(
        space=space, strategy={"kind": "grid"}, simulator={"kind": "simulations:Faulty"},
        budget={"trials": 100},
    )  # fmt: skip
    assert campaign.launch().reason.startswith("all 6 points of the grid were proposed, and not one is good. Trial ")
    trials = campaign.list_trials()
    assert len({(t.point["n"], t.point["kind"]) for t in trials}) == len(trials) == 6
    assert all(t.state is TrialState.FAILED and "KeyError" in t.reason for t in trials)


def test_a_refinement_ends_with_repeats_and_says_why(make_campaign: Make):
    refinement = {"after": 5, "trials": 2, "repeats": 3, "fidelity": 1.0}
    strategy = {"kind": "bayesian", "n_initial": 4, "fidelity": 0.5, "refinement": refinement}
    campaign = make_campaign(strategy=strategy, budget={"trials": 100})
    ending = campaign.launch()
    assert ending.state == "finished"
    assert ending.reason.startswith("refined: its 2 local trials are used up; the best point was run 3 times")
    trials = campaign.list_trials()
    assert [trial.fidelity for trial in trials][:5] == [0.5] * 5
    repeated = [trial for trial in trials if trial.point == trials[-1].point and trial.fidelity == 1.0]
    assert len({trial.seed for trial in repeated}) == len(repeated) == 3


WITH_ALL_AGENTS = {
    "strategy": "cmaes",
    "surrogate": "gp",
    "tracking": {},
    "workers": {"concurrent": 1},
    "budget": {"trials": 12},
    "simulator": {"kind": "simulations:Bowl", "seconds": 0.3},
}


@pytest.fixture(scope="module")
def undisturbed(local_ray: None, make_shared_campaign: Make) -> list[tuple]:
    campaign = make_shared_campaign(name="undisturbed", **WITH_ALL_AGENTS)
    campaign.launch()
    return results(campaign)


@pytest.mark.parametrize(
    "agent",
    [pytest.param("strategist", marks=pytest.mark.long), "trainer", pytest.param("tracker", marks=pytest.mark.long)],
)
def test_an_agent_that_dies_is_rebuilt(make_campaign: Make, undisturbed: list[tuple], agent: str):
    disturbed = make_campaign(name="disturbed", **WITH_ALL_AGENTS)
    killer = Killer(f"disturbed: {agent}", after=4)
    assert disturbed.launch(killer).state == "finished"
    assert killer.killed, f"the {agent} was not there to be killed"
    assert results(disturbed) == undisturbed
    assert disturbed.surrogate.diagnostics().n == 12


def test_a_surrogate_with_a_bug_does_not_end_the_campaign(make_campaign: Make):
    campaign, listener = make_campaign(surrogate={"kind": "simulations:BrokenSurrogate"}), Listening()
    assert campaign.launch(listener).state == "finished"
    assert campaign.status().done == 6
    said = "the trainer failed: RuntimeError: the user's own surrogate has a bug. The campaign goes on."
    assert listener.messages == [said]


def test_a_strategy_with_a_bug_leaves_nothing_running(make_campaign: Make):
    campaign = make_campaign(
        strategy={"kind": "simulations:BrokenStrategy"},
        tracking={},
        budget={"trials": 20},
        simulator={"kind": "simulations:Bowl", "seconds": 3.0},
        workers={"concurrent": 2, "ahead": 2, "grace": "0 s"},
    )
    with pytest.raises(SoftalError, match="the strategist failed: RuntimeError: the user's own strategy has a bug"):
        campaign.launch()
    assert campaign.status().state == "failed"
    assert {trial.state for trial in campaign.list_trials()} <= {TrialState.PROPOSED, TrialState.DONE}
    with closing(sqlite3.connect(campaign.folder / "mlflow.db")) as database:
        statuses = {status for (status,) in database.execute("SELECT status FROM runs")}
    assert "FAILED" in statuses
    assert "RUNNING" not in statuses


def test_a_second_ctrl_c_in_the_middle_of_the_answer_to_the_first_counts(make_campaign: Make, tmp_path: Path):
    (tmp_path / "pace").write_text("1")  # the second simulation waits

    class Impatient(StopAfter):
        def message(self, text: str) -> None:
            if text.startswith("Stopping: waiting up to 1000 s for 1 running"):
                os.kill(os.getpid(), signal.SIGINT)

    campaign = make_campaign(
        simulator={"kind": "simulations:Bowl", "pace": str(tmp_path / "pace")},
        workers={"concurrent": 2, "grace": "1000 s"},
    )
    began = time.monotonic()
    assert campaign.launch(Impatient(1)).exit_code == 130
    assert time.monotonic() - began < 500
    assert campaign.status().done == 1


class Killer(Silent):
    """Kills an agent's process when so many trials are finished."""

    def __init__(self, name: str, after: int) -> None:
        self.name, self.left, self.killed = name, after, False

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        self.left -= 1
        if self.left == 0:
            threading.Thread(target=self._kill).start()

    def _kill(self) -> None:
        import ray

        (found,) = [a for a in ray.util.list_named_actors(all_namespaces=True) if a["name"] == self.name]
        actor = ray.get_actor(**found)
        os.kill(ray.get(actor.process.remote()), signal.SIGKILL)
        self.killed = True


def test_more_budget_is_what_is_shown_while_it_is_used(make_campaign: Make):
    campaign = make_campaign(budget={"trials": 6, "hours": 2})
    assert (campaign.budget.trials, campaign.budget.hours) == (6, 2)
    assert (campaign.budget_with(trials=40, hours=None).trials, campaign.budget_with(trials=40).hours) == (40, 2)


def test_rays_list_of_tasks_shows_trials_and_not_the_calls_of_agents(undisturbed: list[tuple]):
    """350 calls of `Tracker.step` stood beside 14 trials."""
    wanted, names = {f"undisturbed: trial {i} by cmaes" for i in range(12)}, set[str]()
    deadline = time.time() + PATIENCE
    while not wanted <= names and time.time() < deadline:  # Ray's processes tell of their tasks once a second
        time.sleep(1.0)
        names = {event.task_info.name for event in state._get_all_task_events()}
    assert wanted <= names
    assert not [name for name in names if name.endswith((".ask", ".step", ".finish"))]


def test_a_worker_says_once_that_it_is_there(local_ray: None):
    """Ray takes a task for running while its worker starts."""
    session = f"softal-{time.time_ns()}"
    assert arrivals.count(session) == 0
    come = ray.remote(num_cpus=0)(lambda: [arrivals.say(session) for _ in range(3)])
    ray.get(come.remote())
    assert arrivals.count(session) == 1
    arrivals.forget(session)
    assert arrivals.count(session) == 0
