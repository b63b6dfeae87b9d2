"""What a campaign found: the answer, the best trial, and the place of the optimum by the surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from softal.answer import Answer, edges
from softal.answer.optimum import Optimum, on_edges
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.found import found_in
from softal.space import Space
from softal.trial import Trial


@dataclass(frozen=True)
class Finding:
    """The best point.

    Attributes:
        trial: the trial with the best observed objective.
        answer: the best point by its repeats, by the surrogate, or the trial where there is neither.
        optimum: where the surrogate expects the best, whether or not it was run; None without one.
    """

    trial: Trial
    answer: Answer
    optimum: Optimum | None

    def warnings(self, space: Space) -> list[str]:
        """Return a line for each parameter that is on the edge of its range in the answer or in the optimum."""
        return edges.warnings(space, on_edges(space, self.answer, self.optimum))

    def to_json(self) -> dict[str, Any]:
        """Return the trial as `--json` shows it, with the answer and the optimum by the surrogate."""
        found = self.optimum
        optimum: dict[str, Any] = {"optimum": {}, "optimum_value": None, "optimum_error": None, "optimum_note": None}
        if found is not None:
            optimum = {
                "optimum": found.to_json(),
                "optimum_value": found.value,
                "optimum_error": found.error,
                "optimum_note": found.beside(self.answer),
            }
        on_edges = sorted({*self.answer.edges, *(found.edges if found else ())})
        return self.trial.shown() | {"answer": self.answer.to_json(), "edges": on_edges, **optimum}


def find_best(campaign: Campaign) -> Finding | None:
    """Return the best point with its uncertainty; None where nothing is done, or for several objectives."""
    with campaign.scored() as (journal, scores):
        if scores.best is None:
            return None
        best = journal.trial(int(scores.ids[scores.best]))
        found = found_in(
            journal, campaign.spec.objective, campaign.spec.space, scores, lambda: campaign.latest_surrogate
        )
        return None if found.answer is None or best is None else Finding(best, found.answer, found.optimum)
