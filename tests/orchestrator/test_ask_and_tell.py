"""`softal ask` and `softal tell`: trials that people do, in journal, strategy, budget, sheets and MLflow."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from softal.errors import CampaignFileError, CampaignStateError, SpaceError
from softal.orchestrator import opened
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.tracking.journal import Journal
from softal.trial import BY_HAND, DONE_ELSEWHERE, Trial, TrialState
from softal.typer_cli import app

Make = Callable[..., Campaign]
HAND = {"kind": "by_hand", "outputs": {"f": "g/cm3", "g": ""}}
FILE = """
simulator: {kind: by_hand, outputs: [f, g]}
space: {x: {low: 0, high: 1}, y: {low: 0, high: 1}}
objective: {minimize: f}
strategy: random
surrogate: none
tracking: {mlflow: "off"}
budget: {trials: 6}
"""


def bowl(point: dict[str, Any]) -> dict[str, float]:
    return {"f": (point["x"] - 0.3) ** 2 + point["y"]}


@pytest.fixture
def campaign(make_campaign: Make) -> Campaign:
    """One of which trials 0 and 1 are asked for, and 0 is told."""
    found = make_campaign(simulator=HAND)
    found.ask(2)
    found.tell(0, {"f": (0.5, 0.1), "g": 2})
    return found


def states(campaign: Campaign) -> list[str]:
    return [str(trial.state) for trial in campaign.list_trials()]


def called(*words: object) -> tuple[int, str]:
    """Return exit code and output of a command, as users see it."""
    from softal import typer_cli

    runner = CliRunner()
    result = runner.invoke(app, [str(word) for word in words])
    error = result.exception
    if error is not None and not isinstance(error, SystemExit):
        assert isinstance(error, CampaignStateError | SpaceError | CampaignFileError), error
        return typer_cli.WRONG_USE, str(error)
    return result.exit_code, result.output


@pytest.mark.parametrize("strategy", ["random", "sobol", {"kind": "cmaes", "popsize": 4}])
def test_one_at_a_time_by_hand_is_the_same_as_the_loop(make_campaign: Make, strategy: Any) -> None:
    common = {"strategy": strategy, "workers": {"concurrent": 1}, "budget": {"trials": 9}}
    launched = make_campaign(name="launched", simulator=bowl, **common)
    launched.launch(executor=in_process)
    by_hand = make_campaign(name="by_hand", simulator=HAND, **common)
    while asked := by_hand.ask():
        [trial] = asked
        by_hand.tell(trial, bowl(trial.point))
    assert asked.why == "all 9 trials are finished"
    assert by_hand.status().state == "finished"
    same = [(one.id, one.point, one.seed, one.objective, one.proposed_by) for one in by_hand.list_trials()]
    assert same == [(one.id, one.point, one.seed, one.objective, one.proposed_by) for one in launched.list_trials()]


@pytest.mark.learning
def test_a_model_knows_what_was_told_and_what_is_asked_for(make_campaign: Make) -> None:
    campaign = make_campaign(
        simulator=HAND, strategy={"kind": "bayesian", "n_initial": 3}, surrogate="gp", budget={"trials": 9}
    )
    for trial in campaign.ask(4):
        if trial.id < 3:
            campaign.tell(trial, bowl(trial.point))
    [first, second] = campaign.ask(2)
    assert {first.origin, second.origin} == {"qLogNoisyEI from 3 results, 2 pending"}
    points = {tuple(trial.point.values()) for trial in campaign.list_trials()}
    assert len(points) == 6, "a point that was asked for was proposed again"
    assert campaign.catch_up().report == campaign.folder / "report.html"
    [version] = campaign.versions
    assert version["trials"] == 3
    campaign.tell(0, {"f": 7.0}, correct=True)
    campaign.catch_up()
    assert [one["trials"] for one in campaign.versions] == [3, 3], "a corrected result was not learned"
    assert campaign.surrogate.predict([campaign.list_trials()[0].point])["f"][0] > 3


def test_trials_stay_open_until_they_are_told(campaign: Campaign) -> None:
    assert states(campaign) == ["done", "running"]
    done, waits = campaign.list_trials()
    assert (done.objective, done.objective_errors, done.host) == ({"f": 0.5}, {"f": 0.1}, BY_HAND)
    assert done.observation is not None
    assert done.observation.values == {"f": 0.5, "g": 2.0}
    status = campaign.status()
    assert (status.state, status.running, status.waiting, status.done) == ("open", 1, 0, 1)
    asked = Campaign.open(campaign.folder).ask(2)
    assert ([one.id for one in asked], [one.id for one in asked.before]) == ([2, 3], [waits.id])
    assert campaign.tell(1, failed="spilled").reason == "spilled"
    assert campaign.status().failed == 1
    assert "running time" not in called("status", campaign.folder)[1], "nothing ran here"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("7 f=1", "trial 7: there is none in .*; there are 0 to 1"),
        ("1 g=1", r"trial 1: f is missing: f=NUMBER \(given: g\)"),
        ("1", r"trial 1: f is missing"),
        ("1 f=o.7", "f: 'o.7' is given; a number with a decimal point is allowed"),
        ("1 f=0,7", "f: '0,7' is given; a number with a decimal point is allowed"),
        ("1 f=nan", "f: 'nan' is given; a number with a decimal point is allowed"),
        ("1 f", "'f' is given; NAME=NUMBER is allowed, such as f=0.76"),
        ("1 f=1 f=2", "f is given twice"),
        ("1 h=1", "'h' is not a known value or parameter"),
        ("1 f=1 g_error=1", "g_error is given without g"),
        ("1 f=1 f_error=-1", "the standard error of f is -1; 0 or larger is allowed"),
        ("1 f=1 x=2", "x: 2.0 is given; allowed: numbers from 0.0 to 1.0"),
        ("1 f=1 --failed spilled", "one of both is allowed"),
        ("1 --failed ''", "why it failed is not said"),
        ("0 f=0.6", r"trial 0: it is told already, f 0.50 ± 0.10, g 2, and not as f 0.6: --correct replaces it"),
        ("one f=1", "'one' is given; the number of a trial is allowed"),
        ("none.csv", "none.csv cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_a_line_and_nothing_is_told(campaign: Campaign, words: str, said: str) -> None:
    before = campaign.list_trials()
    code, output = called("tell", campaign.folder, *(word.strip("'") for word in words.split(" ")))
    assert code == 2
    assert re.search(said, output), output
    assert "\n" not in output.strip()
    assert campaign.list_trials() == before


def test_trials_that_nobody_was_asked_for_cannot_be_told(make_campaign: Make) -> None:
    campaign = make_campaign(simulator=bowl, budget={"trials": 2})
    campaign.launch(executor=in_process)
    campaign.repeat(0)
    with pytest.raises(SpaceError, match="trial 0: it was not asked for by hand: it ran and is done"):
        campaign.tell(0, {"f": 1})
    with pytest.raises(SpaceError, match="trial 2: it was not asked for yet: softal ask gives it"):
        campaign.tell(2, {"f": 1})
    [again] = campaign.ask(3)
    assert again.origin == "repeat of trial 0", "what the user asks for takes nothing of the budget"
    campaign.tell(again, {"f": 1})
    assert campaign.status().given == 1


def test_what_is_asked_for_and_not_told_is_simulated_when_the_campaign_runs(
    make_campaign: Make,
) -> None:
    campaign = make_campaign(simulator=bowl, budget={"trials": 4})
    first = campaign.ask(2)
    campaign.tell(first[0], {"f": 0.25})
    assert campaign.resume(executor=in_process).state == "finished"
    trials = campaign.list_trials()
    assert [trial.state for trial in trials] == [TrialState.DONE] * 4
    assert trials[0].objective == {"f": 0.25}
    assert trials[1].objective == bowl(first[1].point)
    assert trials[1].host != BY_HAND


def test_a_result_may_be_corrected_and_may_belong_to_another_point(campaign: Campaign) -> None:
    asked = campaign.list_trials()[1].point
    moved = campaign.tell(1, {"f": 2}, at={"x": 0.125})
    assert moved.point == {**asked, "x": 0.125}
    assert moved.notes[DONE_ELSEWHERE] == asked
    back = campaign.tell(1, {"f": 3}, at={"x": asked["x"]}, correct=True)
    assert (back.point, DONE_ELSEWHERE in back.notes, back.objective) == (asked, False, {"f": 3.0})
    failed = campaign.tell(0, failed="the lid was open", correct=True)
    assert (failed.state, failed.objective, failed.observation) == (TrialState.FAILED, {}, None)
    last = campaign.tell(1, {"f": 4}, correct=True)
    assert campaign.best == last


@pytest.mark.parametrize("strategy", ["table", {"kind": "cmaes", "popsize": 4}])
def test_strategies_go_on_after_a_trial_at_another_point(make_campaign: Make, strategy: Any, tmp_path: Path) -> None:
    if strategy == "table":
        (tmp_path / "points.csv").write_text("x,y\n0.1,0.2\n0.3,0.4\n0.5,0.6\n0.7,0.8\n0.9,0.1\n0.2,0.2\n")
        strategy = {"kind": "table", "file": str(tmp_path / "points.csv")}
    campaign = make_campaign(simulator=HAND, strategy=strategy)
    for trial in campaign.ask(4):
        point = {**trial.point, "x": 0.35} if trial.id == 2 else trial.point
        campaign.tell(trial, bowl(point), at=point)
    assert [trial.id for trial in campaign.ask(2)] == [4, 5]


def test_a_table_of_points_that_has_changed_is_said(make_campaign: Make, tmp_path: Path) -> None:
    table = tmp_path / "points.csv"
    table.write_text("x,y\n0.1,0.2\n0.3,0.4\n0.5,0.6\n")
    campaign = make_campaign(simulator=HAND, strategy={"kind": "table", "file": str(table)})
    campaign.ask(1)
    table.write_text("x,y\n0.1,0.2\n0.3,0.4\n0.7,0.6\n")
    again = Campaign.open(campaign.folder, own_code=True)
    with pytest.raises(CampaignStateError, match=f"softal ask {campaign.folder} --accept-changes"):
        again.ask()
    assert [trial.point for trial in again.ask(2, accept_changes=True)] == [{"x": 0.3, "y": 0.4}, {"x": 0.7, "y": 0.6}]


def test_a_budget_ends_it_and_more_of_it_goes_on(campaign: Campaign) -> None:
    asked = campaign.ask(9)
    assert [trial.id for trial in asked] == [2, 3, 4, 5]
    assert asked.why == "all 6 trials of the budget are asked for"
    for trial in [1, *asked]:
        campaign.tell(trial, {"f": 1})
    assert campaign.status().state == "finished"
    assert called("ask", campaign.folder)[1] == (
        f"there is nothing to do: all 6 trials are finished. With more budget: softal ask {campaign.folder} --trials N"
    )
    assert [trial.id for trial in campaign.ask(2, trials=7)] == [6]
    assert campaign.status().state == "open"
    campaign.tell(6, {"f": -1})
    assert campaign.ask(target=-0.5).why == "target reached: f = -1", "of a campaign that has more trials"


def test_a_strategy_without_more_points_ends_it(make_campaign: Make) -> None:
    campaign = make_campaign(simulator=HAND, strategy={"kind": "grid", "levels": 2}, budget={"trials": 9})
    asked = campaign.ask(5)
    assert (len(asked), asked.why) == (
        4,
        "the strategy has no more points before it knows more results",
    )
    for trial in asked:
        campaign.tell(trial, bowl(trial.point))
    assert not campaign.ask()
    assert campaign.status().state == "finished"


def test_a_sheet_may_be_told_again_and_again_while_it_fills(make_campaign: Make, tmp_path: Path) -> None:
    campaign, sheet = make_campaign(simulator=HAND), tmp_path / "sheet.csv"
    campaign.ask(3)
    code, output = called("ask", campaign.folder, "-n", 0, "--csv", sheet)
    assert (code, "softal tell" in output) == (0, True)
    header, *lines = sheet.read_text().splitlines()
    assert header == "trial,x,y,f,f_error,g,g_error,failed"
    first, second, third = (line.removesuffix(",,,,,") for line in lines)
    sheet.write_text("\n".join([header, f"{first},0.5,0.1,,,", f"{second},,,,,", f"{third},,,,,spilled"]))
    told = campaign.tell_sheet(sheet)
    assert ([trial.id for trial in told.trials], states(campaign)) == ([0, 2], ["done", "running", "failed"])
    sheet.write_text("\n".join([header, f"{first},0.5,0.1,,,", "1,0.25,0.5,1.5,,2,,", f"{third},,,,,spilled"]))
    told = campaign.tell_sheet(sheet)
    assert ([trial.id for trial in told.trials], told.known) == ([1], [0, 2])
    assert told.trials[0].point == {"x": 0.25, "y": 0.5}
    assert called("ask", campaign.folder, "--csv", sheet)[0] == 2, "results that were filled in are lost"
    wrong = [f"{first},0.7,,,,", f"{second},1.5,-1,2,,", "9,1,1,1,,,,", f"{third},1,,,,spilled", "x,1,1,1,,,,"]
    sheet.write_text("\n".join([header, *wrong]))
    with pytest.raises(SpaceError) as error:
        campaign.tell_sheet(sheet)
    lines = str(error.value).splitlines()
    assert [line.removeprefix(f"{sheet}, ").partition(":")[0] for line in lines] == ["line 5", "line 6"]
    sheet.write_text("\n".join([header, *wrong[:3]]))
    with pytest.raises(SpaceError) as error:
        campaign.tell_sheet(sheet)
    assert [line.removeprefix(f"{sheet}, ")[:15] for line in str(error.value).splitlines()] == [
        "line 2: trial 0", "line 3: trial 1", "line 4: trial 9"
    ]  # fmt: skip
    sheet.write_text("trial,ff\n0,1\n")
    with pytest.raises(SpaceError, match="the column 'f' is missing: 'f' is not a known column"):
        campaign.tell_sheet(sheet)


def test_the_commands_print_points_and_take_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gel.yaml").write_text(FILE)
    assert "by hand" in called("validate", "gel.yaml")[1]
    code, output = called("launch", "gel.yaml")
    assert (code, "softal ask FILE gives points" in output) == (2, True)
    code, output = called("ask", "gel.yaml", "-n", 2, "--json")
    asked = json.loads(output)
    assert ([one["trial"] for one in asked["trials"]], asked["folder"]) == ([0, 1], "runs/gel")
    assert asked["trials"][0]["point"] == Campaign.open("runs/gel").list_trials()[0].point
    code, output = called("ask", "gel.yaml")
    assert "Trials 0, 1 were asked for before and not told yet" in output
    assert "softal tell runs/gel 2 f=NUMBER g=NUMBER" in output
    code, output = called("tell", "runs/gel", 1, "f=0.5", "f_error=0.1", "--json")
    assert (json.loads(output)["state"], json.loads(output)["trials"][0]["objective"]) == ("open", 0.5)
    code, output = called("tell", "runs/gel", 0, "f=0.25")
    assert "Told trial 0: f 0.25, the best so far" in output
    assert "2 done, 0 failed, 1 not told yet. Ask for more: softal ask runs/gel" in output
    assert "softal ask runs/gel" in called("repeat", "runs/gel", "--trial", 1)[1]
    Path("gel.yaml").write_text(FILE.replace("6", "7"))
    assert "differs from the one that runs/gel was launched with" in called("ask", "gel.yaml")[1]


def test_two_people_wait_for_one_another(campaign: Campaign) -> None:
    journal = Journal.open(campaign.folder, read_only=False)
    timer = threading.Timer(0.5, journal.close)
    timer.start()
    campaign.tell(1, {"f": 1})
    timer.join()
    with Journal.open(campaign.folder, read_only=False) as journal:
        with pytest.raises(CampaignStateError, match="is in use by process"):
            opened.opened(campaign.folder, patience=0.2)
        journal.set_info(state="running")
        with pytest.raises(CampaignStateError, match="the campaign is running, and its journal has one writer"):
            campaign.tell(1, {"f": 1}, correct=True)


@pytest.mark.learning  # imports MLflow, PyTorch and Plotly
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # MLflow's own
def test_mlflow_follows(make_campaign: Make) -> None:
    campaign = make_campaign(simulator=HAND, tracking={"mlflow": None}, budget={"trials": 3})
    campaign.ask(3)
    campaign.tell(0, {"f": 1.5})
    campaign.tell(1, {"f": 2.5}, at={"x": 0.5})
    campaign.catch_up()
    with Journal.open(campaign.folder, read_only=False) as journal:  # as if it had been asked for a while ago
        [waits] = journal.trials(TrialState.RUNNING)
        journal.write([waits.__class__(**{**waits.__dict__, "started": 1.0})])
    campaign.tell(0, {"f": 0.5}, correct=True)
    campaign.catch_up()
    assert runs(campaign) == ["test RUNNING", "trial 0 FINISHED", "trial 1 FINISHED", "trial 2 RUNNING"]
    campaign.tell(2, failed="spilled")
    assert campaign.catch_up().mirror_behind == 0
    assert runs(campaign) == ["test FINISHED", "trial 0 FINISHED", "trial 1 FINISHED", "trial 2 FAILED"]
    best = "SELECT value FROM latest_metrics JOIN runs USING (run_uuid) WHERE key = 'best' AND name = 'test'"
    assert queried(campaign, best) == [(0.5,)]
    x = "SELECT value FROM params JOIN runs USING (run_uuid) WHERE key = 'x' AND name = 'trial 1'"
    assert queried(campaign, x) == [("0.5",)]


def runs(campaign: Campaign) -> list[str]:
    active = "SELECT name, status FROM runs WHERE lifecycle_stage = 'active' ORDER BY name"
    return [" ".join(row) for row in queried(campaign, active)]


def queried(campaign: Campaign, query: str) -> Sequence[Any]:
    with closing(sqlite3.connect(campaign.folder / "mlflow.db")) as database:
        return database.execute(query).fetchall()


@pytest.mark.parametrize("outputs", [[], ["f", "f"], ["trial"], ["f_error"], {"2f": ""}])
def test_names_of_values_by_hand(make_campaign: Make, outputs: Any) -> None:
    with pytest.raises(CampaignFileError, match=r"^simulator\.outputs: .*allowed"):
        make_campaign(simulator={"kind": "by_hand", "outputs": outputs})


def test_values_by_hand_have_units_for_targets(make_campaign: Make) -> None:
    match = {"match": {"f": {"target": 1200, "tolerance": 10, "unit": "kg/m^3"}}}
    campaign = make_campaign(simulator=HAND, objective=match)
    [trial] = campaign.ask()
    assert campaign.tell(trial, {"f": 1.21}).objective["mismatch"] == pytest.approx(1.0)
    with pytest.raises(CampaignFileError, match="'h' is not a known value"):
        make_campaign(simulator=HAND, objective={"minimize": "h"})


def test_a_trial_is_a_plain_one(campaign: Campaign) -> None:
    asked = campaign.ask(1)
    assert isinstance(asked[0], Trial)
    assert repr(asked) == f"Asked(trial 2 at {asked[0].point})"
