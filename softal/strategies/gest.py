"""Any softal strategy as a generator of gest-api, the interface that libEnsemble, Xopt and Optimas share.

    vocs = VOCS(variables={"x": [0, 1], "kind": {"a", "b"}}, objectives={"f": "MINIMIZE"}, observables={"f_error"})
    generator = SoftalGenerator(vocs, "bayesian", seed=1)
    points = generator.suggest(4)                       # [{"x": 0.3, "kind": "a", "_id": 1}, ...]
    generator.ingest([{**point, "f": 0.2, "f_error": 0.01} for point in points])

VOCS                        softal
continuous variable         real parameter, on a log scale where `log` names it
discrete variable           integer where its values are consecutive whole numbers, else choice
MINIMIZE, MAXIMIZE, EXPLORE minimize, maximize, learn
constraint                  outcome constraint
observable `f_error`        standard error of the objective f
constant                    given back with each point

A result without a number for an objective or a constraint is a failed trial to the strategy.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gest_api import Generator
from gest_api.vocs import (
    VOCS,
    BoundsConstraint,
    ContextualVariable,
    ContinuousVariable,
    DiscreteVariable,
    ExploreObjective,
    GreaterThanConstraint,
    LessThanConstraint,
    MaximizeObjective,
    MinimizeObjective,
)

from softal.errors import SoftalError
from softal.objective import Objective, learn, maximize, minimize, several
from softal.objective.outcome import Outcome
from softal.space import Space
from softal.strategies import Strategy, build
from softal.trial import USER, Observation, Point, Trial, TrialState

ID = "_id"
OURS = "suggested"  # in the notes of a point that was suggested, but not proposed by the strategy
FILLED = 2**30  # keeps the random numbers of points that the strategy did not propose apart from its own
NO_ID = 0  # what libEnsemble's history has where a point came from elsewhere; our own begin with 1
GOALS = {MinimizeObjective: minimize, MaximizeObjective: maximize, ExploreObjective: learn}


class SoftalGenerator(Generator):  # type: ignore[misc]  # gest-api is not typed strictly
    """A generator that asks a softal strategy.

    Args:
        vocs: what is searched, and for what.
        strategy: kind of the strategy, or `module:Class`.
        seed, settings: of the strategy.
        log: names of continuous variables that are searched on a log scale.

    Raises:
        ValueError: where the strategy, or softal, cannot serve the VOCS.
    """

    returns_id = True

    def __init__(
        self,
        vocs: VOCS,
        strategy: str = "bayesian",
        seed: int = 0,
        settings: Mapping[str, Any] | None = None,
        log: Collection[str] = (),
    ) -> None:
        self._arguments = strategy, seed, dict(settings or {}), frozenset(log)
        super().__init__(vocs)
        self.vocs = vocs
        self.strategy = self._made(vocs)
        self._constants = {name: constant.value for name, constant in vocs.constants.items()}
        self._trials: dict[int, Trial] = {}
        self._ready: list[Trial] = []  # proposed, and not suggested, since there were too few of them
        self._told = 0

    def _validate_vocs(self, vocs: VOCS) -> None:
        self._made(vocs)

    def _made(self, vocs: VOCS) -> Strategy:
        kind, seed, settings, log = self._arguments
        try:
            space = Space({name: _parameter(name, one, name in log) for name, one in vocs.variables.items()})
            return build(kind, space, _objective(vocs), seed, settings)
        except SoftalError as error:
            raise ValueError(str(error)) from error

    def suggest(self, num_points: int | None = None) -> list[dict[str, Any]]:
        """Return the next points, each with all variables and constants, and its `_id`.

        Where a strategy would wait for results that are under way, but so many points are wanted, the rest is random.

        Args:
            num_points: how many; None lets the strategy decide: the rest of a generation, or one.

        Raises:
            ValueError: where the strategy has no more points.
        """
        pending = [trial for trial in self._trials.values() if not trial.state.finished]
        wanted = max(1, self.strategy.foreseen(pending) or 1) if num_points is None else num_points
        while (lacking := wanted - len(self._ready)) > 0:  # a strategy may give some now, and others when asked again
            proposals = self.strategy.ask(lacking, [*pending, *self._ready])
            if not proposals:
                break
            for one in proposals:
                self._ready.append(Trial(self._next, one.point, notes=dict(one.notes), proposed_by=one.proposed_by))
        if self._waits([*pending, *self._ready]):
            self._ready += self._random(wanted - len(self._ready))
        if len(self._ready) < wanted:
            left, why = len(self._ready), self.strategy.exhausted_because
            raise ValueError(f"{wanted} points are wanted; {self.strategy.kind} has {left} left: {why}")
        given, self._ready = self._ready[:wanted], self._ready[wanted:]
        self._trials |= {trial.id: trial for trial in given}
        return [{**trial.point, **self._constants, ID: trial.id} for trial in given]

    def _waits(self, pending: list[Trial]) -> bool:
        """Whether a strategy that gives nothing now may do so when it knows more results."""
        return bool(pending) and self.strategy.foreseen(pending) is not None

    def _random(self, n: int) -> list[Trial]:
        """Return n random feasible points, of which the strategy learns as of those of others."""
        if n <= 0:
            return []
        space, first = self.strategy.space, self._next
        points = space.from_unit(space.sample(n, np.random.default_rng([self.strategy.seed, FILLED, first])))
        return [Trial(first + i, point, proposed_by=USER, notes={OURS: True}) for i, point in enumerate(points)]

    def ingest(self, results: list[dict[str, Any]]) -> None:
        """Learn from results: of points that were suggested, by their `_id`, and of others, which have none.

        Raises:
            ValueError: for an `_id` that was not given, a point outside of the variables' domains, or a result that
                was ingested before and is another now; nothing is learned then.
        """
        own = {_key(trial.point): trial.id for trial in self._trials.values() if not trial.state.finished}
        found: list[Trial] = []
        for result in results:
            trial = self._trial(result, own, self._next + len(found))
            found.append(replace(self._finished(trial, result), told=self._told + 1 + len(found)))
        try:
            self.strategy.tell(found)
        except SoftalError as error:
            raise ValueError(str(error)) from error
        self._told += len(found)
        self._trials |= {trial.id: trial for trial in found}

    @property
    def _next(self) -> int:
        """The number of the next trial: all numbers below are used, be it by points of others."""
        return max([NO_ID, *self._trials, *(trial.id for trial in self._ready)]) + 1

    def _trial(self, result: Mapping[str, Any], own: Mapping[Any, int], number: int) -> Trial:
        """Return the trial of a result; one with the point of a trial that is under way is this trial."""
        given = int(result.get(ID, NO_ID))
        point = self._point(result)
        known = self._trials.get(given if given != NO_ID else own.get(_key(point), NO_ID))
        if given != NO_ID and (known is None or not self._suggested(known)):
            raise ValueError(f"{ID} {given} was not suggested; points of others have none")
        return known or Trial(number, point, proposed_by=USER)

    @staticmethod
    def _suggested(trial: Trial) -> bool:
        return trial.proposed_by != USER or OURS in trial.notes

    def _point(self, result: Mapping[str, Any]) -> Point:
        if missing := [name for name in self.vocs.variables if name not in result]:
            raise ValueError(f"a result has no value of the variable {missing[0]!r}")
        try:
            return self.strategy.space.complete({name: _plain(result[name]) for name in self.vocs.variables})
        except SoftalError as error:
            raise ValueError(str(error)) from error

    def _finished(self, trial: Trial, result: Mapping[str, Any]) -> Trial:
        objective = self.strategy.objective
        named = [*objective.names, *(one.value for one in objective.outcomes)]
        values = {name: number for name in named if math.isfinite(number := _number(result.get(name)))}
        if missing := [name for name in named if name not in values]:
            return replace(trial, state=TrialState.FAILED, reason=f"no finite {' and '.join(missing)}")
        errors = {name: error for name in named if (error := _number(result.get(f"{name}_error"))) >= 0}
        return replace(
            trial,
            state=TrialState.DONE,
            observation=Observation(values, errors),
            objective={name: values[name] for name in objective.names},
            objective_errors={name: errors[name] for name in objective.names if name in errors},
        )


def _parameter(name: str, variable: Any, log: bool) -> dict[str, Any]:
    """Return a variable as a campaign file has parameters; ValueError for one that softal does not have."""
    if isinstance(variable.dtype, tuple):
        raise ValueError(f"variable {name!r} is an array ({variable.dtype}); softal takes scalars")
    if isinstance(variable, ContextualVariable):
        raise ValueError(f"variable {name!r} is contextual: softal has only variables that it may choose")
    if isinstance(variable, ContinuousVariable):
        low, high = variable.domain
        return {"low": low, "high": high, "log": log}
    if not isinstance(variable, DiscreteVariable):
        raise ValueError(f"variable {name!r} is a {type(variable).__name__}; allowed: continuous and discrete ones")
    if log:
        raise ValueError(f"variable {name!r} is discrete; only continuous ones have a log scale")
    values = {_plain(value) for value in variable.values}
    whole = all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    if whole and len(values) > 1 and max(values) - min(values) == len(values) - 1:
        return {"low": min(values), "high": max(values), "integer": True}
    return {"choices": sorted(values, key=lambda value: (str(type(value)), value))}  # a set has no order


def _objective(vocs: VOCS) -> Objective:
    goals = {name: type(goal) for name, goal in vocs.objectives.items()}
    for name, goal in goals.items():
        if goal not in GOALS:
            raise ValueError(f"objective {name!r} is a {goal.__name__}; allowed: minimize, maximize, explore")
    if ExploreObjective in goals.values() and (len(set(goals.values())) > 1 or vocs.constraints):
        raise ValueError("EXPLORE stands alone, without objectives that have a best point and without constraints")
    outcomes = tuple(_outcome(name, constraint) for name, constraint in vocs.constraints.items())
    return replace(several(*(GOALS[goal](name) for name, goal in goals.items())), outcomes=outcomes)


def _outcome(name: str, constraint: Any) -> Outcome:
    if isinstance(constraint, LessThanConstraint):
        return Outcome(f"{name} < {constraint.value:g}", name, high=constraint.value, below=True)
    if isinstance(constraint, GreaterThanConstraint):
        return Outcome(f"{name} > {constraint.value:g}", name, low=constraint.value, above=True)
    if isinstance(constraint, BoundsConstraint):
        low, high = constraint.range
        return Outcome(f"{low:g} <= {name} <= {high:g}", name, low, high)
    raise ValueError(f"constraint {name!r} is a {type(constraint).__name__}; allowed: less, greater, and bounds")


def _key(point: Point) -> Any:
    return tuple(sorted(point.items()))


def _plain(value: Any) -> Any:
    """Return numpy's scalars as Python's."""
    return value.item() if hasattr(value, "item") else value


def _number(value: Any) -> float:
    """Return a number; NaN where there is none."""
    return math.nan if value is None else float(value)
