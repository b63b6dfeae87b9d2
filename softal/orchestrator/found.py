"""What a campaign found, by its repeats or its surrogate: computed when it ends, and kept with the surrogate's version.

The answer takes the surrogate, which takes seconds and some hundred MB after thousands of trials. So the trainer notes
it in the record of the last version, and whoever asks when nothing has finished since is told that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from softal.answer import Answer, Single
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.space import Space
from softal.tracking.changes import changes_in
from softal.tracking.journal import Journal
from softal.trial import TrialState

if TYPE_CHECKING:
    from softal.answer.optimum import Optimum
    from softal.surrogates import Surrogate

KEY = "found"  # in the record of a version


@dataclass(frozen=True)
class Found:
    """Answer and optimum of a campaign; None where there is none."""

    answer: Answer | None
    optimum: Optimum | None

    def to_json(self) -> dict[str, Any]:
        """Return plain data, from which `from_json` makes the same."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self), default=lambda number: number.item()))  # numpy's
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Found:
        """Return what `to_json` said."""
        from softal.answer.optimum import Optimum

        answer, optimum = data["answer"], data["optimum"]
        if answer is not None:
            answer = Answer(**{**answer, "trials": tuple(answer["trials"]), "best": Single(**answer["best"])})
        if optimum is not None:
            places = {name: _pairs(optimum[name]) for name in ("place", "tolerated")}
            optimum = Optimum(**{**optimum, **places})
        return cls(answer, optimum)


def find(objective: Objective, space: Space, scores: Scores, surrogate: Surrogate | None) -> Found:
    """Compute it from the scores of all trials and the latest surrogate."""
    from softal.surrogates.belief import find_answer
    from softal.surrogates.optimum import find_optimum

    answer = find_answer(objective, space, scores, surrogate)
    return Found(answer, None if answer is None else find_optimum(objective, scores, surrogate))


def stamp(journal: Journal) -> list[int]:
    """Return what changes whenever a trial finishes, runs again or has another loss, or the user changes something."""
    counts, info = journal.counts(), journal.info
    recomputed, changes = info.get("recomputed"), len(changes_in(info))
    known = [counts[TrialState.DONE], counts[TrialState.FAILED], journal.last_told]
    known += [] if recomputed is None else [round(recomputed * 1e6)]
    return [*known, -changes] if changes else known


def noted(found: Found, known: list[int]) -> dict[str, Any]:
    """Return what the record of the latest version is to have; `known` is the stamp before it was computed."""
    return {KEY: {**found.to_json(), "stamp": known}}


def recalled(journal: Journal) -> Found | None:
    """Return what was noted, where nothing has finished since; None elsewhere."""
    versions = journal.versions()
    last = versions[-1].get(KEY) if versions else None
    return Found.from_json(last) if last is not None and last["stamp"] == stamp(journal) else None


def found_in(
    journal: Journal, objective: Objective, space: Space, scores: Scores, surrogate: Callable[[], Surrogate | None]
) -> Found:
    """Return what was noted, or else compute it, for which the surrogate is loaded."""
    if scores.best is None:
        return Found(None, None)
    return recalled(journal) or find(objective, space, scores, surrogate())


def _pairs(places: Mapping[str, Any]) -> dict[str, tuple[Any, float]]:
    return {name: (centre, spread) for name, (centre, spread) in places.items()}
