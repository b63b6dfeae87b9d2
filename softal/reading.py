"""The boundary for what is read from files: sizes are bounded before anything is allocated, and errors are few.

What stands here raises OSError where a file cannot be opened, and ValueError, in one line, for everything that may be
wrong with what is in it. `boundary` makes one error of softal's own of whatever a reader raises.
"""

from __future__ import annotations

import errno
import io
import json
import math
import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from softal.errors import SoftalError

MAX_TEXT = 20_000_000  # bytes of a table, which takes about thirty times as much once it is read
MAX_ARRAYS = 200_000_000  # bytes of all arrays in a file
MAX_HEADER = 10_000  # characters of the header of a .npy
NUMBERS = "iuf"  # kinds of numpy's types: whole numbers and floating-point ones

WAYS_OUT = {
    errno.ENOSPC: "make room there, or give another folder",
    errno.EDQUOT: "make room there, or give another folder",
    errno.EROFS: "give a folder that can be written",
    errno.EACCES: "give a place that you may use, or change its permissions",
    errno.EPERM: "give a place that you may use, or change its permissions",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ENOENT: "look whether the path is right, and whether a link leads to something",
    errno.ENOTDIR: "give another path: a part of this one is a file",
    errno.EISDIR: "give the path of a file",
    errno.EEXIST: "give another path: a file of this name is in the way",
    errno.ELOOP: "give another path: links lead to each other there",
    errno.EMFILE: "close some programs, or raise `ulimit -n`",
}


@contextmanager
def boundary(error: Callable[[str], SoftalError], said: str) -> Iterator[None]:
    """Make an error of softal's own of whatever is raised within, beginning with `said`; its own errors pass."""
    try:
        yield
    except SoftalError:
        raise
    except Exception as wrong:  # what damaged content raises depends on where it is damaged
        raise error(f"{said}: {in_a_line(wrong)}") from wrong


def in_a_line(error: BaseException) -> str:
    """Return what an error says, on one line that is not too long; its class, where it does not say much without."""
    if isinstance(error, OSError) and error.strerror:
        return of_system(error)
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    said = " ".join(str(error).split())[:500]
    return said if isinstance(error, ValueError) and said else f"{type(error).__name__}: {said}".rstrip(": ")


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says; its class, where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def of_system(error: OSError) -> str:
    """Return what the operating system has against a file, and what to do."""
    named = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    place = f"{named[0]:.300}: " if named else ""
    way = f"; {WAYS_OUT[error.errno]}" if error.errno in WAYS_OUT else ""
    return f"{place}{error.strerror or type(error).__name__}{way}"


def read_bytes(path: Path, limit: int = MAX_ARRAYS) -> bytes:
    """Return the content of a file of at most `limit` bytes; OSError, or ValueError where it is longer, or no file."""
    with _opened(path) as stream:
        if not path.is_file():
            raise ValueError("it is no regular file")
        size = os.fstat(stream.fileno()).st_size
        if size > limit:
            raise ValueError(f"it has {size} bytes; at most {limit} are allowed")
        return stream.read()


def _opened(path: Path) -> BinaryIO:
    """Open a file for reading; of a pipe, without waiting for somebody to write to it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.fdopen(descriptor, "rb")
    except OSError as error:  # a folder
        os.close(descriptor)
        raise OSError(error.errno, error.strerror, str(path)) from None


def is_file(path: Path) -> bool:
    """Return whether there is such a file; what no path can be, such as a long text, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_text(path: Path, limit: int = MAX_TEXT) -> str:
    """Return the text of a file (UTF-8); OSError, or ValueError with the line where it is none."""
    content = read_bytes(path, limit)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not UTF-8 text: byte 0x{content[error.start]:02x}") from None


def read_json(text: str) -> Any:
    """Return what a JSON text says; ValueError where it is none, or nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def read_npy(content: bytes) -> NDArray[Any]:
    """Return the array of numbers in the content of a .npy; ValueError where there is none.

    Its shape is held against the number of bytes that are there before any of it is made.
    """
    stream = io.BytesIO(content)
    shape, fortran_order, dtype = _npy_header(stream)
    rest = content[stream.tell() :]
    if dtype.kind not in NUMBERS or dtype.itemsize > 16:
        raise ValueError(f"it holds {str(dtype)[:60]}; numbers are allowed")
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise ValueError(f"its shape is {str(shape)[:60]}, which no array has")
    needed = math.prod(shape) * dtype.itemsize
    if needed != len(rest):
        raise ValueError(f"its shape {str(shape)[:60]} takes {needed:.6g} bytes, and it has {len(rest)}")
    return np.frombuffer(rest, dtype).reshape(shape, order="F" if fortran_order else "C")


def _npy_header(stream: io.BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran_order, dtype = read(stream, max_header_size=MAX_HEADER)
    except Exception as error:  # its header is read as Python, so that it can raise almost anything
        raise ValueError(f"its header is damaged: {in_a_line(error)[:200]}") from None
    return shape, bool(fortran_order), dtype


def read_npz(path: Path, limit: int = MAX_ARRAYS) -> dict[str, NDArray[Any]]:
    """Return the arrays of numbers in a .npz by name, others left out; OSError, or ValueError where it is damaged.

    Args:
        path: the file.
        limit: bytes that all of its arrays may have together.
    """
    with _opened(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                return dict(_arrays_in(archive, limit))
        except ValueError:
            raise
        except Exception as error:  # each way of compression has errors of its own
            raise ValueError(f"it is damaged: {in_a_line(error)}") from None


def _arrays_in(archive: zipfile.ZipFile, limit: int) -> Iterator[tuple[str, NDArray[Any]]]:
    members = [one for one in archive.infolist() if one.filename.endswith(".npy")]
    size = sum(one.file_size for one in members)
    if size > limit:
        raise ValueError(f"its arrays have {size} bytes; at most {limit} are allowed")
    for one in members:
        name = one.filename.removesuffix(".npy")
        with archive.open(one) as part:
            content = part.read()  # at most as much as the archive says
        try:
            dtype = _npy_header(io.BytesIO(content))[2]
            if dtype.kind in NUMBERS:
                yield name, read_npy(content)
        except ValueError as error:
            raise ValueError(f"{name[:60]!r}: {error}") from None
