"""Trials that a user drops, since they are wrong: they stay in the journal with the reason, and count for nothing.

Neither surrogate nor strategy learns from them, none is the best or in the answer, and their places in the budget are
free again. Between two sessions surrogate and learner learn anew at once, since they have learned from such a trial.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from softal.about import LEARNER, SURROGATE
from softal.errors import CampaignStateError
from softal.orchestrator.loop.courses import withdraw
from softal.orchestrator.opened import opened
from softal.tracking.changes import CHANGES, Change, with_more
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState


def drop(folder: Path, numbers: Sequence[int], why: str) -> list[Trial]:
    """Drop trials of the campaign in a folder; see `Campaign.drop`."""
    if not why.strip():
        raise CampaignStateError("say why the trials are dropped: the reason stands beside them from then on")
    with opened(folder) as journal:
        trials = _trials(journal, numbers)
        for trial in trials:
            if trial.state is TrialState.DROPPED:
                raise CampaignStateError(f"trial {trial.id} was dropped already: {trial.dropped}")
            if trial.state.open:
                raise CampaignStateError(f"trial {trial.id} waits to run: it has no result that could be dropped")
        return _write(journal, trials, [replace(t, state=TrialState.DROPPED, dropped=why.strip()) for t in trials])


def take_back(folder: Path, numbers: Sequence[int]) -> list[Trial]:
    """Let dropped trials count again; see `Campaign.drop`."""
    with opened(folder) as journal:
        trials = _trials(journal, numbers)
        for trial in trials:
            if trial.state is not TrialState.DROPPED:
                raise CampaignStateError(f"trial {trial.id} was not dropped: it is {trial.state}")
        return _write(journal, trials, [replace(t, state=_before(t), dropped=None) for t in trials])


def _trials(journal: Journal, numbers: Sequence[int]) -> list[Trial]:
    """Return the trials with these numbers, each once."""
    found, known = [], sum(journal.counts().values())
    for number in dict.fromkeys(numbers):
        if not 0 <= number < known:
            there = f"they are 0 to {known - 1}" if known else "there are none yet"
            raise CampaignStateError(f"{journal.folder} has no trial {number}: {there}")
        found += journal.some([number])
    return found


def _write(journal: Journal, before: Sequence[Trial], trials: Sequence[Trial]) -> list[Trial]:
    now, number = time.time(), sum(journal.counts().values())
    made = [
        Change(now, number, f"trial {new.id}", str(old.state), str(new.state), new.dropped or "")
        for old, new in zip(before, trials, strict=True)
    ]
    for what in (SURROGATE, LEARNER):
        withdraw(journal.folder, what)
    journal.amend(trials, **{CHANGES: with_more(journal.info, made)})
    return list(trials)


def _before(trial: Trial) -> TrialState:
    """Return the state that a dropped trial had."""
    if trial.finished is None:
        return TrialState.PROPOSED
    return TrialState.DONE if trial.objective else TrialState.FAILED
