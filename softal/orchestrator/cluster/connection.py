"""Ray: start one on this machine, or join a cluster."""

from __future__ import annotations

import atexit
import logging
import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softal.errors import SoftalError
from softal.orchestrator.cluster import leftovers, private
from softal.orchestrator.cluster.probe import named
from softal.orchestrator.cluster.starting import kept_in_bounds

# Nothing is reported to Ray's makers. Token authentication is Ray's own default for a local start since 2.59; to set
# RAY_AUTH_MODE here would come too late, since Ray reads it when it is imported.
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_task_events_max_num_task_in_gcs": "10000",  # as many as Ray's state API and dashboard show; 4 kB each
}
UNHEARD = "RAY_IGNORE_UNHANDLED_ERRORS"  # of trials that are ended with their campaign: Ray prints their tracebacks
AGENTS = 3  # strategist, trainer, tracker
JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # what Ray tells the process of a job that was submitted
TEMPORARY = "_temp_dir"  # Ray's option for the folder of its sessions
WORKERS_LIMIT = "RAY_num_workers_soft_limit"
_limits: set[str] = set()  # that we have set


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
        own: whether it was started by softal, on this machine alone.
    """

    address: str | None
    dashboard: str | None
    node: str
    namespace: str
    slots: int
    exclusive: bool
    own: bool
    trial: Requirements

    def refresh(self) -> None:
        """Count the slots again."""
        if not self.exclusive:
            import ray

            self.slots = max(1, self.trial.fitting(ray.cluster_resources()))


@dataclass(frozen=True)
class Local:
    """What a Ray of our own is started for.

    Attributes:
        cpus: that Ray counts.
        gpus: whether it looks for GPUs.
        workers: simulations at a time.
        port: of the dashboard; None is any.
    """

    cpus: int
    gpus: bool
    workers: int
    port: int | None

    def serves(self, other: Local) -> bool:
        """Return whether it has room for what the other would be started for."""
        enough = self.cpus >= other.cpus and self.workers >= other.workers and self.gpus >= other.gpus
        return enough and other.port in (None, self.port)


@dataclass(frozen=True)
class Kept:
    """A Ray of our own that waits for the process's next campaign."""

    local: Local
    node: str
    dashboard: str | None


_kept: list[Kept] = []  # at most one; Ray itself ends it with the process


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
) -> Iterator[Cluster]:
    """Start a local Ray with room for the campaign's workers, or join the cluster at `address`.

    A local Ray is kept for the next campaign of this process, since its start takes seconds. It ends with the process,
    with `ray.shutdown()`, after an error, or where the next campaign needs more.

    Args:
        address: None or "local" starts one; "auto", "host:port" or "ray://..." joins one; see `probe.named`.
        concurrent: trials at once.
        cpus, gpus, memory: of one trial.
        namespace: of the campaign's agents.
        dashboard_port: where a local dashboard listens, on loopback; None is 8265 or the next free port.

    Raises:
        SoftalError: if Ray cannot be started or joined, or if not even one trial fits.
    """
    address = named(address)
    wanted = Local(_whole_cpus(concurrent, cpus), gpus > 0, concurrent, dashboard_port)
    if address is None:
        _set_environment(concurrent)
    os.environ.setdefault(UNHEARD, "1")
    private.keep_token(make=address is None)
    import ray

    kept = _reused(None if address else wanted)
    joined = ray.is_initialized() and kept is None
    dashboard = kept.dashboard if kept else None  # whoever started another Ray knows where its dashboard is
    if not joined and kept is None:
        dashboard = _started(address, _local(wanted) if address is None else {"address": address}, namespace)
        if address is None:
            kept = Kept(wanted, ray.get_runtime_context().get_node_id(), dashboard)
    try:
        trial = Requirements(concurrent, cpus, gpus, memory)
        yield Cluster(
            address,
            dashboard,
            ray.get_runtime_context().get_node_id(),
            namespace,
            _slots(trial),
            exclusive=kept is not None and kept.local.cpus == wanted.cpus and cpus > 0,
            own=kept is not None,
            trial=trial,
        )
    except BaseException:
        if not joined:
            _end()
        raise
    if kept is not None:
        _kept[:] = [kept]
        atexit.unregister(_end)
        atexit.register(_end)  # before Ray's own, which was registered when Ray was imported
    elif not joined:
        _end()


def _end() -> None:
    """End Ray, or leave it."""
    import ray

    ray.shutdown()
    leftovers.remove()


def _reused(wanted: Local | None) -> Kept | None:
    """Return the Ray that an earlier campaign left, if it serves; end it if it does not. None wants none of ours."""
    import ray

    kept = _kept.pop() if _kept else None
    if kept is None or not ray.is_initialized() or ray.get_runtime_context().get_node_id() != kept.node:
        return None  # there is none, or the user has ended it
    if wanted is not None and kept.local.serves(wanted):
        return kept
    _end()
    return None


def _started(address: str | None, where: dict[str, Any], namespace: str) -> str | None:
    """Start or join Ray and return its dashboard's address, or None where it has none.

    On a busy machine the dashboard may not come up in the time that Ray allows it; Ray is then started without.
    """
    import ray
    from ray.job_config import JobConfig

    if not address or "://" not in address:
        # Else Ray puts this folder before all libraries in the workers' sys.path; it has no public word for it. A job
        # that has files of its own has them prepared by Ray, and its folder is not taken.
        where = {"job_config": JobConfig(_client_job=JOB not in os.environ), **where}
    try:
        with kept_in_bounds(), _dashboards(where):
            started = ray.init(namespace=namespace, log_to_driver=False, logging_level=logging.ERROR, **where)
    except Exception as error:
        if where.get("include_dashboard") and "dashboard" in str(error):
            _end()
            again = {TEMPORARY: _own_folder()} if TEMPORARY in where else {}
            return _started(address, {**where, **again, "include_dashboard": False}, namespace)
        what = f"joined at {address}" if address else "started"
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise SoftalError(f"Ray cannot be {what}: {said}") from error
    except BaseException:  # a signal: what is there is not to be taken for somebody else's by the next campaign
        _end()
        raise
    if address is None and TEMPORARY not in where:
        session = Path(started.address_info["session_dir"])
        private.close(session)
        leftovers.remove_later(session)
    return f"http://{started.dashboard_url}" if started.dashboard_url else None


def _dashboards(where: dict[str, Any]) -> AbstractContextManager[None]:
    return leftovers.of_dashboards(Path(where[TEMPORARY]).parent) if TEMPORARY in where else nullcontext()


def _slots(trial: Requirements) -> int:
    import ray

    resources = ray.cluster_resources()
    slots = trial.fitting(resources)
    if slots < 1:
        has = ", ".join(f"{resources.get(name, 0):g} {name}" for name in ("CPU", "GPU", "memory"))
        needs = f"{trial.cpus:g} CPU, {trial.gpus:g} GPU"
        raise SoftalError(f"no trial fits on this Ray: one needs {needs}; Ray has {has}")
    return slots


def _set_environment(concurrent: int) -> None:
    """Say what Ray reads from its environment, before it is imported or started; the user's own words stand."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # Ray ends idle workers beyond one for each CPU; those of fractional CPUs would start again and again.
    if os.environ.get(WORKERS_LIMIT) in (None, *_limits):
        os.environ[WORKERS_LIMIT] = str(concurrent + AGENTS)
        _limits.add(os.environ[WORKERS_LIMIT])


def _whole_cpus(concurrent: int, cpus: float) -> int:
    # Ray counts whole CPUs: 32 trials of 1/16 are 2. More trials than cores are the user's choice.
    return max(1, math.ceil(concurrent * cpus - 1e-9))


def _local(wanted: Local) -> dict[str, Any]:
    options: dict[str, Any] = {
        "address": "local",  # without it, Ray joins whatever was started on this machine last
        "num_cpus": wanted.cpus,
        "include_dashboard": True,
        "dashboard_host": "127.0.0.1",
    }
    if (own := _own_folder()) is not None:
        options[TEMPORARY] = own
    if wanted.port is not None:
        options["dashboard_port"] = wanted.port
    if not wanted.gpus:
        options["num_gpus"] = 0
    return options


def _own_folder() -> str | None:
    """Make a folder for the sessions of a Ray of ours; None leaves Ray its own."""
    base = private.folder()
    return None if base is None else str(leftovers.session_folder(base))
