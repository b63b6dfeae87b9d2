"""The processes between a worker and its sandbox's child: nothing that a simulation has started outlives the child.

    worker ──► watcher ──► watcher ──► child ──► programs of the simulation

Whatever loses its parent below a watcher becomes the watcher's (`PR_SET_CHILD_SUBREAPER`), in whichever session or
process group it may be. When the child ends, or the worker does, or wants the end (SIGTERM), a watcher kills all that
is below it, and ends as the child has ended. There are two, so that one may be killed: Ray kills the children of a
worker that it ends by force. A watcher is started by this file's name and imports the standard library alone, which
takes some milliseconds and MB.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
IGNORED = (signal.SIGINT, signal.SIGHUP)  # of terminals
LIFELINE = 0  # the watcher's standard input: the worker holds the other end, which its death closes
PATIENCE = 10.0  # seconds for what was killed to be gone; what waits for a broken disk may take longer
LOOK = 0.005  # seconds between looks at it
# Helpers of libraries live as long as the process that they help: it would not find them when it asks the next time.
HELPERS = re.compile(
    r"\bmultiprocessing\b|\bloky\b|\bcompile_worker\b|/ray/(core|dashboard|autoscaler|_private)/|^ray::"
)


class Process(NamedTuple):
    """One of the kernel's processes; `began` tells it from a later one of the same id."""

    parent: int
    began: str
    ended: bool


def command(child: Sequence[str], pipe: int) -> list[str]:
    """Return the command that runs a child, given by its own, below watchers; its standard input must be a pipe.

    Args:
        child: the command.
        pipe: file descriptor that is for the child alone.
    """
    return [sys.executable, "-I", "-S", __file__, str(pipe), *child]


def main() -> None:
    """Run the command in the arguments below two watchers, of which this process becomes the outer one."""
    pipe, child = int(sys.argv[1]), sys.argv[2:]
    _watch(pipe, lambda: _forked(lambda: _watch(pipe, lambda: _spawned(child), watched=False)), watched=True)


def _watch(pipe: int, start: Callable[[], int], watched: bool) -> None:
    """Start a child and wait for its end, or for that of who holds the lifeline; then end all, and ourselves.

    Args:
        pipe: file descriptor that is for the innermost child alone.
        start: starts the child and returns its process id.
        watched: whether the child is a watcher itself.
    """
    adopt_orphans()
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)  # it wakes us
    for ignored in IGNORED:
        signal.signal(ignored, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGCHLD})
    die_with_parent(signal.SIGTERM)
    child, status = start(), None
    os.close(pipe)
    while not told and (status := _status(child)) is None:
        heard, _, _ = select.select([LIFELINE, read], [], [])
        if LIFELINE in heard:
            break
        os.read(read, 512)
    _end_all(child, status, watched)


def _status(child: int) -> int | None:
    """Return how the child has ended, as `os.waitpid` says it; None while it runs."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return status if pid else None


def _end_all(child: int, status: int | None, watched: bool) -> None:
    """Kill what is left, and end as the child has; one that is a watcher ends what is below it itself."""
    until = time.monotonic() + PATIENCE
    if watched and status is None:  # it goes first, so that at any moment one of us is there to end the rest
        os.kill(child, signal.SIGTERM)
    while _has_children() and time.monotonic() < until:
        if not watched or status is not None:
            kill(below(os.getpid()))
        for pid, found in _reaped():
            status = found if pid == child else status
        time.sleep(LOOK)
    kill(below(os.getpid()))
    code = os.waitstatus_to_exitcode(int(signal.SIGKILL) if status is None else status)
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the child's core is the one to look at
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.kill(os.getpid(), -code)
    os._exit(code)


def _forked(run: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        run()
    return pid


def _spawned(child: list[str]) -> int:
    """Start the child in a session of its own, where Ctrl-C in the user's terminal does not reach it."""
    nothing = (os.POSIX_SPAWN_OPEN, LIFELINE, os.devnull, os.O_RDONLY, 0)
    return os.posix_spawn(child[0], child, os.environ, file_actions=[nothing], setsid=True, setsigdef=IGNORED)


def adopt_orphans() -> None:
    """Become the parent of all below this process that lose theirs."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(by: signal.Signals = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when its parent dies, however that happens."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:  # it died before the call
        sys.exit(1)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reaped() -> Iterable[tuple[int, int]]:
    """Give the children that have ended, and how."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def below(pid: int) -> dict[int, Process]:
    """Return all processes below one by their ids, those included that have ended and that nobody has asked about."""
    known: dict[int, Process] = {}
    for stat in Path("/proc").glob("[1-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just gone
            state, parent, *rest = stat.read_bytes().rpartition(b")")[2].decode().split()
            known[int(stat.parent.name)] = Process(int(parent), rest[17], state in "ZX")
    found, above = dict[int, Process](), {pid}
    while above := {one for one, process in known.items() if process.parent in above}:
        found |= {one: known[one] for one in above}
    return found


def kill(processes: Iterable[int]) -> bool:
    """Kill processes; return whether any could be: those of somebody else, such as of a `sudo`, cannot."""
    any_of_them = False
    for pid in processes:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            any_of_them = True
    return any_of_them


class Started:
    """What a simulation has started: all that comes to be below this process in the block ends with it.

    Helpers of libraries are let be: Python's own pools, a Ray of the simulation's. They end with this process.
    """

    def __enter__(self) -> Started:
        self._before = below(os.getpid()) if _has_children() else {}
        return self

    def __exit__(self, *_: object) -> None:
        until = time.monotonic() + PATIENCE
        while _has_children() and (left := self._left()) and kill(left) and time.monotonic() < until:
            for pid in left:
                with contextlib.suppress(ChildProcessError):  # it is below one of our children
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(LOOK)

    def _left(self) -> list[int]:
        import multiprocessing  # which watchers do without

        own, found = os.getpid(), below(os.getpid())
        pools = {child.pid for child in multiprocessing.active_children()}
        return [
            pid
            for pid, process in found.items()
            if not (pid in self._before and self._before[pid].began == process.began)
            and not (process.ended and process.parent != own)  # it is its parent's to ask about
            and pid not in pools
            and not HELPERS.search(_words(pid))
        ]


def _words(pid: int) -> str:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


if __name__ == "__main__":
    main()
