"""The stock of proposals: asks the strategist in time, so that no worker waits, and no earlier than that needs."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from softal.orchestrator.actors import Agents
from softal.orchestrator.cluster import Cluster
from softal.tracking.journal import Journal
from softal.trial import Proposal, Trial, TrialState

IDLE_SHARE = 0.005  # part of a simulation's time that a free worker may wait for a proposal with the latest results
MAX_AHEAD = 256  # proposals kept ready; more would be stale
MARGIN = 2.0  # more proposals ahead than the medians say, since both durations scatter
REFILL = 4  # the strategist is asked when this part of the stock ahead is used: many at once cost hardly more than one
# Part of all proposals, the latest, whose slowest answer counts: a model is fitted anew when the results have grown by
# a fifth, which takes seconds, and the answers in between are quick.
RECALLED = 0.4
FIRST_LATENCY = (100, 2.0)  # proposals and seconds: until then a model is first made, and its libraries are imported


class Stock:
    """Proposals that wait for a worker.

    Args:
        batch: how many trials the simulator evaluates at once.
        ahead: proposals kept ready beyond free workers; None adapts to how long proposals and simulations take.
        trials: all trials of the journal; those not finished are the stock.
    """

    def __init__(
        self,
        journal: Journal,
        agents: Agents,
        seed: int,
        cluster: Cluster,
        batch: int,
        ahead: int | None,
        trials: Sequence[Trial],
    ) -> None:
        self.journal, self.agents, self.seed, self.cluster, self.batch = journal, agents, seed, cluster, batch
        self.exhausted: str | None = None  # why the strategy has no more points
        self._dry: set[int] | None = None  # trials without a result when the strategy had nothing to propose
        self._fixed_ahead = ahead
        self._next_id = len(trials)
        self._slowest: deque[tuple[int, float]] = deque([FIRST_LATENCY])  # proposals then, latency [s], which falls
        self._asked_at = 0.0
        self._asked_upto = 0
        self._asked_with: set[int] = set()
        interrupted = [trial for trial in trials if trial.state is TrialState.RUNNING]
        journal.write(waiting(trial) for trial in interrupted)
        self.ready = deque(waiting(trial) for trial in trials if not trial.state.finished)

    def ask(self, running: Sequence[Trial], room: int, left: int | None, durations: Sequence[float]) -> None:
        """Ask the strategist for what will be needed, unless it is being asked already.

        Args:
            running: trials that run.
            room: how many more trials the workers could take.
            left: how many more may be proposed; None is any number.
            durations: of recent simulations, or of batches of them [s].
        """
        pending = [*running, *self.ready]
        if self.exhausted or self.agents.busy("strategist") or self._dry == {trial.id for trial in pending}:
            return
        ahead = self._ahead(durations)
        wanted = room - len(self.ready) + ahead
        enough = wanted > ahead // REFILL
        if left is not None:
            wanted = min(wanted, left)
        if wanted > 0 and enough:
            self._asked_at, self._asked_upto = time.perf_counter(), self.journal.seq
            self._asked_with = {trial.id for trial in pending}
            self.agents.call("strategist", "ask", wanted, self._asked_upto, pending)

    def take(self, proposals: Sequence[Proposal], exhausted: str | None) -> None:
        """Put the strategist's answer into the journal and into stock.

        Where it proposes nothing, it is asked again when there are new results, unless it is `exhausted`.
        """
        self._remember(time.perf_counter() - self._asked_at)
        self.exhausted, self._dry = exhausted, None if proposals else self._asked_with
        now = time.time()
        trials = [
            Trial(
                trial_id,
                proposal.point,
                trial_seed(self.seed, trial_id),
                1.0 if proposal.fidelity is None else proposal.fidelity,
                proposal.proposed_by,
                notes=proposal.notes,
                proposed=now,
                asked_after=self._asked_upto,
            )
            for trial_id, proposal in enumerate(proposals, start=self._next_id)
        ]
        self._next_id += len(trials)
        self.ready.extend(self.journal.write(trials))

    def put_back(self, trials: Sequence[Trial]) -> None:
        """Put trials that ran back to the front."""
        self.ready.extendleft(reversed(self.journal.write(waiting(trial) for trial in trials)))

    def _remember(self, latency: float) -> None:
        """Keep the strategist's slowest answers, and forget those of long ago."""
        while len(self._slowest) > 1 and self._slowest[-1][1] <= latency:
            self._slowest.pop()
        self._slowest.append((self._next_id, latency))
        while len(self._slowest) > 1 and self._slowest[0][0] < (1 - RECALLED) * self._next_id:
            self._slowest.popleft()
        if self._slowest[0][1] <= latency:
            self._slowest = deque([(self._next_id, latency)])

    def _ahead(self, durations: Sequence[float]) -> int:
        """Return how many proposals to keep ready.

        None where a proposal takes next to nothing beside a simulation: it is then made with the latest result. One
        worker gets none, so that its campaign is the same each time. Otherwise as many as the workers use up while
        the next ones are computed, in whole batches.
        """
        if self._fixed_ahead is not None:
            return self._fixed_ahead
        if self.cluster.slots == 1 or not durations:
            return 0
        duration, latency = max(statistics.median(durations), 1e-4), self._slowest[0][1]
        if latency < IDLE_SHARE * duration:
            return 0
        tasks = math.ceil(MARGIN * latency * self.cluster.slots / duration)
        return self.batch * min(max(1, MAX_AHEAD // self.batch), tasks)


def waiting(trial: Trial) -> Trial:
    """Return the trial as one that waits for a worker, whatever became of it before."""
    return replace(
        trial, state=TrialState.PROPOSED, started=None, finished=None, host=None, reason=None, told=None
    )  # fmt: skip


def trial_seed(campaign_seed: int, trial_id: int) -> int:
    """Return a trial's seed, from (campaign seed, trial id); 31 bits, since engines take signed integers."""
    return int(np.random.SeedSequence([campaign_seed, trial_id]).generate_state(1)[0]) >> 1
