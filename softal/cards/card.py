"""What a card is made of: figures side by side, keys to their colours, pictures in frames, tables."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Panel:
    """One figure.

    Attributes:
        label: what it shows, for those who do not see it, and for the name of a file; plain text.
        figure: as JSON, safe inside a script element.
        height: [px].
    """

    label: str
    figure: str
    height: int


@dataclass(frozen=True)
class Key:
    """What a colour means, or a scale of colours with the texts at its ends; `colours` are CSS colours of ours."""

    text: str
    colours: Sequence[str]
    low: str = ""
    high: str = ""

    @property
    def background(self) -> str:
        """The CSS background."""
        return self.colours[0] if len(self.colours) == 1 else f"linear-gradient(90deg, {', '.join(self.colours)})"


@dataclass(frozen=True)
class Picture:
    """A picture as a PNG, with its text for those who do not see it; the report shows it in a square.

    Attributes:
        png: the file's bytes.
        text: what it shows.
        arrays: names of the arrays that it shows, which need not be drawn as curves, too.
    """

    png: bytes
    text: str
    arrays: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        """The picture as a `data:` address."""
        return "data:image/png;base64," + b64encode(self.png).decode()


@dataclass(frozen=True)
class Frame:
    """Pictures under each other with a title and lines of text below."""

    title: str
    lines: Sequence[str]
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Table:
    """A table of plain text: its head, and its rows; `numeric` says which columns are set to the right."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]


@dataclass(frozen=True)
class Card:
    """One section of the report.

    Attributes:
        title, text: what it shows, and how to read it; plain text.
        panels: its figures, side by side where there is room.
        keys: meaning of colours, below the text.
        frames: pictures, below the figures.
        tables: below the pictures.
        wide: whether it takes the page's whole width.
        arrays: names of the simulation's arrays that it shows, which are not shown again elsewhere.
    """

    title: str
    text: str
    panels: Sequence[Panel] = ()
    keys: Sequence[Key] = ()
    frames: Sequence[Frame] = ()
    tables: Sequence[Table] = ()
    wide: bool = True
    arrays: frozenset[str] = field(default_factory=frozenset)


def card(title: str, text: str, figure: go.Figure | None, wide: bool = True) -> Card | None:
    """Return a card of one figure; None without it."""
    return None if figure is None else Card(title, text, (panel(title, figure),), wide=wide)


def panel(label: str, figure: go.Figure) -> Panel:
    """Return a figure as it stands in a page."""
    return Panel(label, as_json(figure), int(figure.layout.height))


def as_json(figure: Any) -> str:
    """Return a figure as JSON that no text in it can break out of."""
    return str(figure.to_json()).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
