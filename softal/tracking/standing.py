"""How a campaign stands by its journal: state, time of running, use of the workers. Status and report say the same."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from softal.trial import Trial

OPEN = "open"  # the state of a campaign whose trials people do


def state_of(info: Mapping[str, Any], running: bool) -> str:
    """Return running, finished, stopped (by the user), failed, interrupted (its process is gone), or open (by hand).

    Args:
        info: of the journal.
        running: whether a process runs the campaign now.
    """
    state = str(info.get("state", "unknown"))
    return "interrupted" if state == "running" and not running else state


def active_seconds(info: Mapping[str, Any], running: bool) -> float:
    """Return how long the campaign has run, over all resumptions [s]."""
    noted_at = info.get("active_at", info.get("resumed"))
    goes_on = noted_at is not None and state_of(info, running) == "running"
    return float(info.get("active", 0.0)) + (max(0.0, time.time() - float(noted_at)) if goes_on else 0.0)


def busy_seconds(trials: Iterable[Trial]) -> float:
    """Return the time that finished trials took together [s]; `Journal.busy_seconds` is that of all."""
    return sum(
        t.finished - t.started for t in trials if t.state.finished and t.started is not None and t.finished is not None
    )


def noted_use(info: Mapping[str, Any]) -> float | None:
    """Return the part of the workers' time in simulations as the loop noted it last; None where it did not.

    Report, `softal status` and the terminal say this one, so that it is the same wherever it is read.
    """
    if not {"busy", "slots", "active"} <= info.keys():
        return None
    return utilisation(info["busy"], info["slots"], info["active"])


def utilisation(busy: float, workers: int, active: float) -> float | None:
    """Return the part of the workers' time that was spent in simulations; None before anything ran."""
    return min(1.0, busy / (workers * active)) if active > 0 else None
