"""The report's sections of a classifier of particles, from the table that a learner leaves."""

import json
from dataclasses import replace

import numpy as np
import pytest
import thermal_crystals
from report_page import Page, decoded, write_report

from softal.objective import learn
from softal.space import Space
from softal.surrogates import build_learner
from softal.surrogates.particle_phases.cards import TESTS, TITLES
from softal.tracking.journal import Journal

pytestmark = [
    pytest.mark.physics,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

SPACE = Space(thermal_crystals.SPACE)
GOAL = replace(learn("q_6"), words={"labels": thermal_crystals.WORDS})


def learner(**settings):
    return build_learner("particle_phases", SPACE, settings, GOAL)


@pytest.fixture(scope="module")
def trials():
    return thermal_crystals.crystals(24)


@pytest.fixture(scope="module")
def table(trials):
    made = learner(learned_from=[{"packing": 0.55}])
    made.fit(trials)
    return made.tables()["particle_phases"]


def page_of(folder, trials, table):
    bare = [replace(trial, observation=replace(trial.observation, arrays={})) for trial in trials]
    with Journal.create(folder, "name: spheres\n", {"id": "0" * 32, "created": 1.79e9, "name": "spheres"}) as journal:
        journal.write(bare)
    (folder / "learner" / "latest").mkdir(parents=True)
    (folder / "learner" / "latest" / "particle_phases.json").write_text(json.dumps(table))
    return Page(write_report(folder, space=SPACE, objective=GOAL, sources=[learner()]))


@pytest.fixture(scope="module")
def page(tmp_path_factory, trials, table):
    return page_of(tmp_path_factory.mktemp("report") / "c", trials, table)


def test_bars_are_the_accuracies_of_labels(page, table):
    drawn = page.panels[TITLES[0]][0]["data"]
    for bar, side in zip(drawn, ("same", "other"), strict=True):
        np.testing.assert_allclose(decoded(bar["y"]), table["tests"][side]["accuracy"])
        assert len(bar["x"]) == 5
    assert page.loads == []


def test_accuracies_of_runs_are_over_their_density(page, table):
    drawn = page.panels[TITLES[0]][1]["data"]
    for trace, side in zip(drawn, ("learned", *TESTS), strict=True):
        mine = [run for run in table["runs"] if run["side"] == side]
        np.testing.assert_allclose(decoded(trace["y"]), [part for run in mine for part in run["accuracy"].values()])


def test_confusions_are_counts(page, table):
    for drawn, side in zip(page.panels[TITLES[1]], TESTS, strict=True):
        counts = np.reshape(decoded(drawn["data"][0]["customdata"]), (5, 5))
        np.testing.assert_array_equal(counts, table["tests"][side]["confusion"])


def test_accuracies_stand_in_words_and_in_a_table(page, table):
    assert f"{table['tests']['same']['overall']:.2%} are told rightly" in page.text
    for word in thermal_crystals.WORDS:
        assert f"<td>{word}</td>" in page.text


def test_what_was_not_learned_or_not_tested_is_said(tmp_path, trials):
    made = learner()
    made.fit(trials[:1])
    page = page_of(tmp_path / "c", trials, made.tables()["particle_phases"])
    assert "Nothing has been learned yet: labels are told apart, 2 at least" in page.text
    made.fit(trials[:4])
    page = page_of(tmp_path / "d", trials, made.tables()["particle_phases"])
    assert "No run was held out, so that nothing is known of its accuracy" in page.text
