"""What all readers make of a file: columns of numbers with names and units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from softal.kinds.validation import show
from softal.references.readers import names
from softal.references.units import split_label

ERROR = re.compile(r"(^|[_ ])(error|err|std|stderr|uncertainty|sem)($|[_ s(\[])", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """Columns of numbers.

    Attributes:
        labels: of the columns, as in the file; empty where they have none.
        columns: each of shape (k,) or, in an .npz, of a shape of its own; means over the blocks where there are some.
        lines: number of each row in the file, from 1.
        units: of the grid and of the values, where the file says so outside its labels.
        blocks: shape (b, k, columns): the table as it was written b times, by LAMMPS's `ave/time` and its like; None
            where it stands there once.
        series: whether its rows are times, such as those of a log.
        vectors: name -> shape (rows, k): arrays of a log, of which each row has k numbers.
    """

    labels: tuple[str, ...]
    columns: tuple[NDArray[np.float64], ...]
    lines: Sequence[int] | None = None
    units: tuple[str, str] = ("", "")
    blocks: NDArray[np.float64] | None = None
    series: bool = False
    vectors: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The labels without their units."""
        return tuple(split_label(label)[0] for label in self.labels)

    def place(self, row: int) -> str:
        """Return where a row stands in the file."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"

    def unit(self, column: int) -> str:
        """Return the unit in a column's label; empty where there is none."""
        return split_label(self.labels[column])[1] if self.labels else ""

    def find(self, column: str | int, first: int = 0) -> int:
        """Return the number, from 0, of a column.

        Args:
            column: its label, its name without unit, what LAMMPS's thermo_style or the end of a path call it, or its
                number.
            first: the number that the first column has.

        Raises:
            ValueError: if there is none, or several are meant.
        """
        if isinstance(column, int):
            if not first <= column < len(self.columns) + first:
                raise ValueError(
                    f"it has {len(self.columns)} columns; column {column} is asked for (from {first}){self._named()}"
                )
            return column - first
        ways: tuple[tuple[Sequence[str], Callable[[str], str]], ...] = (
            (self.labels, str),
            (self.names, str),
            (self.names, names.keyword),
            (self.labels, names.last),
        )
        for labels, form in ways:
            found = [i for i, label in enumerate(labels) if form(label) == form(column)]
            if len(found) == 1:
                return found[0]
            if found:
                raise ValueError(f"it has the column {column!r} {len(found)} times; name it by its number")
        raise ValueError(f"it has no column {column!r}; its columns are {_listed([*self.labels, *self.vectors])}")

    def vector(self, name: str | int) -> NDArray[np.float64] | None:
        """Return an array of a log, shape (rows, k), by its name or the end of its path; None without one."""
        if name in self.vectors:
            return self.vectors[str(name)]
        found = [one for path, one in self.vectors.items() if names.last(path) == name]
        if len(found) > 1:
            raise ValueError(f"it has the array {name!r} {len(found)} times; name it by its whole path")
        return found[0] if found else None

    def of_array(self, array: str) -> int:
        """Return the number of the array's column: the one of its name, or the only one besides grid and errors."""
        for labels in (self.labels[1:], self.names[1:]):  # the first is the grid, whatever it is called
            if labels.count(array) > 1:
                raise ValueError(f"it has the column {array!r} {labels.count(array)} times; `columns` gives its number")
            if array in labels:
                return labels.index(array) + 1
        if not self.labels and self.lines is None and len(self.columns) > 1:
            return 1  # an array of numpy, which cannot have names
        others = [i for i in range(1, len(self.columns)) if not self.labels or not ERROR.search(self.labels[i])]
        if len(others) == 1:
            return others[0]
        if not others:
            raise ValueError(
                f"it has {len(self.columns)} column{'s' * (len(self.columns) > 1)}; grid and values are needed"
            )
        has = f"no column {array!r}; its columns are {', '.join(self.labels)}"
        has = has if self.labels else f"{len(self.columns)} columns without names"
        raise ValueError(f"it has {has}; `columns: [grid, value]` names others")

    def _named(self) -> str:
        return f"; they are {_listed(self.labels)}" if self.labels else ""


def _listed(labels: Sequence[str]) -> str:
    return show(", ".join(labels))[1:-1] if labels else "not named"
