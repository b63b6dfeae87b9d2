"""The report's sections of a learned potential, from the table that a learner leaves."""

import json
from dataclasses import replace

import numpy as np
import pytest
import soft_shells
from report_page import Page, decoded, write_report

from softal.numeric import NORMAL_95
from softal.objective import learn
from softal.space import Space
from softal.surrogates import build_learner
from softal.tracking.journal import Journal

pytestmark = [
    pytest.mark.physics,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

SPACE, GOAL = Space(soft_shells.SPACE), learn("energy")
TITLES = ("The learned potential", "How many symmetry functions are enough", "The chosen symmetry functions")


def learner(**settings):
    return build_learner("symmetry_potential", SPACE, settings, GOAL)


@pytest.fixture(scope="module")
def trials():
    return soft_shells.crystals(10)


@pytest.fixture(scope="module")
def table(trials):
    made = learner(functions=6)
    made.fit(trials)
    return made.tables()["symmetry_potential"]


def page_of(folder, trials, table):
    bare = [replace(trial, observation=replace(trial.observation, arrays={})) for trial in trials]
    with Journal.create(folder, "name: shells\n", {"id": "0" * 32, "created": 1.79e9, "name": "shells"}) as journal:
        journal.write(bare)
    (folder / "learner" / "latest").mkdir(parents=True)
    (folder / "learner" / "latest" / "symmetry_potential.json").write_text(json.dumps(table))
    return Page(write_report(folder, space=SPACE, objective=GOAL, sources=[learner()]))


@pytest.fixture(scope="module")
def page(tmp_path_factory, trials, table):
    return page_of(tmp_path_factory.mktemp("report") / "c", trials, table)


def test_the_curve_shows_both_sides_the_knees_and_what_is_used(page, table):
    drawn = page.panels[TITLES[1]][0]
    for trace, name in zip(drawn["data"], ("rmse", "rmse_held_out"), strict=True):
        np.testing.assert_allclose(decoded(trace["y"]), table["curve"][name])
        assert [i + 1 for i, symbol in enumerate(trace["marker"]["symbol"]) if symbol == "star"] == [6]
    assert [shape["x0"] for shape in drawn["layout"]["shapes"]] == table["knees"]
    first, second = table["knees"]
    assert f"The knees (dashed) are after {first} and after {second}" in page.text


def test_energies_of_held_out_runs_are_beside_their_predictions(page, table):
    dots = page.panels[TITLES[0]][0]["data"][1]
    np.testing.assert_allclose(decoded(dots["x"]), table["parity"]["energy"])
    np.testing.assert_allclose(decoded(dots["y"]), table["parity"]["predicted"])
    assert set(table["parity"]["trial"]) == set(table["held_out"])
    [wrong] = page.panels[TITLES[0]][1]["data"]
    np.testing.assert_allclose(
        decoded(wrong["y"]), np.subtract(table["parity"]["predicted"], table["parity"]["energy"])
    )
    np.testing.assert_allclose(decoded(wrong["error_y"]["array"]), NORMAL_95 * np.array(table["parity"]["sd"]))
    assert page.loads == []


def test_errors_are_shown_by_density(page, table):
    learned, held = page.panels[TITLES[0]][2]["data"]
    assert (len(decoded(learned["x"])), len(decoded(held["x"]))) == (8, 2)
    wrong = {run["trial"]: run["rmse"] for run in table["runs"]}
    np.testing.assert_allclose(decoded(held["y"]), [wrong[trial] for trial in table["held_out"]])


def test_the_functions_stand_in_a_table(page, table):
    for one in table["chosen"]:
        assert f"{one['coefficient']:.4g}" in page.text
    assert page.text.count("<td>radial</td>") + page.text.count("<td>angular</td>") == 6


def test_what_was_not_learned_is_said(tmp_path, trials):
    made = learner()
    made.fit(trials[:2])
    page = page_of(tmp_path / "c", trials, made.tables()["symmetry_potential"])
    assert "Nothing has been learned yet: a potential is learned from runs at 3 points at least" in page.text
