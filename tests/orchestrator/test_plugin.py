"""A system that lives outside softal, installed as a plug-in: no part of softal knows it by name.

`tests/data/plugin` has the package `softgel` and its metadata, as pip leaves them: a simulator with arrays, a mark, a
card, a picture and a target of its own, and a learner with a table and a card.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE
from report_page import Page

from softal.tracking.journal import Journal

pytestmark = pytest.mark.ray

PLUGIN = Path(__file__).parents[1] / "data" / "plugin"
CAMPAIGN = """
name: gel
simulator: gel
space: {c: {low: 0, high: 1}, q: {low: 0, high: 4}}
objective: {maximize: {modulus_at: 0.1}}
strategy: sobol
learner: gel_learner
budget: {trials: 8}
workers: {concurrent: 2, cpus: 1}
seed: 1
"""


def softal(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(folder, "-m", "softal.typer_cli", *arguments)


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(PLUGIN), os.environ.get("PYTHONPATH", "")]))
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=PATIENCE,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign of gels."""
    folder = tmp_path_factory.mktemp("gel")
    (folder / "gel.yaml").write_text(CAMPAIGN)
    done = softal(folder, "launch", "gel.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "runs" / "gel"


def test_its_target_is_the_objective(campaign: Path) -> None:
    with Journal.open(campaign) as journal:
        trials = journal.trials()
    assert len(trials) == 8
    for trial in trials:
        assert trial.observation is not None
        assert trial.objective == {"modulus": trial.observation.values["modulus"]}
        assert trial.objective["modulus"] <= 0.9  # the strain of the target has reached the workers


def test_a_wrong_target_is_said_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "gel.yaml").write_text(CAMPAIGN.replace("modulus_at: 0.1", "modulus_at: much"))
    done = softal(tmp_path, "validate", "gel.yaml")
    assert done.returncode != 0
    assert "objective.maximize.modulus_at: 'much' is given; a strain, such as 0.1, is needed" in done.stderr


def test_its_cards_stand_in_the_report(campaign: Path) -> None:
    page = Page(campaign / "report.html")
    assert {"Gel", "Setting"} <= set(page.headings)
    assert len(page.panels["Gel"]) == 1
    assert page.text.count("The profile of ") == 1
    assert "Observed" not in page.headings  # the profile has its card, the mesh its picture


def test_its_tables_cards_and_pictures_are_in_mlflow(campaign: Path) -> None:
    kept = {path.name for path in (campaign / "mlartifacts").rglob("*") if path.is_file()}
    assert {"setting.json", "setting.html", "snapshot.png", "report.html", "profile.csv"} <= kept
    tables = sorted((campaign / "mlartifacts").rglob("setting.json"))
    assert max(json.loads(path.read_text())["gels"] for path in tables) == 8


def test_what_it_has_learned_is_there_beside_the_surrogate(campaign: Path) -> None:
    code = (
        "from softal.orchestrator.campaign import Campaign; one = Campaign.open('runs/gel'); "
        "print(type(one.learner).__name__, one.learner.metrics()['part_set'] > 0, one.surrogate.kind)"
    )
    done = python(campaign.parents[1], "-c", code)
    assert done.stdout.split() == ["GelLearner", "True", "gp"], done.stderr
    with Journal.open(campaign) as journal:
        versions = journal.versions()
        assert [one["version"] for one in versions] == list(range(1, len(versions) + 1))
        assert journal.versions(of="learner")[-1]["trials"] == 8
        assert set(journal.versions(of="surrogate")[-1]["rmse"]) == {"modulus"}


def test_it_is_listed_like_any_other(tmp_path: Path) -> None:
    done = softal(tmp_path, "kinds")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gel_learner" in done.stdout
    assert "strain" in done.stdout
