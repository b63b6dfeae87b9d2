"""Learners as the first version of softal had them: surrogates, with Gaussian processes for targets beside them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bragg import crystals, write_labels
from report_page import Page
from safetensors.numpy import load_file, save_file

from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.service.explorer.model import Explorer
from softal.surrogates import load, load_learner
from softal.surrogates.dynamics.network import DynamicsNetwork
from softal.surrogates.phases.classifier import PhaseClassifier, classifier_folder, load_classifier
from softal.tracking.journal import Journal

pytestmark = pytest.mark.learning

# A network, as `save` wrote it at commit 7590fbe (2026-11-26), its JSON without spaces. It had learned from
# `liquids(5, times=5)` and a state that had not equilibrated.
NETWORK = Path(__file__).parents[1] / "data" / "first_version_network"
POINT = {"T": 1.3, "rho": 1.2, "interaction": "LJ"}


def test_a_saved_network_is_a_learner_and_its_processes_are_a_surrogate() -> None:
    for surrogate in (load(NETWORK), load(NETWORK, "gp")):
        assert surrogate.kind == "gp"
        mean, std = surrogate.predict([POINT])["relaxation_A"]
        assert (mean[0], std[0]) == pytest.approx((0.71047345, 0.2533285), rel=1e-6)
        assert surrogate.diagnostics().n == 5
    network = load_learner(NETWORK)
    assert isinstance(network, DynamicsNetwork)
    F, _ = network.curves([POINT], [0.1, 1.0])
    np.testing.assert_allclose(F[0], [[0.7333039, 0.0906515], [0.7084205, 0.0492904]], rtol=1e-4)
    assert "at least" in str(network.refuses({**POINT, "T": 0.5}))
    assert network.tables() == {"dynamics": json.loads((NETWORK / "dynamics.json").read_text())}


SIMULATION = """
from bragg import patterns
import numpy as np
from softal.simulators.base import Outputs, Simulator
from softal.trial import Array, Observation


class Crystal(Simulator):
    outputs = Outputs(frozenset({"order"}), frozenset({"phase_input"}))

    def run(self, point, context):
        images = Array.of(patterns(point, 4, np.random.default_rng(context.seed)))
        return Observation({"order": point["T"] ** 2}, {"order": 0.001}, {"phase_input": images})
"""
CAMPAIGN = """
name: phases
simulator: simulation:Crystal
space: {T: {low: 0, high: 1}, lattice: {choices: [bcc, fcc, hcp]}}
objective: {learn: order}
strategy: {kind: table, file: labels.csv}
surrogate: {kind: phase_classifier, labels: labels.csv, epochs: 8, learning_rate: 0.003, batch: 8}
tracking: {mlflow: "off"}
budget: {trials: 15}
workers: {concurrent: 2, cpus: 1}
"""


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign by a file of the first version, run by this one."""
    (tmp_path / "simulation.py").write_text(SIMULATION)
    (tmp_path / "phases.yaml").write_text(CAMPAIGN)
    write_labels(tmp_path / "labels.csv", crystals(18))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(Path(__file__).parents[1])
    found = Campaign.from_yaml("phases.yaml")
    assert found.launch(executor=in_process).state == "finished"
    return found


def make_old(folder: Path) -> None:
    """Keep the learner as the first version did: one folder, one record."""
    learner, gp = (folder / what / "latest" for what in ("learner", "surrogate"))
    old, processes = (json.loads((one / "model.json").read_text()) for one in (learner, gp))
    tensors = load_file(learner / "model.safetensors")
    tensors |= {f"gp.{name}": values for name, values in load_file(gp / "model.safetensors").items()}
    old |= {"targets": processes["targets"], "state": {"gp": processes["state"], **old["state"]}}
    del old["checksum"]
    draft = folder / "old"
    shutil.copytree(learner, draft)
    (draft / "model.json").write_text(json.dumps(old))
    save_file(tensors, draft / "model.safetensors")
    for what in ("learner", "surrogate"):
        shutil.rmtree(folder / what)
    (folder / "surrogate").mkdir()
    draft.rename(folder / "surrogate" / "version-1")
    (folder / "surrogate" / "latest").symlink_to("version-1")
    database = sqlite3.connect(folder / "journal.sqlite")
    quality = {"method": "leave-one-out", "rmse": {"order": 0.1}, "r2": {"order": 0.5}, "coverage": {"order": 0.9}}
    record: dict[str, Any] = {"version": 1, "kind": "phase_classifier", "trials": 15, "seconds": 1.0, "created": 0.0}
    record |= {**quality, "metrics": {"accuracy": 1.0}, "tables": ["classification"]}
    database.execute("DELETE FROM versions")
    database.execute("INSERT INTO versions VALUES (1, ?)", (json.dumps(record),))
    database.commit()
    database.close()


def test_a_campaign_of_the_first_version_goes_on(campaign: Campaign) -> None:
    points = [{"T": 0.05, "lattice": "fcc"}]
    images = crystals(6)[1].observation.arrays["phase_input"].values
    folder, predicted = campaign.folder, campaign.surrogate.predict(points)
    classified = load_classifier(folder).classify(images).probabilities
    assert (campaign.surrogate.kind, campaign.learner.kind) == ("gp", "phase_classifier")
    assert classifier_folder(folder) == folder / "learner" / "latest"

    make_old(folder)
    campaign = Campaign.open(folder)
    np.testing.assert_array_equal(campaign.surrogate.predict(points)["order"], predicted["order"])
    assert isinstance(campaign.learner, PhaseClassifier)
    np.testing.assert_array_equal(load_classifier(folder).classify(images).probabilities, classified)
    assert classifier_folder(folder) == folder / "surrogate" / "latest"
    assert [record["trials"] for record in campaign.versions] == [15]
    assert Explorer(campaign).predict({"T": "0.05", "lattice": "fcc"})["refused"] is None
    assert "Phases" in Page(campaign.report()).headings

    assert campaign.resume(trials=18, executor=in_process).state == "finished"
    assert campaign.surrogate.diagnostics().n == 18
    assert json.loads((folder / "surrogate" / "latest" / "model.json").read_text())["kind"] == "gp"
    assert json.loads((folder / "learner" / "version-0" / "model.json").read_text())["kind"] == "phase_classifier"
    assert classifier_folder(folder) == folder / "learner" / "latest"
    with Journal.open(folder) as journal:
        assert journal.versions()[0]["version"] == 1
        assert journal.versions(of="learner")[-1]["trials"] == 18
        assert journal.versions(of="surrogate")[-1]["trials"] == 18
