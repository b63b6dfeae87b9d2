"""A campaign's own modules: whoever looks at the campaign imports none, and they stand in no library's place."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import Page

from softal.errors import CampaignFileError, CampaignStateError
from softal.orchestrator.campaign import Campaign, Silent
from softal.orchestrator.cluster import private
from softal.orchestrator.predictions import predict_points
from softal.orchestrator.summary import find_best
from softal.orchestrator.workers.in_process import in_process
from softal.orchestrator.workers.job import Job, Task
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.outputs import Flaws, Known, Outputs
from softal.terminal.listening import listening
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

OWN = """
from softal.cards import Card
from softal.simulators import Meaning, Outputs, Simulator
from softal.strategies.random import Random
from softal.surrogates.gaussian_processes.gp import GaussianProcess
from softal.trial import Observation

import beside_own  # a module of the author's own that is not named


class Own(Simulator):
    parameters = {"x": ""}
    outputs = Outputs(frozenset({"energy", "charge"}), ranges={"energy": (0.0, float("inf"))})

    @classmethod
    def target(cls, entry, context):
        return Meaning(entry["of"])

    def cards(self, view):
        return [Card("Of my own", "Drawn by the author.")]

    def run(self, point, context):
        return Observation({"energy": (point["x"] - 0.3) ** 2 + beside_own.ZERO, "charge": 1.0})


class OwnRandom(Random):
    pass


class OwnProcess(GaussianProcess):
    kind = "own_code:OwnProcess"
"""
CAMPAIGN = """
simulator: own_code:Own
space: {x: {low: 0, high: 1}}
objective: {minimize: {of: energy}}
strategy: {kind: mixture, strategies: [own_code:OwnRandom, sobol]}
surrogate: SURROGATE
budget: {trials: 8}
workers: {concurrent: 1}
tracking: {mlflow: "off"}
"""


def write(folder: Path, surrogate: str) -> Path:
    (folder / "own_code.py").write_text(OWN)
    (folder / "beside_own.py").write_text("ZERO = 0.0\n")
    (folder / f"{surrogate[:3]}.yaml").write_text(CAMPAIGN.replace("SURROGATE", surrogate))
    return folder / f"{surrogate[:3]}.yaml"


def forget() -> None:
    for name in ("own_code", "beside_own"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Folders of a campaign with the author's own simulator, and of one with a surrogate of the author's, too."""
    folder, path = tmp_path_factory.mktemp("own"), list(sys.path)
    found = {}
    for name in ("gp", "own_code:OwnProcess"):
        campaign = Campaign.from_yaml(write(folder, name), runs=folder / "runs")
        assert campaign.launch(executor=in_process).state == "finished"
        found[name] = campaign.folder
    yield found
    sys.path[:] = path
    forget()


@pytest.fixture(autouse=True)
def nothing_is_imported(launched: dict[str, Path]) -> None:
    forget()


def imported() -> bool:
    return "own_code" in sys.modules


@pytest.mark.learning
def test_looking_imports_nothing(launched: dict[str, Path]) -> None:
    campaign = Campaign.open(launched["gp"])
    status, best = campaign.status(), find_best(campaign)
    assert (status.done, len(campaign.list_trials()), len(campaign.trials)) == (8, 8, 8)
    assert best is not None
    assert best.trial.point["x"] == pytest.approx(0.3, abs=0.2)
    assert campaign.spec.objective.names == ("energy",)  # as the author's class said when it was launched
    assert campaign.spec.built.outputs is not None
    assert campaign.spec.built.outputs.ranges == {"energy": (0.0, np.inf)}
    [row] = predict_points(campaign, [{"x": 0.9}])
    assert row["prediction"]["energy"]["mean"] == pytest.approx(0.36, abs=0.1)
    page = Page(campaign.report())
    assert not imported()
    assert "Cards of own_code:Own" in page.headings
    assert "softal report DIR --own-code" in page.text
    assert "Of my own" not in page.headings


def test_own_code_is_run_where_it_is_asked_for(launched: dict[str, Path]) -> None:
    page = Page(Campaign.open(launched["gp"], own_code=True).report())
    assert imported()
    assert "Of my own" in page.headings


def test_what_runs_imports_it(launched: dict[str, Path], tmp_path: Path) -> None:
    campaign = Campaign.open(shutil.copytree(launched["gp"], tmp_path / "copy"))
    assert campaign.resume(trials=9, executor=in_process).state == "finished"
    assert imported()
    assert campaign.status().done == 9


def test_a_surrogate_of_ones_own_is_loaded_where_that_is_said(launched: dict[str, Path]) -> None:
    campaign = Campaign.open(launched["own_code:OwnProcess"])
    with pytest.raises(CampaignStateError, match=r"'own_code:OwnProcess', is code of the .*--own-code"):
        predict_points(campaign, [{"x": 0.9}])
    assert campaign.latest_surrogate is None
    assert find_best(campaign) is not None  # as it was noted when the campaign ended
    assert campaign.report().exists()
    assert not imported()
    trusted = Campaign.open(campaign.folder, own_code=True)
    assert type(trusted.surrogate).__name__ == "OwnProcess"


def test_a_journal_that_lacks_what_was_declared(launched: dict[str, Path], tmp_path: Path) -> None:
    for name, text in (("mapping", None), ("name", "energy")):
        with Journal.open(launched["gp"]) as journal:
            info = journal.info
        plain = info.pop("text").replace("{of: energy}", text or "{of: energy}")
        Journal.create(tmp_path / name, plain, {key: one for key, one in info.items() if key != "declared"}).close()
    assert Campaign.open(tmp_path / "name").status().done == 0
    with pytest.raises(CampaignFileError, match=r"minimize: what this means only the simulator 'own_code:Own' says"):
        Campaign.open(tmp_path / "mapping")
    assert not imported()
    assert Campaign.open(tmp_path / "mapping", own_code=True).status().done == 0


@pytest.mark.parametrize("damage", [3, {}, {"outputs": {"values": 1}, "targets": {}, "drawn": []}])
def test_damaged_declarations_are_one_line(launched: dict[str, Path], tmp_path: Path, damage: Any) -> None:
    from softal.errors import JournalError

    with Journal.open(launched["gp"]) as journal:
        info = journal.info
    Journal.create(tmp_path / "run", info.pop("text"), info).close()
    with closing(sqlite3.connect(tmp_path / "run" / "journal.sqlite")) as database, database:
        database.execute("UPDATE info SET value = ? WHERE key = 'declared'", (json.dumps(damage),))
    with pytest.raises(JournalError, match="is damaged: what the simulator declares"):
        Campaign.open(tmp_path / "run")


def test_declared_outputs_come_back_as_they_were() -> None:
    outputs = Outputs(
        values=frozenset({"a", "m"}), arrays=frozenset({"g"}), grid_units={"g": "nm"}, log_axes={"g": "both"},
        known={"g": Known(positive=True, integral="2*x", defaults={"x": 1.0})}, value_units={"a": "K"},
        ranges={"a": (-np.inf, 3)}, marks=frozenset({"m"}), flaws=Flaws({"m": 1}, frozenset({"m"})),
        words={"l": ("fluid", "fcc")},
    )  # fmt: skip
    assert Outputs.from_json(json.loads(json.dumps(outputs.to_json()))) == outputs
    assert Outputs.from_json(Outputs().to_json()) == Outputs()


# Names of libraries.

SIMULATION = """
import scipy, statistics, wcwidth_of_mine

def simulate(x):
    import os, scipy.special
    if "PYTHONSAFEPATH" in os.environ:
        raise RuntimeError("programs of a simulation's would not find what lies beside them")
    return {"f": float(scipy.special.erf(x)) + statistics.fmean([0.0]) + wcwidth_of_mine.ZERO}
"""


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with modules that are called like libraries, in which softal runs."""
    for name in ("scipy", "random", "statistics", "mlflow"):
        (tmp_path / f"{name}.py").write_text(f"raise RuntimeError('{name}.py beside the campaign file')\n")
    (tmp_path / "wcwidth_of_mine.py").write_text("ZERO = 0.0\n")
    (tmp_path / "with_namesakes.py").write_text(SIMULATION)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


DATA = {
    "space": {"x": {"low": 0, "high": 1}}, "objective": {"minimize": "f"}, "strategy": "random", "surrogate": "none",
    "budget": {"trials": 2}, "workers": {"concurrent": 1}, "tracking": {"mlflow": "off"},
}  # fmt: skip


def test_the_folder_stands_last(beside: Path) -> None:
    campaign = Campaign(simulator="with_namesakes:simulate", folder=beside, runs=beside / "runs", **DATA)
    libraries = [place for place, entry in enumerate(sys.path) if entry.endswith("site-packages")]
    assert sys.path.index(str(beside)) > max(libraries)
    job = campaign.job("id", beside)
    function = sys.modules["with_namesakes"].simulate
    for simulator in (job.simulator, function):  # by its name, and as a pickled function
        sandbox = Sandbox(job, pack(Job("id", beside, beside, simulator, None), beside))
        outcome = sandbox.evaluate(Task(0, {"x": 0.0}, 0, 1.0))
        sandbox.discard()
        assert (outcome.state, outcome.reason) == (TrialState.DONE, None)


class Looking(Silent):
    """Looks at the campaign's Ray when a trial is done."""

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        import ray

        self.session = Path(ray._private.worker._global_node.get_session_dir_path())
        self.ports = listening()


@pytest.mark.long
@pytest.mark.ray
@pytest.mark.usefixtures("no_ray")
def test_a_ray_of_ones_own(beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its workers get the folder where softal runs, and no namesakes; its sessions are private, its ports are seen."""
    monkeypatch.delenv(private.OWN_FOLDER, raising=False)
    looking = Looking()
    campaign = Campaign(simulator="with_namesakes:simulate", folder=beside, runs=beside / "runs", **DATA)
    pages: list[str | None] = []
    assert campaign.launch(looking, announce=lambda page, slots: pages.append(page)).state == "finished"
    assert pages[0] is not None, "Ray's dashboard has imported the `random.py` of the folder"
    assert [trial.state for trial in campaign.list_trials()] == [TrialState.DONE] * 2
    assert looking.session.parent.parent == private.folder()
    assert looking.session.parent.parent.stat().st_mode & private.OTHERS == 0
    token = private.token_path()
    assert token is None or token.stat().st_mode & private.OTHERS == 0
    assert {"GCS", "raylet", "workers", "metrics agent"} <= {one.part for one in looking.ports if one.open}


@pytest.mark.parametrize("name", ["random", "scipy", "softal"])
def test_a_module_of_ones_own_is_not_called_like_a_library(beside: Path, name: str) -> None:
    (beside / f"{name}.py").write_text("def simulate(x):\n    return {'f': x}\n")
    with pytest.raises(CampaignFileError, match=f"{name}.py has the name of a library, `{name}`.*another name"):
        Campaign(simulator=f"{name}:simulate", folder=beside, runs=beside / "runs", **DATA)


def test_the_named_module_comes_from_the_folder(beside: Path) -> None:
    """Of two campaigns in one process, and before whatever else stands in sys.path."""
    for folder, value in (("one", 1.0), ("two", 2.0), ("one", 1.0)):
        (beside / folder).mkdir(exist_ok=True)
        (beside / folder / "twice.py").write_text(f"def simulate(x):\n    return {{'f': {value}}}\n")
        spec = Campaign(simulator="twice:simulate", folder=beside / folder, runs=beside, **DATA).spec
        assert spec.simulator.found.function(0.0) == {"f": value}  # type: ignore[attr-defined]
