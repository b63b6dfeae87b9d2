"""Files that a campaign is made of: noted with what is in them; and what becomes of it when they change or go."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_page import Page
from typer.testing import CliRunner

from softal.commands.pages import opened
from softal.errors import CampaignStateError
from softal.kinds.inputs import LOSSES, NEW, changed, digest, input_file, keep, noting
from softal.objective import match
from softal.orchestrator.campaign import Campaign, Silent
from softal.orchestrator.campaign_file.schema import load_campaign_file
from softal.orchestrator.changed_inputs import recompute
from softal.orchestrator.summary import find_best
from softal.orchestrator.workers.in_process import in_process
from softal.references import Reference, Target
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState
from softal.typer_cli import app

MODULE = """
import numpy as np

import curve_shapes
from softal.trial import Array


def curve(point):
    grid = np.linspace(0.0, 1.0, 21)
    return {"g": Array.of(curve_shapes.line(grid, point["slope"]), None, grid), "height": point["slope"]}
"""
SHAPES = "def line(x, slope):\n    return 1 + slope * x\n"
CAMPAIGN = """
simulator: changing_curve:curve
space: {slope: {low: 0, high: 2}}
objective: {match: {g: ../data/g.csv}}
strategy: sobol
surrogate: gp
budget: {trials: 6}
workers: {concurrent: 1}
tracking: {mlflow: "off"}
"""
MODULES = ("changing_curve", "curve_shapes")
GRID = np.linspace(0.0, 1.0, 21)


def reference(slope: float) -> str:
    return "\n".join(["r,g", *(f"{x},{1 + slope * x}" for x in GRID)]) + "\n"


def chi(trial_slope: float, slope: float) -> float:
    """Relative distance of two lines 1 + slope x."""
    return float(np.linalg.norm((trial_slope - slope) * GRID) / np.linalg.norm(1 + slope * GRID))


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


class Said(Silent):
    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a project, and a finished campaign of it in `runs`."""
    folder, path = tmp_path_factory.mktemp("project"), list(sys.path)
    files = {"changing_curve.py": MODULE, "curve_shapes.py": SHAPES, "unused.py": "", "mine.yaml": CAMPAIGN}
    written(folder, {f"files/{name}": text for name, text in files.items()} | {"data/g.csv": reference(1.0)})
    campaign = Campaign.from_yaml(folder / "files" / "mine.yaml", runs=folder / "runs")
    assert campaign.launch(executor=in_process).state == "finished"
    yield folder
    sys.path[:] = path
    forget()


def forget() -> None:
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def project(finished: Path) -> Iterator[Path]:
    """The same, as it was when the campaign had ended."""
    kept = finished.with_name(f"{finished.name}-kept")
    shutil.copytree(finished, kept, symlinks=True)
    yield finished
    shutil.rmtree(finished)
    kept.rename(finished)
    forget()


def losses(campaign: Campaign) -> dict[float, float]:
    return {trial.point["slope"]: trial.objective["mismatch"] for trial in campaign.list_trials()}


def test_the_journal_knows_what_a_campaign_is_made_of(finished: Path) -> None:
    with Journal.open(finished / "runs" / "mine") as journal:
        known = journal.info["inputs"]
    assert {name: said["for"] for name, said in known.items()} == {
        "changing_curve.py": NEW, "curve_shapes.py": NEW, "../data/g.csv": LOSSES,
    }  # fmt: skip
    assert known["curve_shapes.py"]["sha256"] == digest(finished / "files" / "curve_shapes.py")


@pytest.mark.long
@pytest.mark.learning
def test_a_changed_reference_stops_and_then_counts_for_all_trials(project: Path) -> None:
    folder = project / "runs" / "mine"
    before = losses(Campaign.open(folder))
    (project / "data" / "g.csv").write_text(reference(0.2))
    status = CliRunner().invoke(app, ["status", str(folder), "--json"])
    assert json.loads(status.stdout)["changed"] == ["../data/g.csv"]
    assert "../data/g.csv has changed since the launch" in Page(Campaign.open(folder).report()).text
    with pytest.raises(
        CampaignStateError, match=r"^\.\./data/g\.csv has changed since the launch; it counts: \.\./data"
    ):
        Campaign.open(folder).resume(trials=8, executor=in_process)
    same = Campaign.open(folder, own_code=True)  # such as for `softal add`: what it adds is comparable with the rest
    assert np.allclose(same.spec.objective.components[0].references[0].values, 1 + GRID)
    assert losses(same) == before

    said = Said()
    ending = Campaign.open(folder).resume(said, accept_changes=True, executor=in_process)
    assert (ending.state, said.messages) == ("finished", ["Losses computed anew: those of 6 trials."])
    after = Campaign.open(folder)
    found = losses(after)
    assert len(found) == 6
    assert all(loss == pytest.approx(chi(slope, 0.2)) for slope, loss in found.items())
    best = find_best(after)
    assert best is not None
    assert best.trial.objective["mismatch"] == min(found.values())
    assert after.surrogate.predict([{"slope": 0.2}])["mismatch"][0][0] < 0.1  # and not 0.5, as for slope 1
    assert after.status().changed == ()


def test_parts_of_a_match_are_computed_anew_and_values_of_the_simulator_stay(tmp_path: Path) -> None:
    curve = Array.of(1 + 0.5 * GRID, None, GRID)
    old, new = (
        match({"g": Reference("g", GRID, 1 + slope * GRID), "h": Target("h", slope, 1.0)}) for slope in (1, 0.2)
    )
    observation = Observation({"h": 0.5, "deviation_h": 7.0}, arrays={"g": curve})
    losses, errors = old.evaluate(observation)
    trial = Trial(0, {"x": 1}, state=TrialState.DONE, objective=losses, objective_errors=errors,
                  observation=old.with_parts(observation), started=1.0, finished=2.0)  # fmt: skip
    with Journal.create(tmp_path / "run", "", {"id": "a", "name": "a"}) as journal:
        journal.write([trial])
        assert recompute(journal, new, declared=["deviation_h"]) == 1
        [found] = journal.trials()
        arrays = journal.arrays(0)
    assert found.told == 1
    assert found.observation is not None
    assert found.observation.values == {"h": 0.5, "deviation_h": 7.0, "chi_g": pytest.approx(chi(0.5, 0.2))}
    assert found.objective == {"mismatch": pytest.approx(np.sqrt((chi(0.5, 0.2) ** 2 + 0.3**2) / 2))}
    assert np.array_equal(arrays["g"].values, curve.values)


def test_a_reference_that_the_simulator_reads_too_counts_for_losses(tmp_path: Path) -> None:
    with noting() as found:
        for role in (NEW, LOSSES, NEW):
            input_file(tmp_path / "g.csv", role)
    assert found == {tmp_path / "g.csv": LOSSES}


def test_copies_are_as_private_as_what_they_are_of(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    for text in ("1", "2"):
        secret.unlink(missing_ok=True)
        secret.write_text(text)
        secret.chmod(0o400)
        keep({secret: NEW}, tmp_path / "run")
        copy = tmp_path / "run" / "inputs" / secret.relative_to("/")
        assert (copy.read_text(), copy.stat().st_mode & 0o777) == (text, 0o400)


def test_a_file_that_is_written_again_as_it_was_has_not_changed(finished: Path) -> None:
    path = finished / "files" / "curve_shapes.py"
    before = path.stat().st_mtime_ns
    path.write_text(SHAPES)
    assert path.stat().st_mtime_ns != before
    assert Campaign.open(finished / "runs" / "mine").status().changed == ()


@pytest.mark.parametrize("damaged", [{"g.csv": 3}, {"g.csv": {}}, {"\0": {"sha256": 1}}, {"x" * 5000: {"sha256": 1}}])
def test_damaged_facts_about_files_stop_nothing(tmp_path: Path, damaged: dict[str, Any]) -> None:
    (tmp_path / "g.csv").write_text("")
    assert set(changed(damaged, tmp_path)) <= {"g.csv"}


def test_a_changed_module_is_named_with_what_follows(project: Path) -> None:
    folder = project / "runs" / "mine"
    (project / "files" / "curve_shapes.py").write_text(SHAPES + "# mended\n")
    result = CliRunner().invoke(app, ["resume", str(folder), "--trials", "7"])
    said = str(result.exception)
    assert said.startswith("curve_shapes.py has changed since the launch; it counts: curve_shapes.py for new trials.")
    assert said.endswith(f"softal resume {folder} --accept-changes runs new trials by what is there now.")


def test_a_reference_that_trials_cannot_be_compared_with_changes_nothing(project: Path) -> None:
    folder = project / "runs" / "mine"
    before = losses(Campaign.open(folder))
    (project / "data" / "g.csv").write_text("r,g\n0,1\n5,2\n9,3\n")
    with pytest.raises(
        CampaignStateError, match=r"trial 0 cannot be compared with what is there now: array 'g' reaches"
    ):
        Campaign.open(folder).resume(accept_changes=True, executor=in_process)
    assert losses(Campaign.open(folder)) == before


@pytest.mark.learning
def test_a_campaign_is_looked_at_when_its_files_have_gone_and_its_folder_has_moved(
    project: Path, tmp_path: Path
) -> None:
    before = find_best(Campaign.open(project / "runs" / "mine"))
    folder = tmp_path / "elsewhere" / "mine"
    shutil.copytree(project / "runs" / "mine", folder, symlinks=True)
    for gone in ("files", "data", "runs"):
        shutil.rmtree(project / gone)
    for command in ("status", "best", "trials", "report"):
        result = CliRunner().invoke(app, [command, str(folder)])
        assert result.exit_code == 0, result.output
    said: list[str] = []
    forget()
    assert opened(folder, said.append).spec.name == "mine"
    assert said[0].startswith("The page shows what was found, and simulates nothing: simulator: 'changing_curve:curve'")
    campaign = Campaign.open(folder)
    found = find_best(campaign)
    assert found is not None
    assert before is not None
    assert (found.trial.id, found.answer.value) == (before.trial.id, before.answer.value)
    assert campaign.surrogate.targets == ("mismatch",)
    assert [trial.state for trial in campaign.list_trials()] == [TrialState.DONE] * 6


@pytest.mark.parametrize(
    ("simulator", "files", "expected"),
    [
        (
            "{command: 'python sim.py {x}', templates: [deck.in], values: [f]}",
            {"sim.py": "import shape\nfrom parts import one\n", "shape.py": "", "deck.in": "a {{ x }}",
             "parts/__init__.py": "", "parts/one.py": "from . import two\n", "parts/two.py": ""},
            {"sim.py", "shape.py", "deck.in", "parts/__init__.py", "parts/one.py", "parts/two.py"},
        ),
        (
            "{kind: lammps, input: in.melt, values: [f], files: ['*.table']}",
            {"in.melt": "include more.in\nread_data start.data\nvariable y equal v_x\n", "more.in": "",
             "start.data": "", "pair.table": "", "other.txt": ""},
            {"in.melt", "more.in", "start.data", "pair.table"},
        ),
    ],
    ids=["command", "lammps"],
)  # fmt: skip
def test_programs_templates_and_scripts_are_noted(
    tmp_path: Path, simulator: str, files: dict[str, str], expected: set[str]
) -> None:
    rest = "space: {x: {low: 0, high: 1}}\nobjective: {minimize: f}\nbudget: {trials: 1}\n"
    text = f"simulator: {simulator}\n{rest}"
    written(tmp_path, {**files, "mine.yaml": text})
    found = load_campaign_file(tmp_path / "mine.yaml").inputs
    assert {path.relative_to(tmp_path).as_posix() for path in found} == expected
