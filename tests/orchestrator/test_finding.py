"""What a campaign found is the same in Python, in the terminal, in JSON, in the report and in MLflow."""

from __future__ import annotations

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlflow.tracking import MlflowClient
from report_page import Page

from softal.numeric import with_error
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.found import find
from softal.orchestrator.loop.agents import Tracker, Trainer
from softal.orchestrator.summary import find_best
from softal.orchestrator.workers.pickling import pack
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.terminal.console import show_finding
from softal.terminal.output import Terminal
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState

pytestmark = [pytest.mark.learning, pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")]

FILE = """\
name: slope
simulator: {kind: "bowl:simulate"}
space:
  epsilon: {low: 80, high: 160, unit: K}
  sigma: {low: 3.0, high: 3.8}
objective: {minimize: f}
budget: {trials: 24}
surrogate: gp
"""


def value(point: dict[str, float]) -> float:
    """Lowest at the upper end of epsilon."""
    return (170 - point["epsilon"]) / 40 + 8 * (point["sigma"] - 3.4) ** 2


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """A campaign with a surrogate, whose best point is on a bound; noise 0.1."""
    (tmp_path / "bowl.py").write_text("def simulate(epsilon, sigma):\n    return {'f': (0.0, 0.1)}\n")
    (tmp_path / "slope.yaml").write_text(FILE)
    made = Campaign.from_yaml(tmp_path / "slope.yaml", runs=tmp_path / "runs")
    rng, space = np.random.default_rng(4), made.spec.space
    U = space.sample(24, rng)
    U[18:, 0] = 1.0
    trials = []
    for i, point in enumerate(space.from_unit(U)):
        f = value(point) + rng.normal(0, 0.1)  # type: ignore[arg-type]
        common = {"proposed_by": "bayesian", "started": time.time(), "finished": time.time(), "told": i + 1}
        found = {
            "observation": Observation({"f": f}, {"f": 0.1}),
            "objective": {"f": f},
            "objective_errors": {"f": 0.1},
        }
        trials.append(Trial(i, point, state=TrialState.DONE, **common, **found))  # type: ignore[arg-type]
    with Journal.create(made.folder, made.spec.text, made._info() | {"state": "finished"}) as journal:
        journal.write(trials)
    surrogate = GaussianProcess(space, ["f"])
    surrogate.fit(trials)
    surrogate.save(made.folder / "surrogate" / "latest")
    return made


def test_every_place_shows_the_same(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda by: 0)
    finding, answer = find_best(campaign), campaign.answer
    assert finding is not None
    assert answer is not None
    assert answer.origin == "model"
    assert abs(answer.value - value(answer.point)) < 3 * answer.error  # type: ignore[arg-type]
    shown = json.loads(json.dumps(finding.to_json()))
    best = campaign.best
    assert best is not None
    assert best.id == answer.best.id == shown["id"]

    plain = json.loads(json.dumps(answer.to_json()))
    assert shown["answer"] == plain == json.loads(json.dumps(campaign.status().to_json()))["answer"]
    assert shown["edges"] == plain["edges"] == ["epsilon"]
    assert shown["optimum"]["epsilon"] == {"value": pytest.approx(160), "uncertainty": None, "edge": "upper"}

    text = f"{with_error(answer.value, answer.error)}"
    console = Terminal(width=200, record=True, file=io.StringIO())
    show_finding(console, finding, campaign.spec.space)
    lines = console.export_text()
    page = Page(campaign.report()).text
    question = "epsilon: at the edge of its range (160 K): widen it?"
    for place in (lines, page):
        assert text in place
        assert question in place
        assert "160, at its upper bound" in place

    tracker = Tracker(pack(campaign._plan(campaign_id(campaign)).brief, campaign.spec.folder))
    mirrored = tracker.finish(None)
    assert (mirrored.behind, mirrored.error, mirrored.refused) == (0, None, None)
    client = MlflowClient(tracking_uri=tracker.mirror.uri)
    experiment = client.get_experiment_by_name(campaign.spec.tracking.experiment)
    assert experiment is not None
    [parent] = client.search_runs([experiment.experiment_id], "tags.answer != ''")
    assert parent.data.metrics["answer"] == pytest.approx(answer.value)
    assert parent.data.metrics["answer_error"] == pytest.approx(answer.error)
    assert json.loads(parent.data.tags["answer_point"]) == answer.point
    assert parent.data.tags["answer_origin"] == "model"
    assert parent.data.tags["answer_edges"] == "epsilon at its upper bound"
    assert parent.data.tags["best_trial"] == str(best.id)


def campaign_id(campaign: Campaign) -> str:
    with Journal.open(campaign.folder) as journal:
        return str(journal.info["id"])


def test_what_was_found_at_the_end_is_told_without_the_surrogate(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "nice", lambda by: 0)
    trainer = Trainer(pack(campaign._plan(campaign_id(campaign)).brief, campaign.spec.folder))
    [record] = trainer.step(final=True).records
    assert trainer.step(final=True).records == [], "nothing of it is in the journal"
    with Journal.open(campaign.folder, read_only=False) as journal:
        journal.add_version(record)
    [again] = trainer.step(final=True).records
    assert again["found"] == json.loads(json.dumps(record["found"]))
    with campaign.scored() as (_, scores):
        live = find(campaign.spec.objective, campaign.spec.space, scores, campaign.latest_surrogate)
    assert (live.answer.origin, live.optimum.doubt) == ("model", "")

    with monkeypatch.context() as patch:
        patch.setattr(Campaign, "latest_surrogate", property(lambda _: pytest.fail("it was loaded")))
        finding = find_best(campaign)
        assert campaign.answer == campaign.status().answer == finding.answer == live.answer
    assert repr(finding.optimum) == repr(live.optimum)  # NaN is not equal to itself

    with Journal.open(campaign.folder, read_only=False) as journal:
        journal.write([replace(next(journal.read()), id=24, told=None, objective={"f": -100.0})])
    assert campaign.answer.best.id == 24
    assert campaign.answer != live.answer, "another trial has finished since"
