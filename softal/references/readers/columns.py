"""Text in columns, as people, spreadsheets and programs write it, with the names of its columns wherever they stand.

    r_nm,g                            a first line that is no number
    # r [nm]   g(r)                   the last comment above the numbers that has as many words as there are columns
    #! FIELDS r g                     PLUMED's
    r;g  and below it  nm;-           a line of units under the names

Columns that are empty everywhere are left out, with their names. A last column of `i`, `o` and `u` is VOTCA's flag: the
rows that count have `i`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.references.readers.blocks import blocks_of, sampled
from softal.references.readers.cells import UNCERTAIN, Rows, are_whole, is_number, number, rows_of
from softal.references.readers.table import Table
from softal.references.readers.text import Lines, is_comment, said_in
from softal.references.units import canonical, is_known, split_label

MAX_HEADER = 10_000  # characters of a line that names units, columns or axes
_UNITS = re.compile(r"^units?\s*:\s*(?P<grid>[^,;]+)(?:[,;]\s*(?P<values>.+))?$", re.IGNORECASE)
_CELL = re.compile(r"\S+(?:\s+[(\[][^)\]]*[)\]])?")  # a word, with the unit in brackets that follows it
_FIELDS = re.compile(r"^FIELDS\s+")
_NO_UNIT = {"-", "--", "", "1", "()", "[]", "(-)", "[-]", "a.u.", "arb. units"}
_FLAGS = {"i", "o", "u"}


def read_columns(lines: Lines) -> Table:
    """Make a table of lines of text; ValueError where they are none, or it is not certain what they say."""
    above, rows = _parts(lines)
    comments = [said_in(line)[:MAX_HEADER] for _, line in above if is_comment(line)]
    stated = next((found for comment in comments if (found := _UNITS.match(comment))), None)
    units = (canonical(stated["grid"]), canonical(stated["values"] or "")) if stated else ("", "")
    titled = any("number-of-" in comment.lower() for comment in comments)
    rows, blocks = blocks_of(rows, titled)
    rows = _flagged(rows)
    width = len(rows[0][1])
    labels = _labels(above, width, rows[0][0])
    if not labels and width > 2 and width % 2 == 0 and any("," in line for _, line in lines) and are_whole(rows):
        raise ValueError(f"line {rows[0][0]} has {width} whole numbers between commas, and no names: {UNCERTAIN}")
    columns = numbers(rows)
    kept = [i for i, column in enumerate(columns) if not np.isnan(column).all() or any(row[i] for _, row in rows)]
    table = Table(
        tuple(labels[i] for i in kept) if labels else (),
        tuple(columns[i] for i in kept),
        [place for place, _ in rows],
        units,
        series=bool(labels) and labels[0].casefold() in ("timestep", "step", "time"),
    )
    return table if blocks is None else _averaged(table, blocks)


def _averaged(table: Table, blocks: Floats) -> Table:
    """Return a table with its blocks, shape (b, k, columns), and their means as its columns."""
    lines = np.array(table.lines)
    if {"TimeDelta", "Ncount"} <= set(table.labels):  # ave/correlate
        blocks, rows = sampled(blocks, table.labels.index("Ncount"))
        blocks, lines = blocks[:, rows], lines[rows]
    return replace(table, columns=tuple(blocks.mean(axis=0).T), lines=lines.tolist(), blocks=blocks)


def numbers(rows: Rows) -> tuple[NDArray[np.float64], ...]:
    """Return the columns of rows; ValueError, with the line, for one that has other things or another length."""
    if not rows:
        raise ValueError("it has no lines of numbers")
    width = len(rows[0][1])
    table = np.empty((len(rows), width))
    for i, (place, cells) in enumerate(rows):
        if len(cells) != width:
            raise ValueError(f"line {place} is not {width} numbers: {' '.join(cells)[:60]!r}")
        table[i] = _numbers(place, cells)
    return tuple(table.T)


def _numbers(place: int, cells: Sequence[str]) -> list[float]:
    try:  # a tenth of the time, for all but a few files
        if not any("_" in cell for cell in cells):  # 1_000 is a number in Python alone
            return [float(cell) for cell in cells]
    except ValueError:
        pass
    if not all(not cell or is_number(cell) for cell in cells):
        raise ValueError(f"line {place} is not {len(cells)} numbers: {' '.join(cells)[:60]!r}")
    return [number(cell) for cell in cells]


def _parts(lines: Lines) -> tuple[Lines, Rows]:
    """Return what stands above the numbers, and their cells."""
    first = next((i for i, (_, line) in enumerate(lines) if not is_comment(line) and _begins_with_number(line)), None)
    if first is None:
        raise ValueError("it has no lines of numbers")
    data = [(place, line.partition("#")[0].strip()) for place, line in lines[first:] if not is_comment(line)]
    return lines[:first], rows_of(data)


def _begins_with_number(line: str) -> bool:
    word = next(iter(re.split(r"[\s;]+", line.replace('"', "").strip(), maxsplit=1)), "")
    return is_number(word.split(",")[0]) or is_number(word.rstrip(",")) or bool(re.match(r"[-+]?,\d", word))


def _flagged(rows: Rows) -> Rows:
    if len(rows[0][1]) > 2 and all(row and row[-1] in _FLAGS for _, row in rows):
        return [(place, row[:-1]) for place, row in rows if row[-1] == "i"] or rows
    return rows


def _labels(above: Lines, width: int, first: int) -> tuple[str, ...]:
    """Return as many labels as there are columns; none where nothing above the numbers names any.

    Raises:
        ValueError: if a line that is no comment names another number of columns, or two comments may name them.
    """
    heads = [_FIELDS.sub("", line) for _, line in above if not is_comment(line)]
    if (longest := max(map(len, heads), default=0)) > MAX_HEADER:
        raise ValueError(f"its header has {longest} characters; at most {MAX_HEADER} are allowed")
    named = [cells for line in heads if (cells := _words(line, width))]
    if heads and not _words(heads[-1], width):
        raise ValueError(
            f"its header {heads[-1][:60]!r} does not name {width} columns, as many as line {first} has; "
            "begin it with # where it names none"
        )
    if not heads:
        said = [_FIELDS.sub("", said_in(line)[:MAX_HEADER]) for _, line in above]
        named = [cells for line in said if not _UNITS.match(line) and (cells := _words(line, width))]
    if len(named) > 1 and _are_units(named[-1]):
        return tuple(_with_unit(label, unit) for label, unit in zip(named[-2], named[-1], strict=True))
    found = named[-1] if named else ()
    if not any(map(_unit_in, found)) and any(_unit_in(cell) for cells in named[:-1] for cell in cells):
        raise ValueError("two of its comments may name the columns, and one has units: remove the other")
    return found


def _words(line: str, count: int) -> tuple[str, ...]:
    """Return the words of a line that has as many of them as there are columns; else none."""
    ways = [line.split(separator) for separator in ";,\t" if separator in line]
    ways += [_CELL.findall(line), re.split(r"\s{2,}", line)]
    ways += [line.split()] if all(word[0] in "([-" for word in line.split()) else []  # units below names
    found: Sequence[str] = next((cells for cells in ways if len(cells) == count), [])
    words = tuple(cell.strip().strip('"').strip() for cell in found)
    return () if any(map(is_number, words)) and not _are_units(words) else words


def _are_units(words: Sequence[str]) -> bool:
    bare = [word.strip("()[] ") for word in words]
    return any(map(is_known, bare)) and all(is_known(word) or word in _NO_UNIT for word in bare)


def _unit_in(label: str) -> bool:
    return is_known(split_label(label)[1])


def _with_unit(label: str, unit: str) -> str:
    bare = unit.strip("()[] ")
    if bare in _NO_UNIT:
        return label
    said = split_label(label)[1]
    if said and canonical(said) != canonical(bare):
        raise ValueError(f"its column {label!r} has the unit {bare!r} under it")
    return label if said else f"{label} [{bare}]"
