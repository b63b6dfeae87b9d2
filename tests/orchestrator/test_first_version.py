"""The folder of a campaign that the first version of softal has run: what later ones do with it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softal.kinds.registry import MOVED
from softal.orchestrator.campaign import Campaign
from softal.service.explorer.model import Explorer
from softal.simulators import find
from softal.tracking.journal import Journal
from softal.tracking.tables import VERSION
from softal.trial import TrialState
from softal.typer_cli import app

DATA = Path(__file__).parents[1] / "data" / "first_version"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the campaign, which takes the copy of its simulator."""
    copy = tmp_path / "first"
    shutil.copytree(DATA, copy)
    with Journal.open(copy / "campaign") as reader:
        assert reader.version == 0
    database = sqlite3.connect(copy / "campaign" / "journal.sqlite")
    here = json.dumps(str(copy))
    database.executemany("UPDATE info SET value = ? WHERE key = ?", [(here, "source"), (here, "launched_in")])
    database.commit()
    database.close()
    return copy / "campaign"


def said(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.learning
def test_it_is_read_as_it_is(folder: Path) -> None:
    """Status, trials, answer, predictions, report and pages, with no change to the folder's tables."""
    assert "13 done, 0 running, 1 failed" in said("status", str(folder))
    assert len(json.loads(said("trials", str(folder), "--json"))) == 14
    best = json.loads(said("best", str(folder), "--json"))
    assert best["answer"]["value"] == pytest.approx(0.0110, abs=1e-4)
    predicted = json.loads(said("predict", str(folder), "--at", "a=1.2,w=0.5", "--json"))
    assert predicted[0]["prediction"]["mismatch"]["mean"] < 0.05
    said("report", str(folder))
    assert "a is too large" in (folder / "report.html").read_text()
    page = Explorer(Campaign.open(folder)).describe()
    assert page["version"] == 1  # the first that it has read
    with Journal.open(folder) as reader:
        assert reader.version == 0
        assert [record["trials"] for record in reader.versions()][-1] == 13


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_it_is_resumed(folder: Path) -> None:
    said("resume", str(folder), "--trials", "16")
    campaign = Campaign.open(folder)
    states = [trial.state for trial in campaign.list_trials()]
    assert len(states) == 16
    assert states.count(TrialState.DONE) >= 14
    with Journal.open(folder) as reader:
        assert reader.version == VERSION
        versions = reader.versions()
    assert [record["version"] for record in versions] == list(range(1, len(versions) + 1))
    assert (folder / "surrogate" / "latest").resolve().name == f"version-{versions[-1]['version']}"
    assert campaign.surrogate is not None


@pytest.mark.parametrize("kind", MOVED)
def test_classes_that_have_moved_are_found_under_their_old_names(kind: str) -> None:
    assert find(kind) is find(MOVED[kind])
