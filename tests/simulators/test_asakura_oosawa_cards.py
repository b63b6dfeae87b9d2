"""The report's sections of colloids in ideal polymer, from journals as their campaigns leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_page import Page, decoded, write_report

from softal.objective import learn
from softal.simulators import build
from softal.simulators.asakura_oosawa import cards
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import Array, Observation, Trial, TrialState

SPACE = Space({"eta_p": {"low": 0.4, "high": 0.8}})
STATES = {0.6: (0.017, 0.433), 0.5: (0.22, 0.22), 0.55: (0.039, 0.364)}


def coexisting(number: int, eta_p: float, gas: float, liquid: float) -> Trial:
    values = {"gas": gas, "liquid": liquid, "difference": liquid - gas, "drift": 1.0}
    seen = Observation(values, {"gas": 0.001, "liquid": 0.004, "difference": 0.005})
    return Trial(number, {"eta_p": eta_p}, state=TrialState.DONE, observation=seen, objective=values, host="a")


def written(folder: Path, trials: list[Trial], kind: str, objective: list[str]) -> Page:
    with Journal.create(folder, "name: i\n", {"id": "0" * 32, "created": 1.79e9, "name": "i"}) as journal:
        journal.write(trials)
    return Page(write_report(folder, space=SPACE, objective=learn(*objective), sources=[build(kind, {})]))


def test_the_binodal_goes_by_eta_p_and_marks_one_phase(tmp_path: Path) -> None:
    trials = [coexisting(i, eta_p, *phases) for i, (eta_p, phases) in enumerate(STATES.items())]
    page = written(tmp_path / "c", trials, "asakura_oosawa_coexistence", ["gas", "liquid"])
    gas, liquid = page.panels["Gas and liquid"][0]["data"]
    assert list(decoded(gas["y"])) == [0.5, 0.55, 0.6]
    assert list(decoded(gas["x"])) == [0.22, 0.039, 0.017]
    assert list(decoded(liquid["x"])) == [0.22, 0.364, 0.433]
    assert gas["marker"]["symbol"] == ["circle-open", "circle", "circle"]
    assert list(decoded(liquid["error_x"]["array"])) == [0.004] * 3


def test_one_state_is_no_binodal(tmp_path: Path) -> None:
    page = written(tmp_path / "c", [coexisting(0, 0.6, 0.02, 0.4)], "asakura_oosawa_coexistence", ["gas", "liquid"])
    assert "Gas and liquid" not in page.headings


def test_a_cut_shows_layers_around_cores(tmp_path: Path) -> None:
    x = np.array([[[2.0, 2.0, 2.0], [0.1, 3.0, 2.6]]])
    arrays = {"configurations": Array.of(x, unit="sigma"), "boxes": Array.of(np.full((1, 3), 4.0), unit="sigma")}
    seen = Observation({"many_body": 0.1}, {}, arrays)
    trial = Trial(0, {"eta_p": 0.5}, state=TrialState.DONE, observation=seen, objective={"many_body": 0.1}, host="a")
    page = written(tmp_path / "c", [trial], "asakura_oosawa", ["many_body"])
    layers, cores = page.panels["Depletion layers"][0]["data"]
    assert np.isnan(np.array(decoded(layers["x"]), float)).sum() == 3
    assert np.isnan(np.array(decoded(cores["x"]), float)).sum() == 1
    assert "Configurations" in page.headings
    assert len(page.pictures) == 1


def test_circles_are_what_a_plane_cuts_of_spheres_and_their_images() -> None:
    box = np.array([4.0, 5.0, 6.0])
    found = cards.circles(np.array([[0.1, 2.0, 3.3], [2.0, 2.0, 3.6]]), box, 0.5)
    assert sorted(np.round(found.mean(axis=1)[:, 0], 1)) == pytest.approx([0.1, 4.1], abs=0.11)
    middle = np.array([[0.1, 2.0], [4.1, 2.0]])[np.argsort(found[:, 0, 0])]
    assert np.linalg.norm(found - middle[:, None], axis=2) == pytest.approx(np.full(found.shape[:2], 0.4))
