"""How a campaign stands, from its journal alone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softal.answer import Answer
from softal.errors import CampaignStateError
from softal.orchestrator.budget import Progress
from softal.tracking.journal import Journal, in_use
from softal.trial import Trial, TrialState


@dataclass(frozen=True)
class Status:
    """How a campaign stands.

    Attributes:
        state: running, finished, stopped (by the user), failed, or interrupted (its process is gone).
        reason: why it is not running.
        utilisation: part of the workers' time spent in simulations, 0 to 1; None before anything ran.
        trials_per_hour: finished trials per hour of running.
        best: the trial with the best result.
        active: time of running over all resumptions [s].
        mirror_behind: trials that MLflow does not hold yet.
        answer: of a single objective; None where it was not asked for, since that takes a surrogate.
    """

    name: str
    state: str
    reason: str
    done: int
    running: int
    failed: int
    waiting: int
    best: Trial | None
    utilisation: float | None
    trials_per_hour: float | None
    active: float
    mirror_behind: int = 0
    mirror_error: str | None = None
    answer: Answer | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the status as `softal status --json` shows it."""
        shown = {key: value for key, value in self.__dict__.items() if key not in ("mirror_behind", "mirror_error")}
        answer = self.answer.to_json() if self.answer else None
        return shown | {"best": self.best.to_json() if self.best else None, "answer": answer}


def utilisation(busy: float, concurrent: int, active: float) -> float | None:
    """Return the part of the workers' time that was spent in simulations; None before anything ran."""
    return min(1.0, busy / (concurrent * active)) if active > 0 else None


def busy_seconds(trials: list[Trial]) -> float:
    """Return the time that finished trials took together [s]."""
    return sum(t.finished - t.started for t in trials if t.state.finished and t.started and t.finished)


def read_status(folder: Path, journal: Journal, progress: Progress, concurrent: int) -> Status:
    """Return the status of the campaign in `folder`, whether or not it is running."""
    info = journal.info
    state = info.get("state", "running")
    if state == "running" and not in_use(folder):
        state = "interrupted"
    trials = journal.trials()
    active = float(info.get("active", 0.0))
    if state == "running" and "resumed" in info:
        active += max(0.0, time.time() - float(info.get("active_at", info["resumed"])))
    counts = journal.counts()
    return Status(
        name=info["name"],
        state=state,
        reason=info.get("reason", "") if state != "running" else "",
        done=progress.done,
        running=counts[TrialState.RUNNING] if state == "running" else 0,
        failed=progress.failed,
        waiting=counts[TrialState.PROPOSED] + (counts[TrialState.RUNNING] if state != "running" else 0),
        best=progress.best,
        utilisation=utilisation(busy_seconds(trials), concurrent, active),
        trials_per_hour=progress.finished / active * 3600 if active > 0 else None,
        active=active,
    )


def require_campaign(folder: Path) -> Journal:
    """Open the journal in `folder` for reading; the error lists the campaigns that are near."""
    try:
        return Journal.open(folder)
    except CampaignStateError as error:
        near = (
            sorted(str(path.parent) for path in folder.parent.glob("*/journal.sqlite"))
            if folder.parent.is_dir()
            else []
        )
        hint = f"; campaigns beside it: {', '.join(near)}" if near else ""
        raise CampaignStateError(f"{error}{hint}") from error
