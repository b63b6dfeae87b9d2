"""What Ray's start is kept from: handlers of signals, the end of the terminal, files of this folder, our output.

Ray has no public word for most of it: names of its private modules stand here, and a Ray without them starts as well.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from softal.orchestrator.workers.sandbox import FOR_RAY, SAFE_PATH


@contextmanager
def kept_in_bounds() -> Iterator[None]:
    """Start or join Ray in here."""
    from ray._private import utils, worker

    _mute()
    with (
        _deaf_to_the_terminal(),
        _in_environment(SAFE_PATH, FOR_RAY),  # a `random.py` here kept Ray's dashboard from its start
        put_in_place(utils, "set_sigterm_handler", lambda rays: lambda handler: None),
        put_in_place(worker, "connect", _not_disturbed),
    ):
        yield


@contextmanager
def put_in_place(module: ModuleType, name: str, other: Callable[[Any], Any]) -> Iterator[None]:
    """Put what `other` makes of it in the place of a function of Ray's, in this block."""
    before = getattr(module, name, None)
    setattr(module, name, other(before))
    try:
        yield
    finally:
        setattr(module, name, before)


def _not_disturbed(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Let signals wait while Ray connects, mostly in compiled code, a second or so.

    Where a handler raises before Ray has kept what that code made, the process crashes at its end.
    """

    def connected(*arguments: Any, **options: Any) -> Any:
        with _signals_wait():
            return connect(*arguments, **options)

    return connected


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Let the first signal that would stop this process do so only at the end of the block."""
    if threading.current_thread() is not threading.main_thread():  # where Python takes no signals
        yield
        return
    heard: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, frame: heard.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if heard:
            signal.raise_signal(heard[0])


@contextmanager
def _in_environment(name: str, value: str) -> Iterator[None]:
    """Say something to those who are started in here, where the user has not said it for all that runs."""
    if name in os.environ:
        yield
        return
    os.environ[name] = value
    try:
        yield
    finally:
        del os.environ[name]


def _mute() -> None:
    """Let Ray not print whatever its processes publish as errors: 20 lines of a log, on the standard output."""
    from ray._private import worker

    worker.print_to_stdstream = lambda *said, **how: None


@contextmanager
def _deaf_to_the_terminal() -> Iterator[None]:
    """Let processes that are started in here not be ended by SIGHUP, which all get when their terminal is closed.

    The campaign ends itself then, and simulations and agents have to be there until it has. (Ray itself does so for
    Ctrl-C.) A process inherits which signals are blocked.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
