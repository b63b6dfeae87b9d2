"""Trials that a user drops: they stay to be seen, and count for nothing."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import Listening
from patience import PATIENCE
from typer.testing import CliRunner

from softal.errors import CampaignStateError, SpaceError
from softal.objective import minimize
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.comparison import compare
from softal.orchestrator.workers.in_process import in_process
from softal.tracking.changes import changes_in
from softal.tracking.journal import Journal
from softal.tracking.records import Convergence, trial_record
from softal.trial import Trial, TrialState
from softal.typer_cli import app

Make = Callable[..., Campaign]


def bowl(point: dict[str, float]) -> dict[str, float]:
    if point["y"] > 0.6:
        raise RuntimeError("it boils")
    return {"f": (point["x"] - 0.3) ** 2 + point["y"]}


@pytest.fixture
def campaign(make_campaign: Make) -> Campaign:
    """A finished one of eight trials, of which at least one has failed."""
    found = make_campaign(simulator=bowl, budget={"trials": 8})
    assert found.launch(executor=in_process).state == "finished"
    assert found.status().failed
    return found


def of(campaign: Campaign, number: int) -> Trial:
    return campaign.list_trials()[number]


def test_a_dropped_trial_stays_and_counts_for_nothing(campaign: Campaign) -> None:
    best, before = campaign.best, campaign.status()
    assert best is not None
    [dropped] = campaign.drop(best.id, why=" wrong density ")
    assert dropped == of(campaign, best.id)
    assert (dropped.state, dropped.dropped, dropped.objective) == (
        TrialState.DROPPED, "wrong density", best.objective,
    )  # fmt: skip
    assert dropped.observation is not None
    status = campaign.status()
    assert (status.done, status.failed, status.dropped) == (before.done - 1, before.failed, 1)
    assert campaign.best is not None
    assert campaign.best.objective["f"] > best.objective["f"]
    assert campaign.answer is not None
    assert best.id not in campaign.answer.trials
    assert dropped.shown()["dropped"] == "wrong density"
    assert status.changes[-1].sentence == f"changed at trial 8: trial {best.id} done -> dropped (wrong density)"


def test_its_place_in_the_budget_is_free(campaign: Campaign) -> None:
    campaign.drop(0, 1, why="wrong density")
    before = campaign.list_trials()
    assert campaign.resume(executor=in_process).reason == "all 8 trials are finished"
    after = campaign.list_trials()
    assert after[:8] == before
    assert [trial.id for trial in after[8:]] == [8, 9]
    assert after[8].point not in [trial.point for trial in before], "a random strategy goes on with its next point"


def test_undo_gives_back_what_it_was(campaign: Campaign) -> None:
    before = campaign.list_trials()
    failed = next(trial.id for trial in before if trial.state is TrialState.FAILED)
    done = next(trial.id for trial in before if trial.state is TrialState.DONE)
    first, second = campaign.drop(failed, done, failed, why="the disk was full")
    assert (first.id, second.id) == (failed, done)
    assert first.why == f"the disk was full (it had failed: {first.reason})"
    assert campaign.status().failed == sum(trial.state is TrialState.FAILED for trial in before) - 1
    campaign.drop(failed, done, undo=True)
    assert campaign.list_trials() == before
    with Journal.open(campaign.folder) as journal:
        assert [change.after for change in changes_in(journal.info)] == ["dropped", "dropped", "failed", "done"]


@pytest.mark.parametrize(
    ("numbers", "more", "said"),
    [
        ([99], {"why": "x"}, r"has no trial 99: they are 0 to 7"),
        ([0], {"why": "  "}, r"say why the trials are dropped"),
        ([0], {"undo": True}, r"trial 0 was not dropped: it is \w+"),
    ],
)
def test_what_cannot_be_dropped_is_said_and_nothing_is_written(
    campaign: Campaign, numbers: list[int], more: dict[str, Any], said: str
) -> None:
    before = campaign.list_trials()
    with pytest.raises(CampaignStateError, match=said):
        campaign.drop(1 if "why" in more and more["why"] == "x" else 0, *numbers, **more)
    assert campaign.list_trials() == before


def test_dropped_twice_and_waiting_trials_are_refused(campaign: Campaign) -> None:
    campaign.drop(0, why="wrong density")
    with pytest.raises(CampaignStateError, match="trial 0 was dropped already: wrong density"):
        campaign.drop(0, why="again")
    [waiting] = campaign.repeat(1)
    with pytest.raises(CampaignStateError, match=rf"trial {waiting.id} waits to run"):
        campaign.drop(waiting.id, why="no")


def test_a_running_campaign_is_left_alone(make_campaign: Make) -> None:
    """In one clear line: its journal has one writer."""
    campaign, said = make_campaign(simulator={"kind": "simulations:Bowl", "seconds": 0.2}, budget={"trials": 6}), []

    class Drops(Listening):
        def trial_finished(self, trial: Trial, improved: bool) -> None:
            if trial.id == 0:
                with pytest.raises(CampaignStateError) as caught:
                    Campaign.open(campaign.folder).drop(0, why="wrong density")
                said.append(str(caught.value))

    thread = threading.Thread(target=lambda: campaign.launch(Drops(), executor=in_process))
    thread.start()
    thread.join(PATIENCE)
    assert len(said) == 1
    assert said[0].startswith("the campaign is running, and its journal has one writer: ")
    assert "\n" not in said[0]
    assert of(campaign, 0).state is TrialState.DONE


def test_everything_shows_it(campaign: Campaign, tmp_path: Path) -> None:
    run = CliRunner().invoke
    failed = next(t.id for t in campaign.list_trials() if t.state is TrialState.FAILED)
    number = next(t.id for t in campaign.list_trials() if t.state is TrialState.DONE)
    campaign.drop(number, failed, why="wrong <density>")
    folder = str(campaign.folder)
    assert "2 dropped" in run(app, ["status", folder]).output
    shown = run(app, ["trials", folder], env={"COLUMNS": "300"}).output
    assert shown.count("wrong <density>") == 2
    table = tmp_path / "trials.csv"
    run(app, ["trials", folder, "--csv", str(table)])
    rows = {int(row["id"]): row for row in csv.DictReader(table.read_text().splitlines())}
    assert (rows[number]["state"], rows[number]["reason"]) == ("dropped", "wrong <density>")
    assert rows[failed]["reason"].startswith("wrong <density> (it had failed: ")
    page = campaign.report().read_text()
    assert "Dropped trials" in page
    assert "wrong &lt;density&gt;" in page
    record = trial_record(of(campaign, number), "id", campaign.spec.objective)
    assert (record.status, record.tags["state"], record.tags["dropped"]) == ("KILLED", "dropped", "wrong <density>")
    other = campaign.folder.parent / "other"
    Campaign(
        simulator=bowl, space=campaign.spec.space.to_dict()["parameters"], objective={"minimize": "f"},
        budget={"trials": 2}, strategy="random", surrogate="none", tracking={"mlflow": "off"}, name="other",
        runs=other.parent,
    ).launch(executor=in_process)  # fmt: skip
    assert compare([Campaign.open(campaign.folder), Campaign.open(other)]).courses[0].done == campaign.status().done


def test_a_dropped_trial_by_hand_is_not_told_again(make_campaign: Make) -> None:
    """Unless it counts again."""
    campaign = make_campaign(simulator={"kind": "by_hand", "outputs": ["f"]}, budget={"trials": 4})
    [asked] = campaign.ask(1).trials
    campaign.tell(asked, {"f": 1.0})
    campaign.drop(asked.id, why="wrong density")
    with pytest.raises(SpaceError, match=r"it was dropped \(wrong density\): softal drop with --undo"):
        campaign.tell(asked, {"f": 2.0}, correct=True)
    campaign.drop(asked.id, undo=True)
    assert campaign.tell(asked, {"f": 2.0}, correct=True).objective == {"f": 2.0}


def test_mlflow_has_a_step_for_it_and_its_value_is_not_the_best() -> None:
    """Metrics that are logged anew keep their steps, and come after the old ones, so that MLflow shows them."""
    trials = [
        Trial(i, {"x": 0.0}, state=state, objective={"f": value}, finished=1.0, told=i + 1)
        for i, (state, value) in enumerate([(TrialState.DONE, 1.0), (TrialState.DROPPED, 0.1), (TrialState.DONE, 0.5)])
    ]
    curve = Convergence(minimize("f"), since=5000)
    for trial in trials:
        curve.add(trial)
    rows = curve.flush()
    assert [(value, time, step) for name, value, time, step in rows if name == "best"] == [
        (1.0, 5000, 1), (1.0, 5000, 2), (0.5, 5000, 3),
    ]  # fmt: skip
    assert {name: value for name, value, _, step in rows if step == 3} == {
        "best": 0.5, "done": 2.0, "failed": 0.0, "dropped": 1.0,
    }  # fmt: skip


def test_a_dropped_result_is_not_given_again(campaign: Campaign, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("x,y,f\n0.1,0.2,1.5\n")
    [given] = campaign.add_results(table).trials
    campaign.drop(given.id, why="wrong density")
    assert (len(campaign.add_results(table).trials), campaign.add_results(table).known) == (0, 1)


def test_a_generation_of_cmaes_does_not_wait_for_a_dropped_member(make_campaign: Make) -> None:
    """It is taken as one that failed: the generation is full with it, and its value says nothing."""
    strategy = {"kind": "cmaes", "popsize": 4}
    workers = {"concurrent": 1}
    campaign = make_campaign(simulator=bowl, strategy=strategy, workers=workers, budget={"trials": 6})
    campaign.launch(executor=in_process)
    campaign.drop(4, why="wrong density")  # of the second generation, which has two of four
    campaign.resume(executor=in_process, trials=9)
    generations = [trial.notes["generation"] for trial in campaign.list_trials()]
    assert generations == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


@pytest.mark.learning
def test_the_surrogate_learns_anew_without_it(make_campaign: Make) -> None:
    campaign = make_campaign(simulator=bowl, surrogate="gp", budget={"trials": 8}, seed=4)
    campaign.launch(executor=in_process)
    best = campaign.best
    assert best is not None
    campaign.drop(best.id, why="wrong density")
    assert campaign.latest_surrogate is None, "what it has learned of that trial does not hold"
    answer = campaign.status().answer
    assert answer is not None
    assert best.id not in answer.trials
    assert campaign.relearn() == ["surrogate"]
    assert [record["trials"] for record in campaign.versions][-1] == campaign.status().done


@pytest.mark.learning
def test_the_command_says_what_has_become_of_them(make_campaign: Make) -> None:
    campaign = make_campaign(surrogate="gp", budget={"trials": 8})
    campaign.launch(executor=in_process)
    run = CliRunner().invoke
    found = run(app, ["drop", str(campaign.folder), "2", "3", "--why", "wrong density", "--json"])
    assert json.loads(found.output) == {
        "trials": [{"id": i, "state": "dropped", "dropped": "wrong density"} for i in (2, 3)],
        "learned": ["surrogate"],
    }
    assert campaign.versions[-1]["trials"] == 6
    said = run(app, ["drop", str(campaign.folder), "2", "--undo"]).output
    assert "Trial 2 is done\n" in said
    assert "learned anew   the surrogate" in said
    assert campaign.versions[-1]["trials"] == 7
    refused = run(app, ["drop", str(campaign.folder), "2"])
    assert isinstance(refused.exception, CampaignStateError)
