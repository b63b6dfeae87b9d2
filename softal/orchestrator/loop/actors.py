"""The agents in the executor's hands: started when they are needed, named for people, rebuilt where they die."""

from __future__ import annotations

import math
import time
from typing import Any, ClassVar

from softal.orchestrator.loop.agents import Strategist, Tracker, Trainer
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.workers.executor import Agent, AgentFailed, Executor, Handle

POLL = 0.5  # seconds between looks at signals while waiting for an agent


class StoppedAtOnce(BaseException):
    """The user does not want to wait, not even for the agents; nor is it an error to whoever is called meanwhile."""


class Agents:
    """The agents, each with at most one call under way."""

    KINDS: ClassVar[dict[str, type]] = {"strategist": Strategist, "trainer": Trainer, "tracker": Tracker}

    def __init__(self, brief: Brief, executor: Executor) -> None:
        self._brief, self._executor = brief, executor
        self.hurry = False
        self._agents: dict[str, Agent] = {}
        self._calls: dict[str, Handle] = {}
        self._began: dict[str, float] = {}
        self._ended: dict[str, tuple[float, float]] = {}
        self._agent("strategist")  # the others start when they are called: their imports would delay the first trials

    def _agent(self, kind: str) -> Agent:
        if kind not in self._agents:
            name = f"{self._brief.name}: {kind}"
            self._agents[kind] = self._executor.agent(name, self.KINDS[kind], self._brief)
        return self._agents[kind]

    def call(self, kind: str, method: str, *arguments: Any, **named: Any) -> None:
        """Begin a call of the agent's method."""
        self._began[kind] = time.perf_counter()
        self._calls[kind] = self._agent(kind).call(method, *arguments, **named)

    def busy(self, kind: str) -> bool:
        """Return whether a call of the agent is under way."""
        return kind in self._calls

    def rested(self, kind: str, share: float, pause: float = 0.0) -> bool:
        """Return whether the agent is free and has rested enough to compute no more than `share` of its time."""
        if self.busy(kind):
            return False
        ended, took = self._ended.get(kind, (-math.inf, 0.0))
        return time.perf_counter() - ended >= max(pause, took * (1 / share - 1))

    def took(self, kind: str) -> float:
        """Return how long the agent's last call took [s]; 0 before there was one."""
        return self._ended.get(kind, (0.0, 0.0))[1]

    def waiting(self) -> dict[Handle, str]:
        """Return the calls under way: handle -> agent."""
        return {handle: kind for kind, handle in self._calls.items()}

    def wait(self, kind: str) -> None:
        """Wait until the agent's call has ended; StoppedAtOnce where `hurry` is set meanwhile."""
        while not self._executor.wait([self._calls[kind]], POLL):
            if self.hurry:
                raise StoppedAtOnce

    def answer(self, kind: str) -> Any:
        """Return the answer of a call that has ended; AgentFailed where it failed, or cannot be rebuilt."""
        now = time.perf_counter()
        self._ended[kind] = (now, now - self._began[kind])
        try:
            return self._executor.answer(self._calls.pop(kind))
        except AgentFailed as error:
            raise AgentFailed(f"the {kind} {error}") from error

    def close(self) -> None:
        """End the agents; nothing of theirs is lost, since the journal has it all."""
        for agent in self._agents.values():
            agent.end()
        self._agents.clear()
        self._calls.clear()
