"""Campaigns in virtual time: nobody waits, yet each proposal knows just the results that a real campaign would give it.

A campaign's own stock asks its own strategist, and both follow a real journal; the workers and the clock are events in
one process. A simulation lasts as long as it is told to, a proposal as long as `thinking` says, or else the CPU time
that it takes.

    ready ──► free worker ──(duration)──► journal ──► stock ──► strategist ──(thinking)──► ready
"""

from __future__ import annotations

import heapq
import itertools
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from softal.objective import Objective
from softal.orchestrator.loop.agents import Reply, Strategist
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.loop import TICK
from softal.orchestrator.loop.stock import Demand, Stock
from softal.orchestrator.workers.crew import RECENT
from softal.space import Space
from softal.strategies import find
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

Simulate = Callable[[Trial], Trial]
Event = tuple[float, int, Any]


@dataclass(frozen=True)
class VirtualCampaign:
    """What runs in virtual time.

    Attributes:
        simulate: a trial -> the trial as done or failed; its times are set afterwards.
        duration: of a trial's simulation [s].
        strategy: kind and settings.
        budget: number of trials.
        slots: number of workers.
        thinking: how long the strategist takes [s]; None is the CPU time that it does take.
        freshness: share of the known results that a proposal may lack.
    """

    space: Space
    objective: Objective
    simulate: Simulate
    duration: Callable[[Trial], float]
    strategy: tuple[str, Mapping[str, Any]] = ("bayesian", {})
    budget: int = 25
    slots: int = 2
    seed: int = 0
    thinking: float | None = None
    freshness: float = 0.0

    def run(self) -> Record:
        """Run to the budget, or until the strategy has no more points."""
        with tempfile.TemporaryDirectory(prefix="softal-virtual-") as folder:
            return _Run(self, Path(folder) / "campaign").finish()


@dataclass
class Record:
    """What came of it.

    Attributes:
        trials: finished ones, in the order in which they finished.
        waiting: after each answer of the strategist, how many proposals waited beyond the free workers, and how many
            trials were not started yet.
        seconds: virtual time from beginning to end.
    """

    trials: list[Trial] = field(default_factory=list)
    waiting: list[tuple[int, int]] = field(default_factory=list)
    seconds: float = 0.0


class _Strategist:
    """Asks the strategist in this process, and keeps its answer until the time that it takes is over."""

    def __init__(self, brief: Brief, thinking: float | None, later: Callable[[float, Reply], None]) -> None:
        self._strategist, self._thinking, self._later = Strategist(brief), thinking, later
        self.asked = False

    def busy(self, kind: str) -> bool:
        return self.asked

    def call(self, kind: str, method: str, *arguments: Any) -> None:
        self.asked = True
        began = time.process_time()
        answer = self._strategist.ask(*arguments)
        self._later(time.process_time() - began if self._thinking is None else self._thinking, answer)


class _Run:
    def __init__(self, campaign: VirtualCampaign, folder: Path) -> None:
        self.campaign, self.slots = campaign, campaign.slots
        self.now = 0.0
        self.record = Record()
        self._events: list[Event] = []
        self._numbers = itertools.count()
        self._running: dict[int, Trial] = {}
        self._durations: deque[float] = deque(maxlen=RECENT)
        journal = Journal.create(folder, "", {"name": "virtual"})
        kind, settings = campaign.strategy
        brief = Brief(
            "virtual", folder, folder, campaign.space, campaign.objective, campaign.seed,
            (kind, find(kind).Settings.model_validate(settings)), None, None, "",
        )  # fmt: skip
        self._agents = _Strategist(brief, campaign.thinking, self._later)
        self._stock = Stock(
            journal, self._agents, campaign.seed, self, 1, None, campaign.freshness, clock=lambda: self.now
        )
        self._journal = journal

    def finish(self) -> Record:
        """Take event after event."""
        while len(self.record.trials) < self.campaign.budget:
            self._launch()
            self._stock.ask(self._demand())
            if not self._events:
                break
            if self._idle() and self._events[0][0] > self.now + TICK:  # the loop looks again after a while
                self.now += TICK
                continue
            self.now, _, event = heapq.heappop(self._events)
            self._take(event)
        self.record.seconds = self.now
        self._journal.close()
        return self.record

    def _idle(self) -> bool:
        return not self._agents.asked and len(self._running) < self.slots

    def _later(self, after: float, event: Any) -> None:
        heapq.heappush(self._events, (self.now + after, next(self._numbers), event))

    def _demand(self) -> Demand:
        running, known = list(self._running.values()), len(self.record.trials)
        free = self.slots - len(running)
        left = self.campaign.budget - known - len(running) - len(self._stock.ready)
        return Demand(running, free, free, left, known, self._durations)

    def _launch(self) -> None:
        while self._stock.ready and len(self._running) < self.slots:
            trial = replace(self._stock.ready.popleft(), state=TrialState.RUNNING, started=self.now)
            (self._running[trial.id],) = self._journal.write([trial])
            self._later(self.campaign.duration(trial), trial.id)

    def _take(self, event: int | Reply) -> None:
        if isinstance(event, Reply):
            self._agents.asked = False
            self._stock.take(*event)
            free = self.slots - len(self._running)
            unstarted = self.campaign.budget - len(self.record.trials) - len(self._running)
            self.record.waiting.append((max(0, len(self._stock.ready) - free), unstarted))
            return
        trial = self._running.pop(event)
        assert trial.started is not None
        self._durations.append(self.now - trial.started)
        finished = replace(self.campaign.simulate(trial), finished=self.now)
        self.record.trials += self._journal.write([finished])
