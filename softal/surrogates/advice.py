"""A surrogate as pages ask it: its answer, its optimum, its curves at the shown point, its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from softal.answer import Answer
from softal.cards.view import Opinion, View
from softal.numeric import Floats
from softal.objective import Objective
from softal.space import Space
from softal.surrogates.base import Surrogate
from softal.surrogates.belief import find_answer
from softal.surrogates.figures import cards
from softal.surrogates.learned import attempt, learn
from softal.surrogates.optimum import find_optimum
from softal.trial import Trial


@dataclass(frozen=True)
class Advice:
    """A surrogate as pages ask it, a `softal.cards.view.Advisor`."""

    surrogate: Surrogate

    def answer(self, objective: Objective, space: Space, trials: Sequence[Trial]) -> Answer | None:
        """Return the best point by repeats, by the surrogate, or the best trial; None where there is no best."""
        return find_answer(objective, space, trials, self.surrogate)

    def opinion(self, view: View) -> Opinion:
        """Return all that pages show of the surrogate."""
        if not view.done:
            return Opinion()
        surrogate, point = self.surrogate, view.shown.point if view.shown else {}
        return Opinion(
            optimum=find_optimum(view.objective, view.finished, surrogate),
            curves=attempt(lambda: _curves(surrogate, point)) or {},
            properties=attempt(lambda: _properties(surrogate, point)) or {},
            cards=cards(view, learn(surrogate, view)),
        )


def advice(surrogate: Surrogate | None, space: Space) -> Advice | None:
    """Return a surrogate as pages ask it; None without one, or where it is of another space."""
    return Advice(surrogate) if surrogate is not None and surrogate.space.names == space.names else None


def _curves(surrogate: Surrogate, point: Mapping[str, Any]) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return array -> (grid, mean, standard deviation), shape (k,) each, where the surrogate predicts arrays."""
    predict = getattr(surrogate, "curves", None)
    if predict is None or not point:
        return {}
    return {name: (grid, mean[0], std[0]) for name, (grid, mean, std) in predict([point]).items()}


def _properties(surrogate: Surrogate, point: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return value -> (mean, standard deviation) where the surrogate predicts values that have targets."""
    predict = getattr(surrogate, "properties", None)
    if predict is None or not point:
        return {}
    return {name: (float(mean[0]), float(std[0])) for name, (mean, std) in predict([point]).items()}
