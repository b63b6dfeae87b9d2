"""The examples of campaigns/your_own/ and of docs/simulators.md, as a user would have them: each is read and run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report_page import Page, write_report

from softal.cards import Card, View, theme
from softal.errors import SimulationError
from softal.orchestrator.campaign_file.schema import load_campaign_file
from softal.simulators import build
from softal.simulators.base import Context, validate_observation
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/simulators.md").read_text()
# A block whose first line, or second after `#!`, is a comment with a file's name.
BLOCK = re.compile(r"^```\w*\n((?:#![^\n]*\n)?# (\S+\.\w+)\n.*?)^```$", re.MULTILINE | re.DOTALL)
DOCUMENTED = {match[2]: match[1] for match in BLOCK.finditer(PAGE)}


class Broken:
    """Who cannot draw its cards."""

    def cards(self, view: View) -> list[Card]:
        return [1 // 0]

    def examples(self, view: View) -> None:
        raise AssertionError


SOURCES = [Broken()]


def run(campaign: Path, workdir: Path, **point: float) -> Observation:
    """Evaluate a point of a campaign file with its simulator, and its objective."""
    spec = load_campaign_file(campaign)
    simulator = spec.built
    assert simulator.check() == []
    workdir.mkdir()
    observation = simulator.run(spec.space.complete(dict(point)), Context(workdir, seed=3))
    spec.objective.evaluate(validate_observation(observation, simulator.outputs))
    return observation


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the page."""
    folder = tmp_path_factory.mktemp("docs")
    for name, text in DOCUMENTED.items():
        (folder / name).write_text(text)
        if text.startswith("#!"):
            (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize("campaign", ["campaigns/your_own/command.yaml", "trap.yaml"])
def test_the_trap(campaign: str, folder: Path, tmp_path: Path) -> None:
    path = ROOT / campaign if "/" in campaign else folder / campaign
    observation = run(path, tmp_path / "work", stiffness=2.0)
    assert abs(observation.values["x2"] - 0.5) < 4.5 * observation.errors["x2"]
    assert abs(observation.values["cost"] - 1) < 4.5 * observation.errors["cost"]
    assert 0.001 < observation.errors["cost"] < 0.05


@pytest.mark.parametrize("campaign", ["campaigns/your_own/function.yaml", "boyle.yaml"])
def test_boyle_s_temperature(campaign: str, folder: Path, tmp_path: Path) -> None:
    path = ROOT / campaign if "/" in campaign else folder / campaign
    assert run(path, tmp_path / "a", temperature=3.4179).values["b2"] == pytest.approx(0, abs=1e-3)
    assert run(path, tmp_path / "b", temperature=1.0).values["b2"] == pytest.approx(-5.316, abs=0.01)


def test_a_target_of_its_own(folder: Path, tmp_path: Path) -> None:
    spec = load_campaign_file(folder / "far.yaml")
    assert spec.objective.names == ("far",)
    assert spec.built.settings.beyond == 20
    assert run(folder / "far.yaml", tmp_path / "a", bias=0.5).values["far"] > 0.9
    assert run(folder / "far.yaml", tmp_path / "b", bias=-0.5).values["far"] == 0


def test_a_card_of_its_own(folder: Path, tmp_path: Path) -> None:
    found = run(folder / "steps.yaml", tmp_path / "a", bias=0.5)
    spec = load_campaign_file(folder / "steps.yaml")
    values, errors = spec.objective.evaluate(found)
    trial = Trial(0, {"bias": 0.5}, state=TrialState.DONE, observation=found, objective=values, objective_errors=errors)
    with Journal.create(tmp_path / "c", "", {"id": "0" * 32, "created": 0.0, "name": "steps"}) as journal:
        journal.write([trial])
    page = Page(
        write_report(tmp_path / "c", space=spec.space, objective=spec.objective, sources=[*SOURCES, spec.built])
    )
    assert page.panels["Path"][0]["data"][0]["line"]["color"] == theme.ACCENT
    assert "Observed" in page.headings  # the card does not claim the array
    assert "They could not be drawn: ZeroDivisionError: integer division or modulo by zero" in page.text


def test_many_virial_coefficients_at_once(folder: Path, tmp_path: Path) -> None:
    alone = run(folder / "boyles.yaml", tmp_path / "work", temperature=3.4179, n=12.0)
    assert alone.values["b2"] == pytest.approx(0, abs=0.02)
    simulator = load_campaign_file(folder / "boyles.yaml").built
    assert simulator.batch == 64
    points = [{"temperature": 1.0, "n": 12.0}, {"temperature": 3.4179, "n": 12.0}, {"temperature": 2.0, "n": 20.0}]
    together = simulator.run_batch(points, [Context(tmp_path, seed=i) for i in range(3)])
    assert [type(one) for one in together] == [Observation] * 3
    assert together[0].values["b2"] == pytest.approx(-5.316, abs=0.02)
    assert together[1].values["b2"] == pytest.approx(alone.values["b2"], rel=1e-9)
    assert together[2].arrays["mayer"].values.shape == together[2].arrays["mayer"].grid.shape == (5000,)


def test_many_walks_at_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(folder))
    simulator = build("walks:Walks")
    points = [{"bias": 0.3}, {"bias": 2.0}, {"bias": 0.3}]
    first, refused, second = simulator.run_batch(points, [Context(tmp_path, seed=i) for i in (3, 4, 5)])
    assert str(refused) == "the bias must lie within -1 and 1"
    assert first.values["distance"] != second.values["distance"]
    assert first.values["distance"] == simulator.run({"bias": 0.3}, Context(tmp_path, seed=3)).values["distance"]
    with pytest.raises(SimulationError, match="the bias must lie"):
        simulator.run({"bias": 2.0}, Context(tmp_path, seed=4))


def test_templates_and_files(folder: Path, tmp_path: Path) -> None:
    observation = run(folder / "melt.yaml", tmp_path / "work", epsilon=1.25)
    assert observation.values == {"pressure": 1.75}
    assert observation.errors == {"pressure": 0.1}
    assert observation.arrays["g_r"].errors is not None
    assert "run.log" in observation.artifacts
    assert "pair_coeff 1 1 1.2500 1.0" in (tmp_path / "work/deck.in").read_text()


def test_a_class(folder: Path, tmp_path: Path) -> None:
    observation = run(folder / "walk.yaml", tmp_path / "work", bias=0.3)
    assert abs(observation.values["distance"] - 0.3) < 4.5 * observation.errors["distance"]


def test_every_campaign_of_the_page_is_tried() -> None:
    assert {name for name in DOCUMENTED if name.endswith(".yaml")} == {
        "trap.yaml",
        "melt.yaml",
        "boyle.yaml",
        "boyles.yaml",
        "walk.yaml",
        "far.yaml",
        "steps.yaml",
    }
