"""How a campaign stands, from its journal alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softal.answer import Answer
from softal.errors import CampaignStateError
from softal.orchestrator.changed_inputs import changed_since
from softal.tracking.changes import Change, changes_in
from softal.tracking.journal import Journal
from softal.tracking.lock import in_use
from softal.tracking.standing import OPEN, active_seconds, noted_use, state_of, utilisation
from softal.trial import Trial, TrialState


@dataclass(frozen=True)
class Status:
    """How a campaign stands.

    Attributes:
        state: running, finished, stopped (by the user), failed, interrupted (its process is gone), or open (people do
            its trials).
        reason: why it is not running.
        utilisation: part of the workers' time spent in simulations, 0 to 1; None before anything ran.
        trials_per_hour: finished trials per hour of running.
        best: the trial with the best result.
        active: time of running over all resumptions [s].
        mirror_behind: trials that MLflow does not hold yet.
        given: how many of those that are finished are the user's: given to the campaign, or asked of it.
        changed: files that the campaign is made of, whose content has changed since it was launched.
        dropped: how many the user has dropped; they count for nothing.
        changes: what the user has changed since the launch.
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
    given: int = 0
    changed: tuple[str, ...] = ()
    dropped: int = 0
    changes: Sequence[Change] = ()
    answer: Answer | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the status as `softal status --json` shows it."""
        shown = {key: value for key, value in self.__dict__.items() if key not in ("mirror_behind", "mirror_error")}
        answer = self.answer.to_json() if self.answer else None
        changes = [change.to_json() for change in self.changes]
        return shown | {"best": self.best.shown() if self.best else None, "changes": changes, "answer": answer}


def read_status(folder: Path, journal: Journal, best: Trial | None, concurrent: int) -> Status:
    """Return the status of the campaign in `folder`, whether or not it is running; `best` is its best trial."""
    info, counts = journal.info, journal.counts()
    running = in_use(folder)
    state, active = state_of(info, running), active_seconds(info, running)
    taken = counts[TrialState.RUNNING]  # by the crew, of which workers may still start, or by people
    begun = min(taken, info.get("running", taken)) if state == "running" else taken if state == OPEN else 0
    use = noted_use(info)
    done, failed, given = counts[TrialState.DONE], counts[TrialState.FAILED], journal.given
    return Status(
        name=info["name"],
        state=state,
        reason=info.get("reason", "") if state != "running" else "",
        done=done,
        running=begun,
        failed=failed,
        waiting=counts[TrialState.PROPOSED] + taken - begun,
        best=best,
        utilisation=utilisation(journal.busy_seconds(), concurrent, active) if use is None else use,
        trials_per_hour=(done + failed - given) / active * 3600 if active > 0 else None,
        active=active,
        given=given,
        changed=tuple(changed_since(info)),
        dropped=counts[TrialState.DROPPED],
        changes=changes_in(info),
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
