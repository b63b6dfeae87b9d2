"""The report's sections of environments, from the table that a learner leaves."""

import json
from dataclasses import replace

import numpy as np
import packings
import pytest
from report_page import Page, decoded, write_report

from softal.objective import learn
from softal.space import Space
from softal.surrogates import build_learner
from softal.surrogates.environments.cards import TITLES
from softal.tracking.journal import Journal

pytestmark = [
    pytest.mark.learning,
    pytest.mark.physics,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

SPACE, GOAL = Space(packings.SPACE), learn("density")
BRIEF = {"steps": 100, "bottlenecks": 4, "most_components": 4, "restarts": 1, "refits": 1}


def learner(**settings):
    return build_learner("environments", SPACE, BRIEF | settings, GOAL)


@pytest.fixture(scope="module")
def trials():
    return packings.small(6)


@pytest.fixture(scope="module")
def table(trials):
    made = learner()
    made.fit(trials)
    return made.tables()["environments"]


def page_of(folder, trials, table):
    bare = [replace(trial, observation=replace(trial.observation, arrays={})) for trial in trials]
    with Journal.create(folder, "name: packings\n", {"id": "0" * 32, "created": 1.79e9, "name": "packings"}) as journal:
        journal.write(bare)
    (folder / "learner" / "latest").mkdir(parents=True)
    (folder / "learner" / "latest" / "environments.json").write_text(json.dumps(table))
    return Page(write_report(folder, space=SPACE, objective=GOAL, sources=[learner()]))


@pytest.fixture(scope="module")
def page(tmp_path_factory, trials, table):
    return page_of(tmp_path_factory.mktemp("report") / "c", trials, table)


def test_particles_are_in_the_plane_by_cluster(page, table):
    plane, importance = page.panels[TITLES[0]]
    shown = table["map"]
    assert len(plane["data"]) == table["clusters"]
    for i, trace in enumerate(plane["data"]):
        np.testing.assert_allclose(decoded(trace["x"]), np.array(shown["first"])[np.array(shown["cluster"]) == i])
    assert [trace["name"] for trace in importance["data"]] == ["noise 10 %", "noise 50 %", "mean"]
    for trace, parts in zip(importance["data"], table["importance"].values(), strict=True):
        np.testing.assert_allclose(decoded(trace["y"]), parts)
        assert sum(parts) == pytest.approx(1, abs=1e-3)
    assert page.loads == []


def test_what_the_numbers_were_chosen_by_is_shown(page, table):
    explained, bic, entropy = (one["data"][0] for one in page.panels[TITLES[1]])
    for trace, x, used in (
        (explained, [1, 2, 3, 4], table["bottleneck"]),
        (bic, table["tried"], table["components"]),
        (entropy, list(range(1, table["components"] + 1)), table["clusters"]),
    ):
        assert list(decoded(trace["x"])) == x
        assert [i for i, symbol in zip(x, trace["marker"]["symbol"], strict=True) if symbol == "star"] == [used]
    np.testing.assert_allclose(decoded(entropy["y"]), table["entropies"])
    assert min(decoded(bic["y"])) == 0


def test_fractions_and_novelty_are_shown_by_trial(page, table):
    fractions, novelty = page.panels[TITLES[2]]
    found = np.array([decoded(trace["y"]) for trace in fractions["data"]])
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(decoded(novelty["data"][0]["y"]), [run["novelty"] for run in table["runs"]])


def test_centres_stand_in_a_table_and_the_agreement_in_the_text(page, table):
    assert f"{table['centres'][0][5]:.3g}" in page.text
    assert "Fits by 1 other seed agree by an adjusted Rand index of" in page.text


def test_what_was_not_learned_is_said(tmp_path, trials):
    made = learner(environments=10)
    made.fit(trials[:2])
    page = page_of(tmp_path / "c", trials, made.tables()["environments"])
    assert "Nothing has been learned yet: clusters are made of 100 particles at least; there are 16" in page.text
