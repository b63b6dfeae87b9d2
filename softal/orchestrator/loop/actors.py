"""The agents' actors: started when they are needed, named for the dashboard, rebuilt by Ray where they die."""

from __future__ import annotations

import math
import time
from typing import Any, ClassVar

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from softal.errors import SoftalError
from softal.orchestrator.cluster.connection import Cluster
from softal.orchestrator.loop.agents import Brief, Strategist, Tracker, Trainer
from softal.orchestrator.workers.pickling import pack

AGENT_LIVES = 20  # how often an agent that dies is rebuilt
POLL = 0.5  # seconds between looks at signals while waiting for an agent


class AgentFailed(SoftalError):
    """An agent raised an error, or died more often than it is rebuilt."""


class StoppedAtOnce(Exception):
    """The user does not want to wait, not even for the agents."""


class Agents:
    """The agents' actors, each with at most one call under way."""

    KINDS: ClassVar[dict[str, type]] = {"strategist": Strategist, "trainer": Trainer, "tracker": Tracker}

    def __init__(self, brief: Brief, cluster: Cluster) -> None:
        self._brief = pack(brief, brief.source)
        self._cluster = cluster
        self.hurry = False
        self._name = brief.name
        self._actors: dict[str, Any] = {}
        self._calls: dict[str, Any] = {}
        self._began: dict[str, float] = {}
        self._ended: dict[str, tuple[float, float]] = {}
        self._actor("strategist")  # the others start when they are called: their imports would delay the first trials

    def _actor(self, kind: str) -> Any:
        if kind not in self._actors:
            remote = ray.remote(self.KINDS[kind])
            self._actors[kind] = remote.options(
                name=f"{self._name}: {kind}",
                namespace=self._cluster.namespace,
                num_cpus=0,
                max_restarts=AGENT_LIVES,
                max_task_retries=AGENT_LIVES,
                scheduling_strategy=NodeAffinitySchedulingStrategy(self._cluster.node, soft=False),
            ).remote(self._brief)
        return self._actors[kind]

    def call(self, kind: str, method: str, *arguments: Any, **named: Any) -> None:
        """Begin a call of the agent's method."""
        self._began[kind] = time.perf_counter()
        self._calls[kind] = getattr(self._actor(kind), method).remote(*arguments, **named)

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

    def waiting(self) -> dict[Any, str]:
        """Return the calls under way: reference -> agent."""
        return {reference: kind for kind, reference in self._calls.items()}

    def wait(self, kind: str) -> None:
        """Wait until the agent's call has ended; StoppedAtOnce where `hurry` is set meanwhile."""
        while not ray.wait([self._calls[kind]], timeout=POLL)[0]:
            if self.hurry:
                raise StoppedAtOnce

    def answer(self, kind: str) -> Any:
        """Return the answer of a call that has ended; AgentFailed where it failed, or cannot be rebuilt."""
        now = time.perf_counter()
        self._ended[kind] = (now, now - self._began[kind])
        try:
            return ray.get(self._calls.pop(kind))
        except ray.exceptions.RayTaskError as error:
            raise AgentFailed(f"the {kind} failed: {type(error.cause).__name__}: {error.cause}") from error
        except ray.exceptions.RayActorError as error:
            raise AgentFailed(f"the {kind} died and could not be rebuilt: {error}") from error

    def close(self) -> None:
        """End the agents; nothing of theirs is lost, since the journal has it all."""
        for actor in self._actors.values():
            ray.kill(actor, no_restart=True)
        self._actors.clear()
        self._calls.clear()
