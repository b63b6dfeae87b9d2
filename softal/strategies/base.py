"""What every strategy offers: `ask(n, pending)` proposes points, `tell(trials)` learns from results.

Notation: n points, d free parameters, U (n, d) in the unit cube, m components of the objective, losses (n, m), which
are minimised.

Rules that every strategy keeps, and that `softal.testing.strategies` checks:

- The i-th point asked draws its random numbers from `rng(i)`, that is from (seed, i) and from nothing else. The same
  seed gives the same points in any process; another seed gives others.
- A strategy's state is a function of (seed, settings, number of points asked, finished trials in the order of
  telling). `restore` rebuilds it from a journal, so nothing is pickled, and a resumed campaign goes on as if it had
  not stopped. What a strategy needs to know about a proposal when its result comes back goes into `Proposal.notes`.
- A strategy is used by one thread of one process; that one may ask ahead, and tell in any order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from softal.errors import Problem, StrategyError
from softal.kinds.settings import Settings, filled
from softal.objective import Objective
from softal.space import Space
from softal.trial import USER, Proposal, Trial, TrialState

if TYPE_CHECKING:
    from softal.cards import Card, Examples, View

Result = tuple[float, ...] | None  # one value for each component of the objective; None where there is none that counts


class StrategySettings(Settings):
    """Settings of every strategy."""

    fidelity: float = Field(
        1.0, gt=0, le=1, description="of the simulations that are proposed: part of the full simulation's cost"
    )


class Strategy(ABC):
    """Proposes points. Subclasses give `kind`, `Settings`, `_propose` and `_learn`.

    Attributes:
        kind: name in the campaign file, and in `Trial.proposed_by`.
        space, objective, seed, settings: what it was made with.
        asked: number of points asked so far.

    Raises:
        StrategyError: where the strategy cannot serve this space or objective.
    """

    kind: ClassVar[str] = ""
    Settings: ClassVar[type[BaseModel]] = StrategySettings
    draws_again: ClassVar[bool] = False  # whether a point of few may come again before each has come once

    @classmethod
    def check_budget(cls, settings: BaseModel | None, trials: int | None) -> list[Problem]:
        """Return what in the settings the budget never reaches, with its place in them; trials: None is no limit."""
        return []

    @classmethod
    def highest_fidelity(cls, settings: BaseModel | None) -> float:
        """Return the highest fidelity that it proposes: a result at less does not end a campaign by its target."""
        return float(getattr(settings, "fidelity", 1.0))

    def foreseen(self, pending: Sequence[Trial]) -> int | None:
        """Return how many of the next points no result can change; None is any number of them.

        So many may be asked for before they are needed, and are as good as if they were asked for later. By default
        none where the strategy learns, else any number.

        Args:
            pending: trials without a result, those just proposed included.
        """
        return None if type(self)._learn is Strategy._learn else 0

    @property
    def wants_dropped(self) -> bool:
        """Whether trials that were dropped are to be told, whose results do not count: by default they are left out.

        A strategy that waits for all points of a generation takes such a one as it takes one that failed.
        """
        return False

    @classmethod
    def begins_anew(cls, before: Space, after: Space) -> bool:
        """Whether a campaign whose space has changed begins with a new strategy, which knows all results.

        Otherwise the strategy goes on with its next point.
        """
        return True

    @property
    def wants_arrays(self) -> bool:
        """Whether trials are to be told with the arrays of their observations, which costs reading them from disk."""
        return False

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points, for people: the reason why the campaign ends."""
        return "the strategy has no more points"

    def __init__(
        self,
        space: Space,
        objective: Objective,
        seed: int = 0,
        settings: BaseModel | Mapping[str, Any] | None = None,
    ) -> None:
        self.space, self.objective, self.seed = space, objective, seed
        self.settings: Any = filled(self.Settings, settings, self.kind, StrategyError)
        if problem := self.supports(space, objective, self.settings):
            raise StrategyError(f"strategy {self.kind!r}: {problem}")
        self.asked = 0
        self._results: dict[int, Result] = {}
        self._begin()

    def _begin(self) -> None:  # noqa: B027 - some have no state of their own
        """Make what belongs to the kind, from space, objective, seed and settings, when a strategy is made."""

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return why the strategy cannot serve `space` and `objective`; None where it can."""
        return None

    @classmethod
    def suits(
        cls, settings: BaseModel, space: Space, values: frozenset[str] | None, arrays: frozenset[str] | None
    ) -> str | None:
        """Return why the strategy, with these settings, cannot learn from a campaign's trials; None where it can.

        Args:
            settings: of this kind.
            space: of the campaign.
            values, arrays: that the simulator returns; None where it does not say.
        """
        return None

    def rng(self, i: int) -> np.random.Generator:
        """Return the source of randomness of the i-th point asked."""
        return np.random.default_rng([self.seed, i])

    def ask(self, n: int = 1, pending: Sequence[Trial] = ()) -> list[Proposal]:
        """Propose up to `n` points; fewer where the strategy has no more for now.

        None while trials are pending means that it waits for their results; none while no trial is pending means that
        it is exhausted, and `exhausted_because` says why.

        Args:
            n: number of points wanted.
            pending: trials proposed or running, whose results are not known; finished ones are left out.

        Raises:
            StrategyError: if n is negative.
        """
        if n < 0:
            raise StrategyError(f"{n} points were asked for; 0 or more is allowed")
        waiting = [trial for trial in pending if trial.state.open and trial.id not in self._results]
        found = self._propose(n, waiting) if n else []
        self.asked += len(found)
        fidelity = getattr(self.settings, "fidelity", 1.0)
        return [
            replace(
                proposal,
                proposed_by=proposal.proposed_by or self.kind,
                fidelity=fidelity if proposal.fidelity is None else proposal.fidelity,
            )
            for proposal in found
        ]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn from finished trials, in the order given; those told before are ignored.

        Of one that was dropped nothing is learned but, where the kind wants that, that there is no result to wait for.

        Raises:
            StrategyError: if a trial is not finished, has no finite value for a component of the objective, or was
                told before with another result. Nothing is learned then.
        """
        new: dict[int, Trial] = {}
        results: dict[int, Result] = {}
        for trial in trials:
            result = self._checked(trial)
            known = results.get(trial.id, self._results.get(trial.id, result))
            if known != result:
                raise StrategyError(f"trial {trial.id} was told before with the result {known}; it is {result} now")
            if trial.id not in self._results:
                new[trial.id], results[trial.id] = trial, result
        self._results |= results
        if not self.wants_dropped:
            new = {number: trial for number, trial in new.items() if trial.state is not TrialState.DROPPED}
        if new:
            self._learn(list(new.values()))

    def prepare(self) -> None:  # noqa: B027 - most have nothing heavy
        """Import what later proposals need, in a thread beside the first simulations."""

    def cards(self, view: View) -> Sequence[Card]:
        """Return what the report, and MLflow, show of how the strategy went: by default nothing of its own."""
        return ()

    def examples(self, view: View) -> Examples | None:
        """Return trials that stand for what was found, such as the best of generations; None without any."""
        return None

    def restore(self, trials: Sequence[Trial]) -> None:
        """Rebuild the state from all trials of a journal, finished or not.

        Raises:
            StrategyError: if the strategy was used before.
        """
        if self.asked or self._results:
            raise StrategyError(f"a new strategy is needed to restore one; this one was asked {self.asked} points")
        self._recount([trial for trial in trials if trial.proposed_by != USER])
        self.tell(in_order_of_telling(trials))

    def _recount(self, trials: Sequence[Trial]) -> None:
        """Take over how many points were asked from all trials that this strategy proposed, before they are told."""
        self.asked = len(trials)

    @abstractmethod
    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        """Propose up to `n` >= 1 points; the first of them is number `self.asked`."""

    def _learn(self, trials: Sequence[Trial]) -> None:  # noqa: B027 - a strategy need not learn
        """Take in finished trials, each for the first time."""

    def _checked(self, trial: Trial) -> Result:
        if trial.state.open:
            raise StrategyError(f"trial {trial.id} is {trial.state}; only finished trials can be told")
        if trial.state is not TrialState.DONE:
            return None
        if missing := [name for name in self.objective.names if name not in trial.objective]:
            raise StrategyError(f"trial {trial.id} is done but has no value of {missing[0]!r}")
        for one in self.objective.outcomes:
            if not np.isfinite(one.of(trial.observation)):
                raise StrategyError(f"trial {trial.id} has no value of {one.value!r}, which `{one.text}` constrains")
        for name in self.objective.names:
            if not np.isfinite(trial.objective[name]):
                raise StrategyError(f"trial {trial.id}: {name!r} is {trial.objective[name]}; it must be finite")
        return tuple(trial.objective[name] for name in self.objective.names)

    def _proposals(self, U: NDArray[np.float64], notes: Sequence[Mapping[str, Any]] | None = None) -> list[Proposal]:
        """Make proposals of unit points U, shape (n, d), and of their notes."""
        points = self.space.from_unit(U)
        every = notes if notes is not None else [{}] * len(points)
        return [Proposal(point, notes=note) for point, note in zip(points, every, strict=True)]


def in_order_of_telling(trials: Sequence[Trial]) -> list[Trial]:
    """Return those of `trials` that have run, be they dropped since or not, in the order in which they finished."""
    finished = [trial for trial in trials if not trial.state.open]
    return sorted(finished, key=lambda trial: (trial.told is None, trial.told or 0, trial.id))
