"""What this process holds of the system: threads and open files, apart from those that come and go by themselves."""

from __future__ import annotations

import time
from pathlib import Path

PROCESS, NETWORK = Path("/proc/self"), Path("/proc/net")
ESTABLISHED = "01"  # state of a connection in the kernel's tables
POOL = "event_engine"  # name of the threads of gRPC's pool


def held() -> tuple[int, int]:
    """Return numbers of threads and of files.

    Without threads of gRPC's pool, and without connections that are up, of which Ray has one for each of its workers.
    """
    names = [_text(thread / "comm") for thread in (PROCESS / "task").iterdir()]
    files = [_link(descriptor) for descriptor in (PROCESS / "fd").iterdir()]
    return sum(name not in (POOL, "") for name in names), len([link for link in files if link]) - _connections(files)


def grown(before: tuple[int, int], patience: float = 120.0) -> str:
    """Return `no` once no more is held than before, or what is held instead, after so many seconds."""
    until = time.monotonic() + patience
    while any(now > then for now, then in zip(held(), before, strict=True)):
        if time.monotonic() > until:
            return f"from {before} to {held()} threads and files"
        time.sleep(0.1)
    return "no"


def _connections(links: list[str]) -> int:
    tcp = [line for name in ("tcp", "tcp6") for line in _text(NETWORK / name).splitlines()]
    up = {fields[9] for line in tcp if (fields := line.split())[3] == ESTABLISHED}
    up |= {fields[6] for line in _text(NETWORK / "unix").splitlines() if len(fields := line.split()) > 6}
    return sum(link.removeprefix("socket:[").removesuffix("]") in up for link in links)


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # a thread that has ended
        return ""


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # a file that has been closed, such as that of the list itself
        return ""
