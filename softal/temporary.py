"""Temporary folders that are removed by whoever comes next, where their own process was killed.

A folder is locked as long as its process lives; the kernel frees the lock at any death. What is not locked is nobody's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "softal-tmp-"  # of their names; folders of other names, of which some have no locks, are let be


@contextlib.contextmanager
def temporary_folder(within: Path | None = None, prefix: str = PREFIX) -> Iterator[Path]:
    """Make a folder that is gone at the end of the block, or, if this process is killed, when `sweep` is called.

    Args:
        within: folder; None is the system's for temporary files.
        prefix: of its name.
    """
    folder, descriptor = _locked(within, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _locked(within: Path | None, prefix: str) -> tuple[Path, int]:
    """Make a folder and lock it; another one where somebody swept it before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        except OSError:  # there are no locks on this file system, and nobody will sweep there
            return folder, descriptor
        if folder.exists():
            return folder, descriptor
        os.close(descriptor)


def sweep(within: Path | None = None, prefix: str = PREFIX) -> None:
    """Remove the folders of killed processes of ours; those of running ones and of other users stay."""
    for folder in (within or Path(tempfile.gettempdir())).glob(f"{prefix}*"):
        with contextlib.suppress(OSError):  # it is in use, has just gone, or is no folder
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)
