"""How a campaign by hand stands: which trials people are doing, what the budget leaves, and whether it is over."""

from __future__ import annotations

import time

from softal.orchestrator.budget import Budget, Progress
from softal.tracking.journal import Journal
from softal.tracking.standing import OPEN
from softal.trial import BY_HAND, Trial, TrialState


def asked_for(journal: Journal) -> list[Trial]:
    """Return the trials that people were asked for and have not told, in the order of their numbers."""
    return [trial for trial in journal.read(TrialState.RUNNING) if trial.host == BY_HAND]


def progress(journal: Journal, budget: Budget) -> Progress:
    """Return what the budget looks at."""
    return Progress(budget.objective, journal.told(0, journal.seq), budget.fidelity)


def left(journal: Journal, budget: Budget, proposed: int) -> int | None:
    """Return how many more trials the budget allows beside those that are proposed; None is any number."""
    return budget.left(progress(journal, budget).run + proposed)


def note_state(journal: Journal, budget: Budget, began: float | None, exhausted: str | None = None) -> str | None:
    """Write into the journal whether the campaign is over; return why it is, None where it is not.

    Args:
        journal: open for writing.
        budget: of the campaign.
        began: since when hours count [s since 1970]; None: they are those of running.
        exhausted: why the strategy has no more points.
    """
    known = progress(journal, budget)
    active = float(journal.info.get("active", 0.0)) if began is None else time.time() - began
    over = budget.exhausted(known, active) or exhausted
    if over is None:
        journal.set_info(state=OPEN, reason="")
    else:
        journal.set_info(state="finished" if known.done else "failed", reason=over, ended=time.time())
    return over
