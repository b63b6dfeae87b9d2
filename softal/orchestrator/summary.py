"""What a campaign found: the best trial, and where the optimum lies by the surrogate, with its uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign
from softal.trial import Trial


@dataclass(frozen=True)
class Finding:
    """The best point.

    Attributes:
        trial: the trial with the best observed objective.
        optimum: parameter -> (value, uncertainty) of the optimum's place by the surrogate; empty without one.
    """

    trial: Trial
    optimum: dict[str, tuple[Any, float]]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as `--json` shows it, with the optimum by the surrogate."""
        shown = {name: {"value": value, "uncertainty": spread} for name, (value, spread) in self.optimum.items()}
        return self.trial.to_json() | {"optimum": shown}


def find_best(campaign: Campaign) -> Finding | None:
    """Return the best point with its uncertainty; None where nothing is done, or for several objectives."""
    best = campaign.best
    return None if best is None else Finding(best, optimum_of(campaign))


def optimum_of(campaign: Campaign) -> dict[str, tuple[Any, float]]:
    """Return where the optima of the surrogate's sample paths lie: parameter -> (centre, half of the 68 % interval)."""
    from softal.surrogates.analysis import optimum, summary

    try:
        places = optimum(campaign.surrogate, float(campaign.spec.objective.signs[0]))
    except SoftalError:  # no surrogate, or one without a posterior yet
        return {}
    return summary(campaign.spec.space, places)
