"""Ray: start one on this machine, or join a cluster."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from softal.errors import SoftalError

# Nothing is reported to Ray's makers. Token authentication is Ray's own default for a local start since 2.59; to set
# RAY_AUTH_MODE here would come too late, since Ray reads it when it is imported.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
}
AGENTS = 3  # strategist, trainer, tracker


@dataclass(frozen=True)
class Requirements:
    """What one trial needs, and how many shall run at once; memory in bytes."""

    concurrent: int
    cpus: float
    gpus: float
    memory: int | None

    def fitting(self, resources: dict[str, float]) -> int:
        """Return how many trials fit into Ray's resources at once, at most `concurrent`."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus, "memory": float(self.memory or 0)}
        room = [int(resources.get(name, 0.0) / amount + 1e-9) for name, amount in wanted.items() if amount > 0]
        return min([self.concurrent, *room])


@dataclass
class Cluster:
    """The Ray that a campaign runs on.

    Attributes:
        address: how it was joined; None where it was started here.
        dashboard: the dashboard's address, if it has one.
        node: id of this machine's node, on which the agents run.
        namespace: in which the agents have their names.
        slots: how many trials fit at once, at most the number asked for; `refresh` follows nodes that come and go.
        exclusive: whether Ray has room for just these trials, so that one more waits in Ray's own queue.
    """

    address: str | None
    dashboard: str | None
    node: str
    namespace: str
    slots: int
    exclusive: bool
    trial: Requirements

    def refresh(self) -> None:
        """Count the slots again."""
        if not self.exclusive:
            import ray

            self.slots = max(1, self.trial.fitting(ray.cluster_resources()))


@contextmanager
def connect(
    *,
    address: str | None,
    concurrent: int,
    cpus: float,
    gpus: float,
    memory: int | None,
    namespace: str,
    dashboard_port: int | None = None,
    runtime_env: dict[str, Any] | None = None,
) -> Iterator[Cluster]:
    """Start a local Ray with room for the campaign's workers, or join the cluster at `address`.

    Args:
        address: None starts one; "auto", "host:port" or "ray://..." joins one.
        concurrent: trials at once.
        cpus, gpus, memory: of one trial.
        namespace: of the campaign's agents.
        dashboard_port: where a local dashboard listens, on loopback; None is 8265 or the next free port.
        runtime_env: passed on to Ray.

    Raises:
        SoftalError: if Ray cannot be started or joined, or if not even one trial fits.
    """
    if address is None and os.environ.get("RAY_ADDRESS"):
        address = "auto"  # inside a Ray job, or where the user says so
    if address is None:
        # Ray ends idle workers beyond one for each CPU; those of fractional CPUs would start again and again.
        workers = {"RAY_num_workers_soft_limit": str(concurrent + AGENTS)}
        for name, value in {**ENVIRONMENT, **workers}.items():
            os.environ.setdefault(name, value)
    import ray

    options: dict[str, Any] = {"namespace": namespace, "log_to_driver": False, "logging_level": logging.ERROR}
    if runtime_env:
        options["runtime_env"] = runtime_env
    joined = ray.is_initialized()
    if joined:
        dashboard = None  # whoever started this Ray knows it
    else:
        if address is None:
            options |= _local(concurrent, cpus, gpus, dashboard_port)
        else:
            options["address"] = address
        try:
            started = ray.init(**options)
        except Exception as error:
            what = f"joined at {address}" if address else "started"
            raise SoftalError(f"Ray cannot be {what}: {error}") from error
        dashboard = started.dashboard_url or None
    try:
        trial = Requirements(concurrent, cpus, gpus, memory)
        resources = ray.cluster_resources()
        slots = trial.fitting(resources)
        if slots < 1:
            has = ", ".join(f"{resources.get(name, 0):g} {name}" for name in ("CPU", "GPU", "memory"))
            raise SoftalError(f"no trial fits on this Ray: one needs {cpus:g} CPU, {gpus:g} GPU; Ray has {has}")
        yield Cluster(
            address,
            f"http://{dashboard}" if dashboard else None,
            ray.get_runtime_context().get_node_id(),
            namespace,
            slots,
            exclusive=address is None and not joined and cpus > 0,
            trial=trial,
        )
    finally:
        if not joined:
            ray.shutdown()


def _local(concurrent: int, cpus: float, gpus: float, dashboard_port: int | None) -> dict[str, Any]:
    # Ray counts whole CPUs: 32 trials of 1/16 are 2. More trials than cores are the user's choice.
    options: dict[str, Any] = {
        "address": "local",  # without it, Ray joins whatever was started on this machine last
        "num_cpus": max(1, math.ceil(concurrent * cpus - 1e-9)),
        "include_dashboard": True,
        "dashboard_host": "127.0.0.1",
    }
    if dashboard_port is not None:
        options["dashboard_port"] = dashboard_port
    if gpus == 0:
        options["num_gpus"] = 0
    return options
