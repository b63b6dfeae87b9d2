"""The rows of a table, once each, in order: state points that somebody chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, Field

from softal.errors import SpaceError, StrategyError
from softal.kinds.settings import ExistingFile
from softal.kinds.validation import show
from softal.objective import Objective
from softal.references.tables import read_rows
from softal.space import Space
from softal.space.parameters import Choice, Integer, Parameter
from softal.strategies.base import Strategy, StrategySettings
from softal.trial import DONE_ELSEWHERE, Point, Proposal, Trial, Value

SHOWN = 3  # rows that a message names
WORDS = {"true": True, "false": False}


class TableSettings(StrategySettings):
    """Settings of the table."""

    file: ExistingFile = Field(
        description="table (CSV) with a column for each free parameter, relative to the campaign file; other columns "
        "and lines that begin with `#` are left out"
    )


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
            read_points(settings.file, space)
        except (SpaceError, OSError, ValueError) as error:
            return f"{settings.file.name}: {error}"
        return None

    @classmethod
    def begins_anew(cls, before: Space, after: Space) -> bool:
        """Whether the rows have another meaning now: they do not where ranges alone have changed."""
        return before.all_names != after.all_names

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        rows = self._rows()[self.asked : self.asked + n]
        return [Proposal(dict(point), notes={"line": line}) for line, point in rows]

    def _recount(self, trials: Sequence[Trial]) -> None:
        """Refuse to go on where the rows that were proposed are not those of the table any more."""
        super()._recount(trials)
        for trial, (line, point) in zip(trials, self._rows(), strict=False):
            if "line" in trial.notes and trial.notes.get(DONE_ELSEWHERE, trial.point) != point:
                raise StrategyError(f"{self.settings.file}, line {line}: is not what trial {trial.id} was; it changed")

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points."""
        return f"all {len(self._rows())} rows of {self.settings.file.name} were proposed"

    def _rows(self) -> list[tuple[int, Point]]:
        """Return line and point of each row."""
        if not hasattr(self, "_read"):
            self._read = read_points(self.settings.file, self.space)
        return self._read


def read_points(path: Path, space: Space) -> list[tuple[int, Point]]:
    """Return line and complete point of each row; OSError, ValueError or SpaceError names what is wrong."""
    table = read_rows(path)
    if missing := [name for name in space.names if name not in table.columns]:
        there = f"its columns are {', '.join(table.columns) or 'none'}, the parameters {', '.join(space.names)}"
        raise SpaceError(f"it has no column {', '.join(map(repr, missing))}; {there}")
    points: list[tuple[int, Point]] = []
    wrong: list[str] = []
    for line, cells in zip(table.lines, table.cells, strict=True):
        try:
            points.append((line, _point(cells, space)))
        except SpaceError as error:
            wrong.append(f"line {line}: {error}")
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more rows" if len(wrong) > SHOWN else ""
        raise SpaceError("; ".join(wrong[:SHOWN]) + more)
    if not points:
        raise SpaceError("it has no rows; at least one is needed")
    return points


def _point(cells: dict[str, str], space: Space) -> Point:
    """Return the complete point of a row; SpaceError says why it is none."""
    wanted = {name: parameter for name, parameter in space.parameters.items() if name in cells}
    point = space.complete({name: _value(name, cells[name], parameter) for name, parameter in wanted.items()})
    if reason := space.refused(point):
        raise SpaceError(f"the simulator refuses it: {reason}")
    if not space.feasible(space.to_unit([point]))[0]:
        raise SpaceError(f"is outside the constraints: {', '.join(f'`{text}`' for text in space.constraints)}")
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
