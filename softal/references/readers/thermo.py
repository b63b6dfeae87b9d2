"""LAMMPS's logs, as `log.lammps` or on the screen: the thermo table of the last run, whatever stands between rows."""

from __future__ import annotations

import re

from softal.references.readers.cells import Rows, is_number
from softal.references.readers.columns import numbers
from softal.references.readers.table import Table
from softal.references.readers.text import Lines

_BEFORE = ("Per MPI rank memory allocation", "Memory usage per processor")
_AFTER = "Loop time of"
_YAML_KEYS = re.compile(r"^keywords:\s*\[(?P<names>.*)\]$")
_YAML_ROW = re.compile(r"^- \[(?P<cells>.*)\]$")


def is_thermo(lines: Lines) -> bool:
    """Whether lines are of a run of LAMMPS."""
    return any(line.startswith((*_BEFORE, "LAMMPS (")) for _, line in lines)


def read_thermo(lines: Lines) -> Table:
    """Make a table of the last run's rows; what is no row of numbers, such as WARNING lines, is left out.

    Raises:
        ValueError: if no run wrote a table, or if it has the form `thermo_style multi`.
    """
    labels: list[str] = []
    rows: Rows = []
    waiting = False  # for the heads of the columns
    for place, line in lines:
        if line.startswith(_BEFORE):
            labels, rows, waiting = [], [], True
        elif line.startswith(_AFTER):
            waiting = False
        elif found := _YAML_KEYS.match(line):
            labels, rows, waiting = (
                [name.strip(" '\"") for name in found["names"].split(",") if name.strip()],
                [],
                False,
            )
        else:
            row = _YAML_ROW.match(line)
            cells = [cell.strip() for cell in row["cells"].split(",") if cell.strip()] if row else line.split()
            if waiting and labels == [] and _are_heads(line, cells):
                labels, waiting = cells, False
            elif len(cells) == len(labels) and all(map(is_number, cells)):
                rows.append((place, cells))
    if not labels or not rows:
        raise ValueError("it has no thermo table of a run with its columns side by side, as thermo_style one or custom")
    return Table(tuple(labels), numbers(rows), [place for place, _ in rows], series=True)


def _are_heads(line: str, cells: list[str]) -> bool:
    return not line.startswith(("WARNING", "---", "ERROR")) and not any(map(is_number, cells))
