"""The rows of a table, once each, in order: state points that somebody chose."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from softal.errors import SoftalError, SpaceError, StrategyError
from softal.objective import Objective
from softal.parameters import Choice, Integer, Parameter
from softal.space import Space
from softal.strategies.base import Strategy, StrategySettings
from softal.trial import Point, Proposal, Trial, Value
from softal.validation import show

SHOWN = 3  # rows that a message names
WORDS = {"true": True, "false": False}


@dataclass(frozen=True)
class Row:
    """One row: its line in the file, from 1, and its cells by column."""

    line: int
    cells: dict[str, str]


class TableSettings(StrategySettings):
    """Settings of the table."""

    file: Path = Field(
        description="table (CSV) with a column for each free parameter, relative to the campaign file; other columns "
        "and lines that begin with `#` are left out"
    )

    @field_validator("file")
    @classmethod
    def _in_folder(cls, file: Path, info: ValidationInfo) -> Path:
        path = (Path((info.context or {}).get("folder", ".")) / file).resolve()
        if not path.is_file():
            raise ValueError(f"{show(str(file))} is given, but there is no file {path}")
        return path


class Table(Strategy):
    """The rows of a table, once each and in order; rows that stand there several times are repeats.

    Columns that are no parameters are left out; those of fixed and derived parameters must agree with the space.
    """

    kind = "table"
    Settings = TableSettings

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return what is wrong with the table: no rows, a missing column, rows outside the space."""
        if not isinstance(settings, TableSettings):
            return None
        try:
            _points(settings.file, space)
        except (SoftalError, OSError, UnicodeDecodeError, csv.Error) as error:
            return f"{settings.file.name}: {error}"
        return None

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        rows = self._rows()[self.asked : self.asked + n]
        return [Proposal(dict(point), notes={"line": line}) for line, point in rows]

    def _recount(self, trials: Sequence[Trial]) -> None:
        """Refuse to go on where the rows that were proposed are not those of the table any more."""
        super()._recount(trials)
        for trial, (line, point) in zip(trials, self._rows(), strict=False):
            if "line" in trial.notes and trial.point != point:
                raise StrategyError(f"{self.settings.file}, line {line}: is not what trial {trial.id} was; it changed")

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points."""
        return f"all {len(self._rows())} rows of {self.settings.file.name} were proposed"

    def _rows(self) -> list[tuple[int, Point]]:
        """Return line and point of each row."""
        if not hasattr(self, "_read"):
            self._read = _points(self.settings.file, self.space)
        return self._read


def _points(path: Path, space: Space) -> list[tuple[int, Point]]:
    """Return line and complete point of each row; SoftalError names what is wrong."""
    columns, rows = _table(path)
    if missing := [name for name in space.names if name not in columns]:
        said = f"has no column {', '.join(map(repr, missing))}"
        raise SoftalError(f"{said}; its columns are {', '.join(columns)}, the parameters {', '.join(space.names)}")
    wanted = [name for name in columns if name in space.parameters]
    points: list[tuple[int, Point]] = []
    wrong: list[str] = []
    for row in rows:
        try:
            points.append((row.line, _point({name: row.cells[name] for name in wanted}, space)))
        except SpaceError as error:
            wrong.append(f"line {row.line}: {error}")
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more rows" if len(wrong) > SHOWN else ""
        raise SoftalError("; ".join(wrong[:SHOWN]) + more)
    if not points:
        raise SoftalError("has no rows; at least one is needed")
    return points


def _point(cells: dict[str, str], space: Space) -> Point:
    point = space.complete({name: _value(name, text, space.parameters[name]) for name, text in cells.items()})
    if not space.feasible(space.to_unit([point]))[0]:
        raise SpaceError("is outside the constraints, or the simulator refuses it")
    return point


def _value(name: str, text: str, parameter: Parameter) -> Value:
    """Return what a cell says: one of the choices, or a number."""
    if not text:
        raise SpaceError(f"{name}: is empty")
    if isinstance(parameter, Choice):
        found = [choice for choice in parameter.choices if _same(choice, text)]
        if not found:
            raise SpaceError(f"{name}: {show(text)} is given; allowed: {', '.join(map(str, parameter.choices))}")
        return found[0]
    fixed = getattr(parameter, "value", None)
    if isinstance(fixed, str | bool):
        return fixed if _same(fixed, text) else text
    number = _number(text)
    if number is None:
        raise SpaceError(f"{name}: {show(text)} is given; a number is allowed")
    return int(number) if isinstance(parameter, Integer) and number.is_integer() else number


def _same(value: Value, text: str) -> bool:
    if isinstance(value, bool):
        return WORDS.get(text.lower()) is value
    return text == value if isinstance(value, str) else _number(text) == value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _table(path: Path) -> tuple[list[str], list[Row]]:
    """Return the columns and the rows of a CSV file; SoftalError where it is no table."""
    lines = _lines(path)
    _, columns = next(lines, (0, []))
    if not columns:
        raise SoftalError("is empty; a header and at least one row are needed")
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise SoftalError(f"has the column {twice[0]!r} twice")
    rows = []
    for number, cells in lines:
        if len(cells) != len(columns):
            raise SoftalError(f"line {number}: has {len(cells)} cells; the header has {len(columns)}")
        rows.append(Row(number, dict(zip(columns, cells, strict=True))))
    return columns, rows


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Return number and cells of each line that is neither empty nor a comment."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
