r"""Query by committee, for `learn`: simulate where predictors that learned from the same results disagree most.

    ask ──► not enough results yet?  ──► committee_design.py: a Sobol sequence, or corners and all choices first
            `n_initial` results      ──► a surrogate's committee learns (again, when the results have grown by a tenth),
                                         and committee_choice.py takes the point with the largest G(x) P(x) / c(x)

G(x) is by how much a simulation at x lowers the variance of the members' predictions, averaged over the space and over
all that they predict (over the logarithm of time and both species for `dynamics_network`); or that variance at x itself
(`criterion: disagreement`), which goes to the far ends of the space, whose simulations tell about little else; or that
and the square of the predicted change from the nearest known point (`change`), for a peak on a plateau. P(x) is
the probability that a simulation succeeds (failed and marked trials teach it), c(x) the predicted cost: a value of the
observation, such as the simulated time. Pending points, and results that are newer than the committee, count as if they
were known: variances are conditioned on them with the members' covariance.

H. S. Seung, M. Opper, H. Sompolinsky, "Query by committee", COLT 1992; with costs: B. Settles, M. Craven, L. Friedland,
"Active learning with real annotation costs", NIPS workshop on cost-sensitive learning 2008.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel

from softal import surrogates
from softal.errors import SurrogateError
from softal.kinds.validation import unknown
from softal.numeric import Floats
from softal.objective import Objective
from softal.outputs import Flaws
from softal.space import Space
from softal.strategies.base import Strategy
from softal.strategies.committee.choice import Change, Choice, choose, covariance
from softal.strategies.committee.cost import CostModel
from softal.strategies.committee.design import Design
from softal.strategies.committee.settings import CommitteeSettings
from softal.strategies.shared.feasibility import Feasibility
from softal.strategies.shared.history import fitted_at
from softal.strategies.shared.places import unit_points
from softal.strategies.shared.region import Region, is_new
from softal.strategies.sobol import MAX_DIMENSION
from softal.strategies.table import read_points
from softal.surrogates.threads import single_threaded
from softal.trial import Proposal, Trial, TrialState

Members = Callable[[Floats], Floats]

SEED_STREAM = 0x636F6D6D  # keeps the committee's seeds apart from those of points


class Committee(Strategy):
    """Query by committee, for `learn`: simulates what a surrogate's members disagree about most, per predicted cost."""

    kind = "committee"
    Settings = CommitteeSettings

    def _begin(self) -> None:
        self.n_initial: int = self.settings.n_initial or max(5, 2 * self.space.dimension + 1)
        self._design = Design(self.space, self.seed, self._pool(), corners=self.settings.initial == "corners")
        self._done: list[Trial] = []  # that the committee learns from, in the order of telling
        self._kept_away: list[Trial] = []  # failed or marked
        self._costs = CostModel(self.settings.cost)
        self._flaws = self.objective.flaws if self.settings.marks is None else Flaws(self.settings.marks)
        self._members: tuple[int, Members | None] = (0, None)  # results that it learned from, and the committee
        self._because = ""  # why there is no committee although there are results enough

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why the strategy cannot serve: not `learn`, or a surrogate that cannot, or has a single member."""
        if not 1 <= space.dimension <= MAX_DIMENSION:
            return f"the space has {space.dimension} free parameters; 1 to {MAX_DIMENSION} are allowed"
        if others := [c.describe() for c in objective.components if c.direction != "learn"]:
            return f"it serves `learn` alone; the objective has {', '.join(others)}"
        wanted = settings if isinstance(settings, CommitteeSettings) else CommitteeSettings()
        if reason := wanted.surrogate.found.supports(objective):
            return f"its surrogate {wanted.surrogate.kind!r}: {reason}"
        if wanted.surrogate.found.committee is surrogates.Learner.committee:
            return f"its surrogate {wanted.surrogate.kind!r} has no members who disagree; `gp` and others have"
        if (members := getattr(wanted.surrogate.settings, "members", 2)) < 2:  # others draw theirs from a posterior
            return f"its surrogate {wanted.surrogate.kind!r} has members: {members}; 2 or more disagree"
        try:
            _ = wanted.pool and read_points(wanted.pool, space)
        except (OSError, ValueError) as error:
            return f"pool {wanted.pool}: {error}"
        return None

    @classmethod
    def suits(
        cls, settings: BaseModel, space: Space, values: frozenset[str] | None, arrays: frozenset[str] | None
    ) -> str | None:
        """Return what the simulator does not return: the cost, or arrays that the committee learns from."""
        assert isinstance(settings, CommitteeSettings)
        if settings.cost and values is not None and settings.cost not in values:
            return f"cost: {unknown(settings.cost, values, 'value of the simulator')}"
        chosen = settings.surrogate
        reason = chosen.found.suits(chosen.settings, space, arrays)
        return f"its surrogate {chosen.kind!r}: {reason}" if reason else None

    @property
    def wants_arrays(self) -> bool:
        """Whether the committee learns from arrays."""
        return bool(self.settings.surrogate.found.wants_arrays)

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points."""
        pool = self._design.pool
        return super().exhausted_because if pool is None else f"all {len(pool)} points of the pool were proposed"

    def _pool(self) -> Floats | None:
        """Return the unit points (k, d) among which it chooses; None where that is the whole space."""
        if self.settings.pool is None:
            return None
        return self.space.to_unit([point for _, point in read_points(self.settings.pool, self.space)])

    def _learn(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            values = trial.observation.values if trial.observation else {}
            lost = trial.state is TrialState.FAILED or self._flaws.of(values) is not None
            (self._kept_away if lost else self._done).append(trial)
            self._costs.add(trial, self._unit([trial])[0])

    def _unit(self, trials: Sequence[Trial]) -> Floats:
        """Return unit points (n, d)."""
        return unit_points(self.space, trials)

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        waiting = self._unit(pending)
        visited = np.vstack([self._unit([*self._done, *self._kept_away]), waiting])
        members = self._committee() if self._ready() else None
        if members is None:
            n = n if self._because or not self._results else min(n, self._missing(pending))
            U = self._design.take(self.asked, n, visited)
            initial = {"acquisition": "initial", "design": self._design.name}
            initial |= {"because": self._because} if self._because else {}
            return self._proposals(U, [initial] * len(U))
        candidates = self._candidates(visited)
        if not len(candidates):
            return []
        chosen = self._chosen(members, n, waiting, candidates)
        waits = len(waiting) + len(chosen.U) - 1
        notes = [
            {"acquisition": "committee", "results": len(self._done), "pending": waits, "gain": g, "cost": c}
            for g, c in zip(chosen.gain.tolist(), chosen.cost.tolist(), strict=True)
        ]
        return self._proposals(chosen.U, notes)

    def foreseen(self, pending: Sequence[Trial]) -> int:
        """Return how many points are left of the initial design."""
        return max(0, self.n_initial - self.asked)

    def _missing(self, pending: Sequence[Trial]) -> int:
        """Return how many more initial points the committee needs than are done or under way."""
        return max(0, self.n_initial - len(self._done) - len(pending))

    def _ready(self) -> bool:
        """Return whether there are results enough: n_initial, or half of them where no more were asked."""
        done = len(self._done)
        return done >= self.n_initial or (self.asked >= self.n_initial and done >= max(2, self.n_initial // 2))

    def _committee(self) -> Members | None:
        """Return the committee that learned from the first `fitted_at` results; None where they are too few for it."""
        size = fitted_at(len(self._done), self.settings.growth)
        if self._members[0] != size:
            chosen = self.settings.surrogate
            told = self.space, self.objective.names, chosen.settings, self.objective
            learner = surrogates.build_any(chosen.kind, *told)
            seed = int(np.random.SeedSequence([self.seed, SEED_STREAM, size]).generate_state(1)[0]) >> 1
            try:
                self._members, self._because = (size, learner.committee(self._done[:size], seed)), ""
            except SurrogateError as error:
                self._members, self._because = (size, None), str(error)
        return self._members[1]

    @single_threaded
    def _chosen(self, members: Members, n: int, pending: Floats, candidates: Floats) -> Choice:
        """Return up to n of the candidates (c, d) that are worth most per cost."""
        n = min(n, len(candidates)) if self._design.pool is not None else n
        known = np.vstack([self._unit(self._done[self._members[0] :]), pending])
        points = np.vstack([known, candidates])
        C = covariance(members(points))
        cost, success = self._costs.predict(candidates, self.space.categorical), self._success(candidates)
        change = self._change(members, pending, candidates) if self.settings.criterion == "change" else None
        return choose(C, candidates, cost, success, n, self.settings, change)

    def _change(self, members: Members, pending: Floats, candidates: Floats) -> Change:
        known = np.vstack([self._unit(self._done), pending])
        means = members(np.vstack([known, candidates])).mean(axis=0)
        return Change(known, means[: len(known)], candidates, means[len(known) :], self.space.categorical)

    def _candidates(self, visited: Floats) -> Floats:
        """Return unit points (c, d) that are not visited: of the pool, or at random."""
        pool = self._design.pool
        if pool is not None:
            return pool[is_new(pool, visited)]
        nowhere = np.empty((0, self.space.dimension))
        found = Region.whole(self.space).candidates(self.settings.candidates, self.rng(self.asked), nowhere)
        fresh = found[is_new(found, visited)]
        return fresh if len(fresh) else found  # a small space of integers and choices that was all seen: repeats

    def _success(self, candidates: Floats) -> Floats:
        """Return the probability (c,) that a simulation succeeds."""
        if not (self._kept_away and self.settings.feasibility):
            return np.ones(len(candidates))
        done, lost = self._unit(self._done), self._unit(self._kept_away)
        return np.exp(Feasibility.of(done, lost, self.space.categorical).log_probability(candidates))
