"""Workers: one Ray task a trial.

Ray gives a task its CPUs, GPUs and memory, runs it again elsewhere when its worker or node is lost, and shows it on
the dashboard under the trial's name. The simulation itself runs in the worker's `Sandbox`.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import ray
from ray import exceptions

from softal.orchestrator.parcel import pack, unpack
from softal.orchestrator.sandbox import Job, Outcome, Sandbox, Task, WorkerLost

# What means that a worker was lost, as opposed to an error in our own code.
LOST: tuple[type[BaseException], ...] = (
    WorkerLost,
    exceptions.WorkerCrashedError,
    exceptions.NodeDiedError,
    exceptions.OutOfMemoryError,
    exceptions.ObjectLostError,
    exceptions.RaySystemError,
    exceptions.LocalRayletDiedError,
)

_sandboxes: dict[str, Sandbox] = {}  # of this Ray worker, one for each campaign that it has served


def evaluator(job: Job, *, memory: int | None, retries: int) -> Callable[[str, Task], ray.ObjectRef[Outcome]]:
    """Return a function (name, task) -> reference to the outcome, which runs the task on the cluster."""
    campaign, payload = job.campaign, pack(job, job.source)

    # The payload is part of the function, which Ray sends to each worker once.
    def trial(task: bytes) -> Outcome:
        return _evaluate(campaign, payload, Task(*pickle.loads(task)))

    options: dict[str, Any] = {"num_cpus": job.cpus, "num_gpus": job.gpus}
    if memory is not None:
        options["memory"] = memory
    remote = ray.remote(max_retries=retries, retry_exceptions=[WorkerLost], **options)(trial)

    def submit(name: str, task: Task) -> ray.ObjectRef[Outcome]:
        # As bytes, since Ray takes 40 us for each argument that it has to serialise.
        return remote.options(name=name).remote(pickle.dumps((task.trial, task.point, task.seed, task.fidelity)))

    return submit


def _evaluate(campaign: str, payload: bytes, task: Task) -> Outcome:
    if campaign not in _sandboxes:
        _sandboxes[campaign] = Sandbox(unpack(payload), payload)
    return _sandboxes[campaign].evaluate(task)
