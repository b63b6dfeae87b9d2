"""Reads tables of curves: CSV (or columns between spaces), GROMACS' XVG, numpy's .npy and .npz; and those of words."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.kinds.validation import show
from softal.reading import in_a_line, read_bytes, read_npy, read_npz, read_text
from softal.references.units import canonical, split_label

ERROR = re.compile(r"(^|[_ ])(error|err|std|stderr|uncertainty|sem)($|[_ s(\[])", re.IGNORECASE)
_UNITS = re.compile(r"^#\s*units?\s*:\s*(?P<grid>[^,;]+)(?:[,;]\s*(?P<values>.+))?$", re.IGNORECASE)
_LABEL = re.compile(r'^@\s*(?P<what>xaxis\s+label|yaxis\s+label|s\d+\s+legend)\s+"(?P<text>.*)"')
_DECIMAL = re.compile(r"[-+]?(\d+|\d+,\d*|,\d+)([eE][-+]?\d+)?")  # with a comma, or whole
MAX_HEADER = 10_000  # characters of a line that names units, columns or axes
_CELL = re.compile(r"\S+(?:\s+[(\[][^)\]]*[)\]])?")  # a word, with the unit in brackets that follows it


@dataclass(frozen=True)
class Table:
    """Columns of numbers.

    Attributes:
        labels: of the columns, as in the file; empty where they have none.
        columns: each of shape (k,) or, in an .npz, of a shape of its own.
        lines: number of each row in the file, from 1.
        row: what a row is called: `line`, or `row` where a file has no lines.
        units: of the grid and of the values, where the file says so outside its labels.
    """

    labels: tuple[str, ...]
    columns: tuple[NDArray[np.float64], ...]
    lines: Sequence[int] | None = None
    units: tuple[str, str] = ("", "")

    @property
    def names(self) -> tuple[str, ...]:
        """The labels without their units."""
        return tuple(split_label(label)[0] for label in self.labels)

    def place(self, row: int) -> str:
        """Return where a row stands in the file."""
        return f"row {row + 1}" if self.lines is None else f"line {self.lines[row]}"

    def find(self, column: str | int) -> int:
        """Return the number of a column that is named by its label, its name or its number; ValueError if none is."""
        if isinstance(column, int):
            if not 0 <= column < len(self.columns):
                raise ValueError(f"it has {len(self.columns)} columns; column {column} is asked for (from 0)")
            return column
        for names in (self.labels, self.names):
            if column in names:
                return names.index(column)
        raise ValueError(f"it has no column {column!r}; its columns are {_listed(self.labels)}")

    def of_array(self, array: str) -> int:
        """Return the number of the array's column: the one of its name, or the only one besides grid and errors."""
        if array in self.labels[1:] or array in self.names[1:]:  # the first is the grid, whatever it is called
            return next(i for names in (self.labels, self.names) if array in names[1:] for i in [names.index(array, 1)])
        if not self.labels:
            return self.find(1)
        others = [i for i, label in enumerate(self.labels) if i > 0 and not ERROR.search(label)]
        if len(others) == 1:
            return others[0]
        columns = ", ".join(self.labels)
        raise ValueError(
            f"it has no column {array!r}; its columns are {columns}; `columns: [grid, value]` names others"
        )


@dataclass(frozen=True)
class Rows:
    """Rows of words under a header.

    Attributes:
        columns: their names.
        cells: of each row, by column.
        lines: number of each row in the file, from 1.
    """

    columns: tuple[str, ...]
    cells: tuple[dict[str, str], ...]
    lines: tuple[int, ...]


def read_rows(path: Path) -> Rows:
    """Read a CSV file with a header; lines that are empty or begin with `#` are left out.

    Raises:
        OSError, ValueError: if it cannot be read, names a column twice, or a row is longer or shorter than the header.
    """
    found = [(number, _words(number, line)) for number, line in _lines(path) if not line.startswith("#")]
    columns = tuple(found[0][1]) if found else ()
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise ValueError(f"it has the column {twice[0]!r} twice")
    for number, words in found:
        if len(words) != len(columns):
            raise ValueError(f"line {number} has {len(words)} cells; the header has {len(columns)}")
    cells = tuple(dict(zip(columns, words, strict=True)) for _, words in found[1:])
    return Rows(columns, cells, tuple(number for number, _ in found[1:]))


def read_table(path: Path) -> Table:
    """Read a file, by its suffix: .xvg, .npy, .npz, and anything else as text in columns.

    Raises:
        OSError, ValueError: if it cannot be read, or holds something other than a table of numbers.
    """
    readers = {".xvg": _read_xvg, ".npy": _read_npy, ".npz": _read_npz}
    try:
        return readers.get(path.suffix.lower(), _read_text)(path)
    except (OSError, ValueError):
        raise
    except Exception as error:  # what damaged content raises depends on where it is damaged
        raise ValueError(f"it is damaged: {in_a_line(error)}") from error


def _listed(labels: Sequence[str]) -> str:
    return show(", ".join(labels))[1:-1] if labels else "not named"


def _read_npy(path: Path) -> Table:
    return _of_block(read_npy(read_bytes(path)))


def _of_block(block: NDArray[Any]) -> Table:
    table = np.asarray(block, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"its shape is {table.shape}; (points, columns) is needed")
    return Table((), tuple(table.T))


def _read_npz(path: Path) -> Table:
    arrays = read_npz(path)
    if not arrays:
        raise ValueError("it holds no arrays of numbers")
    if len(arrays) == 1 and next(iter(arrays.values())).ndim == 2:
        return _of_block(next(iter(arrays.values())))
    return Table(tuple(arrays), tuple(np.asarray(array, dtype=np.float64) for array in arrays.values()))


def _read_xvg(path: Path) -> Table:
    said: dict[str, str] = {}
    rows: list[tuple[int, list[str]]] = []
    for number, line in _lines(path):
        if found := _LABEL.match(line[:MAX_HEADER]):
            said[" ".join(found["what"].split())] = found["text"]
        elif line.startswith("&") and rows:
            raise ValueError(f"line {number} begins a second set of curves; one is allowed")
        elif not line.startswith(("#", "@", "&")):
            rows.append((number, line.split()))
    columns = _numbers(rows)
    legends = [said.get(f"s{i} legend", "") for i in range(len(columns) - 1)]
    if len(legends) == 1 and not legends[0]:
        legends = [said.get("yaxis label", "")]
    labels = [said.get("xaxis label", "x"), *(legend or f"y{i}" for i, legend in enumerate(legends))]
    return Table(tuple(labels[: len(columns)]), columns, [number for number, _ in rows])


def _read_text(path: Path) -> Table:
    lines = list(_lines(path))
    stated = next((found for _, line in lines if (found := _UNITS.match(line[:MAX_HEADER]))), None)
    units = (canonical(stated["grid"]), canonical(stated["values"] or "")) if stated else ("", "")
    header = _commented(lines)
    lines = [(number, line) for number, line in lines if not line.startswith("#")]
    if lines and not _is_number(_cells(lines[0][1])[0]):
        header, lines = lines[0][1], lines[1:]
    cells = _with_points if _has_decimal_commas([line for _, line in lines]) else _cells
    rows = [(number, cells(line)) for number, line in lines]
    columns = _numbers(rows)
    return Table(_labels(header, len(columns)), columns, [number for number, _ in rows], units)


def _commented(lines: Sequence[tuple[int, str]]) -> str:
    """Return what the last comment above the numbers says, which is where numpy and LAMMPS write their header."""
    before = list(itertools.takewhile(lambda line: line.startswith("#"), (line for _, line in lines)))
    said = [line.lstrip("# ") for line in before if not _UNITS.match(line[:MAX_HEADER])]
    return said[-1][:MAX_HEADER] if said else ""


def _has_decimal_commas(lines: Sequence[str]) -> bool:
    """Whether commas are decimal ones: beside semicolons, or within each line's words between spaces or tabs."""
    if any(";" in line for line in lines):
        return any("," in line for line in lines)
    words = [line.split() for line in lines]
    decimal = all(len(row) > 1 and all(map(_DECIMAL.fullmatch, row)) for row in words)
    return decimal and any("," in line for line in lines)


def _with_points(line: str) -> list[str]:
    return line.replace(",", ".").replace(";", " ").split() or [line]


def _lines(path: Path) -> list[tuple[int, str]]:
    text = read_text(path)
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]


def _labels(line: str, count: int) -> tuple[str, ...]:
    """Return as many labels as there are columns, or none where the line says another number of them."""
    if len(line) > MAX_HEADER:
        raise ValueError(f"its header has {len(line)} characters; at most {MAX_HEADER} are allowed")
    ways = [line.split(separator) for separator in ";,\t" if separator in line]
    ways += [_CELL.findall(line), re.split(r"\s{2,}", line)]
    found = next((cells for cells in ways if len(cells) == count), [])
    labels = tuple(cell.strip().strip('"') for cell in found)
    return () if any(map(_is_number, labels)) else labels


def _words(number: int, line: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], skipinitialspace=True))]
    except csv.Error as error:
        raise ValueError(f"line {number}: {error}") from error


def _cells(line: str) -> list[str]:
    return line.replace(",", " ").replace(";", " ").split() or [line]


def _numbers(rows: Sequence[tuple[int, list[str]]]) -> tuple[NDArray[np.float64], ...]:
    if not rows:
        raise ValueError("it has no lines of numbers")
    width = len(rows[0][1])
    for number, cells in rows:
        if len(cells) != width or not all(map(_is_number, cells)):
            raise ValueError(f"line {number} is not {width} numbers: {' '.join(cells)[:60]!r}")
    return tuple(np.array([[float(cell) for cell in cells] for _, cells in rows], dtype=np.float64).T)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
