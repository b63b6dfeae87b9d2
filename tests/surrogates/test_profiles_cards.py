"""The report's section of profiles, from the table that a learner leaves."""

import json
import re
from dataclasses import replace

import numpy as np
import planes
import pytest
from report_page import Page, decoded, write_report

from softal import surrogates
from softal.numeric import NORMAL_95
from softal.objective import learn
from softal.space import Space
from softal.tracking.journal import Journal

pytestmark = [
    pytest.mark.learning,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

SPACE = Space(planes.SPACE)
GOAL = replace(learn("mid"), known=planes.KNOWN)


def learner(**settings):
    return surrogates.build_learner("profiles", SPACE, {"network": "gaussian_process", **settings}, GOAL)


@pytest.fixture(scope="module")
def table():
    learned = learner()
    learned.fit(planes.slits(15))
    return learned.tables()["profiles"]


def page_of(folder, table):
    trials = [replace(trial, objective={"mid": 1.0}) for trial in planes.slits(15)]
    with Journal.create(folder, "name: slits\n", {"id": "0" * 32, "created": 1.79e9, "name": "slits"}) as journal:
        journal.write(trials)
    (folder / "learner" / "latest").mkdir(parents=True)
    (folder / "learner" / "latest" / "profiles.json").write_text(json.dumps(table))
    return Page(write_report(folder, space=SPACE, objective=GOAL, sources=[learner()]))


@pytest.fixture(scope="module")
def page(tmp_path_factory, table):
    return page_of(tmp_path_factory.mktemp("report") / "c", table)


def test_each_array_is_drawn_with_what_was_predicted_of_it(page, table):
    labels = re.findall(r'aria-label="(Profiles: [^"]*)"', page.text)
    assert labels == ["Profiles: negative", "Profiles: positive", "Profiles: calibration"]
    drawn = page.panels["Profiles"][1]["data"]
    system = table["arrays"]["positive"]["systems"][0]
    assert len(drawn) == 4 * 6
    dots, _, upper, line = drawn[:4]
    np.testing.assert_allclose(decoded(dots["y"]), system["values"])
    np.testing.assert_allclose(decoded(dots["error_y"]["array"]), system["errors"])
    np.testing.assert_allclose(decoded(line["y"]), system["mean"])
    np.testing.assert_allclose(decoded(upper["y"]), np.add(system["mean"], NORMAL_95 * np.array(system["std"])))
    assert page.loads == []


def test_the_papers_rate_never_stands_alone(page, table):
    found = table["arrays"]["positive"]
    wanted = (f"{found['success']:.1%} lie within the simulation", "RMSE", "at a mean error of", "in the 95 % band")
    for text in wanted:
        assert text in page.text
    for name in ("success", "coverage"):
        assert f"{found[name]:.1%}" in page.cells
    assert {"contact", "mid", "peak"} <= set(page.cells)


def test_nothing_learned_is_said(tmp_path):
    learned = learner()
    learned.fit(planes.slits(3))
    page = page_of(tmp_path / "c", learned.tables()["profiles"])
    assert (
        "Nothing has been learned yet: profiles are learned from 6 different points at least; there are 3" in page.text
    )
