"""What `softal kinds` lists."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from softal.kinds import registry
from softal.simulators.base import Context, Simulator
from softal.terminal.catalogue import SECTIONS, catalogue, show_catalogue
from softal.trial import Observation, Point


@pytest.fixture(scope="module")
def found() -> dict[str, list[dict[str, Any]]]:
    return catalogue()


def entry(found: dict[str, list[dict[str, Any]]], section: str, kind: str) -> dict[str, Any]:
    return next(one for one in found[section] if one["kind"] == kind)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_built_in_kind_is_there_and_described(section: str, found: dict[str, list[dict[str, Any]]]) -> None:
    assert {one["kind"] for one in found[section]} >= set(SECTIONS[section][0])
    for one in found[section]:
        assert "error" not in one
        assert one["summary"]
        assert all({"name", "type", "default", "description"} == set(setting) for setting in one["settings"])


def test_a_simulator_says_what_it_takes_and_returns(found: dict[str, list[dict[str, Any]]]) -> None:
    argon = entry(found, "simulators", "argon")
    assert {row["name"] for row in argon["parameters"]} >= {"epsilon", "sigma"}
    assert "structure_factor" in argon["arrays"]
    engine = next(row for row in argon["settings"] if row["name"] == "engine")
    assert engine["default"] == "auto"
    assert entry(found, "simulators", "command")["parameters"] is None


class OfSettings(Simulator):
    """Many points at once, as many as a setting says."""

    @property
    def batch(self) -> int:  # type: ignore[override]
        return 48

    def run(self, point: Point, context: Context) -> Observation:
        return Observation({"f": 1.0})


class WithoutDefaults(OfSettings):
    """A simulator that cannot be made without settings."""

    def __init__(self, settings: Any = None) -> None:
        raise ValueError("a setting is missing")


@pytest.mark.parametrize(("name", "batch"), [("OfSettings", 48), ("WithoutDefaults", None)])
def test_a_simulator_says_how_many_points_it_takes(monkeypatch: pytest.MonkeyPatch, name: str, batch: int) -> None:
    listed = {"command": SECTIONS["simulators"][0]["command"], "mine": f"{__name__}:{name}"}
    names = registry.names
    monkeypatch.setattr(
        registry, "names", lambda builtin, group: listed if group == "softal.simulators" else names(builtin, group)
    )
    monkeypatch.setattr("softal.simulators.SIMULATORS", listed)
    found = catalogue()
    assert entry(found, "simulators", "command")["batch"] == 1
    assert entry(found, "simulators", "mine")["batch"] == batch
    assert ("up to 48 points at once" in shown(found)) == (batch == 48)


def test_it_is_json(found: dict[str, list[dict[str, Any]]]) -> None:
    assert json.loads(json.dumps(found)) == found


def test_a_kind_that_cannot_be_imported_is_shown_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {**SECTIONS["simulators"][0], "broken": "no_such_module:Simulator"}
    names = registry.names

    def with_broken(builtin: Any, group: str) -> dict[str, str]:
        return broken if group == "softal.simulators" else names(builtin, group)

    monkeypatch.setattr(registry, "names", with_broken)
    found = catalogue()
    assert "no_such_module" in entry(found, "simulators", "broken")["error"]
    text = shown(found)
    assert "broken" in text
    assert "not available" in text


def test_what_people_see(found: dict[str, list[dict[str, Any]]]) -> None:
    text = shown(found)
    for section in SECTIONS:
        for one in found[section]:
            assert one["kind"] in text
            assert all(row["name"] in text for row in one["settings"])


def shown(found: dict[str, list[dict[str, Any]]]) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    show_catalogue(console, found)
    return console.export_text()
