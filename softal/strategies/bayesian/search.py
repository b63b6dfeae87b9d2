"""One look at the model: which points it proposes, one after the other, and what proposed each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.strategies.bayesian.exploration import farthest, least_worth
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.bayesian.settings import Acquisition, BayesianSettings
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.region import Region

Found = tuple[Floats, dict[str, Any]]  # a unit point (d,), and the notes of its proposal

DOUBT = 4  # one point of so many explores while left-out results are predicted no better than by their mean
TURN = 3  # one point of so many explores where nothing is expected anywhere: two stay with what is best
NO_GAIN = "nothing is expected anywhere"
SATISFY = "probability of satisfying the constraints"  # what is maximised while no point is known that probably does
NO_SKILL = "left-out results are predicted no better than by their mean"


@dataclass(frozen=True)
class Search:
    """What is known when points are asked for.

    Attributes:
        posterior: of the values.
        feasibility: of success; None where nothing failed.
        region: where to search.
        pending: (p, d) points that are being simulated.
        visited: (v, d) points that shall not be proposed again.
        settings: of the strategy.
    """

    posterior: Posterior
    feasibility: Feasibility | None
    region: Region
    pending: Floats
    visited: Floats
    settings: BayesianSettings

    def variance(self, n: int, rng: np.random.Generator) -> list[Found]:
        """Return n points that lower the integrated variance."""
        from softal.strategies.bayesian.variance import minimise_variance

        arguments = self.posterior, self.feasibility, self.region, n, self.pending, self.visited, rng
        U, gains = minimise_variance(*arguments)
        return [
            (u, {"acquisition": "integrated_variance", "value": gain})
            for u, gain in zip(U, gains.tolist(), strict=True)
        ]

    def optimum(self, kind: Acquisition, n: int, number: int, rng: np.random.Generator) -> list[Found]:
        """Return n points by the acquisition function; where it says nothing, others, with the reason in their notes.

        Args:
            kind: of the acquisition function.
            n: how many points.
            number: of the first one among all that were asked for, whose turn it is among those that explore.
            rng: source of randomness.
        """
        skill = self.posterior.fitted.skills[0] if len(self.posterior.fitted.skills) == 1 else np.nan
        doubtful = [skill <= 0 and (number + i) % DOUBT == DOUBT - 1 for i in range(n)]
        found = self._by(kind, n - sum(doubtful), rng)
        if kind != "Thompson" and self.satisfiable:
            least = least_worth(kind, self.posterior)
            worth = next((i for i, (_, notes) in enumerate(found) if notes["value"] < least), len(found))
            found[worth:] = self._in_turn(len(found) - worth, number + worth, rng)
        every = iter(found)
        return [self._far(NO_SKILL, rng) if one else next(every) for one in doubtful]

    @property
    def satisfiable(self) -> bool:
        """Whether a point is known that probably satisfies the outcome constraints."""
        return len(self.posterior.probable) > 0

    def _by(self, kind: Acquisition, n: int, rng: np.random.Generator) -> list[Found]:
        if kind == "Thompson":
            return [(u, {"acquisition": kind}) for u in self._paths(n, rng)]
        from softal.strategies.bayesian.acquisition import acquisition_function, maximise, quiet_and_reproducible

        seed = int(rng.integers(2**31))
        with quiet_and_reproducible(seed):
            beta = self.settings.beta
            function = acquisition_function(kind, self.posterior, self.feasibility, self.pending, seed, beta)
            U, values = maximise(function, self.region, n, self.pending, self.visited, self._good_points(), rng)
        said = kind if self.satisfiable else SATISFY
        return [(u, {"acquisition": said, "value": value}) for u, value in zip(U, values.tolist(), strict=True)]

    def _in_turn(self, n: int, number: int, rng: np.random.Generator) -> list[Found]:
        """Return n points: maxima of sample paths, and every third time the point that is farthest from all."""
        far = [(number + i) % TURN == TURN - 1 for i in range(n)]
        paths: Iterator[Floats] = iter(self._paths(n - sum(far), rng))
        return [
            self._far(NO_GAIN, rng) if one else (next(paths), {"acquisition": "Thompson", "because": NO_GAIN})
            for one in far
        ]

    def _paths(self, n: int, rng: np.random.Generator) -> Floats:
        from softal.strategies.bayesian.paths import maximise_paths

        if not n:
            return np.empty((0, self.region.space.dimension))
        return maximise_paths(self.posterior, self.feasibility, self.region, n, self.visited, rng)

    def _far(self, because: str, rng: np.random.Generator) -> Found:
        u = farthest(self.region, self.feasibility, self.visited, rng)
        return u, {"acquisition": "exploration", "because": because}

    def _good_points(self) -> Floats:
        """Return the best points (k, d) of every objective, within the region."""
        X = self.posterior.X[self.posterior.probable] if self.satisfiable else self.posterior.centre[None]
        means = self.posterior.means(X)
        count = 5 if means.shape[1] == 1 else 3
        rows = np.unique(np.argsort(-means, axis=0, kind="stable")[:count].ravel())
        return np.clip(X[rows], self.region.low, self.region.high)
