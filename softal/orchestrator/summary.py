"""What a campaign found: the best point with its uncertainty, from the observations and from the surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign
from softal.trial import Trial

SAMPLES = 64  # sample paths of the posterior, whose optima scatter by the uncertainty of the best point


@dataclass(frozen=True)
class Finding:
    """The best point.

    Attributes:
        trial: the trial with the best observed objective.
        spread: parameter -> standard deviation of the optimum's place, by the surrogate; empty where it has none.
    """

    trial: Trial
    spread: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the trial as `--json` shows it, with the uncertainty of its point."""
        return self.trial.to_json() | {"point_uncertainty": self.spread}


def find_best(campaign: Campaign) -> Finding | None:
    """Return the best point with its uncertainty; None where nothing is done, or for several objectives."""
    best = campaign.best
    return None if best is None else Finding(best, optimum_spread(campaign))


def optimum_spread(campaign: Campaign) -> dict[str, float]:
    """Return how far the optima of the surrogate's sample paths scatter, for each numerical free parameter."""
    from softal.surrogates.analysis import optimum

    space = campaign.spec.space
    try:
        surrogate = campaign.surrogate
        sign = float(campaign.spec.objective.signs[0])
        places = optimum(surrogate, sign, samples=SAMPLES, rng=np.random.default_rng(campaign.spec.seed))
    except SoftalError:
        return {}
    points = space.from_unit(places)
    numerical = [name for i, name in enumerate(space.names) if i not in space.categorical]
    return {name: float(np.std([float(point[name]) for point in points])) for name in numerical}
