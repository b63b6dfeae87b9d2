"""Campaigns side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from report_page import Page
from typer.testing import CliRunner

from softal.errors import CampaignStateError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.comparison import compare
from softal.orchestrator.workers.in_process import in_process
from softal.typer_cli import app

Make = Callable[..., Campaign]
SPACE = {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}}


def falls(point: dict[str, float]) -> dict[str, float]:
    if point["x"] > 0.95:
        raise ValueError("too hot")
    return {"f": point["x"] + point["y"], "g": 1.0}


@pytest.fixture(scope="module")
def runs(make_shared_campaign: Make) -> list[Campaign]:
    """A campaign of eight trials on a grid, one of six random ones, and one that begins with those."""
    made = [
        make_shared_campaign(
            name="grid", simulator=falls, strategy="grid", space={"x": {"choices": [0.9, 0.7, 0.5, 0.99]}, "y": 0.25},
            budget={"trials": 4},
        ),
        make_shared_campaign(name="drawn", simulator=falls, budget={"trials": 6}, seed=3),
    ]  # fmt: skip
    for campaign in made:
        campaign.launch(executor=in_process)
    later = make_shared_campaign(
        name="later", simulator=falls, seed=4, budget={"trials": 3}, start_from=[str(made[1].folder)]
    )
    later.launch(executor=in_process)
    return [*made, later]


def test_best_so_far_of_what_each_has_run(runs: list[Campaign]) -> None:
    found = compare(runs)
    grid, drawn, later = found.courses
    assert sorted(grid.best, reverse=True) == list(grid.best)
    assert (grid.done, grid.failed, grid.given, len(grid.best)) == (3, 1, 0, 4)
    assert grid.best[-1] == pytest.approx(0.75)
    assert (later.done + later.failed, later.given) == (3, drawn.done)
    assert later.best[0] <= drawn.best[-1], "what it was given stands before its first trial"
    assert found.common == max(course.best[-1] for course in found.courses)
    for course in found.courses:
        reached = course.reaches(found.common, found.sign)
        assert course.best[reached - 1] <= found.common
        assert reached == 1 or not course.best[reached - 2] <= found.common
    assert grid.reaches(0.0, 1.0) is None


def test_what_is_maximised(make_campaign: Make) -> None:
    made = [
        make_campaign(name=name, simulator=falls, objective={"maximize": "f"}, seed=seed)
        for name, seed in (("one", 1), ("two", 2))
    ]
    for campaign in made:
        campaign.launch(executor=in_process)
    found = compare(made)
    for campaign, course in zip(made, found.courses, strict=True):
        values = [trial.objective["f"] for trial in campaign.list_trials() if trial.objective]
        assert course.best[-1] == max(values)
        assert (np.diff(course.best[np.isfinite(course.best)]) >= 0).all()
    assert found.common == min(course.best[-1] for course in found.courses)


def test_they_differ_in_what_their_files_say(runs: list[Campaign]) -> None:
    differences = compare(runs[1:]).differences
    assert differences == {
        "strategy": ["random", "random"], "budget.trials": ["6", "3"], "seed": ["3", "4"],
        "start_from": ["", str(runs[1].folder)],
    }  # fmt: skip


def test_others_are_refused_in_a_line(runs: list[Campaign], make_campaign: Make) -> None:
    other = make_campaign(name="other", simulator=falls, objective={"minimize": "g"})
    with pytest.raises(CampaignStateError, match=r"different objectives \(.*grid: minimize f, .*other: minimize g\)"):
        compare([runs[0], other])
    both = make_campaign(name="both", simulator=falls, objective={"minimize": ["f", "g"]})
    with pytest.raises(CampaignStateError, match=r"both has no single best value \(minimize f; minimize g\)"):
        compare([runs[0], both])
    with pytest.raises(CampaignStateError, match="1 campaigns are given; 2 to 20 are compared"):
        compare(runs[:1])


def test_on_the_command_line(runs: list[Campaign], tmp_path: Path) -> None:
    folders, page = [str(campaign.folder) for campaign in runs], tmp_path / "page.html"
    ran = CliRunner().invoke(app, ["compare", *folders, "--page", str(page)])
    assert ran.exit_code == 0, ran.output
    assert "4 (1 failed)" in ran.output
    assert "3 (1 failed, 6 by user)" in ran.output
    assert "In what they differ" in ran.output
    shown = Page(page)
    assert [line["name"] for line in shown.figures["Best against trials"]["data"]] == ["grid", "drawn", "later"]
    rows = json.loads(CliRunner().invoke(app, ["compare", *folders, "--page", str(page), "--json"]).output)
    assert [row["campaign"] for row in rows] == ["grid", "drawn", "later"]
    assert rows[0]["best"] == pytest.approx(0.75)
