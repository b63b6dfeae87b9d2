"""The lock of a campaign's folder: one process at a time writes its journal. The kernel frees it at any death.

It is on the folder itself, which nobody removes by hand as long as there is something in it, and on a file in the
folder. The file says which campaign the folder holds, and who writes it; and it is what holds where a file system (NFS)
does not lock folders.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from softal.errors import CampaignStateError

LOCK = "lock"  # a file of the folder
TRIES, PAUSE = 5, 0.05  # `in_use` holds it for an instant


class Lock:
    """A lock that is held from the time that it is made; CampaignStateError where another process holds it."""

    def __init__(self, folder: Path) -> None:
        self._path, self._campaign, self._signed = folder.absolute() / LOCK, "", False
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._file = -1
        try:
            self._file = self._made()
            if not (_taken(self._folder, where_locked=True) and _taken(self._file)):
                raise CampaignStateError(f"{folder} is in use by {_holder(self._path)}")
        except BaseException:
            self._close()
            raise

    def _made(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)

    def sign(self, campaign: str) -> None:
        """Say which campaign is run, and by which process."""
        self._campaign, self._signed = campaign, True
        self._write(f"process {os.getpid()} on {os.uname().nodename}\n")

    def _write(self, holder: str) -> None:
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{self._campaign}\n{holder}".encode(), 0)

    def renew(self) -> str | None:
        """Lock again what was removed and made anew; return who has the lock then, where that is somebody else."""
        if not self._path.parent.is_dir():
            return None
        if identity(self._path.parent) != identity(self._folder):
            self._folder = self._again(self._folder, os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY))
            _taken(self._folder)
        if identity(self._path) != identity(self._file):
            self._file = self._again(self._file, self._made())
            if not _taken(self._file):
                return _holder(self._path)
            self.sign(self._campaign)
        return None

    def _again(self, before: int, now: int) -> int:
        os.close(before)
        return now

    def release(self) -> None:
        """Give the lock back."""
        if self._signed and identity(self._path) == identity(self._file):
            with contextlib.suppress(OSError):  # a full disk: the kernel knows that nobody holds it
                self._write("")
        self._close()

    def _close(self) -> None:
        for descriptor in (self._file, self._folder):
            with contextlib.suppress(OSError):  # it was not opened
                os.close(descriptor)


def identity(file: Path | int) -> tuple[int, int] | None:
    """Return what tells a file from another one that has come to have its name; None where there is none."""
    try:
        found = os.stat(file)  # noqa: PTH116  of a descriptor, too
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _taken(descriptor: int, *, where_locked: bool = False) -> bool:
    """Lock a file; return whether that went well, or cannot be done with such a file where that is allowed."""
    for _ in range(TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        except OSError:
            return where_locked
        else:
            return True
    return False


def _holder(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return next((line.strip() for line in lines if line.startswith("process")), "another process")


def campaign_of(folder: Path) -> str | None:
    """Return the id of the campaign that was run last in a folder; None where there is none."""
    try:
        with (folder / LOCK).open(encoding="utf-8", errors="replace") as stream:
            return stream.readline().strip() or None
    except OSError:
        return None


def in_use(folder: Path) -> bool:
    """Return whether a process is running the campaign in `folder`."""
    return any(_held(path) for path in (folder / LOCK, folder))


def _held(path: Path) -> bool:
    with _opened(path) as descriptor:
        if descriptor is None:
            return path.exists() and path.is_file()  # it is not ours to open
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return path.is_file()
        return False


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
