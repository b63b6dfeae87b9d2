"""Workers: one Ray task a trial, or for several trials that are evaluated at once.

Ray gives a task its CPUs, GPUs and memory, says when its worker or node is lost, and shows it on the dashboard under
the trial's name. The simulation itself runs in the worker's `Sandbox`.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ray

from softal.orchestrator.cluster import arrivals
from softal.orchestrator.workers.job import Job, Outcome, Task
from softal.orchestrator.workers.pickling import pack, unpack
from softal.orchestrator.workers.sandbox import Sandbox, surrounded

_sandboxes: dict[str, Sandbox] = {}  # of this Ray worker, one for each campaign that it has served


Submit = Callable[[str, Sequence[Task]], ray.ObjectRef[list[Outcome]]]


def evaluator(job: Job, session: str, *, memory: int | None) -> Submit:
    """Return a function (name, tasks) -> reference to their outcomes, which runs the tasks on the cluster as one."""
    campaign, payload = job.campaign, pack(job, job.source)

    # The payload is part of the function, which Ray sends to each worker once.
    def trial(tasks: bytes) -> list[Outcome]:
        return _evaluate(campaign, session, payload, [Task(*task) for task in pickle.loads(tasks)])

    options: dict[str, Any] = {"num_cpus": job.cpus, "num_gpus": job.gpus}
    if memory is not None:
        options["memory"] = memory
    remote = ray.remote(max_retries=0, **options)(trial)  # lost trials are the crew's, which counts them

    def submit(name: str, tasks: Sequence[Task]) -> ray.ObjectRef[list[Outcome]]:
        # As bytes, since Ray takes 40 us for each argument that it has to serialise.
        content = pickle.dumps([(task.trial, task.point, task.seed, task.fidelity, task.attempt) for task in tasks])
        return remote.options(name=name).remote(content)

    return submit


def _evaluate(campaign: str, session: str, payload: bytes, tasks: list[Task]) -> list[Outcome]:
    if campaign not in _sandboxes:
        with surrounded(Path(tempfile.gettempdir())):
            _sandboxes[campaign] = Sandbox(unpack(payload), payload)
    sandbox = _sandboxes[campaign]
    sandbox.ready = partial(arrivals.say, session)
    return sandbox.evaluate_together(tasks)
