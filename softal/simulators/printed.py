"""What simulations print, bounded: of a long output its beginning and its end are kept, while it is still written.

Files are open for appending (O_APPEND) where somebody writes to them: what comes after a cut then goes to their end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

LIMIT = 16 * 2**20  # bytes of each stream, where nobody says another number
LOOK = 1.0  # seconds between looks at how long it is
CUT = b"\n[... %d bytes were left out here: workers.output is %d ...]\n"
_EARLIER = re.compile(rb"\n\[\.\.\. (\d+) bytes were left out here: workers\.output is \d+ \.\.\.\]\n")


@contextlib.contextmanager
def bounded(files: Sequence[IO[bytes]], limit: int | None) -> Iterator[None]:
    """Keep what others write to open files within a limit in the block [bytes]; None is any number."""
    if limit is None:
        yield
        return
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK):
            _cut_all(files, limit)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _cut_all(files, limit)


@contextlib.contextmanager
def bounded_after(paths: Sequence[Path], limit: int | None) -> Iterator[None]:
    """Cut files that are read within the block, and so have to be whole there, after it."""
    try:
        yield
    finally:
        for path in paths if limit is not None else ():
            with contextlib.suppress(OSError), path.open("r+b") as file:
                append_only(file)
                cut(file.fileno(), limit or 0)


def append_only(file: IO[bytes]) -> None:
    """Let everything that is written to an open file, by other processes, too, go to its end."""
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)


def cut(descriptor: int, limit: int) -> None:
    """Leave a quarter of the limit of a longer file's beginning, and half of the limit of its end."""
    size = os.fstat(descriptor).st_size
    if size <= limit:
        return
    head, tail = limit // 4, limit // 2
    left_out, end = size - head - tail, os.pread(descriptor, tail, size - tail)
    if earlier := _EARLIER.match(os.pread(descriptor, 200, head)):
        left_out += int(earlier[1]) - len(earlier[0])
    os.ftruncate(descriptor, head)
    os.write(descriptor, CUT % (left_out, limit) + end)


def _cut_all(files: Sequence[IO[bytes]], limit: int) -> None:
    for file in files:
        with contextlib.suppress(OSError, ValueError):  # a full disk; closed meanwhile
            cut(file.fileno(), limit)
