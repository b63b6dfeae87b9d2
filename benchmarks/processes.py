"""How many processes a measurement has, and how much memory they take together."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterable
from typing import Any

import psutil

PAUSE = 5.0  # s between looks, which are not free with a hundred processes
SANDBOX = "softal.orchestrator.workers.sandbox"
WATCHER = "workers/watcher.py"  # two of them stand before each sandbox


def watch(process: subprocess.Popen[Any], limit: float) -> dict[str, float]:
    """Wait for the process and return the most that was seen of it and its children.

    Memory is the sum of proportional set sizes: what several processes share counts once.
    """
    most = {"processes": 0, "sandboxes": 0, "memory_mb_peak": 0.0}
    deadline = time.monotonic() + limit
    while process.poll() is None:
        for key, value in _look(process.pid).items():
            most[key] = max(most[key], value)
        if time.monotonic() > deadline:
            process.kill()
        try:
            process.wait(PAUSE)
        except subprocess.TimeoutExpired:
            continue
    return most


def cpu_seconds() -> float:
    """Return the processor time that this process and its children have used so far [s]."""
    used = 0.0
    for one in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            times = one.cpu_times()
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        used += times.user + times.system
    return used


def held(family: Iterable[psutil.Process]) -> float:
    """Return the memory of processes [bytes], what they share counted once."""
    total = 0.0
    for one in family:
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            total += one.memory_full_info().pss
    return total


def _look(pid: int) -> dict[str, float]:
    count, sandboxes = 0, 0
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return {}
    for one in family:
        try:
            command = one.cmdline()
            sandboxes += SANDBOX in command and not any(part.endswith(WATCHER) for part in command)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        count += 1
    return {"processes": count, "sandboxes": sandboxes, "memory_mb_peak": held(family) / 1e6}
