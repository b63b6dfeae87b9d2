"""GROMACS's .xvg: columns of numbers with axes, legends and units, as xmgrace reads them."""

from __future__ import annotations

import re

from softal.references.readers.cells import Rows
from softal.references.readers.columns import MAX_HEADER, numbers
from softal.references.readers.table import Table
from softal.references.readers.text import Lines
from softal.references.units import is_known, split_label

_LABEL = re.compile(r'^@\s*(?P<what>xaxis\s+label|yaxis\s+label|s\d+\s+legend)\s+"(?P<text>.*)"')
_COMMAND = re.compile(r"^@\s*(?:title|xaxis|yaxis|TYPE|legend|view|s\d+)\b")
_BRACKET = re.compile(r"\(([^()]*)\)")


def is_xvg(lines: Lines) -> bool:
    """Whether lines have commands of xmgrace, whatever the file's name is."""
    return any(_COMMAND.match(line[:MAX_HEADER]) for _, line in lines if line.startswith("@"))


def read_xvg(lines: Lines) -> Table:
    """Make a table of the lines of an .xvg; ValueError where there is none, or a second set of curves."""
    said: dict[str, str] = {}
    rows: Rows = []
    errors = False
    for place, line in lines:
        if found := _LABEL.match(line[:MAX_HEADER]):
            said[" ".join(found["what"].split())] = found["text"]
        elif line.startswith("&") and rows:
            raise ValueError(f"line {place} begins a second set of curves; one is allowed")
        elif not line.startswith(("#", "@", "&")):
            rows.append((place, line.split()))
        elif re.match(r"^@\s*TYPE\s+xydy\b", line[:MAX_HEADER], re.IGNORECASE):
            errors = True
    columns = numbers(rows)
    x = said.get("xaxis label", "x")
    series = split_label(x)[0].casefold() == "time"
    labels = (x, *_legends(said, len(columns) - 1, errors))
    return Table(labels[: len(columns)], columns, [place for place, _ in rows], series=series)


def _legends(said: dict[str, str], count: int, errors: bool) -> list[str]:
    """Return the labels of the curves: legends, with the units of the y axis where it is certain whose they are."""
    axis = said.get("yaxis label", "")
    legends = [said.get(f"s{i} legend", "") for i in range(count)]
    if errors and count == 2:
        legends[1] = legends[1] or "error"
    if count and not legends[0] and (count == 1 or errors):
        legends[0] = axis
    legends = [legend or f"y{i}" for i, legend in enumerate(legends)]
    # `gmx energy` has each unit once, in the order of the curves: "(kJ/mol), (K)".
    units = [unit for unit in _BRACKET.findall(axis) if is_known(unit)]
    if len(units) == 1 and _BRACKET.sub("", axis).strip() == "":
        units = units * count
    if len(units) != count or _BRACKET.sub("", axis).strip(" ,"):
        return legends
    return [
        f"{legend} [{unit}]" if not split_label(legend)[1] else legend
        for legend, unit in zip(legends, units, strict=True)
    ]
