"""The table that says which phase is stable where: one row a state point, columns of the space and the phase's name.

    T,P,delta,phase
    0.45,10,1.4,fluid
    0.217,33.9,1.4,qc12

Columns that are no parameters are not looked at, nor are lines that begin with `#`. A trial belongs to the row whose
parameters are its own, to 1e-9 of their size: decimals come back from coordinates with other last digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.references.tables import read_rows
from softal.trial import Value

TOLERANCE = 1e-9  # relative
FEWEST = 3  # state points of a phase: one to train with, one to stop by, one to test with


@dataclass(frozen=True)
class Table:
    """State points and their phases.

    Attributes:
        path: of the file.
        rows: column -> text, for each state point.
        lines: number of each row in the file, from 1.
        phases: (rows,) of each state point.
    """

    path: Path
    rows: tuple[Mapping[str, str], ...]
    lines: tuple[int, ...]
    phases: tuple[str, ...]

    @classmethod
    def read(cls, path: Path, column: str) -> Table:
        """Read a table.

        Args:
            path: CSV whose first line has the names.
            column: that holds the phase.

        Raises:
            SurrogateError: the file cannot be read, a row lacks a value, or there are too few phases or state points.
        """
        try:
            found = read_rows(path)
        except (OSError, ValueError) as error:
            raise SurrogateError(f"{path} cannot be read as a table of state points: {error}") from error
        if column not in found.columns:
            there = ", ".join(found.columns) or "none"
            raise SurrogateError(f"{path} has no column {column!r} with the phase; it has {there}")
        for line, row in zip(found.lines, found.cells, strict=True):
            if empty := [name for name, text in row.items() if not text]:
                raise SurrogateError(f"{path}, line {line}: {empty[0]} is empty; each column needs a value")
        table = cls(path, found.cells, found.lines, tuple(row[column] for row in found.cells))
        table._check_phases()
        return table

    def _check_phases(self) -> None:
        counts = {phase: self.phases.count(phase) for phase in sorted(set(self.phases))}
        if len(counts) < 2:
            raise SurrogateError(f"{self.path} has the phases {', '.join(counts) or 'none'}; at least two are needed")
        few = [f"{phase} has {count}" for phase, count in counts.items() if count < FEWEST]
        if few:
            raise SurrogateError(
                f"{self.path}: of state points, {', '.join(few)}; each phase needs {FEWEST}: to train, to stop, to test"
            )

    def row_of(self, points: Sequence[Mapping[str, Value]], names: Sequence[str]) -> list[int | None]:
        """Return the number of the row that each point stands in, None where in none.

        Args:
            points: in natural units.
            names: parameters that must agree.

        Raises:
            SurrogateError: the table lacks a parameter, has a value of it that is no number where the points' is, or
                says two phases of one point.
        """
        self.require(names)
        agree = np.ones((len(points), len(self.rows)), dtype=bool)
        for name in names:
            agree &= self._agreement(name, [point[name] for point in points])
        return [self._only(np.flatnonzero(row)) for row in agree]

    def require(self, names: Sequence[str]) -> None:
        """Do nothing where the table has columns of these names; SurrogateError names the first that it lacks."""
        if missing := [name for name in names if name not in self.rows[0]]:
            raise SurrogateError(f"{self.path} has no column {missing[0]!r}, which is a parameter of the space")

    def _only(self, rows: NDArray[np.intp]) -> int | None:
        """Return the first of rows of one point."""
        for row in rows[1:]:
            if self.phases[row] != self.phases[rows[0]]:
                raise SurrogateError(
                    f"{self.path}: lines {self.lines[rows[0]]} and {self.lines[row]} are one state point, but its "
                    f"phases are {self.phases[rows[0]]} and {self.phases[row]}"
                )
        return int(rows[0]) if len(rows) else None

    def _agreement(self, name: str, values: Sequence[Value]) -> NDArray[np.bool_]:
        """Return which values (n,) of a parameter agree with which rows, (n, rows)."""
        column = [row[name] for row in self.rows]
        if any(isinstance(value, str | bool) for value in values):
            return np.array([[str(value) == text for text in column] for value in values]).reshape(len(values), -1)
        try:
            numbers = np.array([float(text) for text in column])
        except ValueError as error:
            raise SurrogateError(f"{self.path}, column {name!r}: {error}") from error
        given = np.array(values, dtype=np.float64)[:, None]
        return np.asarray(np.abs(given - numbers) <= TOLERANCE * np.maximum(np.abs(given), np.abs(numbers)))
