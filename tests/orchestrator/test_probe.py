"""A Ray that cannot be joined or started is noticed in seconds, before anything is written."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from driving import HERE
from patience import PATIENCE

from softal.orchestrator.cluster import probe
from softal.terminal import doctor

CAMPAIGN = """
name: asked
simulator: {kind: 'simulations:Bowl'}
space: {x: {low: 0, high: 1}}
objective: {minimize: f}
budget: {trials: 2}
workers: {concurrent: 1}
"""

# Each limit in one process, since a limit of open files cannot be raised again.
LIMITS = """
import os, resource, sys
from softal.errors import SoftalError
from softal.orchestrator.campaign import Campaign

def refused(**changes):
    campaign = Campaign.from_yaml("asked.yaml", changes=[f"{place}={value}" for place, value in changes.items()])
    try:
        campaign.launch()
    except SoftalError as error:
        print(error, campaign.folder.exists())

os.environ["RAY_TMPDIR"] = "/tmp/" + 60 * "x"
refused()
os.environ["RAY_TMPDIR"] = "/tmp"
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
refused()
os.environ["RAY_ADDRESS"] = sys.argv[1]
refused()
refused(**{"cluster.address": "nowhere.invalid:6379"})
refused(**{"cluster.address": "local"})
"""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that is stopped: the system takes connections, and nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def swallowing() -> Iterator[str]:
    """The address of a port that swallows packets, since its queue is full."""
    waiting = []
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        for _ in range(8):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(server.getsockname())
        yield address_of(server)
        for one in waiting:
            one.close()


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of a server of pages, such as the dashboard."""

    class Pages(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def address_of(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def dead() -> str:
    """Return an address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return address_of(server)


@pytest.mark.parametrize("client", ["", "ray://"])
def test_nobody_listens(client: str) -> None:
    assert probe.unreachable(client + dead()) == "Connection refused"


@pytest.mark.parametrize("client", ["", "ray://"])
def test_no_answer(client: str, silent: socket.socket, swallowing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PATIENCE", 0.5)
    for address in (address_of(silent), swallowing):
        assert probe.unreachable(client + address) == probe.LATE


def test_others_answer(web_server: str) -> None:
    assert probe.unreachable(web_server) == "what answers there is no head of a Ray, whose port is 6379 by default"
    assert "no server of Ray Client, whose port is 10001" in str(probe.unreachable(f"ray://{web_server}"))


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("http://127.0.0.1:8265", "host:port or ray://host:port is needed"),
        ("head", "host:port or ray://host:port is needed"),
        ("nowhere.invalid:6379", "the host's name cannot be resolved"),
    ],
)
def test_no_such_address(address: str, wrong: str) -> None:
    assert str(probe.unreachable(address)).startswith(wrong)


@pytest.mark.parametrize(
    ("variable", "address", "joined"),
    [
        (None, None, None), ("", None, None), (None, "auto", "auto"), ("head:1", None, "head:1"),
        ("head:1", "auto", "head:1"), ("head:1", "local", None), ("local", None, None), ("local", "other:1", "other:1"),
    ],
)  # fmt: skip
def test_which_ray_is_meant(
    variable: str | None, address: str | None, joined: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(probe.VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(probe.VARIABLE, variable)
    assert probe.named(address) == joined


@pytest.mark.ray
def test_a_ray_that_runs_answers(ray_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert probe.unreachable(ray_address) is None
    assert probe._last_here() is not None, "auto finds this one, or another one of the machine"
    assert str(probe.unreachable(f"ray://{ray_address}")).startswith("what answers there is no server of Ray Client")
    monkeypatch.setenv("RAY_ADDRESS", ray_address)
    assert doctor._running_ray()["state"] == doctor.OK
    monkeypatch.delenv("RAY_AUTH_MODE")
    assert probe.unreachable(ray_address) == probe.NO_TOKEN, "without a token Ray itself tries for 20 s"


@pytest.mark.ray
def test_nothing_is_written_where_no_ray_can_be_had(tmp_path: Path) -> None:
    address = dead()
    (tmp_path / "asked.yaml").write_text(CAMPAIGN)
    command = [sys.executable, "-c", LIMITS, address]
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}"}
    environment.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    path, files, joined, named, own = done.stdout.splitlines()
    assert path.startswith(
        "Ray cannot be started: the path of a socket has at most 107 bytes, and its own would have 13"
    )
    assert path.endswith("x; name a shorter one, such as RAY_TMPDIR=/tmp False")
    assert files == (
        "Ray cannot be started: a process may have 64 files open, and Ray needs 103 (workers.concurrent: 1); "
        "ulimit -n 4096 False"
    )
    assert joined == (
        f"Ray cannot be joined at {address} (RAY_ADDRESS): Connection refused. "
        "Start it, or `unset RAY_ADDRESS` for a Ray of the campaign's own False"
    )
    assert named.startswith("Ray cannot be joined at nowhere.invalid:6379 (cluster.address): the host's name cannot be")
    assert named.endswith("or name another one; `cluster: {address: local}` starts one for the campaign False")
    assert own == files


@pytest.mark.ray
def test_ctrl_c_ends_the_waiting(tmp_path: Path, silent: socket.socket) -> None:
    (tmp_path / "asked.yaml").write_text(CAMPAIGN)
    (tmp_path / "simulations.py").write_text((HERE / "simulations.py").read_text())
    command = [sys.executable, "-m", "softal.typer_cli", "launch", "asked.yaml"]
    environment = {**os.environ, "RAY_ADDRESS": address_of(silent)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    silent.settimeout(200)
    silent.accept()[0].close()
    asked, _ = silent.accept()  # by which time it waits for an answer
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=PATIENCE)
    asked.close()
    assert (process.returncode, errors) == (130, "")
    assert "Traceback" not in output
    assert not (tmp_path / "runs").exists()
