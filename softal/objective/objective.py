"""The objective: what is made of an observation, and in which direction.

`minimize` and `maximize` take a value, `match` compares arrays and values with what was measured, `learn` asks for a
surrogate that is good everywhere. Several components at once make a Pareto front. Strategies see losses, which are
minimised: loss = sign * value, sign = +1 for minimize, match and learn, -1 for maximize.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softal.errors import InvalidObservation, NotReturned, SoftalError
from softal.kinds.validation import did_you_mean
from softal.objective.component import MISMATCH, Component, Direction, name_of
from softal.objective.front import front
from softal.objective.outcome import Outcome, outcome
from softal.outputs import Flaws, Known
from softal.references import Reference, Target, load_reference
from softal.trial import Observation, Trial, TrialState

__all__ = [
    "MISMATCH", "Component", "Direction", "Objective", "Outcome", "Part", "Reference", "Target", "learn",
    "load_reference", "match", "maximize", "minimize", "several",
]  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A part of a match, and the value under which each trial has it.

    Attributes:
        of: the reference or the target.
        value: name of the trial's value: `chi_<array>`, or `deviation_<value>` in tolerances.
        component: name of the match.
        index: among the match's parts.
        weight: w_j / sum w.
    """

    of: Reference | Target
    value: str
    component: str
    index: int
    weight: float

    def deviation(self, values: Mapping[str, float]) -> float:
        """Return x_j, in tolerances, of a trial's values; NaN where they have none."""
        found = values.get(self.value, np.nan)
        return float(found if isinstance(self.of, Target) else found / self.of.tolerance)


@dataclass(frozen=True)
class Objective:
    """All components of a campaign's objective, and the outcome constraints to which they are subject.

    Attributes:
        components: one, or several.
        outcomes: the constraints.
        flaws: which runs are no results to learn from, as far as the simulator says so.
        known: array -> what the simulator says of it without a simulation.
        words: array -> what its whole numbers mean, as far as the simulator says so.
    """

    components: tuple[Component, ...]
    outcomes: tuple[Outcome, ...] = ()
    flaws: Flaws = field(default_factory=Flaws)
    known: Mapping[str, Known] = field(default_factory=dict, hash=False)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        names = [component.name for component in self.components]
        if not names:
            raise SoftalError("an objective needs at least one of minimize, maximize, match, learn")
        if len(set(names)) < len(names):
            raise SoftalError(f"the objective names a value twice: {', '.join(names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the components."""
        return tuple(component.name for component in self.components)

    def within(self, ranges: Mapping[str, tuple[float, float]]) -> Objective:
        """Return the objective with the limits of its values, as far as a simulator knows them by their names."""
        known = [replace(one, limits=ranges[one.name]) if one.name in ranges else one for one in self.components]
        return replace(self, components=tuple(known))

    @property
    def goals(self) -> list[str]:
        """The components in words, and the outcome constraints."""
        bounds = " and ".join(one.text for one in self.outcomes)
        return [*(component.describe() for component in self.components), *([f"subject to {bounds}"] if bounds else [])]

    @property
    def signs(self) -> NDArray[np.float64]:
        """What makes losses of the values, shape (m,)."""
        return np.array([component.sign for component in self.components])

    @property
    def single(self) -> bool:
        """Whether there is one component."""
        return len(self.components) == 1

    @property
    def matching(self) -> bool:
        """Whether every component is a match: the objective is then a known function of curves and values."""
        return all(component.matching for component in self.components)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of matches that each trial has as values of its own.

        That is every target, and chi of every array of a match with several parts, or with a tolerance. What two
        components match is named `chi_<component>_<array>` for the second.
        """
        found: dict[str, Part] = {}
        for component in self.components:
            for index, part in enumerate(component.parts):
                curve = isinstance(part, Reference)
                if curve and len(component.parts) == 1 and part.tolerance == 1.0:
                    continue  # its chi is the component itself
                kind, own = "chi" if curve else "deviation", name_of(part)
                name = f"{kind}_{own}"
                name = f"{kind}_{component.name}_{own}" if name in found else name
                found[name] = Part(part, name, component.name, index, float(component.weights[index]))
        return tuple(found.values())

    @property
    def learning(self) -> bool:
        """Whether the surrogate shall be good everywhere: there is no best point then."""
        return any(component.direction == "learn" for component in self.components)

    def lessons(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that a surrogate learns from: for `learn`, those without a flaw.

        Where something is best, flawed runs count for that, and the surrogate is to know them.
        """
        if not self.learning:
            return list(trials)
        return [one for one in trials if one.observation is None or self.flaws.of(one.observation.values) is None]

    def needs(self, value: str) -> bool:
        """Whether a value must be there for an observation to be one."""
        own = {one.name for one in self.components if not one.matching}
        targets = {target.value for one in self.components for target in one.targets}
        return value in own | targets | {one.value for one in self.outcomes}

    def evaluate(self, observation: Observation) -> tuple[dict[str, float], dict[str, float]]:
        """Return value and known standard error of each component; InvalidObservation names what is missing."""
        for name, what in observation.missing.items():
            if self.needs(name):
                raise InvalidObservation(f"value {name!r} is {what}")
        results = {component.name: component.evaluate(observation) for component in self.components}
        for one in self.outcomes:
            if not np.isfinite(one.of(observation)):
                returned = ", ".join(sorted(observation.values)) or "none"
                message = f"the value {one.value!r} of the constraint `{one.text}` was not returned"
                raise NotReturned(
                    f"{message}{did_you_mean(one.value, observation.values)}; values returned: {returned}"
                )
        values = {name: value for name, (value, _) in results.items()}
        return values, {name: error for name, (_, error) in results.items() if np.isfinite(error)}

    def with_parts(self, observation: Observation) -> Observation:
        """Return the observation with the values of `parts`; one that the simulator returned stays as it is."""
        values, errors = dict(observation.values), dict(observation.errors)
        for component in self.components:
            own = [part for part in self.parts if part.component == component.name]
            found = component.deviations(observation) if own else []
            for part in own:
                if part.value in observation.values:
                    continue
                size = part.of.tolerance if isinstance(part.of, Reference) else 1.0
                x, error = found[part.index]
                values[part.value] = x * size
                if np.isfinite(error):
                    errors[part.value] = error * size
        return replace(observation, values=values, errors=errors)

    def losses(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return the losses of the trials that are done, shape (n, m)."""
        rows = [[trial.objective[name] for name in self.names] for trial in _done(trials)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.names)) * self.signs

    def loss_errors(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return the standard errors of the losses of the trials that are done, shape (n, m); NaN where unknown."""
        rows = [[trial.objective_errors.get(name, np.nan) for name in self.names] for trial in _done(trials)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.names))

    def subject_to(self, *texts: str) -> Objective:
        """Return the objective under more outcome constraints, such as `pressure <= 5`."""
        return replace(self, outcomes=(*self.outcomes, *(outcome(text) for text in texts)))

    def violated(self, trial: Trial) -> list[Outcome]:
        """Return the outcome constraints that the trial's values violate."""
        return [one for one in self.outcomes if not one.holds(one.of(trial.observation))]

    def violations_text(self, trial: Trial) -> str:
        """Return what the trial violates, in words: `pressure <= 5 (it is 7.3)`; empty where it satisfies all."""
        said = [f"{one.text} (it is {one.of(trial.observation):.6g})" for one in self.violated(trial)]
        return ", ".join([*["outside of the ranges"] * trial.outside, *said])

    def satisfied(self, trial: Trial) -> bool:
        """Return whether the trial is within the campaign's ranges, and its values satisfy all outcome constraints."""
        return not trial.outside and self.holds(trial.observation.values if trial.observation else {})

    def holds(self, values: Mapping[str, float]) -> bool:
        """Return whether an observation's values satisfy all outcome constraints."""
        return all(one.holds(float(values.get(one.value, np.nan))) for one in self.outcomes)

    def scored(self, trial: Trial) -> tuple[float, ...] | None:
        """Return the trial's losses (m,) where it counts; None elsewhere.

        It counts where it is done, within the campaign's ranges, and within the outcome constraints.
        """
        if trial.state is not TrialState.DONE or trial.outside:
            return None
        if not self.complete(trial.objective) or not self.satisfied(trial):
            return None
        return tuple(one.sign * trial.objective[one.name] for one in self.components)

    def complete(self, values: Mapping[str, float]) -> bool:
        """Return whether a trial's objective has all components."""
        return all(one.name in values for one in self.components)

    def nearest(self, trials: Iterable[Trial]) -> Trial | None:
        """Return the trial that violates least: by the sum of its violations, in units of each value's spread."""
        done = _done(trials)
        if not done or not self.outcomes:
            return None
        values = np.array([[one.of(trial.observation) for one in self.outcomes] for trial in done])
        spread = np.nanstd(values, axis=0)
        amounts = [[one.violation(v) for one, v in zip(self.outcomes, row, strict=True)] for row in values]
        amounts_in_spreads = np.nan_to_num(np.array(amounts) / np.where(spread > 0, spread, 1.0), nan=np.inf)
        return done[int(np.argmin(amounts_in_spreads.sum(axis=1)))]

    def unmet(self, trials: Iterable[Trial]) -> str | None:
        """Say that no trial satisfies the outcome constraints, and which is nearest; None where one does.

        `no trial satisfies pressure <= 5: nearest is trial 12 with pressure 7.3`; None, too, where none is done.
        """
        violating: list[Trial] = []
        for trial in trials:
            if self.scored(trial) is not None:
                return None
            violating += [] if trial.outside else [trial]
        near = self.nearest(violating)
        if near is None:
            return None
        texts = " and ".join(one.text for one in self.outcomes)
        values = ", ".join(f"{one.value} {one.of(near.observation):.4g}" for one in self.violated(near))
        return f"no trial satisfies {texts}: nearest is trial {near.id} with {values}"

    def best(self, trials: Iterable[Trial]) -> Trial | None:
        """Return the trial with the lowest observed loss among those that count; None where there is none.

        Of several with the same loss, that with the lowest id. None, too, for several objectives.
        """
        if self.learning or not self.single:
            return None
        counted = ((losses[0], trial.id, trial) for trial in trials if (losses := self.scored(trial)) is not None)
        return min(counted, key=lambda one: one[:2], default=(0.0, 0, None))[2]

    def pareto_front(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that no other trial beats in every component, in the order of the first component.

        Those that violate an outcome constraint do not count.
        """
        counted = [trial for trial in trials if self.scored(trial) is not None]
        return [counted[i] for i in front(self.losses(counted))]


def _done(trials: Iterable[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.state is TrialState.DONE and trial.objective]


def minimize(*names: str) -> Objective:
    """Return the objective of making values small."""
    return Objective(tuple(Component(name, "minimize") for name in names))


def maximize(*names: str) -> Objective:
    """Return the objective of making values large."""
    return Objective(tuple(Component(name, "maximize") for name in names))


def learn(*names: str) -> Objective:
    """Return the objective of a surrogate that predicts values well everywhere."""
    return Objective(tuple(Component(name, "learn") for name in names))


def match(parts: Mapping[str, Reference | Target | str | Path], name: str = MISMATCH) -> Objective:
    """Return the objective of arrays and values that agree with what was measured.

    Each part is a `Reference`, the file of one, or a `Target`.
    """
    read = [
        part if isinstance(part, Reference | Target) else load_reference(array, Path(part))
        for array, part in parts.items()
    ]
    curves = tuple(part for part in read if isinstance(part, Reference))
    return Objective((Component(name, "minimize", curves, tuple(part for part in read if isinstance(part, Target))),))


def several(*objectives: Objective) -> Objective:
    """Return all components of several objectives as one."""
    outcomes = tuple(one for objective in objectives for one in objective.outcomes)
    return Objective(tuple(component for objective in objectives for component in objective.components), outcomes)
