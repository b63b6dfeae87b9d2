"""Bayesian optimisation with Gaussian processes: the strategy itself.

    ask ──► not enough results yet?           ──► next points of a Sobol sequence
            `learn`                           ──► variance.py: lower the integrated variance
            one or a few points               ──► acquisition.py: maximise an acquisition function of BoTorch
            more than q_max points, Thompson  ──► paths.py: maximise sample paths of the posterior, one for each point

What is proposed is a function of the results told (in their order), the number of points asked, the pending points and
the seed, so that a strategy restored from a journal goes on as if it had never stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel

from softal.errors import InvalidObservation, Problem, StrategyError
from softal.numeric import Floats
from softal.objective import Objective
from softal.space import Space
from softal.strategies.base import Result, Strategy
from softal.strategies.bayesian.exploration import Hopeless
from softal.strategies.bayesian.models import Models
from softal.strategies.bayesian.outcomes import log_success
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.bayesian.refinement import Refinement
from softal.strategies.bayesian.search import Search
from softal.strategies.bayesian.settings import LEARN, SEVERAL, SINGLE, Acquisition, BayesianSettings
from softal.strategies.bayesian.trust_region import AUTO_DIMENSION, TrustRegion
from softal.strategies.shared.few import every_point, same_again
from softal.strategies.shared.history import History
from softal.strategies.shared.region import Region, is_new
from softal.strategies.sobol import MAX_DIMENSION, SobolSequence
from softal.surrogates.threads import single_threaded
from softal.trial import Proposal, Trial, TrialState

if TYPE_CHECKING:
    from softal.cards import Card, View


class Bayesian(Strategy):
    """Bayesian optimisation, for tens to thousands of expensive and noisy simulations.

    The simulation's standard errors are the noise of the model where they are known. Pending points are taken into
    account. Failed trials teach where simulations fail.
    """

    kind = "bayesian"
    Settings = BayesianSettings

    def _begin(self) -> None:
        self.n_initial: int = self.settings.n_initial or self._enough(self.space.dimension)
        self._history = History(self.space, self.objective, curves=self.settings.composite(self.objective))
        self._models = Models(self.space, self.objective, self.settings)
        self._sequence = SobolSequence(self.space, self.seed)
        self._trust_region = TrustRegion(self.space.dimension, self.n_initial) if self._wants_trust_region() else None
        refinement = self.settings.refinement
        self._refinement = Refinement(self.space, self.objective, refinement) if refinement else None

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why the strategy cannot serve: no free parameter, `learn` beside others, or a setting that differs."""
        if not 1 <= space.dimension <= MAX_DIMENSION:
            return f"the space has {space.dimension} free parameters; 1 to {MAX_DIMENSION} are allowed"
        directions = {component.direction for component in objective.components}
        if objective.learning and directions != {"learn"}:
            return "`learn` beside other objectives is not known; one campaign each serves them better"
        wanted = settings if isinstance(settings, BayesianSettings) else BayesianSettings()
        allowed = _allowed(objective)
        if wanted.acquisition not in ("auto", *allowed):
            return f"acquisition {wanted.acquisition!r} does not serve this objective; allowed are {', '.join(allowed)}"
        if wanted.model == "composite" and not any(component.matching for component in objective.components):
            return "model 'composite' needs a match of curves or values; this objective has none"
        if wanted.trust_region is True and (objective.learning or not objective.single):
            return "a trust region serves one objective that has a best"
        if wanted.refinement and (objective.learning or not objective.single):
            return "a refinement serves one objective that has a best"
        return None

    @classmethod
    def check_budget(cls, settings: BaseModel | None, trials: int | None) -> list[Problem]:
        """Refuse a local phase that the budget never reaches."""
        refinement = getattr(settings, "refinement", None)
        if refinement is None or trials is None or refinement.after < trials:
            return []
        given = f"{refinement.after} is given, but the budget ends at {trials} trials"
        return [Problem("refinement.after", f"{given}: nothing would be left to refine with")]

    @classmethod
    def highest_fidelity(cls, settings: BaseModel | None) -> float:
        """Return the higher one of search and refinement."""
        refinement = getattr(settings, "refinement", None)
        return max(super().highest_fidelity(settings), refinement.fidelity if refinement else 0.0)

    def _enough(self, d: int) -> int:
        """Return the number of initial points: curves say more than losses, so that fewer of them will do."""
        return max(5, min(2 * d + 1, d + 4) if self.settings.composite(self.objective) else 2 * d + 1)

    @property
    def wants_arrays(self) -> bool:
        """Whether curves are modelled."""
        return self._history.curves

    def _checked(self, trial: Trial) -> Result:
        result = super()._checked(trial)
        try:
            self._history.checked(trial)
        except InvalidObservation as error:
            raise StrategyError(f"trial {trial.id} has no curves to be modelled: {error}") from error
        return result

    @property
    def acquisition(self) -> Acquisition:
        """The acquisition function that is used."""
        chosen: Acquisition = self.settings.acquisition
        return _allowed(self.objective)[0] if chosen == "auto" else chosen

    def prepare(self) -> None:
        """Import torch and BoTorch, which the first points do not need."""
        from softal.strategies.bayesian import acquisition  # noqa: F401

    def cards(self, view: View) -> Sequence[Card]:
        """Return the refinement, if there was one."""
        from softal.strategies.bayesian.cards import cards

        return cards(view)

    def _wants_trust_region(self) -> bool:
        wanted = self.settings.trust_region
        if wanted != "auto":
            return bool(wanted)
        return self.space.dimension >= AUTO_DIMENSION and self.objective.single and not self.objective.learning

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            self._history.add(trial)
            if self._refinement:
                self._refinement.add(trial)
            if self._trust_region:
                if trial.outside:
                    continue
                done = trial.state is TrialState.DONE and self.objective.satisfied(trial)
                loss = float(self.objective.losses([trial])[0, 0]) if done else np.inf
                self._trust_region.observe(loss, self._history.done)

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points."""
        because = self._refinement.because if self._refinement else None
        return because or self._all_is_known() or super().exhausted_because

    def _all_is_known(self) -> str | None:
        """Return in words that each point of a space of few was run and that repeats say nothing new; else None."""
        X, losses, errors = self._history.arrays()
        every = every_point(self.space) if self.space.cells.all() and same_again(X, losses, errors) else None
        if every is None or is_new(every, self._history.visited(X[:0])).any():
            return None
        return f"all {len(every)} points of the space were run, and runs of the same point give the same result"

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        if self._refinement:
            left = self._refinement.settings.after - self.asked
            if left <= 0 and self._refinement.waits(pending):
                return []
            if left <= 0 and self._history.done > 1:
                return self._refined(n, pending)
            n = min(n, max(left, 1))
        if self._all_is_known():
            return []
        if not self._ready():
            n = min(n, self._missing(pending)) if self._results else n
            U = self._sequence.take(self.asked, n)
            return self._proposals(U, [{"acquisition": "initial"}] * n)
        found = self._by_model(n, np.clip(self.space.to_unit([trial.point for trial in pending]), 0.0, 1.0))
        known = {"results": self._history.done, "pending": len(pending) + n - 1}
        return self._proposals(np.array([u for u, _ in found]), [{**notes, **known} for _, notes in found])

    def foreseen(self, pending: Sequence[Trial]) -> int:
        """Return how many points are left of the initial design."""
        return max(0, self.n_initial - self.asked)

    def _missing(self, pending: Sequence[Trial]) -> int:
        """Return how many more initial points a model needs than are done or under way.

        Free workers get further ones while nothing at all is known; later they wait for the model.
        """
        start = self._trust_region.start if self._trust_region else 0
        return max(0, max(self.n_initial - (self._history.done - start), not self._history.inside) - len(pending))

    def _ready(self) -> bool:
        """Return whether there are results enough for a model: n_initial, or half of them where no more were asked."""
        start = self._trust_region.start if self._trust_region else 0
        done = self._history.done - start
        if not self._history.inside:  # nothing is known within the ranges, which have been narrowed
            return False
        return done >= self.n_initial or (
            not start and self.asked >= self.n_initial and done >= max(2, self.n_initial // 2)
        )

    def _used(self, n: int) -> Acquisition:
        few = n <= self.settings.q_max or self.acquisition == "integrated_variance"
        return self.acquisition if few else "Thompson"

    @single_threaded
    def _by_model(self, n: int, pending: Floats) -> list[tuple[Floats, dict[str, Any]]]:
        """Return n unit points (d,) from the model, each with notes of what proposed it."""
        used = self._used(n)
        size = None if used in ("Thompson", "integrated_variance") else self.settings.max_points_acquisition
        posterior = self._models.posterior(self._history, self._trust_region.start if self._trust_region else 0, size)
        learning = used == "integrated_variance"
        refuses = None if learning else Hopeless.of(posterior).near
        search = Search(
            posterior,
            self._models.feasibility(self._history),
            replace(self._region(posterior), refuses=refuses),
            pending,
            self._history.visited(pending),
            self.settings,
        )
        rng = self.rng(self.asked)
        return search.variance(n, rng) if learning else search.optimum(used, n, self.asked, rng)

    @single_threaded
    def _refined(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        """Return up to n points of the local phase, or repeats."""
        from softal.strategies.bayesian.acquisition import quiet_and_reproducible
        from softal.strategies.bayesian.descent import Landscape

        assert self._refinement is not None
        feasibility = self._models.feasibility(self._history)
        rng = self.rng(self.asked)
        with quiet_and_reproducible(int(rng.integers(2**31))):
            posterior = self._models.posterior(self._history)
            log_probability = log_success(feasibility, posterior.outcomes)
            landscape = Landscape(posterior.loss, posterior.loss_of_mean, log_probability)
            return self._refinement.propose(n, pending, landscape, rng)

    def _region(self, posterior: Posterior) -> Region:
        if not self._trust_region:
            return Region.whole(self.space)
        return self._trust_region.box(self.space, posterior.centre, posterior.lengthscales)


def _allowed(objective: Objective) -> tuple[Acquisition, ...]:
    if objective.learning:
        return LEARN
    return SINGLE if objective.single else SEVERAL
