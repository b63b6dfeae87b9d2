"""Numbers in lines of text: what separates them, which mark is the decimal one, and refusals where that is not certain.

    0.5,1.25        0.5;1.25        0.5 1.25        "0.5" "1.25"        0.5 1.25D+00
    0,5;1,25        0,5 1,25        "1,234.5";2     1.234,5;2           commas and points by their places

`1;1,001` may mean 1.001 or 1001, and `0,05,1,25` two numbers or four: such files are refused.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence

from softal.references.readers.text import Lines

Rows = list[tuple[int, list[str]]]  # number of a line, and its cells

_EXPONENT = r"(?:[eEdD][-+]?\d+)?"
NUMBER = re.compile(rf"[-+]?(?:(?:\d+\.?\d*|\.\d+){_EXPONENT}|nan|inf(?:inity)?)", re.IGNORECASE)
_NUMBERISH = re.compile(rf"[-+]?(?:\d[\d.,]*|[.,]\d+)(?<!,){_EXPONENT}")
_GROUPED = re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?{_EXPONENT}")
_DECIMAL = re.compile(rf"[-+]?(?:(?:\d+|[1-9]\d{{0,2}}(?:\.\d{{3}})+),\d*|,\d+){_EXPONENT}")
_LEADING_ZERO = re.compile(r"[-+]?0\d+|-0")
_WHOLE = re.compile(r"[-+]?\d+")
UNCERTAIN = "it is not certain what its commas mean; write decimal points, and thousands without separators"
LONGEST = 100  # characters of a number


def is_number(text: str) -> bool:
    """Whether a text is a number as programs write them."""
    return len(text) <= LONGEST and NUMBER.fullmatch(text) is not None


def number(text: str) -> float:
    """Return the number that a text is, Fortran's `1.5D+00` too; NaN for an empty one."""
    return float(re.sub("[dD]", "e", text)) if text else float("nan")


def rows_of(lines: Lines) -> Rows:
    """Return the cells of each line of numbers, with the decimal point in them, and not yet numbers for certain.

    Raises:
        ValueError: if it is not certain what separates numbers, or which mark is the decimal one.
    """
    separator = _separator([line for _, line in lines])
    rows = [(place, split(line, separator)) for place, line in lines]
    if separator == "," and not any('"' in line for _, line in lines):
        _check_separating(rows)
    return _with_points(rows)


def split(line: str, separator: str | None) -> list[str]:
    """Return the cells of a line without spaces and quotes around them; a separator of None is spaces."""
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        found = next(csv.reader([line], delimiter=separator or " ", skipinitialspace=True), [])
    except csv.Error as error:
        raise ValueError(f"{error}: {line[:60]!r}") from None
    return [cell.strip() for cell in found]


def _separator(lines: Sequence[str]) -> str | None:
    bare = [re.sub(r'"[^"]*"', "0", line) if '"' in line else line for line in lines]
    if any(";" in line for line in bare):
        return ";"
    if all("\t" in line for line in bare) and not any(
        " " in cell.strip() for line in bare for cell in line.split("\t")
    ):
        return "\t"
    if any("," in line for line in bare) and not _between_spaces(bare):
        return ","
    return None


def _between_spaces(lines: Sequence[str]) -> bool:
    """Whether each line's words are numbers, so that commas belong to them."""
    words = [line.split() for line in lines]
    return all(len(row) > 1 and all(_NUMBERISH.fullmatch(word) or is_number(word) for word in row) for row in words)


def _check_separating(rows: Rows) -> None:
    """Raise ValueError where commas that are taken for separators must be decimal ones."""
    if are_whole(rows) and (
        place := next((line for line, row in rows if any(map(_LEADING_ZERO.fullmatch, row))), None)
    ):
        raise ValueError(f"line {place} has a number that begins with 0 after a comma: {UNCERTAIN}")


def are_whole(rows: Rows) -> bool:
    """Whether all cells are whole numbers, of which two with a comma between them may be one."""
    return all(_WHOLE.fullmatch(cell) for _, row in rows for cell in row if cell)


def _with_points(rows: Rows) -> Rows:
    with_commas = [cell for _, row in rows for cell in row if "," in cell]
    if not with_commas:
        return rows
    grouped, decimal = all(map(_GROUPED.fullmatch, with_commas)), all(map(_DECIMAL.fullmatch, with_commas))
    first = next(place for place, row in rows if any("," in cell for cell in row))
    if grouped and not decimal:  # 1,234.5 or 1,234,567
        return _replaced(rows, ((",", ""),))
    if decimal and not all(map(_GROUPED.fullmatch, with_commas)):
        if any("." in cell and "," not in cell for _, row in rows for cell in row):
            raise ValueError(f"it has decimal commas, such as in line {first}, beside decimal points: {UNCERTAIN}")
        return _replaced(rows, ((".", ""), (",", ".")))
    raise ValueError(f"line {first} has the number {with_commas[0][:30]!r}: {UNCERTAIN}")


def _replaced(rows: Rows, marks: Iterable[tuple[str, str]]) -> Rows:
    def cell_of(cell: str) -> str:
        for old, new in marks:
            cell = cell.replace(old, new)
        return cell

    return [(place, [cell_of(cell) for cell in row]) for place, row in rows]
