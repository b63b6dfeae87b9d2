"""Campaigns that change between two sessions: ranges, parameters, strategy, surrogate, objective."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from driving import Listening
from typer.testing import CliRunner

from softal.errors import CampaignFileError, CampaignStateError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.tracking.changes import changes_in
from softal.tracking.journal import Journal
from softal.tracking.records import campaign_record
from softal.trial import Array, Observation, Trial, TrialState
from softal.typer_cli import app

Make = Callable[..., Campaign]


def valley(point: dict[str, float]) -> dict[str, float]:
    """Lowest at x = 1.5, which the first range does not reach."""
    return {"f": (point["x"] - 1.5) ** 2 + (point["y"] - 0.3) ** 2 + point.get("z", 0.5), "g": point["x"]}


@pytest.fixture
def campaign(make_campaign: Make) -> Campaign:
    """A finished one of ten trials at random."""
    found = make_campaign(simulator=valley, budget={"trials": 10})
    assert found.launch(executor=in_process).state == "finished"
    return found


def go_on(campaign: Campaign, *changes: str, **more: Any) -> list[Trial]:
    """Resume it with changes; return its trials."""
    campaign.resume(executor=in_process, changes=changes, **more)
    return campaign.list_trials()


def told(campaign: Campaign) -> list[str]:
    with Journal.open(campaign.folder) as journal:
        return [change.sentence for change in changes_in(journal.info)]


def test_a_range_that_is_widened_and_another_strategy(campaign: Campaign) -> None:
    before, best = campaign.list_trials(), campaign.best
    assert best is not None
    trials = go_on(campaign, "space.x.high=2", "strategy.kind=cmaes", "strategy.sigma0=0.05", "budget.trials=20")
    assert trials[:10] == before
    new = trials[10:]
    assert {trial.proposed_by for trial in new} == {"cmaes"}
    start = np.array([best.point["x"] / 2, best.point["y"]])  # in units of the new ranges
    drawn = np.array([[trial.point["x"] / 2, trial.point["y"]] for trial in new[:4]])
    assert np.abs(drawn - start).max() < 5 * 0.05, "it starts from the best point of all results"
    assert sorted(told(campaign)) == [
        "changed at trial 10: budget.trials 10 -> 20",
        "changed at trial 10: space.x.high 1 -> 2",
        "changed at trial 10: strategy.kind random -> cmaes",
        "changed at trial 10: strategy.sigma0 nothing -> 0.05",
    ]
    again = Campaign.open(campaign.folder)
    assert (again.spec.space.parameters["x"].high, again.spec.strategy.kind, again.budget.trials) == (2, "cmaes", 20)
    assert "high: 2" in (campaign.folder / "campaign.yaml").read_text()
    assert go_on(campaign, trials=21)[:20] == trials, "it goes on as what it has become"


def test_a_range_that_is_narrowed_keeps_its_results(campaign: Campaign) -> None:
    before = campaign.list_trials()
    best = campaign.best
    assert best is not None
    trials = go_on(campaign, f"space.x.high={best.point['x'] - 0.01}", trials=16)
    high = best.point["x"] - 0.01
    assert [trial.outside for trial in trials] == [trial.point["x"] > high for trial in trials]
    assert [trial.objective for trial in trials[:10]] == [trial.objective for trial in before]
    assert not any(trial.outside for trial in trials[10:])
    inside = min((t for t in trials if not t.outside), key=lambda t: t.objective["f"])
    assert campaign.best is not None
    assert campaign.best.id == inside.id
    assert campaign.answer is not None
    assert campaign.answer.point["x"] <= high
    page = campaign.report().read_text()
    assert "outside of the ranges as they are now" in page
    assert "budget.trials" in page
    back = go_on(campaign, "space.x.high=1")
    assert not any(trial.outside for trial in back)
    assert campaign.best is not None
    assert campaign.best.id == best.id


def test_a_parameter_is_added_with_the_value_that_old_trials_had(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(CampaignFileError, match=r"^space\.z: trial 0: has no value there; say by `default`"):
        go_on(campaign, "space.z={low: 0, high: 1}")
    trials = go_on(campaign, "space.z={low: 0, high: 1, default: 0.5}", "budget.trials=14")
    assert [trial.point["z"] for trial in trials[:10]] == [0.5] * 10
    assert len({trial.point["z"] for trial in trials[10:]}) == 4
    table = tmp_path / "old.csv"
    table.write_text("x,y,f\n0.1,0.2,1.5\n")
    assert campaign.add_results(table).trials[0].point == {"x": 0.1, "y": 0.2, "z": 0.5}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["seed=3"], r"^seed: cannot change: the seeds of trials come from it; for another one: softal launch"),
        (["simulator.what=g"], r"^simulator\.what: cannot change: results before and after would not be of one simu"),
        (["name=other"], r"^name: cannot change"),
        (["start_from=[a.csv]"], r"^start_from\.0: cannot change"),
        (["space.x=0.5"], r"^space\.x: trial 0: is [0-9.]+ there, and would be 0\.5"),
        (["space.z=0.5"], r"^space\.z: trial 0: has no value there; a new parameter is a range or choices"),
        (["space={x: {low: 0, high: 1}}"], r"^space\.y: trial 0: is [0-9.]+ there, and would not be in it"),
        (["space.x.high=-1"], r"^space\.x\.low: 0 is not below high = -1"),
        (["strategy=sobool"], r"^strategy: 'sobool' is not known"),
        (["objective={minimize: h}"], r"^objective: trial 0 cannot be evaluated by it: .*'h' was not returned"),
        (["budget"], r"^--set: 'budget' is given; allowed: place=value"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_nothing_is_written(
    campaign: Campaign, changes: list[str], said: str
) -> None:
    before, file = campaign.list_trials(), (campaign.folder / "campaign.yaml").read_text()
    with pytest.raises(CampaignFileError, match=said) as caught:
        go_on(campaign, *changes)
    assert "\n" not in str(caught.value)
    assert (campaign.list_trials(), told(campaign)) == (before, [])
    assert (campaign.folder / "campaign.yaml").read_text() == file
    assert len(go_on(campaign, trials=11)) == 11, "the campaign is what it was"


def test_the_objective_is_evaluated_anew(campaign: Campaign) -> None:
    worst = max(campaign.list_trials(), key=lambda trial: trial.point["x"])
    go_on(campaign, "objective={maximize: g}")
    assert campaign.best is not None
    assert (campaign.best.id, campaign.best.objective) == (worst.id, {"g": worst.point["x"]})
    go_on(campaign, "objective={minimize: f, subject_to: ['g <= 0.5']}")
    assert campaign.best is not None
    assert campaign.best.point["x"] <= 0.5


def curve(point: dict[str, float]) -> Observation:
    grid = np.linspace(1.0, 5.0, 20)
    return Observation({"p": point["x"]}, {}, {"s": Array.of(1.0 + point["x"] * np.cos(grid), grid=grid)})


def test_tolerances_and_weights_of_a_match_count_for_old_results(make_campaign: Make, tmp_path: Path) -> None:
    grid = np.linspace(1.0, 5.0, 20)
    reference = tmp_path / "s.csv"
    reference.write_text("k,s\n" + "".join(f"{k},{1 + 0.4 * np.cos(k)}\n" for k in grid))
    parts = {"s": {"reference": str(reference), "tolerance": 0.05}, "p": {"target": 0.9, "tolerance": 0.1}}
    common = {"simulator": curve, "space": {"x": {"low": 0, "high": 1}}, "budget": {"trials": 6}}
    changed = make_campaign(name="changed", objective={"match": parts}, **common)
    changed.launch(executor=in_process)
    go_on(changed, "objective.match.p.tolerance=0.5", "objective.match.s.weight=3")
    other = {"s": {**parts["s"], "weight": 3}, "p": {**parts["p"], "tolerance": 0.5}}
    launched = make_campaign(name="launched", objective={"match": other}, **common)
    launched.launch(executor=in_process)
    for one, two in zip(changed.list_trials(), launched.list_trials(), strict=True):
        assert one.objective == pytest.approx(two.objective)
        assert one.observation is not None
        assert two.observation is not None
        assert one.observation.values == pytest.approx(two.observation.values)
    with Journal.open(changed.folder) as journal:
        assert journal.arrays(0).keys() == {"s"}


def test_options_and_changes_follow_each_other(make_campaign: Make) -> None:
    """What was said last holds, be it by an option or by a change."""
    campaign = make_campaign(budget={"trials": 3})
    campaign.launch(executor=in_process)
    go_on(campaign, trials=5)
    assert len(go_on(Campaign.open(campaign.folder), "budget.trials=4", "cluster.address='h:1'", trials=6)) == 6
    assert go_on(Campaign.open(campaign.folder), address="h:2")
    assert Campaign.open(campaign.folder).spec.cluster.address == "h:2"
    assert go_on(Campaign.open(campaign.folder), "cluster.address='h:3'", "workers.concurrent=1")
    again = Campaign.open(campaign.folder)
    assert (again.spec.cluster.address, again.budget.trials, again.spec.workers.concurrent) == ("h:3", 6, 1)
    assert told(campaign) == [
        "changed at trial 3: budget.trials 3 -> 5",
        "changed at trial 5: budget.trials 5 -> 4",
        "changed at trial 5: cluster.address nothing -> h:1",
        "changed at trial 5: budget.trials 4 -> 6",
        "changed at trial 6: cluster.address h:1 -> h:2",
        "changed at trial 6: workers.concurrent 2 -> 1",
        "changed at trial 6: cluster.address h:2 -> h:3",
    ]


def test_waiting_proposals_of_a_strategy_that_ends_are_not_run(make_campaign: Make) -> None:
    campaign = make_campaign(simulator=valley, budget={"trials": 4})
    campaign.launch(executor=in_process)
    with Journal.open(campaign.folder, read_only=False) as journal:
        waiting = [Trial(4 + i, {"x": 0.1 + 0.2 * i, "y": 0.5}, i, proposed_by="random") for i in range(4)]
        begun = Trial(8, {"x": 0.95, "y": 0.5}, 8, proposed_by="random", attempts=1, state=TrialState.RUNNING)
        journal.write([*waiting, begun, Trial(9, {"x": 0.2, "y": 0.2}, 9, proposed_by="random")])
    trials = go_on(campaign, "space.x.high=0.6", "strategy=sobol", trials=8)
    assert [trial.id for trial in trials] == list(range(len(trials)))
    assert [(t.id, str(t.state)) for t in trials if t.id in (6, 7, 8)] == [(6, "done"), (7, "dropped"), (8, "dropped")]
    assert trials[8].dropped == "it had not run when the ranges were changed"
    assert trials[9].proposed_by == "sobol", "the last one had never begun, and is not there any more"
    assert sum(trial.state.finished for trial in trials) == 8


def test_the_file_that_it_was_launched_with_goes_on_with_what_it_became(make_campaign: Make) -> None:
    """So does a program; a file that somebody has edited is still refused, with the way to change a campaign."""
    common = {"simulator": valley, "budget": {"trials": 4}}
    make_campaign(**common).launch(executor=in_process)
    go_on(make_campaign(**common), "space.x.high=2", trials=6)
    campaign = make_campaign(**common)
    trials = go_on(campaign, trials=8)
    assert campaign.spec.space.parameters["x"].high == 2
    assert max(trial.point["x"] for trial in trials[4:]) > 1
    edited = make_campaign(**common, strategy="sobol")
    with pytest.raises(
        CampaignStateError, match=r"strategy: 'random' -> 'sobol'\n.*With a change: .* --set PLACE=VALUE"
    ):
        edited.resume(executor=in_process)


def test_everything_shows_what_was_changed(campaign: Campaign) -> None:
    listener = Listening()
    campaign.resume(listener, executor=in_process, changes=["space.x.high=2"], trials=11)
    assert "Changed: space.x.high 1 -> 2" in listener.messages
    assert "Changed: budget.trials 10 -> 11" in listener.messages
    said = ["changed at trial 10: space.x.high 1 -> 2", "changed at trial 10: budget.trials 10 -> 11"]
    assert told(campaign) == said
    output = CliRunner().invoke(app, ["status", str(campaign.folder)]).output
    assert all(line in output for line in said)
    with Journal.open(campaign.folder) as journal:
        record = campaign_record(journal.info, campaign.spec.objective)
    assert record.tags["changes"] == "; ".join(said)
    assert record.params["space.x"] == "0 to 1", "MLflow's parameters do not change: what was launched"
    page = campaign.report().read_text()
    assert "<h2>Changes</h2>" in page
    assert "space.x.high" in page


@pytest.mark.learning
@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param({"kind": "bayesian", "n_initial": 4}, marks=pytest.mark.long),
        {"kind": "mixture", "strategies": ["cmaes", "sobol"]},
    ],
)
def test_strategies_and_surrogates_learn_from_what_is_outside(make_campaign: Make, strategy: dict[str, Any]) -> None:
    campaign = make_campaign(simulator=valley, strategy=strategy, surrogate="gp", budget={"trials": 9})
    campaign.launch(executor=in_process)
    campaign.resume(executor=in_process, changes=["space.x={low: 1, high: 2}", "space.y.high=0.5", "budget.trials=16"])
    trials = campaign.list_trials()
    assert sum(trial.outside for trial in trials) >= 5
    assert all(1 <= trial.point["x"] <= 2 and trial.point["y"] <= 0.5 for trial in trials[9:])
    assert campaign.versions[-1]["trials"] == 16
    assert campaign.surrogate.space == campaign.spec.space
    assert campaign.answer is not None
    assert campaign.answer.point["x"] >= 1


@pytest.mark.ray
def test_the_command_changes_a_campaign(make_campaign: Make, ray_address: str) -> None:
    """On Ray: the agents are told, and MLflow has the changes."""
    campaign = make_campaign(budget={"trials": 4}, cluster={"address": ray_address}, tracking={"mlflow": None})
    assert campaign.launch().state == "finished"
    changes = ["--set", "space.x.high=2", "--set", "strategy=sobol", "--set", "budget.trials=7"]
    run = CliRunner().invoke(app, ["resume", str(campaign.folder), *changes])
    assert run.exit_code == 0, run.output
    trials = campaign.list_trials()
    assert [trial.proposed_by for trial in trials] == ["random"] * 4 + ["sobol"] * 3
    with closing(sqlite3.connect(campaign.folder / "mlflow.db")) as database:
        [(said,)] = database.execute("SELECT value FROM tags WHERE key = 'changes'").fetchall()
    assert said.startswith("changed at trial 4: ")
    assert "space.x.high 1 -> 2" in said
