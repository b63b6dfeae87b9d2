"""Files that a campaign is made of, and that are not what they were: said, and, where a user wants that, gone by.

A reference that changes while a campaign is stopped would leave losses of two references side by side. The journal has
the curves of all trials that are done, so their losses can be computed anew; agents and MLflow follow.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from softal.about import SURROGATE, command
from softal.errors import CampaignStateError, SoftalError
from softal.kinds.inputs import LOSSES, changed
from softal.objective import Objective
from softal.surrogates.folders import latest_of
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

INPUTS = "inputs"  # among the journal's facts: path -> content and role
COUNTS_FOR = {LOSSES: "the losses of all trials"}  # others: new trials


def changed_since(info: Mapping[str, Any]) -> dict[str, str]:
    """Return path -> role of the files that have changed since a campaign was launched, by its journal's facts."""
    return changed(info.get(INPUTS, {}), Path(info.get("source", ".")))


def listed(files: Mapping[str, str]) -> str:
    """Return which files have changed, in a line."""
    verb = "has" if len(files) == 1 else "have"
    return f"{', '.join(files)} {verb} changed since the launch"


def trials_text(count: int) -> str:
    """Return a number of trials in words."""
    return f"{count} trial{'s' * (count != 1)}"


def refuse_changed(files: Mapping[str, str], folder: Path, done: int, verb: str = "resume") -> None:
    """Raise CampaignStateError where files have changed, saying what follows from each.

    Args:
        files: path -> role.
        folder: of state.
        done: number of trials that are done.
        verb: the command with which the campaign goes on.
    """
    if not files:
        return
    count = [f"{name} for {COUNTS_FOR.get(role, role)}" for name, role in files.items()]
    anew = [f"computes the losses of {trials_text(done)} anew"] * (LOSSES in files.values())
    then = [*anew, *["runs new trials by what is there now"] * any(role != LOSSES for role in files.values())]
    raise CampaignStateError(
        f"{listed(files)}; it counts: {'; '.join(count)}. Put back what was there (a copy is in {folder / INPUTS}), or "
        f"go on with what is there now: {command(verb, folder, '--accept-changes')} {' and '.join(then)}."
    )


def recompute(journal: Journal, objective: Objective, declared: Sequence[str] = ()) -> int:
    """Compute the losses of all trials that are done anew, by an objective; return how many there are.

    The surrogate, which has learned the losses before, is taken away; the next one learns from all trials.

    Args:
        journal: open for writing.
        objective: by which losses are computed.
        declared: names of values that the simulator returns itself.

    Raises:
        CampaignStateError: if a trial has no loss by it; nothing is changed then.
    """
    ids = [trial.id for trial in journal.trials(TrialState.DONE, TrialState.DROPPED) if trial.objective]
    for trial_id in ids:
        _judged(journal, trial_id, objective, declared)
    latest = latest_of(journal.folder, SURROGATE)
    if latest.is_symlink():
        latest.unlink()
    journal.set_info(recomputed=time.time())
    for trial_id in ids:
        journal.write([_judged(journal, trial_id, objective, declared)])
    return len(ids)


def _judged(journal: Journal, trial_id: int, objective: Objective, declared: Sequence[str]) -> Trial:
    """Return a trial with its losses by an objective, and the parts that they are made of."""
    trial = journal.trial(trial_id)
    assert trial is not None
    assert trial.observation is not None
    observation = trial.observation
    parts = {part.value for part in objective.parts} - set(declared)
    bare = replace(
        observation,
        values={name: value for name, value in observation.values.items() if name not in parts},
        errors={name: value for name, value in observation.errors.items() if name not in parts},
    )
    try:
        values, errors = objective.evaluate(bare)
        whole = objective.with_parts(bare)
    except SoftalError as error:
        raise CampaignStateError(
            f"trial {trial_id} cannot be compared with what is there now: {error}. Put back what was there, or start "
            "another campaign: softal launch FILE --name OTHER"
        ) from error
    return replace(trial, observation=whole, objective=values, objective_errors=errors)
