"""What agents hand on: the files of a surrogate's version that MLflow gets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dynamics_tables import library, table

from softal.orchestrator.agents import Tracker


@pytest.fixture
def tracker(tmp_path: Path) -> Tracker:
    """A tracker of a folder, without journal and MLflow."""
    made = object.__new__(Tracker)
    made.folder = tmp_path
    (tmp_path / "latest").mkdir()
    return made


@pytest.mark.parametrize(
    ("content", "pictures"),
    [(table(*library()), ["dynamics.png"]), ({"format": 1, "untrained": "nothing is there"}, [])],
    ids=["trained", "untrained"],
)
def test_a_table_of_dynamics_goes_with_its_picture(
    tracker: Tracker, content: dict[str, object], pictures: list[str]
) -> None:
    (tracker.folder / "latest" / "dynamics.json").write_text(json.dumps(content))
    found = tracker._files({"tables": ["dynamics"]})
    assert [path.name for path in found] == ["dynamics.json", *pictures]
    assert all(path.is_file() for path in found)


def test_tables_without_a_picture_go_alone(tracker: Tracker) -> None:
    assert [path.name for path in tracker._files({"tables": ["other"]})] == ["other.json"]
    assert tracker._files({}) == []
