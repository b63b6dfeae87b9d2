"""Objectives that name a phase and the trained classifier that judges it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from softal.errors import CampaignFileError, Problem
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.campaign_file.schema import CampaignSpec, parse_campaign
from softal.surrogates.learner import FORMAT

DISKS = """
from pathlib import Path
from typing import ClassVar
from softal.kinds.settings import Settings
from softal.simulators import Outputs, Simulator
from softal.surrogates.learner import read_description
from softal.surrogates.phases.classifier import classifier_folder
from softal.trial import Observation


class DisksSettings(Settings):
    classifier: Path | None = None


class Disks(Simulator):
    Settings = DisksSettings
    dimension: ClassVar[int] = 2
    parameters = {"T": ""}

    @property
    def phases(self):
        folder = self.settings.classifier
        if folder is None:
            return []
        return read_description(classifier_folder(folder))["state"]["phases"]

    @property
    def outputs(self):
        return Outputs(frozenset({"density", *(f"P_{phase}" for phase in self.phases)}))

    def run(self, point, context):
        return Observation(values={"density": 1.0, **{f"P_{phase}": point["T"] for phase in self.phases}})


class Rods(Disks):
    dimension: ClassVar[int] = 3
"""


def write_model(folder: Path, state: dict[str, Any], kind: str = "phase_classifier") -> None:
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"format": FORMAT, "kind": kind, "state": state}))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project: campaigns/ with the files, runs/ with a trained classifier; softal runs in the project."""
    campaigns = tmp_path / "campaigns"
    campaigns.mkdir()
    (campaigns / "assembly.py").write_text(DISKS)
    write_model(tmp_path / "runs/hcss/learner/latest", {"phases": ["fluid", "qc12"], "dimension": 2})
    write_model(tmp_path / "runs/first/surrogate/latest", {"phases": ["fluid", "qc12"], "dimension": 2})
    write_model(tmp_path / "runs/other", {"phases": ["fluid", "qc12"], "dimension": 2})
    write_model(tmp_path / "runs/untrained", {"untrained": "2 state points are too few", "phases": [], "dimension": 2})
    write_model(tmp_path / "runs/damaged", {"phases": ["fluid", "qc12"]})
    write_model(tmp_path / "runs/plain/surrogate/latest", {}, "gp")
    (tmp_path / "runs/empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return campaigns


def data_of(objective: Any, simulator: Any = "assembly:Disks") -> dict[str, Any]:
    return {
        "name": "qc",
        "simulator": simulator,
        "space": {"T": {"low": 0, "high": 1}},
        "objective": objective,
        "strategy": "random",
        "surrogate": "none",
        "budget": {"trials": 3},
        "tracking": {"mlflow": "off"},
    }


def target(phase: Any = "qc12", classifier: Any = "runs/hcss") -> dict[str, Any]:
    return {"phase": phase, "classifier": classifier}


def read(folder: Path, objective: Any, simulator: Any = "assembly:Disks") -> CampaignSpec:
    return parse_campaign(data_of(objective, simulator), folder)


def problems_of(folder: Path, objective: Any, simulator: Any = "assembly:Disks") -> list[Problem]:
    with pytest.raises(CampaignFileError) as raised:
        read(folder, objective, simulator)
    return list(raised.value.problems)


@pytest.mark.parametrize(
    ("objective", "names", "signs"),
    [
        ({"maximize": target()}, ("P_qc12",), [-1]),
        ({"minimize": target("fluid")}, ("P_fluid",), [1]),
        ({"maximize": ["density", target()]}, ("density", "P_qc12"), [-1, -1]),
        (
            {"maximize": target(), "minimize": [target("fluid"), "density"]},
            ("P_qc12", "P_fluid", "density"),
            [-1, 1, 1],
        ),
    ],
)
def test_a_phase_is_a_value_of_the_simulator(
    folder: Path, objective: Any, names: tuple[str, ...], signs: list[int]
) -> None:
    spec = read(folder, objective)
    assert spec.objective.names == names
    assert spec.objective.signs.tolist() == signs
    assert spec.built.settings.classifier == folder.parent / "runs/hcss"


def test_beside_the_file_comes_first(folder: Path) -> None:
    write_model(folder / "runs/hcss", {"phases": ["qc12"], "dimension": 2})
    assert read(folder, {"maximize": target()}).built.settings.classifier == folder / "runs/hcss"


@pytest.mark.parametrize(
    "name", ["runs/hcss", "runs/hcss/learner/latest", "runs/first", "runs/first/surrogate/latest", "runs/other"]
)
def test_campaigns_and_learners_are_classifiers(folder: Path, name: str) -> None:
    absolute = (folder.parent / name).resolve()
    for written in (name, f"../{name}", str(absolute)):
        assert read(folder, {"maximize": target(classifier=written)}).built.settings.classifier == absolute


def test_the_simulator_may_name_the_same_classifier(folder: Path) -> None:
    simulator = {"kind": "assembly:Disks", "classifier": str(folder.parent / "runs/hcss")}
    assert read(folder, {"maximize": target()}, simulator).objective.names == ("P_qc12",)


HERE, CLASSIFIER = "objective.maximize", "objective.maximize.classifier"


@pytest.mark.parametrize(
    ("objective", "simulator", "place", "message"),
    [
        ({"maximize": {"phase": "qc12"}}, None, CLASSIFIER, "is missing: folder of a trained classifier"),
        ({"maximize": {"classifier": "runs/hcss"}}, None, f"{HERE}.phase", "is missing: a phase that the classifier"),
        ({"maximize": {**target(), "n": 1}}, None, f"{HERE}.n", "not a known key; allowed: classifier, phase"),
        ({"maximize": {}}, None, f"{HERE}.phase", "is missing"),
        ({"maximize": target(3)}, None, f"{HERE}.phase", "3 is given; allowed: the name of a phase"),
        ({"maximize": target(classifier=None)}, None, CLASSIFIER, "None is given; allowed: the name of folder"),
        ({"maximize": ["density", target("qc13")]}, None, f"{HERE}.1.phase", "did you mean `qc12`.*: fluid, qc12"),
        ({"maximize": target(classifier="runs/none")}, None, CLASSIFIER, "no trained classifier in runs/none; "
         "`softal launch campaigns/none.yaml` trains it"),
        ({"maximize": target(classifier="runs/empty")}, None, CLASSIFIER, "no trained classifier in runs/empty"),
        ({"maximize": target(classifier="x" * 999)}, None, CLASSIFIER, "no trained classifier in xxx"),
        ({"maximize": target(classifier="runs/damaged")}, None, CLASSIFIER, "is damaged: .*no dimension"),
        ({"maximize": target(classifier="runs/plain")}, None, CLASSIFIER, "of kind 'gp', which knows no"),
        ({"maximize": target(classifier="runs/untrained")}, None, CLASSIFIER, "not trained: 2 state points"),
        ({"maximize": [target(), target("fluid", "runs/other")]}, None, f"{HERE}.1.classifier", "by one classifier"),
        ({"maximize": target()}, {"kind": "assembly:Disks", "classifier": "runs/other"}, CLASSIFIER,
         "by one classifier"),
        ({"maximize": target()}, "assembly:Rods", CLASSIFIER, "trained in 2 dimensions; .*Rods' has 3"),
        ({"maximize": target()}, "argon", HERE, "'argon' returns no configurations that a classifier could judge"),
        ({"maximize": [target(), target()]}, None, "objective", "names a value twice"),
        ({"learn": target()}, None, "objective.learn", "allowed: the name of a value, or a list of names$"),
        ({"maximize": [["density"]]}, None, HERE, "or a phase such as"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_line(folder: Path, objective: Any, simulator: Any, place: str, message: str) -> None:
    found = problems_of(folder, objective, simulator or "assembly:Disks")
    about = [problem for problem in found if not problem.place.startswith("space")]  # argon has other parameters
    assert [problem.place for problem in about][:1] == [place]
    assert re.search(message, about[0].message)
    assert len(about) == (2 if objective == {"maximize": {}} else 1)


def test_nothing_heavy_is_imported(folder: Path) -> None:
    before = set(sys.modules)
    read(folder, {"maximize": target()})
    assert not {"torch", "ray"} & (set(sys.modules) - before)


@pytest.mark.ray
@pytest.mark.usefixtures("local_ray")
def test_resumed_from_elsewhere(folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: Any) -> None:
    (folder / "qc.yaml").write_text(json.dumps(data_of({"maximize": target()})))
    campaign = Campaign.from_yaml("campaigns/qc.yaml")
    assert campaign.launch().state == "finished"
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    again = Campaign.open(folder.parent / "runs/qc", own_code=True)
    assert again.spec.built.settings.classifier == folder.parent / "runs/hcss"
    assert again.resume(trials=5).state == "finished"
    assert sum("P_qc12" in trial.objective for trial in again.list_trials()) == 5
