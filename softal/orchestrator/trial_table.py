"""Trials as a table (CSV), which `softal add` and other programs read."""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from softal.errors import SpaceError
from softal.reading import in_a_line
from softal.space import Space
from softal.trial import Trial, why

LAST = ("fidelity", "proposed_by", "seed", "started", "finished", "host", "reason")
STANDARD_OUTPUT = Path("-")


def flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's record as one row: point, objective and values, each with its error where it is known."""
    row: dict[str, Any] = {"id": record["id"], "state": record["state"], **record["point"]}
    for values, errors in (("objective", "objective_errors"), ("values", "errors")):
        for name, value in record[values].items():
            row[name] = value
            if name in record[errors]:
                row[f"{name}_error"] = record[errors][name]
    return row | {name: record[name] for name in LAST} | {"reason": why(record["reason"], record["dropped"])}


def write_trials(path: Path, trials: Sequence[Trial], space: Space) -> None:
    """Write trials as a table, a line each; what a trial does not have is an empty cell.

    Args:
        path: of the table; `-` is the standard output.
        trials: which.
        space: of the campaign; its parameters are the first columns after number and state.

    Raises:
        SpaceError: if the table cannot be written.
    """
    rows = [flat(trial.to_json()) for trial in trials]
    first = ["id", "state", *space.all_names]
    columns = list(dict.fromkeys([*first, *(name for row in rows for name in row if name not in LAST), *LAST]))
    lines: list[list[Any]] = [columns, *([row.get(name) for name in columns] for row in rows)]
    write_lines(lines, path)


def write_lines(lines: Sequence[Sequence[Any]], path: Path, *, new: bool = False) -> None:
    """Write a table as CSV to a file, or to standard output; a new one takes the place of no other.

    Raises:
        SpaceError: if it cannot be written.
    """
    cells = [[_cell(value) for value in line] for line in lines]
    if path == STANDARD_OUTPUT:
        csv.writer(sys.stdout, lineterminator="\n").writerows(cells)
        return
    try:
        with path.open("x" if new else "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows(cells)
    except OSError as error:
        raise SpaceError(f"{path} cannot be written: {in_a_line(error)}") from error


def _cell(value: Any) -> Any:
    return "" if value is None else repr(value) if isinstance(value, float) else value
