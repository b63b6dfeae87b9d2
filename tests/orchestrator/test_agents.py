"""What agents hand on: versions of surrogate and learner, and the files of one that MLflow gets."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from dynamics_tables import library, table
from patience import PATIENCE
from report_page import Page

from softal import surrogates
from softal.objective import learn
from softal.orchestrator.loop.agents import Tracker
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.courses import publish, published
from softal.space import Space
from softal.tracking.journal import Journal
from softal.tracking.report import data

SPACE = Space({"T": {"low": 0.5, "high": 5}})


def version(folder: Path) -> Path:
    return folder / "learner" / "version-3"


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """A tracker of a folder, without MLflow."""
    made = object.__new__(Tracker)
    kind = "dynamics_network", surrogates.find_learner("dynamics_network").Settings()
    goal, random = learn("relaxation_A"), ("random", None)
    made.brief = Brief("ka", tmp_path, tmp_path, SPACE, goal, 0, random, ("gp", None), None, "", learner=kind)
    version(tmp_path).mkdir(parents=True)
    (tmp_path / "learner" / "latest").symlink_to("version-3")
    Journal.create(tmp_path, "name: ka\n", {"id": "0" * 32, "created": 0.0, "name": "ka"}).close()
    return made


def test_a_version_goes_with_its_tables(tracker: Tracker) -> None:
    (version(tracker.brief.folder) / "other.json").touch()
    record = {"version": 3, "of": "learner", "tables": ["other"]}
    assert [path.name for path in tracker._files(record)] == ["other.json"]
    assert tracker._files({"version": 3, "of": "learner"}) == []
    assert tracker._files({**record, "version": 1}) == []  # its folder is gone
    assert tracker._files({"version": 3, "tables": ["other"]}) == []  # of the surrogate, which has none


def test_at_the_end_there_is_a_page_of_each_card(tracker: Tracker) -> None:
    assert tracker._pages() == []
    (version(tracker.brief.folder) / "dynamics.json").write_text(json.dumps(table(*library())))
    [(what, path)] = tracker._pages()
    assert (what, path.name) == ("learner", "dynamics.html")
    page = Page(path)
    assert page.headings == ["Dynamics"]
    assert len(page.panels["Dynamics"]) > 2
    assert page.loads == []


def test_what_shows_nothing_is_not_asked(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asking takes reading all trials."""
    monkeypatch.setattr(data, "read", lambda *_: pytest.fail("it was read"))
    tracker.brief = replace(tracker.brief, learner=None)
    assert tracker._pages() == []


def draft(folder: Path, version: int) -> Path:
    made = folder / f"version-{version}.new"
    made.mkdir(parents=True)
    (made / "model.json").write_text(str(version))
    return made


def test_latest_is_there_at_every_instant(tmp_path: Path) -> None:
    """A reader is never more than one version behind, as where versions are seconds apart."""
    publish(draft(tmp_path, 1), 1)
    stop, missed, seen = threading.Event(), [], [0]

    def look() -> None:
        while not stop.is_set():
            try:
                seen.append(int((tmp_path / "latest" / "model.json").read_text()))
            except OSError as error:
                missed.append(error)
                return

    reader = threading.Thread(target=look)
    reader.start()
    for version in range(2, 60):
        publish(draft(tmp_path, version), version)
        until = time.monotonic() + PATIENCE
        while not missed and seen[-1] < version and time.monotonic() < until:
            time.sleep(0.0005)
    stop.set()
    reader.join()
    assert not missed
    assert sorted(seen) == seen
    assert set(seen) >= set(range(2, 60))
    assert published(tmp_path) == [58, 59]
    assert (tmp_path / "latest").resolve().name == "version-59"


def test_a_folder_that_the_first_campaigns_had_becomes_a_version(tmp_path: Path) -> None:
    draft(tmp_path, 4).rename(tmp_path / "latest")
    (tmp_path / "previous").mkdir()
    publish(draft(tmp_path, 5), 5)
    assert published(tmp_path) == [4, 5]
    assert (tmp_path / "latest" / "model.json").read_text() == "5"
    assert not (tmp_path / "previous").exists()
