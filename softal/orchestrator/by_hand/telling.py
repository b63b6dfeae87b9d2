"""What people tell of trials that they were asked for: all that is wrong is said, and nothing is written then."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from softal.errors import InvalidObservation, NotReturned, SpaceError
from softal.kinds.validation import unknown
from softal.numeric import number, with_error
from softal.objective import Objective
from softal.orchestrator.points import complete_point
from softal.outputs import Outputs
from softal.simulators.results import to_observation
from softal.space import Space
from softal.space.parameters import Derived, Integer, Real
from softal.tracking.journal import Journal
from softal.trial import BY_HAND, DONE_ELSEWHERE, Observation, Point, Trial, TrialState

SAME = 1e-6  # of a number, and of its range: closer ones are the same setting
CORRECT = "--correct replaces it (in Python, correct=True)"


@dataclass(frozen=True)
class Result:
    """What is told of one trial.

    Attributes:
        trial: its number.
        observation: what was measured; None where it failed.
        failed: why it failed.
        at: parameters as they were, where that is known; those that were asked for elsewhere.
        place: where it is told, such as a line of a file; empty for a command.
    """

    trial: int
    observation: Observation | None = None
    failed: str | None = None
    at: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True)
class Told:
    """What became of results.

    Attributes:
        trials: that are told now.
        known: numbers of those that were told the same before.
    """

    trials: Sequence[Trial]
    known: Sequence[int]


def tell(
    journal: Journal,
    space: Space,
    objective: Objective,
    outputs: Outputs | None,
    results: Iterable[Result],
    *,
    correct: bool = False,
) -> Told:
    """Write results into an open journal.

    Args:
        journal: of the campaign, open for writing.
        space, objective, outputs: of the campaign; the last is None where its simulator does not say.
        results: one a trial.
        correct: whether trials that are told already are told anew.

    Raises:
        SpaceError: with a line for each result that cannot be taken; none is taken then.
    """
    found: list[Trial] = []
    known: list[int] = []
    problems: list[str] = []
    for one in results:
        place = ": ".join(part for part in (one.place, f"trial {one.trial}") if part)
        try:
            before = _asked(journal, one.trial)
            trial = _finished(before, one, space, objective, outputs)
            if _content(trial) == _content(before) and one.place:
                known.append(one.trial)
                continue
            if before.state.finished and not correct:
                raise SpaceError(f"it is told already, {_said(before)}, and not as {_said(trial)}: {CORRECT}")
            if one.trial in {trial.id for trial in found}:
                raise SpaceError("it stands there twice")
            found.append(trial)
        except (NotReturned, InvalidObservation, SpaceError) as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise SpaceError("\n".join(problems))
    again = any(journal.trial(trial.id).state.finished for trial in found)  # type: ignore[union-attr]
    stored = journal.write(found)
    if again:
        journal.set_info(retried=time.time())  # what was learned and mirrored of them before is out of date
    return Told(stored, known)


def seen(results: Any, failed: str | None) -> Observation | None:
    """Return what was measured, from whatever a simulator may return; None where it failed.

    Raises:
        SpaceError: where it cannot be understood, or is given beside a failure.
    """
    if results is None and failed is not None:
        return None
    if failed is not None:
        raise SpaceError(f"results are given, and that it failed ({failed}); one of both is allowed")
    try:
        return to_observation({} if results is None else results)
    except InvalidObservation as error:
        raise SpaceError(str(error)) from error


def _asked(journal: Journal, number: int) -> Trial:
    """Return a trial that people were asked for."""
    trial = journal.trial(number)
    if trial is None:
        count = sum(journal.counts().values())
        there = f"0 to {count - 1}" if count else "none yet; softal ask gives some"
        raise SpaceError(f"there is none in {journal.folder}; there are {there}")
    if trial.dropped is not None:
        raise SpaceError(f"it was dropped ({trial.dropped}): softal drop with --undo lets it count again")
    if trial.host == BY_HAND:
        return trial
    if trial.state.finished:
        raise SpaceError(
            f"it was not asked for by hand: it {'ran' if trial.host else 'was given'} and is {trial.state}"
        )
    raise SpaceError("it was not asked for yet: softal ask gives it")


def _finished(trial: Trial, told: Result, space: Space, objective: Objective, outputs: Outputs | None) -> Trial:
    point = _point(trial, told.at, space)
    notes = {key: value for key, value in trial.notes.items() if key != DONE_ELSEWHERE}
    asked = trial.notes.get(DONE_ELSEWHERE, trial.point)
    moved = point != asked
    common: dict[str, Any] = {
        "point": point,
        "notes": {**notes, DONE_ELSEWHERE: asked} if moved else notes,
        "attempts": trial.attempts + (point != trial.point),  # MLflow changes no parameter of a run that it shows
        "started": None,  # how long the experiment took is not known
        "finished": time.time(),
        "told": None,
    }
    if told.observation is None:
        reason = (told.failed or "").strip()
        if not reason:
            raise SpaceError("why it failed is not said: --failed REASON")
        nothing: dict[str, Any] = {"observation": None, "objective": {}, "objective_errors": {}}
        return replace(trial, state=TrialState.FAILED, reason=reason, **nothing, **common)
    _check(told.observation, objective, outputs)
    values, errors = objective.evaluate(told.observation)
    whole = objective.with_parts(told.observation)
    known: dict[str, Any] = {"observation": whole, "objective": values, "objective_errors": errors}
    return replace(trial, state=TrialState.DONE, reason=None, **known, **common)


def _check(observation: Observation, objective: Objective, outputs: Outputs | None) -> None:
    """Raise SpaceError where a value is not known, not a number, or missing."""
    for name, what in observation.missing.items():
        raise SpaceError(f"{name}: {what} is given; a finite number is allowed")
    if outputs is not None:
        for name in observation.values:
            if name not in outputs.values:
                raise SpaceError(unknown(name, outputs.values, "value"))
    for name, value in observation.values.items():
        if not math.isfinite(value):
            raise SpaceError(f"{name}: {value} is given; a finite number is allowed")
    for name, error in observation.errors.items():
        if not error >= 0:
            raise SpaceError(f"the standard error of {name} is {number(error)}; 0 or larger is allowed")
    if missing := [name for name in wanted(objective) if name not in observation.values]:
        given = ", ".join(observation.values) or "none"
        raise SpaceError(f"{missing[0]} is missing: {missing[0]}=NUMBER (given: {given})")


def wanted(objective: Objective) -> list[str]:
    """Return the names of the values that the objective and its constraints are made of."""
    parts = [target.value for one in objective.components for target in one.targets]
    own = [one.name for one in objective.components if not one.matching]
    return list(dict.fromkeys([*parts, *own, *(one.value for one in objective.outcomes)]))


def _point(trial: Trial, at: Mapping[str, Any], space: Space) -> Point:
    """Return the point at which a trial was done: that which was asked for, unless it is said to be another."""
    asked: Point = trial.notes.get(DONE_ELSEWHERE, trial.point)
    given = {name: value for name, value in at.items() if not isinstance(space.parameters.get(name), Derived)}
    if not given:
        return trial.point
    free = {name: asked[name] for name in space.names}
    point = complete_point(space, free | given)
    if all(_same(point[name], asked[name], space, name) for name in space.names):
        return asked
    if not space.feasible(space.to_unit([point])).all():
        raise SpaceError("its point is outside of the campaign's constraints")
    return point


def _same(one: Any, other: Any, space: Space, name: str) -> bool:
    parameter = space.parameters[name]
    if not isinstance(parameter, Real | Integer):
        return bool(one == other)
    width = 0.0 if parameter.log else parameter.high - parameter.low
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME * width)


def _content(trial: Trial) -> tuple[Any, ...]:
    seen = trial.observation or Observation()
    return trial.state, trial.point, trial.reason, seen.values, seen.errors, set(seen.arrays)


def _said(trial: Trial) -> str:
    """Return what was told of a trial, in a few words."""
    if trial.observation is None:
        return f"failed ({trial.reason})"
    errors = trial.observation.errors
    return ", ".join(
        f"{name} {with_error(value, errors.get(name))}" for name, value in trial.observation.values.items()
    )
