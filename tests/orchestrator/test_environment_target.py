"""Objectives that name a structure of particles, and the campaign that learned to tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from softal.errors import CampaignFileError
from softal.orchestrator.campaign_file.schema import CampaignSpec, parse_campaign
from softal.surrogates.learner import FORMAT

SPHERES = """
from softal.simulators import Outputs
from softal.simulators.environments import EnvironmentSettings, Judging
from softal.trial import Observation


class Spheres(Judging):
    Settings = EnvironmentSettings
    parameters = {"P": ""}

    @property
    def outputs(self):
        return Outputs(frozenset({"density", *self.environment_values}))

    def run(self, point, context):
        return Observation(values={"density": 1.0})
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    campaigns = tmp_path / "campaigns"
    campaigns.mkdir()
    (campaigns / "crystals.py").write_text(SPHERES)
    for name, kind, state in (
        ("binary/learner/latest", "particle_phases", {"names": ["fluid", "AlB2 (large)"]}),
        ("clusters/learner/latest", "environments", {"names": ["cluster 1"]}),
        ("untrained", "environments", {"untrained": "there is one configuration"}),
        ("potential", "symmetry_potential", {"cutoff": 1.0}),
    ):
        (tmp_path / "runs" / name).mkdir(parents=True)
        text = json.dumps({"format": FORMAT, "kind": kind, "state": state})
        (tmp_path / "runs" / name / "model.json").write_text(text)
    monkeypatch.chdir(tmp_path)
    return campaigns


def read(folder: Path, simulator: Any = "crystals:Spheres", **target: Any) -> CampaignSpec:
    data = {
        "name": "c",
        "simulator": simulator,
        "space": {"P": {"low": 0, "high": 1}},
        "objective": {"maximize": target},
        "strategy": "random",
        "surrogate": "none",
        "budget": {"trials": 3},
        "tracking": {"mlflow": "off"},
    }
    return parse_campaign(data, folder)


@pytest.mark.parametrize(
    ("environment", "learner", "value"),
    [
        ("fluid", "runs/binary", "fraction_fluid"),
        ("AlB2 (large)", "../runs/binary", "fraction_AlB2_large"),
        ("unknown", "runs/binary/learner/latest", "fraction_unknown"),
        ("cluster 1", "runs/clusters", "fraction_cluster_1"),
    ],
)
def test_a_structure_is_a_value_of_the_simulator(folder: Path, environment: str, learner: str, value: str) -> None:
    spec = read(folder, environment=environment, learner=learner)
    assert spec.objective.names == (value,)
    assert spec.built.settings.environments == folder.parent / learner.removeprefix("../")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            {"environment": "fcc", "learner": "runs/binary"},
            "'fcc' is not a known environment of the learner.*AlB2 .large., fluid, unknown",
        ),
        ({"environment": "fcc"}, "learner: is missing: folder of a trained learner of particles"),
        ({"environment": "fcc", "learner": "runs/none"}, "no trained learner of particles in runs/none"),
        ({"environment": "fcc", "learner": "runs/untrained"}, "not trained: there is one configuration"),
        ({"environment": "fcc", "learner": "runs/potential"}, "symmetry_potential', which does not tell particles"),
        ({"environment": 3, "learner": "runs/binary"}, "environment: 3 is given"),
        ({"environment": "fluid", "learner": "runs/binary", "phase": "x"}, "'phase' is not a known key"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(folder: Path, target: dict[str, Any], said: str) -> None:
    with pytest.raises(CampaignFileError, match=said) as raised:
        read(folder, **target)
    assert len(raised.value.problems) == 1


def test_a_simulator_without_configurations_has_none(folder: Path) -> None:
    with pytest.raises(CampaignFileError, match="'hcss' returns no configurations that a learner of particles"):
        read(folder, {"kind": "hcss"}, environment="fluid", learner="runs/binary")
