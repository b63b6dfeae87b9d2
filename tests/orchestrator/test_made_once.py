"""A campaign's simulator is made once in the driver's process, for all that it is asked before the first trial."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from softal.orchestrator.campaign import Campaign, Silent
from softal.orchestrator.single_runs.experiment import read_experiment

COUNTED = """
from pydantic import Field
from softal.kinds.settings import Settings
from softal.simulators import Meaning, Outputs, Simulator
from softal.trial import Observation

MADE = []


class CountedSettings(Settings):
    scale: float = 1.0
    shift: float = Field(0.0)


class Counted(Simulator):
    Settings = CountedSettings
    parameters = {"x": ""}

    def __init__(self, settings=None):
        super().__init__(settings)
        MADE.append(self.settings.scale)

    @property
    def outputs(self):
        return Outputs(frozenset({"y"}), ranges={"y": (0.0, 100.0)})

    @classmethod
    def target(cls, entry, context):
        return Meaning("y", {"scale": entry["scale"]})

    def refuses(self, point):
        return "too far" if point["x"] > 0.9 else None

    def run(self, point, context):
        return Observation({"y": point["x"] * self.settings.scale + self.settings.shift})
"""

CAMPAIGN = """
simulator: {{kind: "counted:Counted", shift: 1.0}}
space: {{x: {{low: 0, high: 1}}}}
objective: {{minimize: {objective}}}
strategy: random
surrogate: none
budget: {{trials: 3}}
tracking: {{mlflow: "off"}}
"""


class FirstTrial(Silent):
    """Takes down how many simulators there were when the first trial was done."""

    def __init__(self, made: list[Any]) -> None:
        self.made, self.counted = made, -1

    def trial_finished(self, trial: Any, improved: bool) -> None:
        self.counted = len(self.made) if self.counted < 0 else self.counted


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "counted.py").write_text(COUNTED)
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("counted", None)
    return tmp_path


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize(("objective", "scale"), [("y", 1.0), ("{scale: 3.0}", 3.0)])
def test_one_is_made_up_to_the_first_trial(folder: Path, objective: str, scale: float) -> None:
    (folder / "counted.yaml").write_text(CAMPAIGN.format(objective=objective))
    campaign = Campaign.from_yaml(folder / "counted.yaml")
    made = sys.modules["counted"].MADE
    assert campaign.check() == []  # as `softal launch` does once more
    first = FirstTrial(made)
    assert campaign.launch(first).state == "finished"
    assert first.counted == 1
    assert made == [scale]
    assert all(trial.objective["y"] == trial.point["x"] * scale + 1.0 for trial in campaign.list_trials())
    assert all(trial.point["x"] <= 0.9 for trial in campaign.list_trials())


def test_looking_at_a_campaign_makes_one(folder: Path) -> None:
    (folder / "counted.yaml").write_text(CAMPAIGN.format(objective="y"))
    Campaign.from_yaml(folder / "counted.yaml")
    assert sys.modules["counted"].MADE == [1.0]


@pytest.mark.parametrize(("changes", "scale"), [([], 3.0), (["shift=2.0"], 3.0), (["scale=5.0"], 5.0)])
def test_a_single_run_has_the_settings_that_the_target_asks_for(folder: Path, changes: list[str], scale: float) -> None:
    (folder / "counted.yaml").write_text(CAMPAIGN.format(objective="{scale: 3.0}"))
    found = read_experiment("counted.yaml", "x=0.5", changes, fidelity=1.0, seed=0, repeats=1)
    assert found.settings == {"scale": scale, "shift": 2.0 if "shift=2.0" in changes else 1.0}
