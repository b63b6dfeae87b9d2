"""What tests read of a report's page."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from softal.space import Space
from softal.surrogates import Surrogate
from softal.surrogates.advice import advice
from softal.surrogates.belief import latest
from softal.tracking import report


class Page(HTMLParser):
    """The page's headings, tables, figures and pictures; and whatever would load something from elsewhere."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.headings: list[str] = []
        self.cells: list[str] = []
        self.figures: dict[str, dict[str, object]] = {}
        self.panels: dict[str, list[dict[str, object]]] = {}
        self.pictures: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self._tag = ""
        self._json = False
        self.feed(self.text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.tags.append(tag)
        self._tag = tag
        self._json = found.get("type") == "application/json"
        self.pictures += [found["src"] or ""] if tag == "img" else []
        self.loads += [v for k, v in attributes if k in ("src", "href") and v and not v.startswith("data:")]

    def handle_data(self, data: str) -> None:
        if self._tag == "h2" and data.strip():
            self.headings.append(data.strip())
        if self._tag in ("td", "b") and data.strip():
            self.cells.append(data.strip())
        if self._json and data.strip():
            self.figures[self.headings[-1]] = json.loads(data)
            self.panels.setdefault(self.headings[-1], []).append(self.figures[self.headings[-1]])

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""
        self._json = False


def decoded(values: object) -> np.ndarray:
    """Plotly writes arrays as base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return np.array(values)


def write_report(folder: Path, *, space: Space, surrogate: Surrogate | None = None, **more: Any) -> Path:
    """Write a campaign's report with its latest surrogate, or another one, as `softal report` does."""
    return report.write_report(folder, space=space, advisor=advice(surrogate or latest(folder), space), **more)
