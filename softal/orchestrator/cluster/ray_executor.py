"""The loop's executor on Ray: a task for simulations that are evaluated at once, an actor for an agent.

Where programs do all the work, and not much of it, an actor waits for many of them at once."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import OutOfDiskError, OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from softal.errors import ExecutorGone
from softal.orchestrator.cluster import arrivals
from softal.orchestrator.cluster.connection import Cluster, connect
from softal.orchestrator.cluster.metrics import Metrics
from softal.orchestrator.cluster.pulse import LOOK, Pulse
from softal.orchestrator.cluster.tasks import Hosted, Submit, evaluator
from softal.orchestrator.workers.executor import AgentFailed, Handle
from softal.orchestrator.workers.job import Job, NoRoom, Outcome, SimulationKilled, Task, WorkerFailed, WorkerLost
from softal.orchestrator.workers.pickling import pack
from softal.reading import first_line

AGENT_LIVES = 20  # how often an agent that dies is rebuilt
TASKS_BETWEEN_TRIMS = 5000


class RayExecutor:
    """Tasks and actors on a cluster; see `softal.orchestrator.workers.executor`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._pulse = Pulse()
        self._submit: Submit | None = None
        self._host: Hosted | None = None  # of trials that share a process
        self._submitted = 0
        self._here = 0

    @property
    def slots(self) -> int:
        """How many tasks fit at once."""
        return self._cluster.slots

    @property
    def here(self) -> int:
        """How many workers have come."""
        return min(self._here, self.slots)

    @property
    def exclusive(self) -> bool:
        """Whether Ray has room for just these tasks."""
        return self._cluster.exclusive

    @property
    def dashboard(self) -> str | None:
        """The dashboard's address."""
        return self._cluster.dashboard

    def refresh(self) -> None:
        """Count the slots again; ExecutorGone where Ray is not there any more."""
        self._require(at_once=not self.exclusive)
        if not self._pulse.doubtful:
            self._cluster.refresh()
            if self._here < self.slots:
                known = arrivals.count(self._cluster.namespace)
                self._here = self.slots if known is None or (known and self._host) else known

    def _require(self, *, at_once: bool = False) -> None:
        if gone := self._pulse.feel(at_once=at_once):
            raise ExecutorGone(f"Ray is not there any more: {gone}. What was running is put back")

    def serve(self, job: Job, memory: int | None = None) -> None:
        """Take the job, which Ray sends to each worker once."""
        self._here = 0
        if job.together and self._cluster.own and self.slots > 1:
            self._host = Hosted(job, self._cluster.namespace, self.slots)
            self._submit = self._host.submit
            return
        self._submit = evaluator(job, self._cluster.namespace, memory=memory)

    def submit(self, name: str, tasks: Sequence[Task]) -> Handle:
        """Begin tasks as one task of Ray's."""
        assert self._submit is not None
        self._require()
        self._submitted += 1
        if self._submitted % TASKS_BETWEEN_TRIMS == 0:
            _give_back_memory()
        reference: Handle = self._submit(name, tasks)
        return reference

    def wait(self, handles: Sequence[Any], timeout: float | None) -> list[Handle]:
        """Wait until one has ended, and return all that have; ExecutorGone where Ray is not there any more."""
        self._require()
        ready, others = ray.wait(list(handles), num_returns=1, timeout=timeout)
        if ready and others:
            ready += ray.wait(others, num_returns=len(others), timeout=0)[0]
        return list(ready)

    def outcomes(self, handle: Any) -> list[Outcome]:
        """Return what became of tasks; WorkerLost where they did not run to their end."""
        hosted = self._host is not None and self._host.take(handle)
        try:
            outcomes: list[Outcome] = ray.get(handle)
        except RayTaskError as error:
            raise _within(error) from error
        except RayError as error:
            self._require(at_once=True)
            if hosted:
                self.end()
            raise _around(error) from error
        return outcomes

    def cancel(self, handles: Sequence[Any]) -> None:
        """Kill the workers that have the tasks; where Ray has gone, they have gone, too."""
        if self._host:
            self.end()
            return
        for handle in [] if self._pulse.feel(at_once=True) else handles:
            ray.cancel(handle, force=True)

    def end(self) -> None:
        """End what would wait for more trials."""
        if self._host and not self._pulse.feel(at_once=True):
            self._host.end()

    def agent(self, name: str, kind: type, brief: Any) -> RayAgent:
        """Start an actor on this machine, which Ray rebuilds where it dies."""
        self._require(at_once=True)
        while self._pulse.doubtful:
            time.sleep(LOOK)
            self._require(at_once=True)
        remote = ray.remote(kind)
        actor = remote.options(
            name=name,
            namespace=self._cluster.namespace,
            num_cpus=0,
            max_restarts=AGENT_LIVES,
            max_task_retries=AGENT_LIVES,
            enable_task_events=False,  # Ray's list of tasks is to show trials, not twenty calls of an agent for each
            scheduling_strategy=NodeAffinitySchedulingStrategy(self._cluster.node, soft=False),
        ).remote(pack(brief, brief.source))
        return RayAgent(actor, self._pulse)

    def answer(self, handle: Any) -> Any:
        """Return the answer of a call; AgentFailed where it failed, or the actor cannot be rebuilt."""
        try:
            return ray.get(handle)
        except RayTaskError as error:
            raise AgentFailed(f"failed: {type(error.cause).__name__}: {error.cause}") from error
        except RayError as error:
            self._require(at_once=True)
            raise AgentFailed(f"died and could not be rebuilt: {_in_a_line(error)}") from error

    def figures(self, campaign: str) -> Metrics:
        """Return the figures of Ray's dashboard and Prometheus."""
        return Metrics(campaign)


def _in_a_line(error: RayError) -> str:
    """Return why an actor died: what it raised when it was made, without the traceback, or Ray's own words."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1] if "creation task" in lines[0] else lines[0]


class RayAgent:
    """An actor."""

    def __init__(self, actor: Any, pulse: Pulse) -> None:
        self._actor, self._pulse = actor, pulse

    def call(self, method: str, *arguments: Any, **named: Any) -> Handle:
        """Begin a call."""
        reference: Handle = getattr(self._actor, method).remote(*arguments, **named)
        return reference

    def end(self) -> None:
        """Kill the actor; nothing is lost, since the journal has it all. Where Ray has gone, it has gone, too."""
        if not self._pulse.feel(at_once=True):
            ray.kill(self._actor, no_restart=True)


@contextmanager
def on_ray(**wanted: Any) -> Iterator[RayExecutor]:
    """Start or join Ray, with the arguments of `connect`."""
    with connect(**wanted) as cluster:
        executor = RayExecutor(cluster)
        yield executor
        executor.end()
        arrivals.forget(cluster.namespace)


def _within(error: RayTaskError) -> WorkerLost:
    """Return what was raised in a worker: why it lost its trials, or else something around the simulation."""
    cause = error.cause
    known = isinstance(cause, WorkerLost)
    return type(cause)(str(cause)) if known else WorkerFailed(f"{type(cause).__name__}: {first_line(cause)}")


def _around(error: RayError) -> WorkerLost:
    """Return why a worker was lost, by Ray's word."""
    kinds = {OutOfMemoryError: SimulationKilled, OutOfDiskError: NoRoom}  # memory: of whoever takes most, mostly
    return kinds.get(type(error), WorkerLost)(first_line(error))


def _give_back_memory() -> None:
    """Have the C library give freed memory back, of which it keeps some for each of Ray's threads: 0.6 kB a task."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc only
    if trim is not None:
        trim(0)
