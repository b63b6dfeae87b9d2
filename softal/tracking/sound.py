"""What is held against a journal that is read: types of its cells; and what is said of one that is damaged.

A column is looked at as a whole, since a campaign may have 100,000 trials.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from softal.errors import JournalError, NoRoomForJournal, SoftalError
from softal.kinds.validation import show
from softal.reading import in_a_line
from softal.room import has_room, is_full
from softal.trial import STATES

NUMBER: set[type] = {int, float}
TEXT: set[type] = {str}
NOTHING: set[type] = {type(None)}
CELLS: dict[str, set[type]] = {
    "id": {int}, "state": TEXT, "seed": {int}, "fidelity": NUMBER, "proposed_by": TEXT, "reason": TEXT | NOTHING,
    "proposed": NUMBER, "started": NUMBER | NOTHING, "finished": NUMBER | NOTHING, "host": TEXT | NOTHING,
    "attempts": {int}, "asked_after": {int}, "told": {int} | NOTHING, "dropped": TEXT | NOTHING,
    "outside": {int} | NOTHING,
}  # fmt: skip
MAPPINGS: dict[str, set[type] | None] = {  # what is in them; None is anything
    "point": NUMBER | TEXT | {bool}, "notes": None, "values": NUMBER | {bool}, "errors": NUMBER | {bool},
    "arrays": {dict}, "artifacts": TEXT, "objective": NUMBER | {bool}, "objective_errors": NUMBER | {bool},
    "version": None,
}  # fmt: skip
INFO: dict[str, set[type]] = {
    "id": TEXT, "name": TEXT, "text": TEXT, "source": TEXT, "launched_in": TEXT, "state": TEXT,
    "reason": TEXT | NOTHING, "created": NUMBER, "active": NUMBER, "active_at": NUMBER | NOTHING,
    "resumed": NUMBER | NOTHING, "budget": {dict}, "versions": {dict} | NOTHING, "machine": {dict} | NOTHING,
    "busy": NUMBER, "slots": {int}, "running": {int}, "retried": NUMBER, "recomputed": NUMBER,
    "cluster": {dict}, "described": {dict} | NOTHING, "inputs": {dict}, "launched_with": TEXT,
}  # fmt: skip


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Make a JournalError, with the file and what to do, of whatever is raised while a file of a journal is used."""
    try:
        yield
    except (SoftalError, sqlite3.ProgrammingError, sqlite3.InterfaceError):  # the last two are mistakes in our code
        raise
    except Exception as error:  # what a damaged file raises depends on where it is damaged
        kind = NoRoomForJournal if _full(error, path) else JournalError
        raise kind(f"{path} {_said(error, path)}") from error


def _full(error: Exception, path: Path) -> bool:
    """Whether it is a full disk; SQLite calls some of what comes of that an I/O error."""
    if isinstance(error, sqlite3.OperationalError):
        return "full" in str(error) or ("disk I/O" in str(error) and not has_room(path.parent))
    return is_full(error)


def _said(error: Exception, path: Path) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be used: {in_a_line(error)}"
    text = in_a_line(error).removeprefix("OperationalError: ").removeprefix("DatabaseError: ")
    if isinstance(error, sqlite3.OperationalError):
        for words, way_out in (
            ("locked", "another program uses it: end that, and try again"),
            ("full", "make room, then go on with softal resume"),
            ("readonly", "give the folder back its permissions to write, and go on with softal resume"),
            ("unable to open", "look at the permissions of its folder, and whether a link leads to something"),
            ("disk I/O", "look at the disk, then go on with softal resume"),
        ):
            if words in text:
                return f"cannot be used: {text}; {way_out}"
    return f"is damaged: {text}; put a copy of {path.name} back, or launch the campaign again under another name"


def check_columns(columns: Mapping[str, Sequence[Any]]) -> None:
    """Raise ValueError where cells of trials, by column, are of types that a journal does not have."""
    for name, column in columns.items():
        if name in CELLS:
            _check(name, column, CELLS[name])
        if name in MAPPINGS:
            _check(name, column, {dict})
            allowed = MAPPINGS[name]
            if allowed is not None and not {type(v) for cell in column for v in cell.values()} <= allowed:
                wrong = next((key, v) for cell in column for key, v in cell.items() if type(v) not in allowed)
                raise ValueError(f"{name}.{wrong[0]} of a trial is {show(wrong[1])}")
    for state in set(columns.get("state", ())) - STATES.keys():
        raise ValueError(f"state of a trial is {show(state)}")
    for units in columns.get("arrays", ()):
        for name, said in units.items():
            if set(said) - {"unit", "grid_unit"} or not all(isinstance(unit, str) for unit in said.values()):
                raise ValueError(f"arrays.{name} of a trial is {show(said)}")
    points = columns.get("point", ())
    if any(point.keys() != points[0].keys() for point in points):
        raise ValueError("its trials have not all the same parameters")


def _check(name: str, column: Sequence[Any], allowed: set[type]) -> None:
    if not set(map(type, column)) <= allowed:
        wrong = next(cell for cell in column if type(cell) not in allowed)
        raise ValueError(f"{name} of a trial is {show(wrong)}")


def check_info(info: Mapping[str, Any]) -> None:
    """Raise ValueError where facts about a campaign are of types that a journal does not have."""
    for name, allowed in INFO.items():
        if name in info and type(info[name]) not in allowed:
            raise ValueError(f"its {name} is {show(info[name])}")
