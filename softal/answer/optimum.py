"""The optimum that a surrogate expects, beside the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from softal.answer.answer import Answer
from softal.answer.edges import Edge
from softal.space import Space

APART = 2.0  # standard deviations of both, between optimum and answer


@dataclass(frozen=True)
class Optimum:
    """Where functions drawn from the surrogate have their minima, or maxima, and how good they are there.

    Attributes:
        place: parameter -> (centre, spread), see `softal.surrogates.analysis.summary`; the spread is NaN on an edge.
        value, error: mean and standard deviation of the optima [unit of the objective, natural sign].
        edges: parameters on the edge of their range.
        away: whether they lie away from every run, where the surrogate's error is large.
        doubt: why the surrogate is not believed; empty where it is.
        tolerated: parameter -> (centre, spread) of what the tolerances of a match with targets leave open, which does
            not shrink with the number of simulations; see `softal.surrogates.tolerance`. Empty without targets.
    """

    place: Mapping[str, tuple[Any, float]]
    value: float
    error: float
    edges: Mapping[str, Edge] = field(default_factory=dict)
    away: bool = False
    doubt: str = ""
    tolerated: Mapping[str, tuple[Any, float]] = field(default_factory=dict)

    def beside(self, answer: Answer) -> str:
        """Return in words how it stands to the answer."""
        if self.doubt:
            return f"of a surrogate that {self.doubt}"
        if self.away:
            return "away from every run, where the surrogate is least sure: run it before you believe it"
        error = math.hypot(self.error, answer.error if math.isfinite(answer.error) else 0.0)
        if abs(self.value - answer.value) > APART * error:
            return "differs from the answer by more than twice their errors: run it before you believe it"
        return "agrees with the answer within their errors"

    def to_json(self) -> dict[str, Any]:
        """Return parameter -> value, uncertainty (None on an edge) and edge, as plain data."""
        shown = {}
        for name, (value, spread) in self.place.items():
            known = spread if math.isfinite(spread) else None
            shown[name] = {"value": value, "uncertainty": known, "edge": self.edges.get(name)}
            if name in self.tolerated:
                centre, left = self.tolerated[name]
                shown[name]["tolerated"] = {"value": centre, "uncertainty": left}
        return shown


def on_edges(space: Space, answer: Answer, optimum: Optimum | None) -> dict[str, Edge]:
    """Return the parameters on the edge of their range in the answer or in the optimum, in the order of the space."""
    found = {**(optimum.edges if optimum else {}), **answer.edges}
    return {name: found[name] for name in space.names if name in found}
