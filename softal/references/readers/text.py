"""The text of a file, however it was packed and encoded, in lines with their numbers."""

from __future__ import annotations

import codecs
import io
import re
import zlib
from gzip import GzipFile
from pathlib import Path

from softal.reading import MAX_TEXT, read_bytes

Lines = list[tuple[int, str]]  # number in the file, from 1, and text without spaces around it

_PACKED = b"\x1f\x8b"
_MARKED = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
COMMENT = re.compile(r"(?:[#%!]|//)+\s*")  # of Python and gnuplot, of Matlab and LaTeX, of Fortran, of C


def read_lines(path: Path) -> Lines:
    """Return the lines of a file that are not empty; OSError, or ValueError where it is no text."""
    lines = decoded(unpacked(path)).splitlines()
    return [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]


def unpacked(path: Path) -> bytes:
    """Return the content of a file, without gzip around it; OSError, or ValueError where it is damaged or too long."""
    content = read_bytes(path, MAX_TEXT)
    if not content.startswith(_PACKED):
        return content
    try:
        with GzipFile(fileobj=io.BytesIO(content)) as stream:
            content = stream.read(MAX_TEXT + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"it is damaged: {error}") from None
    if len(content) > MAX_TEXT:
        raise ValueError(f"it has more than {MAX_TEXT} bytes, unpacked; at most {MAX_TEXT} are allowed")
    return content


def decoded(content: bytes) -> str:
    """Return the text of a file: UTF-8, UTF-16 with its mark, or else an old western encoding.

    The latter differ in letters that no number has, so that only names may be spelt wrong.

    Raises:
        ValueError: with the line where it holds what no text does.
    """
    encoding = next((name for mark, name in _MARKED.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise ValueError(f"it is damaged: it begins as {encoding.upper()}, and is not: {error.reason}") from None
        text = content.decode("cp1252", errors="replace")
    if found := _CONTROL.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"line {line} is no text: it holds the character 0x{ord(found[0]):02x}")
    return text


def is_comment(line: str) -> bool:
    """Whether a line is a comment as a whole."""
    return COMMENT.match(line) is not None


def said_in(comment: str) -> str:
    """Return what a comment says."""
    return COMMENT.sub("", comment, count=1)
