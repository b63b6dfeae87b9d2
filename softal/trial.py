"""Points, observations and trials: what the parts of softal hand to each other.

A trial's life:

    PROPOSED ──► RUNNING ──► DONE
        ▲           │   └──► FAILED   the simulation itself failed; strategies are told
        └───────────┘                 its worker was lost, or the user stopped: it runs again

    DONE, FAILED ◄──► DROPPED         the user says that it does not count, or that it does after all
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Value = float | int | str | bool
WORDS = {"cmaes": "CMA-ES", "sobol": "Sobol"}  # kinds of strategies, where people call them otherwise
Point = dict[str, Value]
USER = "user"  # who proposed a trial that no strategy asked for
BY_HAND = "by hand"  # the host of a trial that people do
DONE_ELSEWHERE = "asked_at"  # in the notes of a trial that was done at another point than asked for: the latter
MEMBER = "member"  # in the notes of a trial: which of several strategies proposed it


class TrialState(StrEnum):
    """Where a trial stands in its life."""

    PROPOSED = "proposed"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DROPPED = "dropped"

    @property
    def finished(self) -> bool:
        """Whether the trial has run and counts, be it with a result or as a failure."""
        return self in (TrialState.DONE, TrialState.FAILED)

    @property
    def open(self) -> bool:
        """Whether the trial waits or runs: its result is still to come."""
        return self in (TrialState.PROPOSED, TrialState.RUNNING)


@dataclass(frozen=True)
class Array:
    """An observed array, such as S(k): its values, their standard errors and the grid that it lies on.

    Attributes:
        values: any shape [`unit`].
        errors: standard errors, the shape of `values` [`unit`]; None where they are not known.
        grid: abscissa of a one-dimensional array, the shape of `values` [`grid_unit`]; None where there is none.
        unit: unit of the values.
        grid_unit: unit of the grid.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64] | None = None
    grid: NDArray[np.float64] | None = None
    unit: str = ""
    grid_unit: str = ""

    @classmethod
    def of(
        cls, values: ArrayLike, errors: ArrayLike | None = None, grid: ArrayLike | None = None, **units: str
    ) -> Array:
        """Make an array from anything that numpy understands; ValueError where the shapes differ."""
        as_float = [None if part is None else np.asarray(part, dtype=np.float64) for part in (values, errors, grid)]
        for name, part in zip(("errors", "grid"), as_float[1:], strict=True):
            if part is not None and part.shape != as_float[0].shape:  # type: ignore[union-attr]
                raise ValueError(f"{name} has shape {part.shape}, the values have {as_float[0].shape}")  # type: ignore[union-attr]
        return cls(as_float[0], as_float[1], as_float[2], **units)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Observation:
    """What a simulator returns.

    Attributes:
        values: scalars by name; units are the simulator's.
        errors: standard error of each value, from block averages; a value without one is taken as exact or unknown.
        arrays: g(r), S(k), density profiles ... by name.
        artifacts: files to keep, by name.
        missing: values that are not available, such as a diffusion constant of too short a run, with what was returned
            instead: `nan`, `None`, `'liquid'`. A trial whose objective needs one has failed.
    """

    values: dict[str, float] = field(default_factory=dict)
    errors: dict[str, float] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proposal:
    """A point that a strategy proposes, with the notes that it wants back when the trial is told.

    Attributes:
        fidelity: part of the full simulation's cost, in (0, 1]; None is the strategy's setting.
    """

    point: Point
    fidelity: float | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)
    proposed_by: str = ""


@dataclass(frozen=True)
class Trial:
    """One evaluation of one point.

    Attributes:
        id: number in the order of proposal, from 0.
        objective: value of each component of the objective, in its natural sign; empty unless done.
        objective_errors: standard error of each component, where it is known.
        reason: why it failed.
        proposed, started, finished: times [s since 1970].
        attempts: how often it was started; more than one where a worker was lost.
        asked_after: the journal's sequence number up to which the strategy knew results when it proposed this.
        told: the journal's sequence number at which it finished, which is the order of telling.
        dropped: why the user has dropped it; None where it counts. What it observed, or why it failed, is kept.
        outside: whether its point is outside of the campaign's ranges and constraints, which have changed since: models
            learn from it, and it is not the best.
    """

    id: int
    point: Point
    seed: int = 0
    fidelity: float = 1.0
    proposed_by: str = ""
    state: TrialState = TrialState.PROPOSED
    notes: Mapping[str, Any] = field(default_factory=dict)
    observation: Observation | None = None
    objective: dict[str, float] = field(default_factory=dict)
    objective_errors: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    proposed: float = 0.0
    started: float | None = None
    finished: float | None = None
    host: str | None = None
    attempts: int = 0
    asked_after: int = 0
    told: int | None = None
    dropped: str | None = None
    outside: bool = False

    @property
    def why(self) -> str | None:
        """Why it has no result, or none that counts; None where it has one."""
        return why(self.reason, self.dropped)

    @property
    def origin(self) -> str:
        """What proposed it, in words: `Sobol`, `qLogNoisyEI from 12 results, 1 pending`, `CMA-ES generation 3` ..."""
        return origin(self.proposed_by, self.notes)

    def to_json(self) -> dict[str, Any]:
        """Return all of the trial as plain data, of its arrays the units alone; `from_json` makes a trial of it."""
        observation = self.observation or NOTHING
        return {
            "id": self.id,
            "state": str(self.state),
            "point": self.point,
            "seed": self.seed,
            "fidelity": self.fidelity,
            "proposed_by": self.proposed_by,
            "notes": dict(self.notes),
            "values": observation.values,
            "errors": observation.errors,
            "arrays": {name: {"unit": a.unit, "grid_unit": a.grid_unit} for name, a in observation.arrays.items()},
            "artifacts": {name: str(path) for name, path in observation.artifacts.items()},
            "objective": self.objective,
            "objective_errors": self.objective_errors,
            "reason": self.reason,
            "proposed": self.proposed,
            "started": self.started,
            "finished": self.finished,
            "host": self.host,
            "attempts": self.attempts,
            "asked_after": self.asked_after,
            "told": self.told,
            "dropped": self.dropped,
            "outside": self.outside,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any], arrays: dict[str, Array] | None = None) -> Trial:
        """Return the trial that `to_json` said, with the arrays of its observation where they are given."""
        state, observation = STATES[record["state"]], None
        if state is TrialState.DONE or (state is TrialState.DROPPED and record["objective"]):
            artifacts = {name: Path(path) for name, path in record["artifacts"].items()}
            observation = Observation(record["values"], record["errors"], arrays or {}, artifacts)
        return cls(
            record["id"],
            record["point"],
            record["seed"],
            record["fidelity"],
            record["proposed_by"],
            state,
            record["notes"],
            observation,
            record["objective"],
            record["objective_errors"],
            record["reason"],
            record["proposed"],
            record["started"],
            record["finished"],
            record["host"],
            record["attempts"],
            record["asked_after"],
            record["told"],
            record["dropped"],
            bool(record["outside"]),
        )

    def shown(self) -> dict[str, Any]:
        """Return the trial as the command line's `--json` shows it; `objective` is a number where there is one."""
        record = self.to_json()
        names = (
            "proposed_by", "origin", "seed", "fidelity", "started", "finished", "host", "attempts", "reason", "dropped",
            "outside",
        )  # fmt: skip
        objective, errors = dict(self.objective) or None, dict(self.objective_errors) or None
        if len(self.objective) == 1:
            [name] = self.objective
            objective, errors = self.objective[name], self.objective_errors.get(name)  # type: ignore[assignment]
        first = {name: record[name] for name in ("id", "state", "point", "values", "errors")}
        scores = {"objective": objective, "objective_error": errors}
        return first | scores | {name: {"origin": self.origin, **record}[name] for name in names}


def why(reason: str | None, dropped: str | None) -> str | None:
    """Return why a trial has no result, or none that counts, from why it failed and why it was dropped."""
    if dropped is None:
        return reason
    return f"{dropped} (it had failed: {reason})" if reason else dropped


NOTHING = Observation()
STATES = {str(state): state for state in TrialState}


def same_fidelity(one: float, other: float) -> bool:
    """Return whether two fidelities are the same: they come as decimal fractions, in files and in JSON."""
    return math.isclose(one, other, rel_tol=1e-6)


def reaches(fidelity: float, least: float) -> bool:
    """Return whether a fidelity is at least another one."""
    return fidelity > least or same_fidelity(fidelity, least)


def is_whole(trial: Trial, fidelity: float) -> bool:
    """Return whether a trial has at least this fidelity."""
    return reaches(trial.fidelity, fidelity)


def origin(proposed_by: str, notes: Mapping[str, Any]) -> str:
    """Return in words what proposed a point, from the notes that strategies make of it.

    Notes that count: `acquisition` (the word `initial` for the first design, which `design` names), `results` that the
    model knew, `pending` points without a result that it took into account; `generation` and `run`; `line` of a table;
    `repeat_of` a trial; `role` and `centre` of a local phase; `because`, why another
    acquisition function than the usual one was used.
    """
    again = notes.get("repeat_of", notes.get("centre") if notes.get("role") in ("repeat", "incumbent") else None)
    if again is not None:
        return f"repeat of trial {again}"
    if notes.get("role") == "step":
        return f"step from trial {notes.get('centre')}"
    name = WORDS.get(proposed_by.rpartition("-")[0] or proposed_by, WORDS.get(proposed_by, proposed_by))
    if "generation" in notes:
        run = f" run {notes['run'] + 1}," if isinstance(notes.get("run"), int) and notes["run"] else ""
        return f"{name}{run} generation {notes['generation']}"
    if notes.get("acquisition") == "initial":
        return str(notes.get("design", "Sobol"))
    if "acquisition" in notes:
        because = f": {notes['because']}" if notes.get("because") else ""
        return f"{notes['acquisition']}{_known(notes)}{because}"
    return f"{name}, line {notes['line']}" if "line" in notes else name


def _known(notes: Mapping[str, Any]) -> str:
    results, pending = notes.get("results"), notes.get("pending")
    if not isinstance(results, int):
        return ""
    return f" from {results} result{'s' * (results != 1)}" + (f", {pending} pending" if pending else "")
