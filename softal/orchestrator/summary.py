"""What a campaign found: the answer, the best trial, and the place of the optimum by the surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from softal.answer import Answer
from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign
from softal.trial import Trial


@dataclass(frozen=True)
class Finding:
    """The best point.

    Attributes:
        trial: the trial with the best observed objective.
        answer: the best point by the mean of its repeats, or the trial where none was repeated.
        optimum: parameter -> (value, uncertainty) of the optimum's place by the surrogate; empty without one.
    """

    trial: Trial
    answer: Answer
    optimum: dict[str, tuple[Any, float]]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as `--json` shows it, with the answer and the optimum by the surrogate."""
        shown = {name: {"value": value, "uncertainty": spread} for name, (value, spread) in self.optimum.items()}
        return self.trial.to_json() | {"answer": self.answer.to_json(), "optimum": shown}


def find_best(campaign: Campaign) -> Finding | None:
    """Return the best point with its uncertainty; None where nothing is done, or for several objectives."""
    best, answer = campaign.best, campaign.answer
    return None if best is None or answer is None else Finding(best, answer, optimum_of(campaign))


def optimum_of(campaign: Campaign) -> dict[str, tuple[Any, float]]:
    """Return where the optima of the surrogate's sample paths lie: parameter -> (centre, half of the 68 % interval)."""
    from softal.surrogates.analysis import optimum, summary

    if campaign.spec.objective.outcomes:  # of which the surrogate knows nothing
        return {}
    try:
        places = optimum(campaign.surrogate, float(campaign.spec.objective.signs[0]))
    except SoftalError:  # no surrogate, or one without a posterior yet
        return {}
    return summary(campaign.spec.space, places)
