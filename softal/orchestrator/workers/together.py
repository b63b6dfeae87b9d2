"""Trials that only wait for their programs: many in one child process, each in a thread.

A hundred programs that sleep, or wait for a queue of a cluster, need no hundred Pythons, which take 100 MB each and
minutes to start. The child is as a sandbox's, below the same watchers; each trial has a pipe of its own to it. A trial
that would take the child down takes the others along, so this is for our own simulators, which start programs by
`softal.simulators.process` and read what these have written.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from queue import Empty, SimpleQueue

from softal.orchestrator.workers import watcher
from softal.orchestrator.workers.evaluation import run_one
from softal.orchestrator.workers.job import Job, Outcome, Task, WorkerLost
from softal.orchestrator.workers.sandbox import Sandbox, heard, serve
from softal.simulators.base import Simulator
from softal.simulators.process import RUN


class Together:
    """The child, and as many places for trials as are wanted at once, from any threads.

    Args:
        job: of the trials.
        payload: the job, packed.
        ready: is called before each trial, once the child can run it.
    """

    def __init__(self, job: Job, payload: bytes, ready: Callable[[], object] = lambda: None) -> None:
        self._job, self._payload, self._ready = job, payload, ready
        self._child = _Child(job, payload)
        self._idle: SimpleQueue[_Place] = SimpleQueue()

    def evaluate_together(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Run trials, beside those of other threads; see `Sandbox.evaluate_together`."""
        try:
            place = self._idle.get_nowait()
        except Empty:
            place = _Place(self._job, self._payload, self._child)
            place.ready = self._ready
        try:
            return place.evaluate_together(tasks)
        finally:
            self._idle.put(place)

    def discard(self) -> None:
        """End the child for good, with whatever its trials have started, when none waits for it any more."""
        self._child.discard()
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait().discard()


class _Child(Sandbox):
    """The process, which gets a pipe for each place through its own."""

    CHILD = "softal.orchestrator.workers.together"

    def __init__(self, job: Job, payload: bytes) -> None:
        super().__init__(job, payload)
        self._lock = threading.Lock()

    def pipe(self) -> Connection:
        """Return a new pipe to the child, which is started if it does not run."""
        with self._lock:
            try:
                return self._new_pipe()
            except (BrokenPipeError, ConnectionResetError):  # it has just died, and its watchers still end what is left
                self.close()
                return self._new_pipe()

    def _new_pipe(self) -> Connection:
        self._start()
        assert self._pipe is not None
        ours, theirs = Pipe()
        with theirs:
            try:
                send_handle(self._pipe, theirs.fileno(), os.getpid())
            except OSError:
                ours.close()
                raise
        return ours


class _Place(Sandbox):
    """A sandbox whose child is that of all."""

    def __init__(self, job: Job, payload: bytes, child: _Child) -> None:
        super().__init__(job, payload)
        self._child = child

    def _start(self) -> None:
        if self._pipe is None:
            self._pipe = self._child.pipe()
        self.ready()

    def close(self) -> None:
        """Let the child know nothing of this place any more."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def _death(self) -> Exception:
        """Return what the child's end means: it was no trial's doing."""
        self.close()
        return WorkerLost("the process that waited for its program has ended")


# What follows runs in the child.


def _serve(pipe: Connection, job: Job, simulator: Simulator) -> None:
    """Take pipes of places until the parent's closes, or the campaign is over."""
    with contextlib.suppress(EOFError):
        while heard(pipe, job):
            place = Connection(recv_handle(pipe))
            threading.Thread(target=_serve_place, args=(place, job, simulator), daemon=True).start()


def _serve_place(pipe: Connection, job: Job, simulator: Simulator) -> None:
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError), pipe:  # the place was given up
        while True:
            task, workdir = pipe.recv()
            try:
                answer = run_one(simulator, job, task, workdir)
            finally:
                _end_strays(workdir)
            pipe.send(answer)


def _end_strays(workdir: Path) -> None:
    """End what a trial's program has left in groups of processes of its own."""
    mark, until = f"{RUN}={workdir}".encode(), time.monotonic() + watcher.PATIENCE
    marked: set[int] = set()
    while time.monotonic() < until:
        found = watcher.below(os.getpid())
        marked |= {pid for pid in found if _has(pid, mark)}
        _forget_ended(found)
        if not (left := marked & set(found)):
            return
        watcher.kill(left)
        for pid in left:
            with contextlib.suppress(ChildProcessError):  # it is below one of our children
                os.waitpid(pid, os.WNOHANG)
        time.sleep(watcher.LOOK)


def _has(pid: int, mark: bytes) -> bool:
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


_ended: dict[int, tuple[str, float]] = {}  # child that has ended and nobody has asked about -> its begin, first seen


def _forget_ended(found: dict[int, watcher.Process]) -> None:
    """Ask about children that have ended long ago: strays. Whoever waits for a program asks at once."""
    now, own = time.monotonic(), os.getpid()
    gone = {pid: process.began for pid, process in found.items() if process.ended and process.parent == own}
    with _lock:
        for pid in [pid for pid, (began, _) in _ended.items() if gone.get(pid) != began]:
            del _ended[pid]
        for pid, began in gone.items():
            if now - _ended.setdefault(pid, (began, now))[1] > watcher.PATIENCE:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


_lock = threading.Lock()


if __name__ == "__main__":
    serve(_serve)
