"""Points that are handed out to people: what waits in the journal first, then what the strategy proposes.

The strategist is the loop's. It knows all results that are told, and as pending what others do or are about to do.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import Any, overload

from softal.orchestrator.budget import Budget
from softal.orchestrator.by_hand.standing import asked_for, left, note_state
from softal.orchestrator.loop.agents import Strategist
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.stock import new_trials, waiting
from softal.tracking.journal import Journal
from softal.trial import BY_HAND, USER, Trial, TrialState


class Asked(Sequence[Trial]):
    """Trials that were handed out, in the order of their numbers.

    Attributes:
        before: those that were asked for before and are not told yet.
        why: why there are fewer than were wanted; None where there are not.
    """

    def __init__(self, trials: Sequence[Trial], before: Sequence[Trial], why: str | None) -> None:
        self.trials, self.before, self.why = tuple(trials), tuple(before), why

    @overload
    def __getitem__(self, index: int) -> Trial: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Trial]: ...

    def __getitem__(self, index: int | slice) -> Trial | Sequence[Trial]:
        return self.trials[index]

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    def __repr__(self) -> str:
        points = ", ".join(f"trial {trial.id} at {trial.point}" for trial in self.trials)
        return f"Asked({points or self.why})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of them: a table of points."""
        import pandas as pd

        rows = [{"trial": trial.id, **trial.point, "proposed by": trial.origin} for trial in self.trials]
        return pd.DataFrame(rows).to_html(index=False) if rows else escape(f"No point: {self.why}.")

    def to_json(self) -> dict[str, Any]:
        """Return plain data, as `softal ask --json` shows it."""
        shown = [{"trial": trial.id, "point": trial.point, "proposed_by": trial.origin} for trial in self.trials]
        return {"trials": shown, "not_told": [trial.id for trial in self.before], "why": self.why}


def ask(journal: Journal, brief: Brief, budget: Budget, began: float | None, n: int) -> Asked:
    """Hand out up to n trials.

    Args:
        journal: of the campaign, open for writing.
        brief: of the campaign.
        budget: of the campaign; trials of the user take nothing of it.
        began: since when hours count [s since 1970]; None: they are those of running.
        n: how many are wanted.
    """
    before = asked_for(journal)
    waits = [trial for trial in journal.read(TrialState.PROPOSED, TrialState.RUNNING) if trial.host != BY_HAND]
    why = note_state(journal, budget, began)
    handed = [waiting(trial) for trial in waits if why is None or trial.proposed_by == USER][:n]
    if len(handed) < n and why is None:
        pending = [*before, *waits]
        room = left(journal, budget, sum(trial.proposed_by != USER for trial in pending))
        wanted = n - len(handed) if room is None else min(n - len(handed), room)
        found, why = _proposed(journal, brief, wanted, pending)
        handed += found
        if not (handed or before) and why is not None:
            note_state(journal, budget, began, exhausted=why)
        elif why is None:
            why = f"all {budget.trials} trials of the budget are asked for"
    now = time.time()
    stored = journal.write(_handed_out(trial, now) for trial in handed)
    return Asked(stored, before, why if len(stored) < n else None)


def _handed_out(trial: Trial, now: float) -> Trial:
    return replace(trial, state=TrialState.RUNNING, started=now, host=BY_HAND, attempts=trial.attempts + 1)


def _proposed(journal: Journal, brief: Brief, n: int, pending: Sequence[Trial]) -> tuple[list[Trial], str | None]:
    """Return new trials by the strategy, up to n, and why there are fewer, where the strategy says so."""
    found: list[Trial] = []
    if not n:
        return found, None
    first, upto = sum(journal.counts().values()), journal.seq
    strategist = Strategist(brief)
    try:
        while len(found) < n:  # a strategy may give some now, and others when it is asked again
            reply = strategist.ask(n - len(found), upto, [*pending, *found])
            if not reply.proposals:
                return found, reply.exhausted or "the strategy has no more points before it knows more results"
            found += new_trials(reply.proposals, first + len(found), brief.seed, time.time(), upto)
    finally:
        strategist.journal.close()
    return found, None
