"""What is printed for people."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from softal.console import duration, show_predictions, with_error


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [(0.04123, 0.0013, "0.0412 ± 0.0013"), (120.4, 3.0, "120.4 ± 3.0"), (0.5, None, "0.5"), (2.0, 0.0, "2")],
)
def test_with_error(value: float, error: float | None, shown: str) -> None:
    assert with_error(value, error) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(5, "5 s"), (372, "6 min 12 s"), (7500, "2 h 05 min")])
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_predictions() -> None:
    rows = [
        {"point": {"x": 1.0, "kind": "[b]a"}, "prediction": {"f": {"mean": 0.5, "std": 0.01}}},
        {"point": {"x": 2.0, "kind": "b"}, "prediction": {"f": {"mean": -3.0, "std": 0.25}}},
    ]
    console = Console(width=100, record=True, file=io.StringIO())
    show_predictions(console, rows)
    lines = [line.split() for line in console.export_text().splitlines()]
    assert lines[:3] == [["x", "kind", "f"], ["1", "[b]a", "0.500", "±", "0.010"], ["2", "b", "-3.00", "±", "0.25"]]
