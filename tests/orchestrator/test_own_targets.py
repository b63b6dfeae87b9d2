"""Mappings at `minimize` and `maximize` that a simulator of one's own understands, or misunderstands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from softal.errors import CampaignFileError, Problem
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.campaign_file.schema import CampaignSpec, parse_campaign

SURFACE = """
from softal.errors import Problem, SimulationError
from softal.kinds.settings import Settings
from softal.simulators import Meaning, Outputs, Simulator
from softal.trial import Observation


class SurfaceSettings(Settings):
    area: float = 1.0
    table: str = ""


class Surface(Simulator):
    Settings = SurfaceSettings
    parameters = {"x": ""}
    outputs = Outputs(frozenset({"charge", "energy"}))

    @classmethod
    def target_form(cls):
        return "a charge such as `{charge: 1, area: 2}`"

    @classmethod
    def target(cls, entry, context):
        what = entry.get("what", "charge")
        if what == "raise":
            raise ValueError("two\\nlines")
        if what == "say":
            raise SimulationError("no such thing")
        if what == "nothing":
            return None
        if what == "empty":
            return []
        if "table" in entry:
            return Meaning("charge", {"table": str(context.find(entry["table"]))})
        area, known = entry.get("area"), context.settings.get("area")
        if known not in (None, 1.0, area):
            return [Problem("area", f"{area} is given, and {known} elsewhere in {context.kind}")]
        return Meaning(what, {} if area is None else {"area": area})

    def run(self, point, context):
        return Observation({"charge": point["x"] * self.settings.area, "energy": 0.0})
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the simulator, below the one in which softal runs."""
    folder = tmp_path / "campaigns"
    folder.mkdir()
    (folder / "surface.py").write_text(SURFACE)
    monkeypatch.chdir(tmp_path)
    return folder


def data_of(objective: Any, simulator: Any = "surface:Surface") -> dict[str, Any]:
    return {
        "name": "surface",
        "simulator": simulator,
        "space": {"x": {"low": 0, "high": 1}},
        "objective": objective,
        "strategy": "random",
        "surrogate": "none",
        "budget": {"trials": 3},
        "tracking": {"mlflow": "off"},
    }


def read(folder: Path, objective: Any, simulator: Any = "surface:Surface") -> CampaignSpec:
    return parse_campaign(data_of(objective, simulator), folder)


def problems_of(folder: Path, objective: Any, simulator: Any = "surface:Surface") -> list[Problem]:
    with pytest.raises(CampaignFileError) as raised:
        read(folder, objective, simulator)
    return list(raised.value.problems)


def test_a_mapping_is_a_value_and_settings(folder: Path) -> None:
    spec = read(folder, {"maximize": {"area": 3.0}, "minimize": ["energy"]}, {"kind": "surface:Surface", "area": 1.0})
    assert spec.objective.names == ("charge", "energy")
    assert spec.built.settings.area == 3.0


@pytest.mark.parametrize("beside", [True, False])
def test_paths_are_beside_the_file_or_where_softal_runs(folder: Path, beside: bool) -> None:
    there = (folder if beside else folder.parent) / "tables/one"
    there.mkdir(parents=True)
    assert read(folder, {"minimize": {"table": "tables/one"}}).built.settings.table == str(there)


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_it_runs(folder: Path) -> None:
    campaign = Campaign(**data_of({"maximize": {"area": 3.0}}), folder=folder)
    assert campaign.launch().state == "finished"
    assert all(trial.objective["charge"] == 3.0 * trial.point["x"] for trial in campaign.list_trials())


@pytest.mark.parametrize(
    ("objective", "simulator", "place", "message"),
    [
        ({"maximize": [{"area": 2.0}, {"area": 3.0, "what": "energy"}]}, None, "objective.maximize.1.area",
         "^3.0 is given, and 2.0 elsewhere in surface:Surface$"),
        ({"maximize": {"area": 3.0}}, {"kind": "surface:Surface", "area": 4.0}, "objective.maximize.area",
         "and 4.0 elsewhere"),
        ({"maximize": {"what": "charm"}}, None, "objective.maximize", "'charm' is not a known value of the simulator"),
        ({"maximize": {"area": "wide"}}, None, "simulator.area", "'wide'"),
        ({"maximize": {"what": "raise"}}, None, "objective.maximize",
         "'surface:Surface' cannot read {'what': 'raise'}: ValueError: two lines"),
        ({"minimize": {"what": "say"}}, None, "objective.minimize", "cannot read {'what': 'say'}: no such thing"),
        ({"minimize": ["energy", {"what": "nothing"}]}, None, "objective.minimize.1", "as None, which is neither"),
        ({"minimize": {"what": "empty"}}, None, "objective.minimize", r"read it as \[\], which is neither"),
        ({"minimize": 3}, None, "objective.minimize", "or a charge such as `{charge: 1, area: 2}`"),
        ({"maximize": {"area": 2.0}}, "argon", "objective.maximize.area", "allowed: classifier, phase"),
        ({"maximize": {"area": 2.0}}, "nowhere", "simulator", "'nowhere' is not known"),
    ],
)  # fmt: skip
def test_mistakes_have_their_place(folder: Path, objective: Any, simulator: Any, place: str, message: str) -> None:
    found = {one.place: one.message for one in problems_of(folder, objective, simulator or "surface:Surface")}
    assert re.search(message, found[place])
    if simulator != "argon":  # which has other parameters, too
        assert len(found) == 1


def test_wrong_settings_and_wrong_targets_are_said_at_once(folder: Path) -> None:
    simulator = {"kind": "surface:Surface", "area": "wide"}
    places = [one.place for one in problems_of(folder, {"maximize": [{"area": 2.0}, {"area": 3.0}]}, simulator)]
    assert places == ["simulator.area", "objective.maximize.1.area"]
