"""MPICH's shared memory: a MB in /dev/shm for each process that ran LAMMPS, which stays there when it is killed."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

FOLDER, PATTERN = Path("/dev/shm"), "mpich_shm_*"
NEW = 60.0  # seconds in which other ranks of an MPI program may still be about to find it


def forget() -> None:
    """Take away the names of what this process has there: the memory stays, and ends with it, however it ends."""
    for path in mapped("self"):
        with contextlib.suppress(OSError):
            path.unlink()


def sweep() -> None:
    """Remove what killed processes of ours have left."""
    old = [path for path in FOLDER.glob(PATTERN) if _is_ours_and_old(path)]
    if old:
        processes = (path.name for path in Path("/proc").glob("[1-9]*"))
        in_use = {path for process in processes for path in mapped(process)}
        for path in old:
            if path not in in_use:
                path.unlink(missing_ok=True)


def _is_ours_and_old(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:  # it has just gone
        return False
    return found.st_uid == os.geteuid() and time.time() - found.st_mtime > NEW


def mapped(process: str) -> list[Path]:
    """Return what a process, by its id or `self`, has there under a name."""
    try:
        lines = Path(f"/proc/{process}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # it has gone, or is somebody else's
        return []
    files = {line.partition("/")[1] + line.partition("/")[2] for line in lines if "/mpich_shm_" in line}
    return [Path(file) for file in sorted(files) if Path(file).parent == FOLDER and not file.endswith(" (deleted)")]
