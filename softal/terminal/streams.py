"""The standard streams of the command line, which cannot fail.

A campaign runs for days, and whoever reads what it prints may go: `| head -1`, a full disk, a terminal that is closed,
an encoding that has no `±`. None of that is the campaign's business, so nothing of it is raised where something is
printed, be it by softal, a library or the user's own code.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

SIMPLER = "softal-simpler"  # name of the way in which characters are written that an encoding lacks
SPELLED = {
    "±": "+-", "×": "x", "·": "*", "−": "-", "–": "-", "—": "-", "─": "-", "━": "-", "│": "|", "…": "...", "→": "->",
    "≤": "<=", "≥": ">=", "≈": "~", "²": "^2", "³": "^3", "µ": "u", "Å": "A", "°": "deg", "σ": "sigma", "ε": "epsilon",
    "χ": "chi", "•": "*",
}  # fmt: skip
PATIENCE = 10.0  # for a stream that takes nothing just now, though it does not block [s]


class Sink(io.RawIOBase):
    """Writes to a file descriptor as far as that goes, and raises nothing.

    Attributes:
        lost: why something could not be written, the first time; None where all was.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.lost: OSError | None = None

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, data: Any, /) -> int:
        """Write all of the bytes, or as many as are taken; return how many there were."""
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left:
                try:
                    left = left[os.write(self._descriptor, left) :]
                except BlockingIOError:  # another program that shares the terminal has made it so
                    if not select.select([], [self._descriptor], [], PATIENCE)[1]:
                        raise
        except OSError as error:
            self.lost = self.lost or error
        return size


def secure() -> None:
    """Let nothing that this process prints to its standard streams raise, whatever becomes of them.

    Descriptors that are closed are opened to nowhere: else the next file that is opened, such as a database, would get
    what is meant for the terminal. Streams that somebody has put in the place of the process's own are left alone.
    """
    codecs.register_error(SIMPLER, _spelled)
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  (as long as the process)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        given: TextIO | None = getattr(sys, name)
        if given is None or given is getattr(sys, f"__{name}__"):
            setattr(sys, name, _unfailing(descriptor, given))


def lost() -> str | None:
    """Return why not all of the standard output could be written; None where it was, or where its reader has left."""
    with contextlib.suppress(Exception):
        sys.stdout.flush()
    sink = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    error = sink.lost if isinstance(sink, Sink) else None
    if error is None or error.errno in (errno.EPIPE, errno.EIO):  # EIO: of a terminal that was closed
        return None
    return os.strerror(error.errno) if error.errno else str(error)


def _unfailing(descriptor: int, given: TextIO | None) -> TextIO:
    with contextlib.suppress(Exception):
        if given is not None:
            given.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(Sink(descriptor)),
        encoding=getattr(given, "encoding", None) or "utf-8",
        errors=SIMPLER,
        line_buffering=descriptor == 2 or os.isatty(descriptor),
    )


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Write characters that an encoding lacks by others: `+-` for `±`, `\\u2713` where there is nothing better."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SPELLED.get(character) or ascii(character)[1:-1] for character in lacking), error.end
