"""What the page's sections are made of: figures side by side, keys to their colours, cards with pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    """A picture as a `data:` address, with its text for those who do not see it; it is shown in a square."""

    address: str
    text: str


@dataclass(frozen=True)
class Card:
    """Pictures under each other with a title and lines of text below."""

    title: str
    lines: Sequence[str]
    pictures: Sequence[Picture]


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        title, caption: what it shows, and how to read it; plain text.
        panels: its figures, side by side where there is room.
        keys: meaning of colours, below the caption.
        cards: pictures, below the figures.
        wide: whether it takes the page's whole width.
    """

    title: str
    caption: str
    panels: Sequence[Panel] = ()
    keys: Sequence[Key] = ()
    cards: Sequence[Card] = ()
    wide: bool = True


def section(title: str, caption: str, figure: go.Figure | None, wide: bool = True) -> Section | None:
    """Return a section of one figure; None without it."""
    return None if figure is None else Section(title, caption, (panel(title, figure),), wide=wide)


def panel(label: str, figure: go.Figure) -> Panel:
    """Return a figure as it stands in the page."""
    return Panel(label, as_json(figure), int(figure.layout.height))


def as_json(figure: go.Figure) -> str:
    """Return a figure as JSON that no text in it can break out of."""
    return str(figure.to_json()).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
