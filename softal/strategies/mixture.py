"""Several strategies over one history: each proposes its share of the points, all are told every result.

    strategy: {kind: mixture, strategies: [{kind: cmaes, sigma0: 0.2}, bayesian], shares: [1, 1]}

Who comes next is the member k with the smallest (n_k + 1/2) / s_k, n_k its number of points so far and s_k its share
(Webster's method: at any time, the numbers are as near to the shares as whole numbers can be). A member draws its
randomness from a seed of its own and counts its own points, so that its state is a function of seed, points asked and
results told, as that of the whole is. A proposal's notes are the member's, with `member` beside them: the member's
place in the list, followed by its member's where that is a mixture, too. A member gets its own notes back; points of
others have none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, WithJsonSchema, model_validator

from softal import strategies
from softal.errors import Problem
from softal.kinds.settings import ChosenKind, Settings, choosing
from softal.objective import Objective
from softal.space import Space
from softal.strategies.base import Result, Strategy
from softal.trial import MEMBER, Proposal, Trial

if TYPE_CHECKING:
    from softal.cards import Card, Examples, View

SEED_STREAM = 0x6D697874  # keeps the members' seeds apart from the seeds of points

StrategyKind = Annotated[Any, choosing(strategies.find), WithJsonSchema({"type": "kind"})]


class MixtureSettings(Settings):
    """Settings of a mixture."""

    strategies: tuple[StrategyKind, ...] = Field(
        min_length=2, description="what proposes points, each a kind with its settings"
    )
    shares: tuple[Annotated[float, Field(gt=0, le=1e6)], ...] | None = Field(
        None,
        description="of the points that each proposes, in any unit: `[3, 1]` is three of four; `null` is equal ones",
    )

    @model_validator(mode="after")
    def _a_share_each(self) -> MixtureSettings:
        if self.shares is not None and len(self.shares) != len(self.strategies):
            raise ValueError(f"shares: {len(self.shares)} are given for {len(self.strategies)} strategies; one each")
        return self


class Mixture(Strategy):
    """Several strategies that take turns, each with its share of the points, and learn from all results.

    CMA-ES takes good points of the others into its population, and Bayesian optimisation into its model.
    """

    kind = "mixture"
    Settings = MixtureSettings

    @classmethod
    def check_budget(cls, settings: BaseModel | None, trials: int | None) -> list[Problem]:
        """Return what in its members' settings the budget never reaches."""
        assert isinstance(settings, MixtureSettings)
        return [
            Problem(f"strategies.{i}.{problem.place}", problem.message)
            for i, chosen in enumerate(settings.strategies)
            for problem in chosen.found.check_budget(chosen.settings, trials)
        ]

    @classmethod
    def highest_fidelity(cls, settings: BaseModel | None) -> float:
        """Return the highest one of its members."""
        assert isinstance(settings, MixtureSettings)
        return max(float(chosen.found.highest_fidelity(chosen.settings)) for chosen in settings.strategies)

    def _begin(self) -> None:
        chosen: Sequence[ChosenKind] = self.settings.strategies
        self.members = [
            member.found(self.space, self.objective, _seed(self.seed, k), member.settings)
            for k, member in enumerate(chosen)
        ]
        self.shares = np.array(self.settings.shares or [1.0] * len(chosen))
        self._names = _names(self.members)

    @classmethod
    def supports(cls, space: Space, objective: Objective, settings: BaseModel | None = None) -> str | None:
        """Return which member cannot serve, and why."""
        for k, member in enumerate(getattr(settings, "strategies", ())):
            if reason := member.found.supports(space, objective, member.settings):
                return f"strategies.{k}, {member.kind!r}: {reason}"
        return None

    @classmethod
    def suits(
        cls, settings: BaseModel, space: Space, values: frozenset[str] | None, arrays: frozenset[str] | None
    ) -> str | None:
        """Return which member cannot learn from the simulator's values and arrays, and why."""
        for k, member in enumerate(getattr(settings, "strategies", ())):
            if reason := member.found.suits(member.settings, space, values, arrays):
                return f"strategies.{k}, {member.kind!r}: {reason}"
        return None

    def foreseen(self, pending: Sequence[Trial]) -> int | None:
        """Return None, any number, where no member learns; else 0, since every result is told to all of them."""
        return None if all(member.foreseen(pending) is None for member in self.members) else 0

    @property
    def wants_dropped(self) -> bool:
        """Whether one of the members wants to know of trials that were dropped."""
        return any(member.wants_dropped for member in self.members)

    @property
    def wants_arrays(self) -> bool:
        """Whether one of the members models arrays."""
        return any(member.wants_arrays for member in self.members)

    @property
    def exhausted_because(self) -> str:
        """Why there are no more points: what each member says."""
        return "; ".join(
            f"{name}: {member.exhausted_because}" for name, member in zip(self._names, self.members, strict=True)
        )

    def cards(self, view: View) -> Sequence[Card]:
        """Return the members' cards."""
        return [card for member in self._kinds for card in member.cards(view)]

    def examples(self, view: View) -> Examples | None:
        """Return the examples of the first member that has any."""
        return next((found for member in self._kinds if (found := member.examples(view))), None)

    @property
    def _kinds(self) -> list[Strategy]:
        """One member of each kind: its cards are of all trials."""
        return list({type(member): member for member in reversed(self.members)}.values())[::-1]

    def _recount(self, trials: Sequence[Trial]) -> None:
        super()._recount(trials)
        for k, member in enumerate(self.members):
            member._recount([_seen_by(k, trial) for trial in trials if _place(trial) == k])

    def _checked(self, trial: Trial) -> Result:
        result = super()._checked(trial)
        for member in self.members:
            member._checked(trial)
        return result

    def _learn(self, trials: Sequence[Trial]) -> None:
        for k, member in enumerate(self.members):
            member.tell([_seen_by(k, trial) for trial in trials])

    def _propose(self, n: int, pending: Sequence[Trial]) -> list[Proposal]:
        """Ask each member for its turns, and the others for those of a member that has no more points for now."""
        found: list[Proposal] = []
        dry: set[int] = set()
        while len(found) < n and len(dry) < len(self.members):
            turns = self._turns(n - len(found), dry)
            round_: dict[int, list[Proposal]] = {}
            for k in dict.fromkeys(turns):
                others = [proposal for proposals in (found, *round_.values()) for proposal in proposals]
                round_[k] = self._ask(k, turns.count(k), pending, others)
                dry |= {k} if len(round_[k]) < turns.count(k) else set()
            found += [round_[k].pop(0) for k in turns if round_[k]]
        return found

    def _turns(self, n: int, dry: set[int]) -> list[int]:
        """Return whose turns the next n points are."""
        asked = np.array([member.asked for member in self.members], dtype=np.float64)
        shares = np.where([k in dry for k in range(len(asked))], 0.0, self.shares)
        turns = []
        for _ in range(n):
            ratio = np.divide(asked + 0.5, shares, out=np.full(len(asked), np.inf), where=shares > 0)
            turns.append(int(np.argmin(ratio)))
            asked[turns[-1]] += 1
        return turns

    def _ask(self, k: int, n: int, pending: Sequence[Trial], others: Sequence[Proposal]) -> list[Proposal]:
        """Ask member k, which is shown what others propose at the same time as pending trials."""
        first = 1 + max([*self._results, *(trial.id for trial in pending)], default=-1)
        new = [Trial(first + i, proposal.point) for i, proposal in enumerate(others)]
        proposals = self.members[k].ask(n, [*(_seen_by(k, trial) for trial in pending), *new])
        return [replace(p, notes=_signed(k, p.notes), proposed_by=self._signature(k, p.proposed_by)) for p in proposals]

    def _signature(self, k: int, proposed_by: str) -> str:
        return self._names[k] if proposed_by == self.members[k].kind else proposed_by


def _seed(seed: int, k: int) -> int:
    """Return the seed of member k."""
    return int(np.random.SeedSequence([seed, SEED_STREAM, k]).generate_state(1)[0])


def _names(members: Sequence[Strategy]) -> list[str]:
    """Return the kinds, with numbers where there are several of one."""
    kinds = [member.kind for member in members]
    return [f"{kind}-{kinds[: k + 1].count(kind)}" if kinds.count(kind) > 1 else kind for k, kind in enumerate(kinds)]


def _signed(k: int, notes: Mapping[str, Any]) -> dict[str, Any]:
    return {**notes, MEMBER: [k, *notes.get(MEMBER, [])]}


def _place(trial: Trial) -> int | None:
    """Return the number of the member that proposed a trial; None for one of another strategy."""
    places = trial.notes.get(MEMBER)
    return int(places[0]) if places else None


def _seen_by(k: int, trial: Trial) -> Trial:
    """Return a trial as member k sees it: with the notes that it made, and without those of others."""
    if _place(trial) != k:
        return replace(trial, notes={})
    notes = {key: value for key, value in trial.notes.items() if key != MEMBER}
    inner = trial.notes[MEMBER][1:]
    return replace(trial, notes={**notes, MEMBER: inner} if inner else notes)
