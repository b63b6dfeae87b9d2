"""A Ray of our own serves one campaign of a process after the other."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import holding
import pytest
from driving import HERE
from patience import PATIENCE

from softal.errors import SoftalError
from softal.objective import minimize
from softal.orchestrator.cluster import connection
from softal.orchestrator.cluster.connection import Local
from softal.orchestrator.workers.job import Job, Task
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.temporary import PREFIX
from softal.trial import TrialState

SEVERAL = """
import sys
from pathlib import Path
import ray
from holding import grown, held
from softal.orchestrator.cluster import connection as cluster
from softal.orchestrator.campaign import Campaign

starts, init = [], ray.init
def counted(**options):
    starts.append(options["num_cpus"])
    return init(**options)
ray.init = counted
shutdowns, shutdown = [], ray.shutdown
def ended(*arguments):
    shutdowns.append(arguments)
    shutdown(*arguments)
ray.shutdown = ended

before = None
for name, concurrent in (("first", 1), ("second", 1), ("third", 1), ("fourth", 2), ("fifth", 1)):
    campaign = Campaign(
        name=name, runs=sys.argv[1], folder=sys.argv[2], simulator="simulations:Bowl",
        space={"x": {"low": 0, "high": 1}}, objective={"minimize": "f"}, strategy="random", surrogate="none",
        tracking={"mlflow": "off"}, budget={"trials": 2}, workers={"concurrent": concurrent},
    )
    assert campaign.launch().exit_code == 0
    named = [actor for actor in ray.util.list_named_actors(all_namespaces=True)]
    grew = grown(before) if name in ("second", "third", "fifth") else "first of its Ray"
    before = held()
    print(name, starts, len(shutdowns), len(named), grew, sep="; ")
    folders = [str(folder) for folder in Path(sys.argv[3]).rglob("pymp-*")]
    assert len(folders) <= 1, folders  # of the dashboard that runs
"""


def test_a_dashboard_that_does_not_come_up_costs_no_campaign(monkeypatch: pytest.MonkeyPatch):
    import ray

    tried = []

    def init(**options: object) -> SimpleNamespace:
        tried.append(options["include_dashboard"])
        if options["include_dashboard"]:
            raise Exception("\nThe last 20 lines of /tmp/ray/logs/dashboard.log (it has the error message): \n...")
        return SimpleNamespace(dashboard_url=None, address_info={"session_dir": "/nowhere"})

    monkeypatch.setattr(ray, "init", init)
    assert connection._started(None, {"include_dashboard": True}, "test") is None
    assert tried == [True, False]


def test_ray_that_cannot_be_started_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch):
    import ray

    def init(**options: object) -> None:
        raise ConnectionError("\nthe socket's path is too long\nTraceback ...")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(SoftalError, match=r"^Ray cannot be joined at head:6379: the socket's path is too long$"):
        connection._started("head:6379", {"address": "head:6379"}, "test")


@pytest.mark.parametrize(
    ("other", "serves"),
    [
        (Local(2, False, 2, None), True),
        (Local(1, False, 1, None), True),
        (Local(3, False, 2, None), False),
        (Local(2, False, 32, None), False),  # fractions of CPUs
        (Local(2, True, 2, None), False),
        (Local(2, False, 2, 9000), False),
    ],
)
def test_a_ray_serves_whoever_needs_no_more(other: Local, serves: bool):
    assert Local(2, False, 2, None).serves(other) is serves


@pytest.mark.long
@pytest.mark.ray
def test_campaigns_of_a_process_share_a_ray(tmp_path: Path):
    """And leave neither threads nor open files behind, nor Ray's session, nor the temporary folder of its dashboard."""
    path = f"{Path(holding.__file__).parent}:{os.environ.get('PYTHONPATH', '')}"
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp", ignore_cleanup_errors=True) as short:  # for sockets
        command = [sys.executable, "-c", SEVERAL, str(tmp_path), str(HERE), short]
        environment = {**os.environ, "PYTHONPATH": path, "TMPDIR": short, "RAY_TMPDIR": short}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
        left = [*Path(short).rglob("pymp-*"), *Path(short).rglob(f"{PREFIX}*"), *Path(short).rglob("*session*")]
    assert done.returncode == 0, done.stderr
    assert left == []
    assert done.stdout.splitlines() == [
        "first; [1]; 0; 0; first of its Ray", "second; [1]; 0; 0; no", "third; [1]; 0; 0; no",
        "fourth; [1, 2]; 1; 0; first of its Ray", "fifth; [1, 2]; 1; 0; no",
    ]  # fmt: skip


@pytest.mark.ray
def test_a_simulation_ends_when_its_campaign_is_over(tmp_path: Path):
    """A kept Ray keeps its workers: their simulations would go on holding memory of CPU and GPU."""
    (tmp_path / "lock").write_text("id\n")  # which nobody holds
    job = Job("id", tmp_path, HERE, ("simulations:Bowl", {}), minimize("f"))
    sandbox = Sandbox(job, pack(job, HERE))
    for trial in range(2):
        assert sandbox.evaluate(Task(trial, {"x": 0.5}, 1, 1.0)).state is TrialState.DONE
        process = sandbox._process
        assert process is not None
        until = time.monotonic() + PATIENCE
        while process.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.1)
    sandbox.discard()
