"""Pages on this machine: MLflow's UI on a campaign, and the surrogate's predictions under sliders."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from softal.errors import CampaignStateError, SoftalError
from softal.passwords import redacted
from softal.tracking.moved import find_again
from softal.tracking.sqlite_address import file_of

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign

HOST = "127.0.0.1"
REMOTE = ("http://", "https://", "databricks")
PORTS_TRIED = 50
PATIENCE = 120.0  # until MLflow's server answers [s]: its first start prepares a database
ENDS = (signal.SIGTERM, signal.SIGHUP)
Say = Callable[[str], object]


def serve_mlflow(campaign: Campaign, port: int, say: Say) -> None:
    """Run MLflow's UI on the campaign's runs until Ctrl-C, on this machine only.

    A tracking server of its own has its UI already: its address is said, and that is all.

    Args:
        campaign: whose runs.
        port: on 127.0.0.1; the next free one where it is taken.
        say: prints a line.

    Raises:
        CampaignStateError: if the campaign has no MLflow, or nothing in it yet.
        SoftalError: if MLflow's server does not start.
    """
    tracking = campaign.spec.tracking
    if tracking.mlflow == "off":
        raise CampaignStateError(f"{campaign.folder} goes without MLflow (tracking.mlflow: off); see softal report")
    if tracking.mlflow and tracking.mlflow.startswith(REMOTE):
        say(f"MLflow     {redacted(tracking.mlflow)}  (experiment {tracking.experiment!r})")
        _say_dashboard(campaign, say)
        return
    uri = campaign.mlflow()
    assert uri is not None
    if (file := file_of(uri)) is not None:
        if not file.exists():
            raise CampaignStateError(f"{campaign.folder} has nothing in MLflow yet: {uri} is not there")
        with contextlib.suppress(sqlite3.Error):  # somebody else's, which may only be read
            find_again(file)
    port = free_port(port)
    address = f"http://{HOST}:{port}"
    say("Starting MLflow's server, which takes some seconds ...")
    with _server(ui_command(port), ui_environment(uri), campaign.folder) as process:
        _wait_for(f"{address}/health", process)
        say(f"MLflow     {address}/{_experiment_page(address, tracking.experiment)}")
        _say_dashboard(campaign, say)
        say("It changes nothing; other users of this machine can read it meanwhile.")
        say("Ctrl-C ends it.")
        with contextlib.suppress(KeyboardInterrupt):
            code = process.wait()
            raise SoftalError(f"MLflow's server ended with exit code {code}")


def serve_predictions(campaign: Campaign, port: int, say: Say) -> None:
    """Serve a page on which sliders move what is predicted, and run simulations, until Ctrl-C, on this machine only.

    Args:
        campaign: whose surrogate and learner; it may be running, each new version of them is shown as it comes.
        port: on 127.0.0.1; the next free one where it is taken, 0 for any.
        say: prints a line.

    Raises:
        CampaignStateError: if the campaign has neither surrogate nor learner.
    """
    if campaign.spec.surrogate is None and campaign.spec.learner is None:
        raise CampaignStateError(f"{campaign.folder} has no surrogate (surrogate: none in its file), and no learner")
    from softal.service.explorer.model import Explorer
    from softal.service.explorer.server import Server

    explorer = Explorer(campaign)
    server = Server(explorer, HOST, free_port(port) if port else 0)
    with contextlib.suppress(KeyboardInterrupt), _terminated_as_interrupted():
        say(f"Predictions  {server.address}?token={server.token}")
        say(f"Report       {server.address}report?token={server.token}")
        if explorer.version == 0:
            say("Nothing is learned yet: the page waits for the first version.")
        say("Ctrl-C ends it.")
        server.serve()


def ui_command(port: int, host: str = HOST) -> list[str]:
    """Return the command that shows a database in MLflow's UI (an http(s) URI has a server of its own).

    Every user of this machine reaches the port, and MLflow asks nobody who they are: so it only reads.
    """
    served = ["uvicorn", "--factory", "softal.tracking.mlflow_pages:app", "--no-server-header"]
    return [sys.executable, "-P", "-m", *served, "--host", host, "--port", str(port)]


def ui_environment(uri: str) -> dict[str, str]:
    """Return the environment that names the database: everybody on the machine can read a process's arguments."""
    own = "false"  # nine processes for language models
    return {**os.environ, "MLFLOW_BACKEND_STORE_URI": uri, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": own}


def free_port(port: int, host: str = HOST) -> int:
    """Return the port, or the next free one; SoftalError if none of the next ones is free."""
    for candidate in range(port, min(port + PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, candidate))
                return candidate
    raise SoftalError(f"none of the ports {port} to {port + PORTS_TRIED - 1} is free; give another one with --port")


@contextlib.contextmanager
def _server(command: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a process group of its own, which is ended whole when this is left."""
    log = folder / "mlflow-ui.log"
    with log.open("wb") as stream, _terminated_as_interrupted():
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            if number == signal.SIGTERM:
                time.sleep(0.2)  # for its workers; what is left of the group is killed next


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Take SIGTERM and the end of the terminal for Ctrl-C, so that a server is ended before this process is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in ENDS if signal.getsignal(number) != signal.SIG_IGN]  # nohup ignores SIGHUP
    before = {number: signal.signal(number, signal.default_int_handler) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if process.poll() is not None:
            raise SoftalError(f"MLflow's server ended with exit code {process.returncode}; see mlflow-ui.log")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise SoftalError(f"MLflow's server did not answer within {PATIENCE:g} s; see mlflow-ui.log")


def _experiment_page(address: str, experiment: str) -> str:
    """Return the page of the experiment's runs in MLflow's UI, or nothing where it does not say.

    Without its query, the UI opens on its pages for language models.
    """
    query = urllib.parse.urlencode({"experiment_name": experiment})
    try:
        with urllib.request.urlopen(f"{address}/api/2.0/mlflow/experiments/get-by-name?{query}", timeout=10) as answer:
            number = json.load(answer)["experiment"]["experiment_id"]
            return f"#/experiments/{number}/runs?workflowType=machine_learning"
    except (OSError, ValueError, KeyError):
        return ""


def _say_dashboard(campaign: Campaign, say: Say) -> None:
    from softal.orchestrator.status import require_campaign

    with require_campaign(campaign.folder) as journal:
        dashboard = journal.info.get("dashboard")
    if dashboard and campaign.running:
        say(f"Dashboard  {dashboard}  (Ray's; its token: ray get-auth-token)")
