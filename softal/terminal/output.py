"""What the command line prints with: a console without markup, foreign text as plain text, nothing that raises."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, ParamSpec

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from softal.passwords import redacted

P = ParamSpec("P")

# Control characters (of 8 bits, too), line and paragraph separators, what turns the direction of writing around, and
# halves of surrogate pairs. Line breaks and tabs are not text in a name, but they are in a message.
_NO_TEXT = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
IN_A_MESSAGE = re.compile(f"[{_NO_TEXT}]")
IN_A_LINE = re.compile(f"[{_NO_TEXT}\n\t]")
JOINED = "\ue000"  # stands for a blank at which no line ends
ANY_WIDTH = 100_000  # characters; more than any table has


def plain(text: object, *, lines: bool = False) -> str:
    """Return what a user or a simulation has named or said as text that only says what it says.

    Control characters and the like are written as `\\x1b`, as Python does; passwords of addresses are hidden.

    Args:
        text: a name, a choice, a reason, a file name ...
        lines: whether line breaks and tabs may stay.
    """
    return redacted((IN_A_MESSAGE if lines else IN_A_LINE).sub(lambda found: ascii(found[0])[1:-1], str(text)))


class Terminal(Console):
    """A console that takes text as it is: no markup, no emoji, and no control characters but its own."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})
        self._folds = self.is_terminal or options.get("width") is not None or "COLUMNS" in os.environ

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; where it is no terminal, programs read it, and each row of a table is one line, however long."""
        if self._folds or not any(isinstance(one, Table) for one in objects):
            super().print(*objects, **options)
            return
        width, self.width = self.width, ANY_WIDTH
        super().print(*objects, **options)
        self.width = width

    @property
    def room(self) -> int:
        """How many characters a line may have."""
        return self.width if self._folds else ANY_WIDTH

    def tell(self, *parts: str | tuple[str, str], head: str = "") -> None:
        """Say something that is no command and no path: between words it goes on in the next line, below its head.

        A value and its error stay together.
        """
        text = Text.assemble(*parts)
        text.plain = text.plain.replace(" ± ", f"{JOINED}±{JOINED}")
        lines = text.wrap(self, max(1, self.room - len(head)))
        for i, line in enumerate(lines):
            line.plain = line.plain.replace(JOINED, " ").rstrip()
            self.print(Text.assemble((head if not i else " " * len(head), "bold"), line), soft_wrap=True)

    def say(self, *parts: str | tuple[str, str]) -> None:
        """Print a line of parts, some of them with a style; whatever they hold is printed as it is."""
        self.print(Text.assemble(*parts), soft_wrap=True)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render anything; what forgot to ask `plain` is made so here, though its column may be too narrow then."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text, lines=True), segment.style)


def print_json(content: Any) -> None:
    """Print something for programs."""
    print(json.dumps(content, indent=2, default=str))


def harmless(show: Callable[P, object]) -> Callable[P, None]:
    """Return the same function, which shows something, such that what goes wrong in it is said once and not raised."""
    said: set[str] = set()

    @functools.wraps(show)
    def shown(*args: P.args, **named: P.kwargs) -> None:
        try:
            show(*args, **named)
        except Exception as error:
            with contextlib.suppress(Exception):
                why = plain(f"{type(error).__name__}: {error}")
                if why not in said:
                    said.add(why)
                    print(f"This cannot be shown: {why}", file=sys.stderr)

    return shown
