"""Campaigns whose pages tests look at, served by real servers, and a proxy that puts a prefix before them."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import struct
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from patience import PATIENCE

from softal import surrogates
from softal.about import SURROGATE
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
from softal.service.explorer.model import Explorer
from softal.service.explorer.server import Server
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState

SPACE = {
    "epsilon": {"low": 80, "high": 160, "unit": "K"},
    "rate": {"low": 0.001, "high": 10, "log": True},
    "beads": {"low": 4, "high": 12, "integer": True},
    "solvent": {"choices": ["good", "<b>poor</b>"]},
    "double": {"derived": "2*beads"},
}
POINT = {"epsilon": 120, "rate": 1, "beads": 6, "solvent": "good"}
SIMULATION = "def simulate(point):\n    return {'energy': 1.0}\n"

# A density beside a wall, which decays over a length. At a fidelity of 0.5 it takes longer than any test waits, and at
# 0.25 it fails.
CURVES = """
import time
import numpy as np
from softal.errors import SimulationError
from softal.simulators.base import Outputs, Simulator
from softal.trial import Array, Observation

GRID = np.linspace(0.0, 3.0, 31)


def density(charge, layers):
    return layers * np.exp(-GRID / (0.3 + charge)) + 0.1


class Walls(Simulator):
    parameters = {"charge": "e", "layers": ""}
    outputs = Outputs(
        frozenset({"contact"}), frozenset({"density"}), {"density": "nm"}, {"density": "1/nm"}, {"density": "z"}
    )

    def refuses(self, point):
        return "charge: above 0.95 the walls are not neutral; up to 0.95 is allowed" if point["charge"] > 0.95 else None

    def run(self, point, context):
        if context.fidelity == 0.5:
            time.sleep(600)
        if context.fidelity == 0.25:
            raise SimulationError("the ions have escaped")
        rng, error = np.random.default_rng(context.seed), 0.01 / np.sqrt(context.fidelity)
        values = density(point["charge"], point["layers"]) + rng.normal(0.0, error, len(GRID))
        array = Array.of(values, np.full(len(GRID), error), GRID, unit="1/nm", grid_unit="nm")
        return Observation({"contact": float(values[0])}, {"contact": error}, {"density": array})
"""


def make(folder: Path, **changes: Any) -> Campaign:
    """Return a campaign of values with trials, but nothing that was learned from them."""
    (folder / "simulation_of_pages.py").write_text(SIMULATION)
    data: dict[str, Any] = {
        "name": "pages",
        "simulator": "simulation_of_pages:simulate",
        "space": SPACE,
        "constraints": ["epsilon + 10*beads <= 250"],
        "objective": {"minimize": "energy"},
        "budget": {"trials": 20},
    }
    campaign = Campaign(runs=folder / "runs", folder=folder, **{**data, **changes})
    with Journal.create(campaign.folder, campaign.spec.text, campaign._info()) as journal:
        journal.write(trials_of(campaign))
        journal.set_info(state="finished", active=60.0)
    return campaign


def trials_of(campaign: Campaign) -> list[Trial]:
    rng = np.random.default_rng(0)
    trials = []
    for i, point in enumerate(campaign.spec.space.from_unit(campaign.spec.space.sample(16, rng))):
        value = {"energy": (float(point["epsilon"]) / 100 - 1) ** 2 + float(point["beads"]) + rng.normal(0, 0.01)}
        state = TrialState.FAILED if i == 3 else TrialState.DONE
        seen = Observation(value, {"energy": 0.01}) if i != 3 else None
        times = {"started": 1.0, "finished": 2.0}
        trials.append(Trial(i, point, state=state, observation=seen, objective=value if seen else {}, **times))  # type: ignore[arg-type]
    return trials


def publish(campaign: Campaign, trials: list[Trial]) -> None:
    """Let a surrogate learn from trials, and publish it."""
    folder = campaign.folder / SURROGATE
    surrogate = surrogates.build("gp", campaign.spec.space, ["energy"])
    surrogate.fit([trial for trial in trials if trial.state is TrialState.DONE])
    shutil.rmtree(folder / "latest", ignore_errors=True)
    surrogate.save(folder / "latest")
    with Journal.open(campaign.folder, read_only=False) as journal:
        journal.add_version({"version": 1, "r2": {"energy": 0.9}, "rmse": {"energy": float("nan")}})


def make_curves(folder: Path, **changes: Any) -> Campaign:
    """Return a campaign of curves that has run, with a surrogate that predicts them."""
    (folder / "simulation_of_curves.py").write_text(CURVES)
    grid = np.linspace(0.0, 3.0, 31)
    rows = [f"{z:.4f},{3 * np.exp(-z / 0.8) + 0.1:.6f}" for z in grid]
    (folder / "density.csv").write_text("\n".join(["z_nm,density", *rows]) + "\n")
    data: dict[str, Any] = {
        "name": "walls",
        "simulator": "simulation_of_curves:Walls",
        "space": {"charge": {"low": 0.1, "high": 1.0, "unit": "e"}, "layers": {"low": 1, "high": 6, "integer": True}},
        "objective": {"match": {"density": "density.csv"}},
        "strategy": "sobol",
        "tracking": {"mlflow": "off"},
        "budget": {"trials": 12},
        "workers": {"concurrent": 2, "cpus": 1},
        "constraints": ["10*charge + layers <= 15"],
        "seed": 1,
    }
    campaign = Campaign(runs=folder / "runs", folder=folder, **{**data, **changes})
    ending = campaign.launch(executor=in_process)
    assert ending.state == "finished", ending
    return Campaign.open(campaign.folder, own_code=True)


@dataclass
class Answer:
    status: int
    headers: HTTPMessage
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass
class Site:
    """A page that is served, and how it is asked: with its cookie, unless another one is given."""

    campaign: Campaign
    explorer: Explorer
    server: Server
    prefix: str = ""
    port: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def cookie(self) -> str:
        return f"softal-{self.server.port}={self.server.token}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}/?token={self.server.token}"

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """Ask; a header that is None is left out, `_` in its name is `-`."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        given = {name.replace("_", "-"): text for name, text in {"Cookie": self.cookie, **headers}.items()}
        kept = {name: text for name, text in given.items() if text is not None}
        content = None if body is None else json.dumps(body)
        if content is not None:
            kept.setdefault("Content-Type", "application/json")
        connection.request(method, self.prefix + path, content, kept)
        found = connection.getresponse()
        answer = Answer(found.status, found.headers, found.read())
        connection.close()
        return answer

    def get(self, path: str, **headers: str | None) -> tuple[int, Any, bytes]:
        answer = self.ask("GET", path, **headers)
        return answer.status, answer.headers, answer.content

    def post(self, path: str, body: Any, **headers: str | None) -> Answer:
        return self.ask("POST", path, body, **{"Origin": f"http://127.0.0.1:{self.port}", **headers})

    def json(self, path: str, **query: Any) -> Any:
        status, _, content = self.get(f"{path}?{urllib.parse.urlencode(query)}")
        return json.loads(content) | ({"status": status} if status != 200 else {})

    def wait(self, condition: Callable[[dict[str, Any]], bool], patience: float = PATIENCE) -> dict[str, Any]:
        """Return how the simulation stands once that is so."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if condition(found := self.json("/api/simulation")):
                return found  # type: ignore[no-any-return]
            time.sleep(0.05)
        raise AssertionError(f"it did not come to that: {found}")


def break_off(port: int, cookie: str, request: str, *, sent: str = "", read: int = 0) -> None:
    """Ask, read some bytes of the answer, and reset the connection, as a browser does that is closed.

    Args:
        port, cookie: of the page.
        request: such as `GET /`.
        sent: of its 100 bytes of content.
        read: bytes that are waited for.
    """
    said = {"Host": f"127.0.0.1:{port}", "Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
    content = {"Content-Type": "application/json", "Content-Length": "100"} if sent else {}
    lines = [f"{request} HTTP/1.1", *(f"{name}: {text}" for name, text in {**said, **content}.items())]
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset
        connection.sendall("\r\n".join([*lines, "", sent]).encode())
        while read > 0:
            read -= len(connection.recv(read))


def break_all(port: int, cookie: str) -> None:
    """Break connections off: in the middle of events, of a large file, of what is sent, and before an answer."""
    break_off(port, cookie, "GET /api/events", read=500)
    break_off(port, cookie, "GET /plotly.js", read=1000)
    break_off(port, cookie, "GET /report")
    break_off(port, cookie, "POST /api/simulate", sent="{")


@contextlib.contextmanager
def served(campaign: Campaign) -> Iterator[Site]:
    """Serve a campaign's page."""
    explorer = Explorer(campaign)
    server = Server(explorer, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve)
    thread.start()
    site = Site(campaign, explorer, server, port=server.port)
    try:
        yield site
    finally:
        server.stop()
        thread.join()


@contextlib.contextmanager
def behind_a_prefix(site: Site, prefix: str = "/user/ann/proxy/8080", forwarded: bool = True) -> Iterator[Site]:
    """Put a proxy before a site that serves it under a prefix, which it takes off, as notebook servers do."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def _pass(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            length = int(self.headers.get("Content-Length", 0))
            headers = {name: text for name, text in self.headers.items() if name.lower() not in ("host", "connection")}
            headers["Host"] = f"127.0.0.1:{site.port}"
            if forwarded:
                headers["X-Forwarded-Host"] = self.headers["Host"]
            connection = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
            connection.request(self.command, self.path.removeprefix(prefix), self.rfile.read(length), headers)
            answer = connection.getresponse()
            self.send_response(answer.status)
            for name, text in answer.headers.items():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, text)
            self.end_headers()
            with contextlib.suppress(OSError):
                while part := answer.read1(65536):
                    self.wfile.write(part)
                    self.wfile.flush()
            connection.close()

        do_GET = do_POST = _pass  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.daemon_threads = True
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield Site(site.campaign, site.explorer, site.server, prefix, proxy.server_address[1])
        finally:
            proxy.shutdown()
            thread.join()
