"""Reads tables of words under a header: CSV files of points, labels and the like."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from softal.references.readers.text import read_lines


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

    Cells are separated by what separates those of the header: semicolons, tabs or commas.

    Raises:
        OSError, ValueError: if it cannot be read, names a column twice, or a row is longer or shorter than the header.
    """
    lines = [(number, line) for number, line in read_lines(path) if not line.startswith("#")]
    separator = next((mark for mark in ";\t" if lines and mark in lines[0][1]), ",")
    found = [(number, _words(number, line, separator)) for number, line in lines]
    columns = tuple(found[0][1]) if found else ()
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise ValueError(f"it has the column {twice[0]!r} twice")
    for number, words in found:
        if len(words) != len(columns):
            raise ValueError(f"line {number} has {len(words)} cells; the header has {len(columns)}")
    cells = tuple(dict(zip(columns, words, strict=True)) for _, words in found[1:])
    return Rows(columns, cells, tuple(number for number, _ in found[1:]))


def _words(number: int, line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]
    except csv.Error as error:
        raise ValueError(f"line {number}: {error}") from error
