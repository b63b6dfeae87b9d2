"""Results that a campaign is given: from tables and other campaigns, into journal, strategy and budget."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softal.errors import CampaignFileError, CampaignStateError, SpaceError
from softal.orchestrator.budget import Budget, Progress
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.strategies.random import Random
from softal.tracking.journal import Journal
from softal.trial import USER, Trial, TrialState
from softal.typer_cli import app

Make = Callable[..., Campaign]
TABLE = """x,y,f,f_error,second,who
0.1,0.2,1.5,0.1,7,ann
0.3,0.4,0.5,,8,bob
"""


def bowl(point: dict[str, float]) -> dict[str, float]:
    return {"f": (point["x"] - 0.3) ** 2 + point["y"], "other": 2.0}


@pytest.fixture
def campaign(make_campaign: Make) -> Campaign:
    """A finished one of four trials."""
    found = make_campaign(simulator=bowl, budget={"trials": 4})
    assert found.launch(executor=in_process).state == "finished"
    return found


@pytest.fixture(scope="module")
def unchanged(make_shared_campaign: Make) -> Campaign:
    """A finished one to which nothing can be added."""
    found = make_shared_campaign(simulator=bowl, budget={"trials": 4})
    found.launch(executor=in_process)
    return found


def given(campaign: Campaign) -> list[Trial]:
    return [trial for trial in campaign.list_trials() if trial.proposed_by == USER]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_table_becomes_trials_of_the_user(campaign: Campaign, tmp_path: Path) -> None:
    table = written(tmp_path / "mine.csv", TABLE)
    added = campaign.add_results(table)
    assert (len(added.trials), added.known, added.given.columns) == (2, 0, ["who"])
    first, second = given(campaign)
    assert (first.id, first.point, first.objective, first.objective_errors) == (
        4, {"x": 0.1, "y": 0.2}, {"f": 1.5}, {"f": 0.1},
    )  # fmt: skip
    assert first.observation is not None
    assert first.observation.values == {"f": 1.5, "second": 7.0}
    assert (second.objective_errors, second.notes) == ({}, {"file": "mine.csv", "line": 3})
    assert second.origin == "user, line 3"
    again = campaign.add_results(table)
    assert (len(again.trials), again.known) == (0, 2)
    assert len(given(campaign)) == 2


def test_repeats_in_a_table_are_results_of_their_own(campaign: Campaign, tmp_path: Path) -> None:
    text = "x,y,f\n" + "0.5,0.5,1.0\n" * 3
    assert len(campaign.add_results(written(tmp_path / "a.csv", text)).trials) == 3
    assert len(campaign.add_results(written(tmp_path / "b.csv", text + "0.5,0.5,1.0\n")).trials) == 1


@pytest.mark.parametrize("separator", [";", "\t", ", "])
def test_other_separators_and_encodings(campaign: Campaign, tmp_path: Path, separator: str) -> None:
    table = tmp_path / "a.csv"
    table.write_bytes(TABLE.replace(",", separator).encode("utf-16"))
    assert [trial.objective["f"] for trial in campaign.add_results(table).trials] == [1.5, 0.5]


def test_points_outside_are_left_out_and_said(campaign: Campaign, tmp_path: Path) -> None:
    added = campaign.add_results(written(tmp_path / "a.csv", "x,y,f\n0.5,1.5,1\n0.5,0.5,1\n"))
    assert len(added.trials) == 1
    [outside] = added.given.outside
    assert outside.endswith("a.csv, line 2: y: 1.5 is given; allowed: numbers from 0.0 to 1.0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,f\n0.5,1\n", "the column 'y' of a parameter is missing"),
        ("x,y,g\n0.5,0.5,1\n", "line 2: the objective's value 'f' was not returned; values returned: g"),
        ("x,y,f\n0.5,0.5,1\n0.5,0.6,\n", "line 3: the objective's value 'f' was not returned"),
        ("x;y;f\n0.5;0.5;1,5\n", "line 2: f: '1,5' is given; a number with a decimal point is allowed"),
        ("x;y;f\n0,5;0.5;1.5\n", "line 2: x: '0,5' is given; a number from 0.0 to 1.0 is allowed"),
        ("x,y,f\n0.5,high,1\n", "line 2: y: 'high' is given; a number from 0.0 to 1.0 is allowed"),
        ("x,y,f,f_error\n0.5,0.5,1,-1\n", "line 2: f_error is -1; a standard error is 0 or larger"),
        ("x,y,f,fidelity\n0.5,0.5,1,7\n", "line 2: fidelity: '7' is given; a number above 0, up to 1, is allowed"),
        ("x,y,f\n0.5,7,1\n", "has no result for this campaign: 0 are not done, and 1 outside of the ranges"),
        ("x,y,f\n0.5,0.5\n", "line 2 has 2 cells; the header has 3"),
        ("x,y,f\n", "has no results below its header"),
        ("", "the column 'x' of a parameter is missing"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_the_line(unchanged: Campaign, tmp_path: Path, text: str, said: str):
    table = written(tmp_path / "bad.csv", text)
    with pytest.raises(SpaceError) as error:
        unchanged.add_results(table)
    assert said in str(error.value)
    assert str(table) in str(error.value)
    assert given(unchanged) == []


def test_many_mistakes_are_not_a_page_of_them(unchanged: Campaign, tmp_path: Path) -> None:
    table = written(tmp_path / "bad.csv", "x,y,f\n" + "0.5,high,1\n" * 20)
    with pytest.raises(SpaceError) as error:
        unchanged.add_results(table)
    assert str(error.value).splitlines()[-1] == "and 12 more like these"
    assert len(str(error.value).splitlines()) == 9


def test_curves_cannot_come_from_a_table(make_campaign: Make, tmp_path: Path) -> None:
    reference = written(tmp_path / "g_r.csv", "r,g_r\n" + "".join(f"{r},1\n" for r in range(1, 13)))
    found = make_campaign(simulator=bowl, objective={"match": {"g_r": str(reference)}}, start_from=[str(reference)])
    with pytest.raises(CampaignFileError, match=r"start_from\.0: .*matches the curve 'g_r', which a table of values"):
        found.given()


def test_trials_of_another_campaign_with_another_objective(campaign: Campaign, make_campaign: Make) -> None:
    other = make_campaign(
        name="other", simulator=bowl, objective={"maximize": "other"}, budget={"trials": 3},
        space={"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 0.5}}, start_from=[str(campaign.folder)],
    )  # fmt: skip
    assert other.launch(executor=in_process).state == "finished"
    old = {trial.id: trial for trial in campaign.list_trials()}
    inside = [trial for trial in old.values() if trial.point["y"] <= 0.5]
    assert 0 < len(inside) < 4
    found = given(other)
    assert [trial.point for trial in found] == [trial.point for trial in inside]
    assert {trial.objective["other"] for trial in found} == {2.0}
    assert [trial.notes["trial"] for trial in found] == [trial.id for trial in inside]
    assert [trial.seed for trial in found] == [trial.seed for trial in inside]
    status = other.status()
    assert (status.done, status.given) == (3 + len(inside), len(inside)), "the budget is of the campaign's own trials"


class Remembers(Random):
    """Writes down what it has learned from when it is first asked."""

    def _learn(self, trials: Sequence[Trial]) -> None:
        self.heard = [*getattr(self, "heard", []), *(trial.point for trial in trials)]

    def _propose(self, n, pending):
        log = Path("heard.json")
        if not log.exists():
            log.write_text(json.dumps(getattr(self, "heard", [])))
        return super()._propose(n, pending)


def test_the_strategy_knows_them_before_its_first_point(
    make_campaign: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = written(tmp_path / "mine.csv", TABLE)
    found = make_campaign(simulator=bowl, strategy=f"{__name__}:Remembers", start_from=[str(table)])
    assert found.launch(executor=in_process).state == "finished"
    assert json.loads((tmp_path / "heard.json").read_text()) == [{"x": 0.1, "y": 0.2}, {"x": 0.3, "y": 0.4}]
    assert found.status().given == 2
    own = [trial.point for trial in found.list_trials() if trial.proposed_by != USER]
    alone = make_campaign(name="alone", simulator=bowl)
    alone.launch(executor=in_process)
    assert own == [trial.point for trial in alone.list_trials()], "its own sequence stays as it is"


def test_the_budget_counts_what_the_campaign_runs() -> None:
    from softal.objective import minimize

    def done(number: int, by: str) -> Trial:
        return Trial(number, {"x": 0.5}, state=TrialState.DONE, objective={"f": 1.0}, proposed_by=by, told=number + 1)

    objective = minimize("f")
    mine, own = [done(i, USER) for i in range(5)], [done(5 + i, "random") for i in range(2)]
    assert Budget(objective, trials=2, stagnation=9).exhausted(Progress(objective, mine), 0.0) is None
    assert Budget(objective, trials=2).exhausted(Progress(objective, [*mine, *own]), 0.0) is not None
    assert Budget(objective, stagnation=3).exhausted(Progress(objective, [*own, *mine]), 0.0) is None


def test_on_the_command_line_out_of_one_campaign_into_the_next(campaign: Campaign, make_campaign: Make, tmp_path: Path):
    table, runner = tmp_path / "out.csv", CliRunner()
    assert runner.invoke(app, ["trials", str(campaign.folder), "--csv", str(table)]).output == ""
    lines = table.read_text().splitlines()
    assert lines[0] == "id,state,x,y,f,other,fidelity,proposed_by,seed,started,finished,host,reason"
    assert len(lines) == 5
    assert runner.invoke(app, ["trials", str(campaign.folder), "--csv", "-"]).output.splitlines() == lines
    other = make_campaign(name="other", simulator="simulations:Bowl", budget={"trials": 1})
    other.launch(executor=in_process)
    done = runner.invoke(app, ["add", str(other.folder), str(table)])
    assert done.exit_code == 0, done.output
    said = done.output.replace("\n", " ")
    assert f"Added 4 results to {other.folder} as trials 1 to 4, proposed by user." in said
    assert f"The campaign learns from them when it goes on: softal resume {other.folder}" in said
    assert "columns" not in said
    assert [trial.point for trial in given(other)] == [trial.point for trial in campaign.list_trials()]
    assert [t.objective for t in given(other)] == [t.objective for t in campaign.list_trials()], "to the last digit"
    again = json.loads(runner.invoke(app, ["add", str(other.folder), str(table), "--json"]).output)
    assert again == {"trials": [], "known": 4, "outside": [], "unfinished": 0}
    assert "5 done (4 of them by user)" in runner.invoke(app, ["status", str(other.folder)]).output


def test_a_trial_is_repeated_beyond_the_budget(campaign: Campaign) -> None:
    asked = campaign.repeat(2, 3)
    assert [trial.id for trial in asked] == [4, 5, 6]
    assert campaign.status().waiting == 3
    assert campaign.resume(executor=in_process).state == "finished"
    trials = campaign.list_trials()
    assert [trial.state for trial in trials] == [TrialState.DONE] * 7, "and nothing else was proposed"
    assert {tuple(trial.point.items()) for trial in trials[4:]} == {tuple(trials[2].point.items())}
    assert len({trial.seed for trial in trials}) == 7
    assert {trial.origin for trial in trials[4:]} == {"repeat of trial 2"}
    assert campaign.status().given == 3
    assert campaign.resume(executor=in_process, trials=6).state == "finished"
    assert len(campaign.list_trials()) == 9


def test_what_the_strategy_proposed_stays_waiting_when_the_budget_is_used_up(campaign: Campaign) -> None:
    with Journal.open(campaign.folder, read_only=False) as journal:
        journal.write([Trial(4, {"x": 0.5, "y": 0.5}, proposed_by="random", asked_after=journal.seq)])
    [asked] = campaign.repeat(0)
    assert campaign.resume(executor=in_process).state == "finished"
    states = [trial.state for trial in campaign.list_trials()]
    assert (states[4], states[asked.id]) == (TrialState.PROPOSED, TrialState.DONE)
    assert len(states) == 6


def test_what_cannot_be_repeated(campaign: Campaign) -> None:
    ran = CliRunner().invoke(app, ["repeat", str(campaign.folder), "--trial", "1", "-n", "2"])
    assert ran.output.replace("\n", " ") == (
        f"Trials 4 to 5 wait to run at the point of trial 1: softal resume {campaign.folder} "
    )
    with pytest.raises(CampaignStateError, match=r"there is no trial 17 in .*; there are 0 to 5"):
        campaign.repeat(17)
