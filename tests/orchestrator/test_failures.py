"""Campaigns that fail for one reason everywhere, and failed trials that are run again."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from driving import CHILDREN, HERE, Listening, StopAfter, results

from softal import typer_cli
from softal.errors import CampaignFileError
from softal.objective import minimize
from softal.orchestrator.budget import Budget
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.loop.failures import Failures, kind_of
from softal.trial import Trial, TrialState

Make = Callable[..., Campaign]
FAILED, DONE = TrialState.FAILED, TrialState.DONE
FOLDER = Path("/nowhere/runs/test")
FILE = """
simulator: {{kind: 'simulations:Scratch', log: {scratch}}}
space: {{x: {{low: 0, high: 1}}}}
objective: {{minimize: f}}
strategy: sobol
tracking: {{mlflow: "off"}}
budget: {{trials: 4, failures: 2}}
workers: {{concurrent: 1}}
"""


def trial(i: int, reason: str | None = None, **point: object) -> Trial:
    return Trial(i, dict(point), state=FAILED if reason else DONE, reason=reason, told=i + 1)


# What is alike.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the box of 0.5 nm has no volume", "the box of -1.25e-3 nm has no volume"),
        ("no file /runs/a/trials/000012/out.dat", "no file /runs/a/trials/000007/out.dat"),
        ("no file /tmp/softal-3-k2x_9abz/out", "no file /tmp/softal-14-ueyw77q1/out"),
        ("<Box object at 0x7f3a11> of seed 12345", "<Box object at 0x7fee02> of seed 99"),
        ("worker 01fe42d9ab is gone", "worker c0ffee12 is gone"),
    ],
)
def test_numbers_folders_and_seeds_do_not_make_reasons_differ(one: str, other: str):
    assert kind_of(trial(0, one)) == kind_of(trial(1, other))


def test_choices_do_not_make_reasons_differ_and_words_do():
    assert kind_of(trial(0, "no table for LJ", kind="LJ")) == kind_of(trial(1, "no table for WCA", kind="WCA"))
    assert kind_of(trial(0, "no table for LJ", kind="x")) != kind_of(trial(1, "no table for WCA", kind="x"))


# What ends a session.


def verdict(*reasons: str | None, earlier: tuple[str | None, ...] = (), limit: int | None = 3) -> str | None:
    failures = Failures(limit, [trial(i, reason) for i, reason in enumerate(earlier)])
    for i, reason in enumerate(reasons, len(earlier)):
        failures.add(trial(i, reason))
    return failures.hopeless(FOLDER)


@pytest.mark.parametrize(
    ("reasons", "earlier", "limit"),
    [
        (["a 1", "a 2"], (), 3),  # too few
        (["a 1", "a 2", "b", "a 3", "a 4", "a 5"], (), 3),  # for two reasons
        (["a 1", None, "a 2", "a 3", "a 4"], (), 3),  # one is good
        (["a 1", "a 2", "a 3", None], (), 3),  # so is one that was running still
        (["a 1"] * 9, (), None),
        (["a 3"], ("a 1", "a 2"), 3),  # what failed before may have been mended since
        (["a 3", "a 4", "a 5"], ("a 1", None), 3),  # known from a part of the space in which simulations fail
    ],
)
def test_a_campaign_goes_on(reasons, earlier, limit):
    assert verdict(*reasons, earlier=earlier, limit=limit) is None


@pytest.mark.parametrize("earlier", [(), ("a 1", "a 2"), (None, "b"), (None, None)])
def test_a_campaign_that_fails_for_one_reason_everywhere_is_hopeless(earlier):
    assert verdict("a 7", "a 8", "a 9", earlier=earlier) == (
        "the first 3 trials all failed, for one reason: a 7. Mend the cause, then: "
        "softal resume /nowhere/runs/test --retry-failed"
    )


@pytest.mark.parametrize(
    ("settings", "limit"),
    [({"trials": 12}, 5), ({"trials": 200}, 20), ({"hours": 1.0}, 5), ({"trials": 12, "failures": 2}, 2),
     ({"trials": 12, "failures": None}, None)],
)  # fmt: skip
def test_the_limit_follows_the_budget(settings, limit):
    assert Budget(minimize("f"), **settings).failures == limit


@pytest.mark.parametrize("value", [0, -1, 2.5, True, "some"])
def test_a_wrong_limit_is_refused(make_campaign: Make, value):
    with pytest.raises(CampaignFileError, match=r"budget.failures: .* null or a whole number from 1 is allowed"):
        make_campaign(budget={"trials": 6, "failures": value})


# Campaigns.


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("concurrent", [1, 2])
def test_a_campaign_stops_when_its_first_trials_fail_alike(make_campaign: Make, tmp_path: Path, concurrent: int):
    campaign, listener = _scratch(make_campaign, tmp_path, budget={"trials": 60}, concurrent=concurrent), Listening()
    ending = campaign.launch(listener)
    assert (ending.state, ending.exit_code) == ("failed", 1)
    assert "trials all failed, for one reason: cannot write " in ending.reason
    assert f"scratch is not mounted. Its output is in {campaign.folder}/trials/00000" in ending.reason
    assert ending.reason.endswith(f"then: softal resume {campaign.folder} --retry-failed")
    states = Counter(found.state for found in campaign.list_trials())
    assert 6 <= states[FAILED] <= 10
    assert set(states) <= {FAILED, TrialState.PROPOSED}
    status = campaign.status()
    assert (status.state, status.reason, status.running) == ("failed", ending.reason, 0)


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_a_campaign_without_a_good_trial_has_failed_also_when_it_is_resumed(make_campaign: Make, tmp_path: Path):
    campaign = _scratch(make_campaign, tmp_path, budget={"trials": 4})
    for ending in (campaign.launch(), campaign.resume()):
        assert (ending.state, ending.exit_code) == ("failed", 1)
        assert ending.reason.startswith("all 4 trials are finished, and not one is good. Trial ")
        assert ending.reason.endswith(" --retry-failed")
    assert [found.attempts for found in campaign.list_trials()] == [1] * 4
    assert campaign.resume(trials=5).exit_code == 1, "one trial more, which fails, too"


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("value", ["densty", "energy"])
def test_a_value_that_is_not_returned_ends_a_campaign_at_its_first_trial(make_campaign: Make, value: str):
    campaign = make_campaign(
        simulator="simulations:Densities",
        objective={"minimize": value},
        workers={"concurrent": 1},
        budget={"trials": 9},
    )
    ending = campaign.launch()
    near = " (did you mean `density`?)" if value == "densty" else ""
    said = f"trial 0 ran, but the objective's value '{value}' was not returned{near}; values returned: density, "
    assert ending.reason.startswith(said)
    assert (ending.state, ending.exit_code) == ("failed", 1)
    assert Counter(found.state for found in campaign.list_trials())[FAILED] == 1


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_a_value_that_is_nan_is_a_failed_simulation_like_others(make_campaign: Make):
    campaign = make_campaign(
        simulator="simulations:Densities", objective={"minimize": "density"}, space={"x": {"choices": [-1, 1]}},
        strategy="grid", workers={"concurrent": 1},
    )  # fmt: skip
    ending = campaign.launch()
    assert (ending.state, ending.exit_code) == ("finished", 0)
    assert [found.state for found in campaign.list_trials()] == [FAILED, DONE]


# Failed trials run again.


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param("sobol", marks=pytest.mark.exhaustive),
        pytest.param({"kind": "cmaes", "popsize": 4}, marks=pytest.mark.exhaustive),
        {"kind": "bayesian", "n_initial": 3},
    ],
)
def test_failed_trials_run_again_as_if_they_had_not_failed(make_campaign: Make, tmp_path: Path, strategy):
    common = {"strategy": strategy, "surrogate": "gp", "budget": {"trials": 8, "failures": 3}, "concurrent": 1}
    campaign = _scratch(make_campaign, tmp_path, **common)
    assert campaign.launch().exit_code == 1
    before = {found.id: found for found in campaign.list_trials()}
    (tmp_path / "scratch").mkdir()
    listener = Listening()
    ending = Campaign.open(campaign.folder).resume(listener, retry_failed=True)
    assert (ending.state, ending.exit_code, ending.reason) == ("finished", 0, "all 8 trials are finished")
    assert listener.messages == ["Running 3 failed trials again."]
    after = campaign.list_trials()
    assert [found.state for found in after] == [DONE] * 8
    for found in after[:3]:
        old = before[found.id]
        assert (found.point, found.seed, found.attempts, found.reason) == (old.point, old.seed, 2, None)
        assert found.told > old.told
    assert [found.attempts for found in after[3:]] == [1] * 5
    assert campaign.surrogate.diagnostics().n == 8
    assert campaign.status().failed == 0


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_some_failed_trials_run_again_beside_good_ones(make_campaign: Make, tmp_path: Path):
    """The disk goes away in the middle, and is back; a stop in the middle of that loses nothing."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    campaign = _scratch(make_campaign, tmp_path, budget={"trials": 9}, tracking={}, concurrent=1, seconds=0.05)

    class Unmount(StopAfter):
        def trial_finished(self, trial: Trial, improved: bool) -> None:
            self.left -= 1
            if self.left == 0:
                scratch.rmdir()

    assert campaign.launch(Unmount(3)).exit_code == 0
    good = [found for found in results(campaign) if found[3]]
    assert 3 <= len(good) < 9
    assert _in_mlflow(campaign)["failed"] == 9 - len(good)
    scratch.mkdir()
    assert campaign.resume(StopAfter(2), retry_failed=True).exit_code == 130
    assert campaign.resume().reason == "all 9 trials are finished"
    assert [found for found in results(campaign) if found[0] < len(good)] == good
    assert campaign.status().done == 9
    mirrored = _in_mlflow(campaign)
    assert (mirrored["done"], mirrored["failed"]) == (9, 0)
    assert mirrored["best"] == pytest.approx(campaign.best.objective["f"])
    with closing(sqlite3.connect(campaign.folder / "mlflow.db")) as database:
        assert sorted(database.execute(CHILDREN).fetchall()) == [(str(i), "FINISHED") for i in range(9)]
    nothing = Listening()
    assert campaign.resume(nothing, retry_failed=True).exit_code == 0
    assert nothing.messages == ["No trial has failed."]


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_the_command_line_says_what_to_do_and_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "simulations.py").write_text((HERE / "simulations.py").read_text())
    (tmp_path / "disk.yaml").write_text(FILE.format(scratch=tmp_path / "scratch"))
    monkeypatch.chdir(tmp_path)

    def softal(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["softal", *arguments])
        with pytest.raises(SystemExit) as end:
            typer_cli.main()
        return int(end.value.code or 0), capsys.readouterr().out

    code, output = softal("launch", "disk.yaml")
    assert code == 1
    assert "Failed: the first 2 trials all failed, for one reason: cannot write " in output
    assert "Its output is in runs/disk/trials/000000. Mend the cause, then: softal resume runs/disk --retry" in output
    (tmp_path / "scratch").mkdir()
    code, output = softal("resume", "runs/disk", "--retry-failed")
    assert code == 0
    said = ["Running 2 failed trials again.", "Starting Ray ...", "Starting the first simulations ...",
            "Training the surrogate on 4 trials ...", "Writing the report ...", "Finished: all 4 trials"]  # fmt: skip
    assert list(map(output.find, said)) == sorted(map(output.find, said))
    assert -1 not in map(output.find, said), output


def _in_mlflow(campaign: Campaign) -> dict[str, float]:
    """Return the latest metrics of the campaign's own run."""
    children = "SELECT run_uuid FROM tags WHERE key = 'softal.trial'"
    query = f"SELECT key, value FROM latest_metrics WHERE run_uuid NOT IN ({children})"
    with closing(sqlite3.connect(campaign.folder / "mlflow.db")) as database:
        return dict(database.execute(query).fetchall())


def _scratch(make_campaign: Make, tmp_path: Path, *, concurrent: int = 2, seconds: float = 0.0, **changes) -> Campaign:
    simulator = {"kind": "simulations:Scratch", "log": str(tmp_path / "scratch"), "seconds": seconds}
    return make_campaign(simulator=simulator, workers={"concurrent": concurrent, "grace": "1 s"}, **changes)
