"""What Ray's dashboard leaves behind when it is ended: the folder through which its server of forks takes orders.

Python removes such a temporary folder (`pymp-...`) when a process ends by itself; the dashboard is killed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from softal.orchestrator.workers.watcher import below

PROC = Path("/proc")
DASHBOARD = b"/ray/dashboard/dashboard.py"

_found: set[Path] = set()


def note() -> None:
    """Find the folders of the dashboards that this process has started, while they run."""
    processes = [process for dashboard in _dashboards() for process in (dashboard, *below(dashboard))]
    inodes = {inode for process in processes for inode in _sockets(process)}
    for line in _lines(PROC / "net" / "unix") if inodes else ():
        fields = line.split(maxsplit=7)  # the seventh is the inode, the eighth the path, if there is one
        if len(fields) == 8 and f"socket:[{fields[6]}]" in inodes:
            folder = Path(fields[7]).parent
            if folder.name.startswith("pymp-"):
                _found.add(folder)


def remove() -> None:
    """Remove them, once Ray has ended."""
    while _found:
        shutil.rmtree(_found.pop(), ignore_errors=True)


def _dashboards() -> Iterator[int]:
    for child in below(os.getpid()):
        try:
            if DASHBOARD in (PROC / str(child) / "cmdline").read_bytes():
                yield child
        except OSError:  # it has ended
            continue


def _sockets(process: int) -> Iterator[str]:
    for descriptor in (PROC / str(process) / "fd").glob("*"):
        try:
            yield str(descriptor.readlink())
        except OSError:  # it has been closed
            continue


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
