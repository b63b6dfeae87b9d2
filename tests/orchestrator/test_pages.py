"""The pages that softal serves: only on this machine, only to this machine, and ended cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE
from served import POINT, Site, break_all, make, publish, served, trials_of

from softal import surrogates
from softal.errors import CampaignStateError, SoftalError
from softal.service import explorer, pages
from softal.service.explorer.model import Explorer
from softal.service.explorer.plain import to_json
from softal.service.explorer.routes import STATIC

pytestmark = pytest.mark.learning


def test_the_page_has_no_absolute_addresses() -> None:
    """Behind a proxy with a prefix it would look for its parts elsewhere."""
    folder = Path(explorer.__file__).parent
    asks = r"(?:href=|src=|get\(|post\(|fetch\(|url\(|EventSource\(|from )"
    for name in ("page.html", *STATIC):
        assert not re.findall(asks + r"""["'`]?/""", (folder / name).read_text()), name


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    campaign = make(tmp_path_factory.mktemp("site"))
    publish(campaign, trials_of(campaign))
    with served(campaign) as found:
        yield found


def test_connections_that_break_are_no_errors(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    assert site.json("/api/predict", **POINT)["prediction"], "it has not started"
    caplog.set_level("INFO", logger="uvicorn.error")  # which says nothing to users
    for _ in range(3):
        break_all(site.port, site.cookie)
        assert site.json("/api/predict", **POINT)["prediction"]
    assert [record.getMessage() for record in caplog.records] == []


def test_prediction(site: Site) -> None:
    found = site.json("/api/predict", **POINT)
    assert found["point"] == {**POINT, "epsilon": 120.0, "rate": 1.0, "double": 12.0}
    mean, std = (part[0] for part in site.campaign.surrogate.predict([found["point"]])["energy"])
    energy = found["prediction"]["energy"]
    assert energy["mean"] == pytest.approx(mean)
    assert energy["std"] == pytest.approx(std)
    assert energy["high"] - energy["low"] == pytest.approx(2 * 1.959964 * std, rel=1e-6)
    assert found["feasible"] is True


def test_a_point_outside_of_the_constraints_says_so(site: Site) -> None:
    assert site.json("/api/predict", **{**POINT, "epsilon": 160, "beads": 12})["feasible"] is False


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epsilon": 300}, "epsilon: 300"),
        ({"epsilon": "x"}, "epsilon: 'x'"),
        ({"colour": 1}, "colour"),
        ({"beads": 6.5}, "beads"),
    ],
)
def test_a_wrong_point_says_what_is_allowed(changes: dict[str, Any], message: str, site: Site) -> None:
    found = site.json("/api/predict", **{**POINT, **changes})
    assert found["status"] == 400
    assert message in found["error"]


def test_what_the_surrogate_refuses_is_not_predicted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(surrogate: object, point: Any) -> str | None:
        return f"epsilon: {point['epsilon']:g} is given; 100 and more is allowed" if point["epsilon"] < 100 else None

    monkeypatch.setattr(surrogates.find("gp"), "refuses", refuses)
    message = "epsilon: 90 is given; 100 and more is allowed"
    found = site.json("/api/predict", **{**POINT, "epsilon": 90})
    assert found == {"status": 400, "error": message}
    slices = site.json("/api/slices", **{**POINT, "epsilon": 90})
    assert slices["refused"] == message
    epsilon = slices["slices"]["epsilon"]
    assert epsilon["feasible"] == [value >= 100 for value in epsilon["values"]]
    assert not any(slices["slices"]["beads"]["feasible"])
    assert site.json("/api/predict", **POINT)["refused"] is None


def test_slices_go_through_the_point(site: Site) -> None:
    found = site.json("/api/slices", **POINT)
    assert set(found["slices"]) == {"epsilon", "rate", "beads", "solvent"}
    beads = found["slices"]["beads"]
    assert beads["values"] == list(range(4, 13))
    assert beads["mean"][0][2] == pytest.approx(found["prediction"]["energy"]["mean"])
    assert found["slices"]["solvent"]["values"] == ["good", "<b>poor</b>"]
    assert (
        site.json("/api/slices", **{**POINT, "epsilon": 160})["slices"]["beads"]["feasible"] == [True] * 6 + [False] * 3
    )
    for one in found["slices"].values():
        lengths = {len(one["u"]), len(one["values"]), len(one["feasible"]), len(one["mean"][0]), len(one["std"][0])}
        assert len(lengths) == 1


def test_description(site: Site) -> None:
    found = site.json("/api/campaign")
    assert [parameter["kind"] for parameter in found["parameters"]] == ["real", "real", "integer", "choice"]
    assert found["others"] == ["double"]
    assert len(found["trials"]) == 15
    assert found["best"]["id"] == site.campaign.best.id  # type: ignore[union-attr]
    [target] = found["targets"]
    assert (target["r2"], target["rmse"]) == (0.9, None)


def test_a_new_version_is_read(site: Site) -> None:
    before = site.json("/api/campaign")["version"]
    assert site.json("/api/campaign")["version"] == before
    publish(site.campaign, trials_of(site.campaign)[:8])
    assert site.json("/api/campaign")["version"] == before + 1


def test_the_report_is_linked_and_written_once(site: Site) -> None:
    status, headers, content = site.get("/report")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert b"<html" in content[:200]
    written = (site.campaign.folder / "report.html").stat().st_mtime_ns
    site.get("/report")
    assert (site.campaign.folder / "report.html").stat().st_mtime_ns == written


def test_numbers_that_json_does_not_have() -> None:
    assert to_json({"a": [float("nan"), 1.0], "b": float("inf")}) == b'{"a": [null, 1.0], "b": null}'


def test_no_surrogate_yet(tmp_path: Path) -> None:
    explorer = Explorer(make(tmp_path))
    assert explorer.describe()["version"] == 0
    assert explorer.describe()["targets"] == []
    with pytest.raises(SoftalError, match="no surrogate yet"):
        explorer.predict(POINT)


def test_no_surrogate_at_all(tmp_path: Path) -> None:
    with pytest.raises(CampaignStateError, match="surrogate: none"):
        pages.serve_predictions(make(tmp_path, surrogate="none"), 0, print)


def test_a_taken_port_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < pages.free_port(port) < port + pages.PORTS_TRIED


def start(command: str, folder: Path, *options: str) -> tuple[subprocess.Popen[str], list[str]]:
    """Start `softal COMMAND FOLDER` and return it with the lines that it has said, `Ctrl-C ends it.` the last."""
    arguments = [sys.executable, "-m", "softal.typer_cli", command, str(folder), *options]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if "Ctrl-C" in line:
            break
    return process, lines


def finish(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    process.send_signal(number)
    try:
        _, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, errors


@pytest.mark.ray
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_serve_ends_cleanly(number: int, site: Site) -> None:
    process, lines = start("serve", site.campaign.folder, "--port", "0")
    address = lines[0].split()[1]
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"].partition(";")[0]
    page = address.partition("?")[0]
    break_all(int(page.rstrip("/").rpartition(":")[2]), cookie)
    asked = urllib.request.Request(f"{page}api/events", headers={"Cookie": cookie})
    with urllib.request.urlopen(asked, timeout=PATIENCE) as events:
        assert events.readline() == b"event: simulation\n"
        assert finish(process, number) == (0, ""), "an open page keeps the server from its end"


def test_ui_of_a_tracking_server_is_only_named(tmp_path: Path) -> None:
    said: list[str] = []
    uri = "http://mlflow.example:5000"
    pages.serve_mlflow(make(tmp_path, tracking={"mlflow": uri, "experiment": "dna"}), 5000, said.append)
    assert len(said) == 1
    assert uri in said[0]
    assert "dna" in said[0]


@pytest.mark.parametrize(("tracking", "said"), [({"mlflow": "off"}, "mlflow: off"), ({}, "nothing in MLflow yet")])
def test_no_ui_without_runs(tracking: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(CampaignStateError, match=said):
        pages.serve_mlflow(make(tmp_path, tracking=tracking), 5000, print)


@pytest.mark.ray
def test_ui_shows_the_experiment_and_leaves_nothing_behind(tmp_path: Path, alive: Callable[[str], list[int]]) -> None:
    campaign = make(tmp_path)
    mirror = (
        "from softal.tracking.mlflow import *; import sys; from pathlib import Path; from softal.orchestrator.campaign"
    )
    mirror += " import Campaign; c = Campaign.open(Path(sys.argv[1])); Mirror(Journal.open(c.folder), None, 'softal',"
    mirror += " c.spec.objective).finish('finished')"
    subprocess.run([sys.executable, "-c", mirror, str(campaign.folder)], check=True, timeout=PATIENCE)
    process, lines = start("ui", campaign.folder, "--port", "5321")
    assert lines[0].startswith("Starting MLflow"), "nothing is said while the server starts"
    address = lines[1].split()[1]
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#/experiments/\d+/runs\?workflowType=machine_learning", address)
    base = address.split("#")[0]
    number = address.split("/")[5]
    assert asked(base, "GET") == 200
    runs = "ajax-api/2.0/mlflow/runs"
    found: dict[str, Any] = {}
    assert asked(base + f"{runs}/search", "POST", {"experiment_ids": [number]}, found) == 200
    run = found["runs"][0]["info"]["run_id"]
    artifact = campaign.folder / "mlartifacts" / "kept.txt"
    for method, path, content in [
        ("POST", f"{runs}/delete", {"run_id": run}),
        ("POST", f"{runs}/create", {"experiment_id": number}),
        ("POST", f"{runs}/search/../delete", {"run_id": run}),
        ("POST", "ajax-api/2.0/mlflow/experiments/create", {"name": "other"}),
        ("PUT", "api/2.0/mlflow-artifacts/artifacts/kept.txt", {"a": 1}),
        ("DELETE", "api/2.0/mlflow-artifacts/artifacts/kept.txt", None),
        ("POST", f"ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=kept.txt", {"a": 1}),
    ]:
        assert asked(base + path, method, content, found) == 403, path
        assert "softal ui shows the campaign and changes nothing" in found["message"]
    assert not artifact.exists()
    assert asked(base + f"{runs}/get?run_id={run}", "GET", None, found) == 200
    assert found["run"]["info"]["lifecycle_stage"] == "active"
    server = f"--port\0{urllib.parse.urlsplit(address).port}"
    assert alive(server)
    assert finish(process, signal.SIGINT) == (0, "")
    time.sleep(0.5)
    assert alive(server) == []


def asked(address: str, method: str, content: Any = None, found: dict[str, Any] | None = None) -> int:
    """Return the status of an answer; `found` has what it says."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"}, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        said = answer.read()
    if found is not None:
        found.clear()
        found.update(json.loads(said))
    return int(answer.status)


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """Return a function that lists the processes with a text in their command line."""

    def find(text: str) -> list[int]:
        found = []
        for process in Path("/proc").iterdir():
            if process.name.isdigit() and int(process.name) != os.getpid():
                try:
                    command = (process / "cmdline").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if text in command:
                    found.append(int(process.name))
        return found

    return find
