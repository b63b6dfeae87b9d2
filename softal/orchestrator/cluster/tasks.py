"""Workers: one Ray task a trial, or for several trials that are evaluated at once.

Ray gives a task its CPUs, GPUs and memory, says when its worker or node is lost, and shows it on the dashboard under
the trial's name. The simulation itself runs in the worker's `Sandbox`. Trials that only wait for programs are tasks of
one actor, `Host`, whose threads share a process.
"""

from __future__ import annotations

import math
import pickle
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ray

from softal.orchestrator.cluster import arrivals
from softal.orchestrator.workers.executor import Handle
from softal.orchestrator.workers.job import Job, Outcome, Task
from softal.orchestrator.workers.pickling import pack, unpack
from softal.orchestrator.workers.sandbox import Sandbox, surrounded
from softal.orchestrator.workers.together import Together

_sandboxes: dict[str, Sandbox] = {}  # of this Ray worker, one for each campaign that it has served


Submit = Callable[[str, Sequence[Task]], Handle]


def evaluator(job: Job, session: str, *, memory: int | None) -> Submit:
    """Return a function (name, tasks) -> reference to their outcomes, which runs the tasks on the cluster as one."""
    campaign, payload = job.campaign, pack(job, job.source)

    # The payload is part of the function, which Ray sends to each worker once.
    def trial(tasks: bytes) -> list[Outcome]:
        return _evaluate(campaign, session, payload, _unpacked(tasks))

    options: dict[str, Any] = {"num_cpus": job.cpus, "num_gpus": job.gpus}
    if memory is not None:
        options["memory"] = memory
    remote = ray.remote(max_retries=0, **options)(trial)  # lost trials are the crew's, which counts them
    return lambda name, tasks: remote.options(name=name).remote(_packed(tasks))


def _packed(tasks: Sequence[Task]) -> bytes:
    """Return tasks as bytes, since Ray takes 40 us for each argument that it has to serialise."""
    return pickle.dumps([(task.trial, task.point, task.seed, task.fidelity, task.attempt) for task in tasks])


def _unpacked(tasks: bytes) -> list[Task]:
    return [Task(*task) for task in pickle.loads(tasks)]


class Host:
    """The process of trials that only wait for programs, each in a thread of it."""

    def __init__(self, payload: bytes, session: str) -> None:
        self._together = Together(unpack(payload), payload, partial(arrivals.say, session))

    def evaluate(self, tasks: bytes) -> list[Outcome]:
        """Run trials."""
        return self._together.evaluate_together(_unpacked(tasks))


class Hosted:
    """The host of a campaign, as its driver sees it: where it dies there is another one for the next trials.

    Args:
        job: the campaign's.
        session: in which it says that it is there.
        slots: how many trials it runs at once.
    """

    def __init__(self, job: Job, session: str, slots: int) -> None:
        self._payload, self._session = pack(job, job.source), session
        # Ray would start it again, but fail all that is handed over until it is there.
        self._options = {"num_cpus": math.ceil(slots * job.cpus), "max_concurrency": slots, "max_restarts": 0}
        self._actor: Any = None
        self._given: set[Handle] = set()  # to the host that is there, and not taken back

    def submit(self, name: str, tasks: Sequence[Task]) -> Handle:
        """Hand over tasks."""
        if self._actor is None:
            self._actor = ray.remote(Host).options(**self._options).remote(self._payload, self._session)
        reference: Handle = self._actor.evaluate.options(name=name).remote(_packed(tasks))
        self._given.add(reference)
        return reference

    def take(self, reference: Handle) -> bool:
        """Take tasks back; return whether the host that is there had them."""
        had = reference in self._given
        self._given.discard(reference)
        return had

    def end(self) -> None:
        """Kill it, with all programs."""
        if self._actor is not None:
            ray.kill(self._actor, no_restart=True)
            self._actor = None
            self._given.clear()


def _evaluate(campaign: str, session: str, payload: bytes, tasks: list[Task]) -> list[Outcome]:
    if campaign not in _sandboxes:
        with surrounded(Path(tempfile.gettempdir())):
            _sandboxes[campaign] = Sandbox(unpack(payload), payload)
    sandbox = _sandboxes[campaign]
    sandbox.ready = partial(arrivals.say, session)
    return sandbox.evaluate_together(tasks)
