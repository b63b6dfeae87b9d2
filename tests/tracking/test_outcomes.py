"""Parts of the loss and outcome constraints where people see them: budget, MLflow, report, list of trials."""

import io

import pytest

from softal.cards import Opinion
from softal.objective import Target, match, minimize
from softal.orchestrator.budget import Budget, Progress
from softal.space import Space
from softal.terminal.console import show_parts, show_trials
from softal.terminal.output import Terminal
from softal.tracking.records import Convergence, trial_record
from softal.tracking.report.data import CampaignData, question
from softal.tracking.report.loss import loss_rows
from softal.tracking.report.tables import best_trials, facts
from softal.trial import Observation, Trial, TrialState

SPACE = Space({"x": {"low": 0.0, "high": 1.0}})
BOUNDED = minimize("energy").subject_to("pressure <= 5")
TARGETS = match({"d": Target("density", 0.8, 0.1), "p": Target("pressure", 2.0, 1.0, weight=3.0, unit="MPa")})


def trial(i, energy, pressure):
    observation = Observation({"energy": energy, "pressure": pressure}, {"pressure": 0.1})
    return Trial(i, {"x": 0.1 * i}, state=TrialState.DONE, objective={"energy": energy}, observation=observation,
                 started=1.0, finished=2.0, told=i)  # fmt: skip


TRIALS = [trial(0, 3.0, 1.0), trial(1, 1.0, 7.3), trial(2, 2.0, 4.0)]


def matched(i, density, pressure):
    observation = TARGETS.with_parts(Observation({"density": density, "pressure": pressure}, {"density": 0.01}))
    values, _ = TARGETS.evaluate(observation)
    return Trial(i, {"x": 0.1 * i}, state=TrialState.DONE, objective=values, observation=observation, told=i)


def shown(show, *arguments):
    out = io.StringIO()
    show(Terminal(file=out, width=200), *arguments)
    return out.getvalue()


def test_a_trial_that_violates_is_no_improvement_and_no_target():
    progress = Progress(BOUNDED, TRIALS)
    assert progress.best is TRIALS[2]
    assert (progress.done, progress.since_best) == (3, 0)
    assert Budget(BOUNDED, target=1.5).exhausted(progress, 0.0) is None


def test_mlflow_has_what_is_violated_and_the_best_that_satisfies():
    assert trial_record(TRIALS[1], "c", BOUNDED).tags["violates"] == "pressure <= 5 (it is 7.3)"
    assert "violates" not in trial_record(TRIALS[2], "c", BOUNDED).tags
    convergence = Convergence(BOUNDED)
    assert [convergence.add(one) for one in TRIALS] == [True, False, True]
    assert [value for name, value, _, _ in convergence.flush() if name == "best"] == [3.0, 3.0, 2.0]


def test_mlflow_has_the_parts_of_the_loss():
    metrics = trial_record(matched(0, 0.7, 4.0), "c", TARGETS).metrics
    assert metrics["deviation_density"] == pytest.approx(-1.0)
    assert metrics["deviation_pressure"] == pytest.approx(2.0)


def test_the_report_shows_violations():
    data = CampaignData({}, SPACE, BOUNDED, TRIALS)
    assert question(SPACE, BOUNDED) == "Which x make energy smallest with pressure <= 5?"
    assert ("violate a constraint", "1") in facts(data).cards
    title, table = best_trials(data)
    assert title == "The best trials"
    assert [row[0] for row in table.rows] == ["2", "0", "1"]
    assert table.rows[-1][table.head.index("violates")] == "pressure <= 5 (it is 7.3)"


def test_the_report_says_that_nothing_satisfies():
    data = CampaignData({}, SPACE, BOUNDED, TRIALS[1:2])
    assert facts(data).headline_label == "no trial satisfies pressure <= 5: nearest is trial 1 with pressure 7.3"


def test_the_report_shows_the_parts_of_the_loss():
    data = CampaignData({}, SPACE, TARGETS, [matched(0, 0.7, 4.0), matched(1, 0.0, 9.0)])
    table = loss_rows(data, Opinion(properties={"density": (0.72, 0.01)}))
    assert table.head[1:3] == ["target", "trial 0"]
    assert [row[0] for row in table.rows] == ["density", "pressure [MPa]"]
    assert [row[4] for row in table.rows] == ["8%", "92%"]  # 1 and 3 * 4 of 13
    assert [row[5] for row in table.rows] == ["0.720 ± 0.010", "–"]
    assert loss_rows(CampaignData({}, SPACE, BOUNDED, TRIALS), Opinion()) is None


def test_the_list_of_trials_shows_both():
    assert "pressure 7.3" in shown(show_trials, TRIALS, ["x"], ["energy"], BOUNDED)
    assert "violates" not in shown(show_trials, TRIALS, ["x"], ["energy"])
    parts = shown(show_parts, [matched(0, 0.7, 4.0)], TARGETS)
    assert "deviation_density" in parts
    assert "-1.00 ± 0.10" in parts
    assert shown(show_parts, TRIALS, BOUNDED) == ""
