"""Points that a user names, on the command line or in a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from softal.errors import SpaceError
from softal.kinds.validation import show, unknown
from softal.reading import in_a_line, read_json, read_text
from softal.space import Space
from softal.space.parameters import Choice, Derived, Fixed, Integer, Parameter
from softal.trial import Point, Value

TRUE_FALSE = {"true": True, "false": False}


def read_points(space: Space, at: Sequence[str], file: Path | None = None) -> list[Point]:
    """Return complete points from texts such as `epsilon=120,sigma=3.4` and from a file.

    Args:
        space: of the points; fixed and derived parameters may be left out.
        at: one text a point.
        file: CSV with a line of names (columns that are no parameters are left out), or JSON: a list of mappings.

    Raises:
        SpaceError: with the place (the text, or the file's line), the parameter, the value and what is allowed.
    """
    entries = [(f"--at {text!r}", from_text(text)) for text in at] + (_from_file(file, space) if file else [])
    if not entries:
        example = ",".join(f"{name}=..." for name in space.names)
        raise SpaceError(f"no point is given; give one with --at '{example}', or a file with --points FILE")
    points, problems = [], []
    for place, entry in entries:
        try:
            points.append(complete_point(space, entry))
        except SpaceError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise SpaceError("\n".join(problems))
    return points


def complete_point(space: Space, entry: Mapping[str, Any]) -> Point:
    """Return the complete point that an entry, whose values may be texts, stands for; SpaceError where it is wrong."""
    return space.complete({name: _typed(space, name, value) for name, value in entry.items()})


def from_text(text: str) -> dict[str, Any]:
    """Return what `name=value,name=value` says."""
    entry: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not (name and equals and value):
            raise SpaceError(f"--at {text!r}: {part!r} is given; name=value is allowed, such as 'epsilon=120,sigma=3'")
        if name in entry:
            raise SpaceError(f"--at {text!r}: {name} is given twice")
        entry[name] = value
    return entry


def _from_file(path: Path, space: Space) -> list[tuple[str, dict[str, Any]]]:
    """Return the place and the entries of each point in a file."""
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise SpaceError(f"{path} cannot be read: {in_a_line(error)}") from error
    if text.lstrip().startswith(("[", "{")):
        return _from_json(path, text)
    return _from_csv(path, text, space)


def _from_json(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        found = read_json(text)
    except ValueError as error:
        raise SpaceError(f"{path} is not JSON: {in_a_line(error)}") from error
    items = found if isinstance(found, list) else [found]
    entries = []
    for number, item in enumerate(items, 1):
        place = f"{path}, point {number}"
        if isinstance(item, dict) and isinstance(item.get("point"), dict):
            item = item["point"]  # as `softal trials --json` prints them
        if not isinstance(item, dict):
            raise SpaceError(f'{place}: {show(item)} is given; a mapping such as {{"epsilon": 120}} is allowed')
        entries.append((place, item))
    return entries


def _from_csv(path: Path, text: str, space: Space) -> list[tuple[str, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text), skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise SpaceError(f"{path}, line {reader.line_num}: {error}") from error
    rows = [(line, row) for line, row in rows if not row[0].startswith("#")]
    if not rows:
        raise SpaceError(f"{path} is empty; a line of names and a line for each point are needed")
    names = [name.strip() for name in rows[0][1]]
    if missing := [name for name in space.names if name not in names]:
        near = unknown(missing[0], names, "column")
        raise SpaceError(f"{path}, line {rows[0][0]}: the column {missing[0]!r} is missing: {near}")
    entries = []
    for line, row in rows[1:]:
        place = f"{path}, line {line}"
        if len(row) != len(names):
            raise SpaceError(f"{place}: it has {len(row)} columns, the line of names has {len(names)}")
        cells = zip(names, (cell.strip() for cell in row), strict=True)
        entries.append((place, {name: cell for name, cell in cells if name in space.parameters}))
    return entries


def _typed(space: Space, name: str, value: Any) -> Value:
    """Return a value that came as text as the parameter means it; others as they are."""
    parameter = space.parameters.get(name)
    if not isinstance(value, str) or parameter is None:
        return value  # type: ignore[no-any-return]  # the space refuses what is no value
    if isinstance(parameter, Choice | Fixed):
        choices = parameter.choices if isinstance(parameter, Choice) else (parameter.value,)
        return _among(value, choices)
    return _number(name, value, parameter)


def _among(text: str, choices: Iterable[Value]) -> Value:
    """Return the choice that a text stands for, or the text, which is refused then."""
    for choice in choices:
        if text == str(choice) or (isinstance(choice, bool) and TRUE_FALSE.get(text.lower()) is choice):
            return choice
        if isinstance(choice, int | float) and not isinstance(choice, bool) and _float(text) == choice:
            return choice
    return text


def _number(name: str, text: str, parameter: Parameter) -> float | int:
    number = _float(text)
    if number is None:
        allowed = "a number" if isinstance(parameter, Derived) else f"a number from {parameter.low} to {parameter.high}"  # type: ignore[union-attr]
        raise SpaceError(f"{name}: {text!r} is given; {allowed} is allowed")
    return int(number) if isinstance(parameter, Integer) and number.is_integer() else number


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
