"""One component of an objective: a value of the observation, or a match of arrays and values with what was measured.

A match is one number of all its parts j, curves and targets, each in units of its tolerance:

    L = sqrt(sum_j w_j x_j^2 / sum_j w_j),    x_j = chi_j / tolerance_j of a curve, (v - target) / tolerance of a value

so that L = 1 where each part deviates by its tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from softal.errors import InvalidObservation, NotReturned
from softal.kinds.validation import did_you_mean
from softal.numeric import Floats
from softal.references import Reference, Target
from softal.trial import Array, Observation

Direction = Literal["minimize", "maximize", "learn"]
MISMATCH = "mismatch"
Made = TypeVar("Made")


@dataclass(frozen=True)
class Component:
    """One part of the objective.

    Attributes:
        name: of the value, or of the match.
        direction: what is wanted of it.
        references: arrays of a match.
        targets: values of a match.
        limits: the lowest and the highest number that the value can be, by its nature.
    """

    name: str
    direction: Direction
    references: tuple[Reference, ...] = ()
    targets: tuple[Target, ...] = ()
    limits: tuple[float, float] = (-math.inf, math.inf)

    @property
    def sign(self) -> float:
        """What makes a loss of the value."""
        return -1.0 if self.direction == "maximize" else 1.0

    @property
    def matching(self) -> bool:
        """Whether it is a match: a known function of curves and values."""
        return bool(self.references or self.targets)

    @property
    def parts(self) -> tuple[Reference | Target, ...]:
        """The references, then the targets; none for a component that is a value."""
        return (*self.references, *self.targets)

    @property
    def weights(self) -> Floats:
        """w_j / sum w of the parts."""
        weights = np.array([part.weight for part in self.parts])
        return np.asarray(weights / weights.sum())

    def evaluate(self, observation: Observation) -> tuple[float, float]:
        """Return the component's value and its standard error (NaN where it is not known)."""
        return self._mismatch(observation) if self.matching else _value(self.name, observation)

    def deviations(self, observation: Observation) -> list[tuple[float, float]]:
        """Return x_j of each of the parts with its standard error (NaN where it is not known); computed once."""
        return self._once(
            "deviations", observation, lambda: [self._deviation(part, observation) for part in self.parts]
        )

    def _once(self, what: str, observation: Observation, compute: Callable[[], Made]) -> Made:
        """Return what is computed of an observation, and keep it there: models are fitted to the same trials often."""
        known: dict[tuple[str, str], tuple[Component, Made]] = observation.__dict__.setdefault("_computed", {})
        of, made = known.get((what, self.name), (None, None))
        if of is not self:
            made = compute()
            known[what, self.name] = self, made
        return made  # type: ignore[return-value]

    @staticmethod
    def _deviation(part: Reference | Target, observation: Observation) -> tuple[float, float]:
        if isinstance(part, Target):
            return part.deviation(*_value(part.value, observation))
        chi, error = part.compare(_array(observation, part))
        return chi / part.tolerance, error / part.tolerance

    def _mismatch(self, observation: Observation) -> tuple[float, float]:
        """Return L and its error."""
        weights = self.weights
        x, error = np.array(self.deviations(observation)).T
        total = np.sqrt(np.sum(weights * x**2))
        slope = weights * x / total if total > 0 else np.sqrt(weights)
        if not np.isfinite(total):
            raise InvalidObservation(f"the mismatch is {total}")
        return float(total), float(np.linalg.norm(slope * error))

    @property
    def size(self) -> int:
        """Number K of residuals; 0 for a component that is a value."""
        return sum(reference.size for reference in self.references) + len(self.targets)

    def residual(self, observation: Observation) -> tuple[Floats, Floats]:
        """Return the residuals whose length is the component's value, and their variances, both of shape (K,), once.

        r = concatenation over the parts j of sqrt(w_j / sum w) r_j / tolerance_j, r_j as of `Reference.residual` for a
        curve, v - target for a value; those of the targets come last. The value of a match is thus a known function,
        |r|, of simulated curves and values. (Where a simulation does not cover all of a reference, r is NaN there; a
        variance is NaN where no error is known.)

        Raises:
            InvalidObservation: if an array or a value is missing, or an array has no grid or covers too little of its
                reference.
        """
        return self._once("residual", observation, lambda: self._residuals(observation))

    def _residuals(self, observation: Observation) -> tuple[Floats, Floats]:
        found = [self._residual(part, observation) for part in self.parts]
        scales = np.sqrt(self.weights)
        residuals = [scale * residual for scale, (residual, _) in zip(scales, found, strict=True)]
        variances = [scale**2 * variance for scale, (_, variance) in zip(scales, found, strict=True)]
        return np.concatenate(residuals), np.concatenate(variances)

    def _residual(self, part: Reference | Target, observation: Observation) -> tuple[Floats, Floats]:
        if isinstance(part, Target):
            x, error = self._deviation(part, observation)
            return np.array([x]), np.array([error**2])
        residual, variance = part.residual(_array(observation, part))
        return residual / part.tolerance, variance / part.tolerance**2

    def describe(self) -> str:
        """Return the component in words, for people."""
        if self.matching:
            named = "" if self.name == MISMATCH else f" ({self.name})"
            return "match " + ", ".join(name_of(part) for part in self.parts) + named
        return f"{self.direction} {self.name}"


def name_of(part: Reference | Target) -> str:
    """Return the name of the array or of the value."""
    return part.value if isinstance(part, Target) else part.array


def _value(name: str, observation: Observation) -> tuple[float, float]:
    if name not in observation.values:
        returned = ", ".join(sorted(observation.values)) or "none"
        near = did_you_mean(name, observation.values)
        raise NotReturned(f"the objective's value {name!r} was not returned{near}; values returned: {returned}")
    value = float(observation.values[name])
    if not np.isfinite(value):
        raise InvalidObservation(f"the objective's value {name!r} is {value}")
    return value, float(observation.errors.get(name, np.nan))


def _array(observation: Observation, reference: Reference) -> Array:
    if reference.array not in observation.arrays:
        returned = ", ".join(sorted(observation.arrays)) or "none"
        near = did_you_mean(reference.array, observation.arrays)
        raise NotReturned(f"array {reference.array!r} was not returned{near}; arrays returned: {returned}")
    return observation.arrays[reference.array]
