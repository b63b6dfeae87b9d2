"""The stock of proposals: asks the strategist for what free workers need, and ahead of it as far as that costs nothing.

A proposal that waits does not know the results that come in meanwhile. So only these wait:

- points that no result can change (`Strategy.foreseen`): of strategies that do not learn, of an initial design, of the
  rest of a generation;
- others as far as `freshness` allows: at most its share of the results that are known, and of the budget that is left
  at most LARGEST_PART.

No more of either wait than the workers use up while the next ones are computed. Where a simulation takes nearly nothing
beside a proposal, workers take turns: results that will be in at once are waited for, too, since what costs is the
proposals, and each is better for knowing them.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from softal.tracking.journal import Journal
from softal.trial import Proposal, Trial, TrialState

LARGEST_PART = 0.1  # of the trials that are not started yet: so many proposals of a strategy that learns wait at most
CHEAP = 0.1  # part of a proposal's time: simulations that take less are waited for
IDLE_SHARE = 0.005  # part of a simulation's time that a free worker may wait for a proposal with the latest results
MAX_AHEAD = 256  # proposals kept ready; more would fill the journal before they are needed
MARGIN = 2.0  # more proposals ahead than the medians say, since both durations scatter
REFILL = 4  # the strategist is asked when this part of the stock ahead is used: many at once cost hardly more than one
# Part of all proposals, the latest, whose slowest answer counts: a model is fitted anew when the results have grown by
# a fifth, which takes seconds, and the answers in between are quick.
RECALLED = 0.4
FIRST_LATENCY = (100, 2.0)  # proposals and seconds: until then a model is first made, and its libraries are imported


class AsksStrategist(Protocol):
    """Whoever asks the strategist in the background; the answer goes to `Stock.take`."""

    def busy(self, kind: str) -> bool:
        """Whether it is being asked."""

    def call(self, kind: str, method: str, *arguments: Any) -> None:
        """Begin to ask."""


class HasSlots(Protocol):
    """A cluster with room for so many tasks at once."""

    @property
    def slots(self) -> int:
        """How many."""


@dataclass(frozen=True)
class Demand:
    """How the campaign stands.

    Attributes:
        running: trials in the workers' hands.
        free: how many more trials the workers could begin at once; less than 0 where some are queued for them.
        room: how many more trials may be handed over.
        left: how many more may be proposed; None is any number.
        known: number of results.
        durations: of recent simulations, or of batches of them [s].
    """

    running: Sequence[Trial]
    free: int
    room: int
    left: int | None
    known: int
    durations: Sequence[float]


class Stock:
    """Proposals that wait for a worker; those that the journal holds already are the first.

    Args:
        batch: how many trials the simulator evaluates at once.
        ahead: proposals kept ready beyond free workers, whatever they know; None is as said above.
        freshness: share of the known results that a proposal may lack.
        clock: the time [s since 1970].
    """

    def __init__(
        self,
        journal: Journal,
        agents: AsksStrategist,
        seed: int,
        cluster: HasSlots,
        batch: int,
        ahead: int | None,
        freshness: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.journal, self.agents, self.seed, self.cluster, self.batch = journal, agents, seed, cluster, batch
        self.exhausted: str | None = None  # why the strategy has no more points
        self._clock = clock
        self._dry: set[int] | None = None  # trials without a result when the strategy had nothing to propose
        self._fixed_ahead, self._freshness = ahead, freshness
        self._foreseen: int | None = 0  # further points that no result can change, as the strategist said last
        self._next_id = sum(journal.counts().values())
        self._slowest: deque[tuple[int, float]] = deque([FIRST_LATENCY])  # proposals then, latency [s], which falls
        self._latency = FIRST_LATENCY[1]  # of the last answer that results went into [s]
        self._asked_at = 0.0
        self._asked_upto = 0
        self._asked_with: set[int] = set()
        journal.write([waiting(trial) for trial in journal.trials(TrialState.RUNNING)])  # they were interrupted
        self.ready = deque(journal.trials(TrialState.PROPOSED))

    def ask(self, demand: Demand) -> None:
        """Ask the strategist for what will be needed, unless it is being asked already."""
        pending = [*demand.running, *self.ready]
        if self.exhausted or self.agents.busy("strategist") or self._dry == {trial.id for trial in pending}:
            return
        wanted = self._wanted(demand)
        if demand.left is not None:
            wanted = min(wanted, demand.left)
        if wanted > 0:
            self._asked_at, self._asked_upto = self._clock(), self.journal.seq
            self._asked_with = {trial.id for trial in pending}
            self.agents.call("strategist", "ask", wanted, self._asked_upto, pending)

    def take(self, proposals: Sequence[Proposal], exhausted: str | None, foreseen: int | None = 0) -> None:
        """Put the strategist's answer into the journal and into stock.

        Where it proposes nothing, it is asked again when there are new results, unless it is `exhausted`.
        """
        now = self._clock()
        self._remember(now - self._asked_at)
        if proposals and self._next_id and self._foreseen == 0:
            self._latency = now - self._asked_at
        self.exhausted, self._dry = exhausted, None if proposals else self._asked_with
        self._foreseen = foreseen
        trials = new_trials(proposals, self._next_id, self.seed, now, self._asked_upto)
        self._next_id += len(trials)
        self.ready.extend(self.journal.write(trials))

    def put_back(self, trials: Sequence[Trial]) -> None:
        """Put trials that ran back to the front."""
        self.ready.extendleft(reversed(self.journal.write(waiting(trial) for trial in trials)))

    def _wanted(self, demand: Demand) -> int:
        """Return for how many proposals to ask now: for free workers at once, ahead of them when it is worth a call."""
        ahead = self._used_up_meanwhile(demand.durations) if self._fixed_ahead is None else self._fixed_ahead
        if self._fixed_ahead is not None or self._foreseen is None:
            wanted = demand.room - len(self.ready) + ahead
            return wanted if wanted > ahead // REFILL else 0
        ahead, lacking = min(ahead, self._largest(demand.left)), int(self._freshness * demand.known)
        idle, waits = max(0, demand.free - len(self.ready)), max(0, len(self.ready) - demand.free)
        due = self._due(demand)
        if due is not None:
            allowed = max(0, self._foreseen, self.batch + lacking - len(self.ready) - due)
            if allowed < idle:
                return allowed
        more = max(0, min(ahead - waits, self._foreseen - idle), min(ahead, lacking) - waits)
        return idle + more if idle or more > ahead // REFILL else 0

    def _due(self, demand: Demand) -> int | None:
        """Return how many results are worth waiting for; None where simulations take long beside a proposal."""
        if not demand.durations or statistics.median(demand.durations) > CHEAP * self._latency:
            return None
        began = [trial.started for trial in demand.running if trial.started is not None]
        return sum(self._clock() - at < self._latency for at in began)

    def _largest(self, left: int | None) -> int:
        """Return how many proposals of a strategy that learns may wait, with so many more to be proposed."""
        return MAX_AHEAD if left is None else int(LARGEST_PART * (left + len(self.ready)))

    def _used_up_meanwhile(self, durations: Sequence[float]) -> int:
        """Return how many proposals the workers use up while the next ones are computed, in whole batches.

        None where a proposal takes next to nothing beside a simulation. One worker gets none, so that its campaign is
        the same each time.
        """
        if self.cluster.slots == 1 or not durations:
            return 0
        duration, latency = max(statistics.median(durations), 1e-4), self._slowest[0][1]
        if latency < IDLE_SHARE * duration:
            return 0
        tasks = math.ceil(MARGIN * latency * self.cluster.slots / duration)
        return self.batch * min(max(1, MAX_AHEAD // self.batch), tasks)

    def _remember(self, latency: float) -> None:
        """Keep the strategist's slowest answers, and forget those of long ago."""
        while len(self._slowest) > 1 and self._slowest[-1][1] <= latency:
            self._slowest.pop()
        self._slowest.append((self._next_id, latency))
        while len(self._slowest) > 1 and self._slowest[0][0] < (1 - RECALLED) * self._next_id:
            self._slowest.popleft()
        if self._slowest[0][1] <= latency:
            self._slowest = deque([(self._next_id, latency)])


def waiting(trial: Trial) -> Trial:
    """Return the trial as one that waits for a worker, whatever became of it before."""
    return replace(
        trial, state=TrialState.PROPOSED, started=None, finished=None, host=None, reason=None, told=None
    )  # fmt: skip


def new_trials(proposals: Sequence[Proposal], first: int, seed: int, now: float, asked_after: int) -> list[Trial]:
    """Return proposals as trials that wait.

    Args:
        proposals: of the strategist.
        first: number of the first trial.
        seed: of the campaign.
        now: the time [s since 1970].
        asked_after: the journal's sequence number up to which the strategist knew results.
    """
    return [
        Trial(
            trial_id,
            proposal.point,
            trial_seed(seed, trial_id),
            1.0 if proposal.fidelity is None else proposal.fidelity,
            proposal.proposed_by,
            notes=proposal.notes,
            proposed=now,
            asked_after=asked_after,
        )
        for trial_id, proposal in enumerate(proposals, start=first)
    ]


def trial_seed(campaign_seed: int, trial_id: int) -> int:
    """Return a trial's seed, from (campaign seed, trial id); 31 bits, since engines take signed integers."""
    return int(np.random.SeedSequence([campaign_seed, trial_id]).generate_state(1)[0]) >> 1
