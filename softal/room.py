"""Whether there is room on a disk."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST = 1_000_000  # bytes: a disk with less is full, since next to nothing can be written


def is_full(error: BaseException) -> bool:
    """Return whether an error says that a disk is full."""
    return isinstance(error, OSError) and error.errno in FULL


def says_full(text: str) -> bool:
    """Return whether a text quotes what the operating system, and so every program, says of a full disk."""
    return any(os.strerror(number) in text for number in FULL)


def free(folder: Path) -> int:
    """Return how many bytes are free where a folder is, or will be; 0 where nobody knows."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            break
    return 0


def has_room(folder: Path) -> bool:
    """Return whether there is room where a folder is, or will be."""
    return free(folder) >= LEAST
