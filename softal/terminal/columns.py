"""Tables in the terminal: numbers are never broken, and columns that do not fit beside the others come below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.table import Table

from softal.terminal.output import Terminal

GAP = 2  # characters between columns
NARROW, WIDE = 16, 60  # characters of a column of words: fewest before it comes below, most in a terminal


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: its name.
        cells: of all rows.
        words: whether its cells may go over several lines, which numbers may not.
        right: whether they stand at its right edge.
        style: of the cells.
    """

    head: str
    cells: Sequence[str]
    words: bool = False
    right: bool = False
    style: str = ""

    @property
    def width(self) -> int:
        """The fewest characters that it needs."""
        widest = max(map(cell_len, (self.head, *self.cells)))
        return min(widest, NARROW) if self.words else widest


def show_columns(console: Terminal, columns: Sequence[Column], *, keys: int = 1, head: str = "bold") -> None:
    """Print columns beside one another, or in several tables where they are wider than the terminal.

    Args:
        console: where.
        columns: of equal length.
        keys: how many of the first ones say which row it is, and stand in each of the tables; 0 numbers the rows where
            there are several tables.
        head: style of the names.
    """
    for i, some in enumerate(tables(columns, console.room, keys)):
        if i:
            console.print()
        table = Table(box=None, pad_edge=False, header_style=head)
        for column in some:
            table.add_column(
                column.head, overflow="fold", no_wrap=not column.words, style=column.style,
                justify="right" if column.right else "left", min_width=column.width,
                max_width=WIDE if column.words and console.is_terminal else None,
            )  # fmt: skip
        for row in zip(*(column.cells for column in some), strict=True):
            table.add_row(*row)
        console.print(table)


def tables(columns: Sequence[Column], room: int, keys: int) -> Iterator[list[Column]]:
    """Give the columns of each table that fits into so many characters, as far as one column beside the keys does."""
    if _width(columns) <= room:
        yield list(columns)
        return
    first, rest = list(columns[:keys]), list(columns[keys:])
    if not keys:
        first = [Column("", [str(row + 1) for row in range(len(columns[0].cells))])]
    some = [*first]
    for column in rest:
        if len(some) > len(first) and _width([*some, column]) > room:
            yield some
            some = [*first]
        some.append(column)
    yield some


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)
