"""Trials that a user ran beside a campaign: they join its journal, and surrogate and learner learn from them.

The journal has one writer at a time: while the campaign runs, nothing can be added. Strategies take such a trial for a
result that they did not ask for: they learn from it, and their own sequence of points stays as it is.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softal.errors import CampaignStateError
from softal.orchestrator.loop.stock import trial_seed
from softal.orchestrator.opened import opened
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import USER, Point, Trial, TrialState, same_fidelity

if TYPE_CHECKING:
    from softal.orchestrator.loop.brief import Brief


KNOWN = (TrialState.DONE, TrialState.DROPPED)  # what a user has dropped is not taken in again


def add(folder: Path, space: Space, trial: Trial) -> Trial:
    """Write a finished trial into the journal of the campaign in a folder; see `Campaign.add`."""
    if trial.state is not TrialState.DONE or trial.observation is None:
        raise CampaignStateError(f"the simulation is not done and cannot be added: {trial.reason or trial.state}")
    point = space.complete(trial.point)
    with opened(folder) as journal:
        if (known := find(journal, point, trial.seed, trial.fidelity)) is not None:
            return known
        [stored] = _write(journal, [replace(trial, point=point, notes={})])
        return stored


def add_all(folder: Path, trials: Sequence[Trial]) -> list[Trial]:
    """Write results that are evaluated into the journal of the campaign in a folder; return those that were new.

    One with the point, the fidelity and the values of a user's trial that is there already is that trial.
    """
    with opened(folder) as journal:
        return include(journal, trials)


def include(journal: Journal, trials: Sequence[Trial]) -> list[Trial]:
    """Write results into an open journal; see `add_all`."""
    there = Counter(_content(trial) for trial in journal.read(*KNOWN) if trial.proposed_by == USER)
    new = []
    for trial in trials:
        there[_content(trial)] -= 1
        if there[_content(trial)] < 0:
            new.append(trial)
    return _write(journal, new)


def _write(journal: Journal, trials: Sequence[Trial]) -> list[Trial]:
    first, seq = sum(journal.counts().values()), journal.seq
    return journal.write(
        replace(trial, id=first + i, proposed_by=USER, asked_after=seq, told=None) for i, trial in enumerate(trials)
    )


def _content(trial: Trial) -> str:
    values = trial.observation.values if trial.observation else {}
    return json.dumps([trial.point, trial.fidelity, values], sort_keys=True)


def repeat(folder: Path, number: int, times: int, seed: int) -> list[Trial]:
    """Let a trial's point wait to be run again, each time with a seed of its own; see `Campaign.repeat`."""
    with opened(folder) as journal:
        known = journal.trial(number)
        if known is None:
            raise CampaignStateError(f"there is no trial {number} in {folder}; there are {_there(journal)}")
        first, seq, now = sum(journal.counts().values()), journal.seq, time.time()
        return journal.write(
            Trial(
                first + i, known.point, trial_seed(seed, first + i), known.fidelity, USER,
                notes={"repeat_of": number}, proposed=now, asked_after=seq,
            )
            for i in range(times)
        )  # fmt: skip


def _there(journal: Journal) -> str:
    count = sum(journal.counts().values())
    return f"0 to {count - 1}" if count else "none yet"


def find(journal: Journal, point: Point, seed: int, fidelity: float) -> Trial | None:
    """Return the trial by which this run was added before; None where it was not."""
    own = (trial for trial in journal.read(*KNOWN) if trial.proposed_by == USER)
    return next((trial for trial in own if same_run(trial, point, seed, fidelity)), None)


def same_run(trial: Trial, point: Point, seed: int, fidelity: float) -> bool:
    """Return whether a trial is of this point with this seed and fidelity, so that it would come out the same."""
    return trial.point == point and trial.seed == seed and same_fidelity(trial.fidelity, fidelity)


def retrain(brief: Brief) -> list[dict[str, Any]]:
    """Train on all trials and write the versions into the journal; see `Campaign.retrain`."""
    from softal.orchestrator.loop.agents import train

    with opened(brief.folder) as journal:
        trained = train(brief, journal)
    if trained.failed:
        raise CampaignStateError(f"not everything could be trained: {'; '.join(trained.failed)}")
    return trained.records
