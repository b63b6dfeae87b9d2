"""The objective: what is made of an observation, and in which direction.

`minimize` and `maximize` take a value, `match` compares arrays with references, `learn` asks for a surrogate that is
good everywhere. Several components at once make a Pareto front. Strategies see losses, which are minimised:
loss = sign * value, sign = +1 for minimize, match and learn, -1 for maximize.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from softal.errors import InvalidObservation, NotReturned, SoftalError
from softal.references import Reference, load_reference
from softal.trial import Array, Observation, Trial, TrialState
from softal.validation import did_you_mean

__all__ = [
    "MISMATCH", "Component", "Direction", "Objective", "Reference", "learn", "load_reference", "match", "maximize",
    "minimize", "several",
]  # fmt: skip

Direction = Literal["minimize", "maximize", "learn"]
MISMATCH = "mismatch"


@dataclass(frozen=True)
class Component:
    """One part of the objective: a value of the observation, or the mismatch of arrays with references."""

    name: str
    direction: Direction
    references: tuple[Reference, ...] = ()

    @property
    def sign(self) -> float:
        """What makes a loss of the value."""
        return -1.0 if self.direction == "maximize" else 1.0

    def evaluate(self, observation: Observation) -> tuple[float, float]:
        """Return the component's value and its standard error (NaN where it is not known)."""
        if self.references:
            return self._mismatch(observation)
        if self.name not in observation.values:
            returned = ", ".join(sorted(observation.values)) or "none"
            near = did_you_mean(self.name, observation.values)
            raise NotReturned(
                f"the objective's value {self.name!r} was not returned{near}; values returned: {returned}"
            )
        value = float(observation.values[self.name])
        if not np.isfinite(value):
            raise InvalidObservation(f"the objective's value {self.name!r} is {value}")
        return value, float(observation.errors.get(self.name, np.nan))

    def chis(self, observation: Observation) -> list[tuple[float, float]]:
        """Return chi of each reference with its standard error, see `Reference.compare`."""
        return [reference.compare(self._array(observation, reference)) for reference in self.references]

    def _mismatch(self, observation: Observation) -> tuple[float, float]:
        """Return sqrt(sum w chi^2 / sum w) over the references, and its error."""
        weights = np.array([reference.weight for reference in self.references])
        chi, error = np.array(self.chis(observation)).T
        total = np.sqrt(np.sum(weights * chi**2) / np.sum(weights))
        slope = weights * chi / (np.sum(weights) * total) if total > 0 else np.sqrt(weights / np.sum(weights))
        if not np.isfinite(total):
            raise InvalidObservation(f"the mismatch is {total}")
        return float(total), float(np.linalg.norm(slope * error))

    @property
    def size(self) -> int:
        """Number K of residuals; 0 for a component that is a value."""
        return sum(reference.size for reference in self.references)

    def residual(self, observation: Observation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the residuals whose length is the component's value, and their variances, both of shape (K,).

        r = concatenation over the references p of sqrt(w_p / sum w) r_p, see `Reference.residual`: the value of a match
        is a known function, |r|, of simulated curves. (Where a simulation does not cover all of a reference, r is NaN
        there.)

        Raises:
            InvalidObservation: if an array is missing, has no grid, or covers too little of its reference.
        """
        weights = np.array([reference.weight for reference in self.references])
        scales = np.sqrt(weights / np.sum(weights))
        found = [reference.residual(self._array(observation, reference)) for reference in self.references]
        residuals = [scale * residual for scale, (residual, _) in zip(scales, found, strict=True)]
        variances = [scale**2 * variance for scale, (_, variance) in zip(scales, found, strict=True)]
        return np.concatenate(residuals), np.concatenate(variances)

    @staticmethod
    def _array(observation: Observation, reference: Reference) -> Array:
        if reference.array not in observation.arrays:
            returned = ", ".join(sorted(observation.arrays)) or "none"
            near = did_you_mean(reference.array, observation.arrays)
            raise NotReturned(f"array {reference.array!r} was not returned{near}; arrays returned: {returned}")
        return observation.arrays[reference.array]

    def describe(self) -> str:
        """Return the component in words, for people."""
        if self.references:
            named = "" if self.name == MISMATCH else f" ({self.name})"
            return "match " + ", ".join(reference.array for reference in self.references) + named
        return f"{self.direction} {self.name}"


@dataclass(frozen=True)
class Objective:
    """All components of a campaign's objective."""

    components: tuple[Component, ...]

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
        """Whether every component is a match: the objective is then a known function of curves."""
        return all(component.references for component in self.components)

    @property
    def learning(self) -> bool:
        """Whether the surrogate shall be good everywhere: there is no best point then."""
        return any(component.direction == "learn" for component in self.components)

    def evaluate(self, observation: Observation) -> tuple[dict[str, float], dict[str, float]]:
        """Return value and known standard error of each component; InvalidObservation names what is missing."""
        results = {component.name: component.evaluate(observation) for component in self.components}
        values = {name: value for name, (value, _) in results.items()}
        return values, {name: error for name, (_, error) in results.items() if np.isfinite(error)}

    def with_chis(self, observation: Observation) -> Observation:
        """Return the observation with the values `chi_<array>` of every match of several arrays.

        A value of that name which the simulator returned stays as it is; chi of an array that two components match is
        `chi_<component>_<array>` for the second.
        """
        values, errors = dict(observation.values), dict(observation.errors)
        added: set[str] = set()
        for component in self.components:
            if len(component.references) < 2:
                continue
            for reference, (chi, error) in zip(component.references, component.chis(observation), strict=True):
                name = f"chi_{reference.array}"
                name = f"chi_{component.name}_{reference.array}" if name in added else name
                if name in observation.values:
                    continue
                added.add(name)
                values[name] = chi
                if np.isfinite(error):
                    errors[name] = error
        return replace(observation, values=values, errors=errors)

    def losses(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return the losses of the trials that are done, shape (n, m)."""
        rows = [[trial.objective[name] for name in self.names] for trial in _done(trials)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.names)) * self.signs

    def loss_errors(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Return the standard errors of the losses of the trials that are done, shape (n, m); NaN where unknown."""
        rows = [[trial.objective_errors.get(name, np.nan) for name in self.names] for trial in _done(trials)]
        return np.array(rows, dtype=np.float64).reshape(-1, len(self.names))

    def best(self, trials: Sequence[Trial]) -> Trial | None:
        """Return the trial with the lowest observed loss; None where none is done, or for several objectives."""
        done = _done(trials)
        if self.learning or not self.single or not done:
            return None
        return done[int(np.argmin(self.losses(done)[:, 0]))]

    def pareto_front(self, trials: Sequence[Trial]) -> list[Trial]:
        """Return the trials that no other trial beats in every component, in the order of the first component."""
        done = _done(trials)
        losses = self.losses(done)
        front: list[int] = []
        for i in np.lexsort(losses.T[::-1]):
            dominated = any(np.all(losses[j] <= losses[i]) and np.any(losses[j] < losses[i]) for j in front)
            if not dominated:
                front.append(int(i))
        return [done[i] for i in front]


def _done(trials: Sequence[Trial]) -> list[Trial]:
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


def match(references: Mapping[str, Reference | str | Path], name: str = MISMATCH) -> Objective:
    """Return the objective of arrays that agree with references, each a `Reference` or a file."""
    read = [
        ref if isinstance(ref, Reference) else load_reference(array, Path(ref)) for array, ref in references.items()
    ]
    return Objective((Component(name, "minimize", tuple(read)),))


def several(*objectives: Objective) -> Objective:
    """Return all components of several objectives as one."""
    return Objective(tuple(component for objective in objectives for component in objective.components))
