"""Simulations that fail in every way, workers and nodes that are killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import HERE, REASONS, Driver, worker_killed_in
from mlflow_server import Server
from patience import PATIENCE

from softal.orchestrator.campaign import Campaign
from softal.temporary import PREFIX
from softal.trial import TrialState

pytestmark = pytest.mark.ray

Make = Callable[..., Campaign]


@pytest.mark.usefixtures("local_ray")
def test_every_failure_is_a_failed_trial_with_its_reason(make_campaign: Make):
    campaign = make_campaign(
        simulator={"kind": "simulations:Faulty"},
        space={"fault": {"choices": ["none", *REASONS]}, "n": {"value": 1}},
        strategy="grid",
        workers={"concurrent": 2, "walltime": "1 s"},
        budget={"trials": 20},
    )
    assert campaign.launch().state == "finished"
    trials = {trial.point["fault"]: trial for trial in campaign.list_trials()}
    assert trials["none"].state is TrialState.DONE
    for fault, reason in REASONS.items():
        assert trials[fault].state is TrialState.FAILED
        assert re.fullmatch(reason, trials[fault].reason, re.DOTALL), trials[fault].reason
        assert trials[fault].attempts == 1
    error = campaign.folder / "trials" / f"{trials['error'].id:06d}" / "error.txt"
    assert "ZeroDivisionError" in error.read_text()
    output = campaign.folder / "trials" / f"{trials['segfault'].id:06d}" / "output.txt"
    assert "about to crash" in output.read_text()


@pytest.mark.usefixtures("local_ray")
def test_a_process_killed_from_outside_is_a_lost_worker(make_campaign: Make, tmp_path: Path):
    campaign = make_campaign(
        simulator={"kind": "simulations:KilledOnce", "log": str(tmp_path / "mark")}, budget={"trials": 4}
    )
    campaign.launch()
    assert [(trial.state, trial.attempts) for trial in campaign.list_trials()] == [(TrialState.DONE, 2)] * 4


@pytest.mark.usefixtures("local_ray")
def test_a_trial_that_always_loses_its_worker_fails(make_campaign: Make):
    campaign = make_campaign(
        simulator="simulations:AlwaysKilled", budget={"trials": 1}, workers={"concurrent": 1, "retries": 1}
    )
    campaign.launch()
    (trial,) = campaign.list_trials()
    assert trial.state is TrialState.FAILED
    assert trial.reason.startswith("its worker was lost 2 times: ")
    assert "killed by SIGKILL; the machine may be out of memory" in trial.reason
    assert trial.attempts == 2


@pytest.mark.usefixtures("local_ray")
def test_a_killed_ray_worker_costs_no_trial(make_campaign: Make, tmp_path: Path):
    log, pace = tmp_path / "log", tmp_path / "pace"
    campaign = make_campaign(
        simulator={"kind": "simulations:Bowl", "log": str(log), "pace": str(pace)}, budget={"trials": 6}
    )
    with worker_killed_in(3, log, pace):
        assert campaign.launch().state == "finished"
    runs = Counter(int(line.split()[0]) for line in log.read_text().splitlines())
    assert runs == {i: 2 if i == 3 else 1 for i in range(6)}
    trials = campaign.list_trials()
    assert [trial.state for trial in trials] == [TrialState.DONE] * 6
    assert [trial.attempts for trial in trials] == [2 if i == 3 else 1 for i in range(6)]


NODES = """
import sys, threading, time
from pathlib import Path
import psutil
from ray.cluster_utils import Cluster
from softal.orchestrator.campaign import Campaign, Silent

folder, log, pace = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[2] + ".pace")
pace.write_text("3")  # trials 3 and 4 wait in the middle of their simulations, one on each node
def started():  # in the 30 s that Ray allows itself, which a busy machine may need
    try:
        return Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    except Exception:
        return Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster = started()
second = cluster.add_node(num_cpus=1)
campaign = Campaign(
    name="nodes", runs=folder, folder=sys.argv[3],
    simulator={"kind": "simulations:Bowl", "log": str(log), "pace": str(pace)},
    space={"x": {"low": 0, "high": 1}}, objective={"minimize": "f"}, strategy="random", surrogate="none",
    tracking={"mlflow": "off"}, budget={"trials": 8}, cluster={"address": cluster.address},
)
def ended(process):
    try:
        return process.status() == "zombie"
    except psutil.NoSuchProcess:
        return True
def kill_in_the_middle():
    started = {}  # Ray worker's process, by trial
    while not {3, 4} <= started.keys():
        time.sleep(0.05)
        lines = log.read_text().splitlines() if log.exists() else []
        started = {int(trial): int(worker) for trial, worker, _ in map(str.split, lines)}
    workers = [psutil.Process(started[3]), psutil.Process(started[4])]
    cluster.remove_node(second, False)
    while not any(ended(worker) for worker in workers):
        time.sleep(0.05)  # what a dead node's worker still says would be heard
    Path(f"{pace}.new").write_text("8")
    Path(f"{pace}.new").replace(pace)
threading.Thread(target=kill_in_the_middle, daemon=True).start()
try:
    ending = campaign.launch(Silent())
finally:
    cluster.shutdown()
runs = sorted(int(line.split()[0]) for line in log.read_text().splitlines())
print(ending.state, [str(t.state) for t in campaign.list_trials()], runs, sep="|")
"""


@pytest.mark.long
def test_the_trials_of_a_node_that_dies_run_elsewhere(tmp_path: Path):
    command = [sys.executable, "-c", NODES, str(tmp_path / "runs"), str(tmp_path / "log"), str(HERE)]
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    state, states, runs = done.stdout.strip().splitlines()[-1].split("|")
    assert state == "finished"
    assert states == str(["done"] * 8)
    assert runs in ("[0, 1, 2, 3, 3, 4, 5, 6, 7]", "[0, 1, 2, 3, 4, 4, 5, 6, 7]"), "one trial was lost with the node"


# `chaos.py` kills drivers, too.
OFTENER = pytest.mark.exhaustive
# MLflow and what it brings along warn of their own deprecations when they are imported.
MLFLOW_WARNS = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.mark.parametrize("runs", [pytest.param(1, marks=OFTENER), 6, pytest.param(11, marks=OFTENER)])
def test_a_driver_killed_at_any_moment_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: int):
    """And leaves nothing that the next start does not remove: the dashboard has a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp", ignore_cleanup_errors=True) as short:  # for sockets
        monkeypatch.setenv("TMPDIR", short)
        kill_and_resume(tmp_path, Path(short), runs)


def kill_and_resume(folder: Path, temporary: Path, runs: int) -> None:
    driver = Driver(folder)
    driver.let_run(0)
    process = driver.launch()
    driver.wait_until(lambda: left_by_dashboards(temporary), process)
    driver.let_run(12)
    driver.wait_for(runs, process)
    time.sleep(0.1 * runs)  # each time at another point of a simulation's life
    process.kill()
    process.communicate()
    before = {trial.id: trial for trial in driver.trials() if trial.state.finished}
    in_flight = {trial.id for trial in driver.trials() if trial.state is TrialState.RUNNING}
    time.sleep(2)  # Ray's processes see that their driver is gone
    assert left_by_dashboards(temporary)
    code, output = driver.resume()
    assert code == 0, output
    assert left_by_dashboards(temporary) == []
    after = {trial.id: trial for trial in driver.trials()}
    assert sorted(after) == list(range(12))
    assert all(trial.state is TrialState.DONE for trial in after.values())
    assert {i: after[i] for i in before} == before
    counts = driver.runs()
    assert all(counts[i] == 1 for i in before), "a finished trial was run again"
    assert all(counts[i] <= 2 for i in range(12))
    assert all(after[i].attempts == 2 for i in in_flight)
    children, parents = driver.mlflow_runs()
    assert children == dict.fromkeys(range(12), "FINISHED"), output
    assert parents == ["FINISHED"], output


def left_by_dashboards(temporary: Path) -> list[Path]:
    return [path for pattern in ("pymp-*", f"{PREFIX}*") for path in temporary.rglob(pattern)]


@pytest.mark.long
def test_rays_log_folder_removed_while_a_campaign_runs_fails_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker can begin a trial any more."""
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp", ignore_cleanup_errors=True) as short:  # for sockets
        monkeypatch.setenv("TMPDIR", short)
        driver = Driver(tmp_path, trials=8, mlflow="'off'")
        driver.let_run(4)  # two simulations wait in the middle
        process = driver.launch()
        driver.wait_for(6, process)
        (logs,) = Path(short).glob("softal-*/ray-*/session_2*/logs")
        shutil.rmtree(logs)
        driver.let_run(8)
        output = driver.rest(process)
    assert "Traceback" not in output
    states = {trial.state for trial in driver.trials()}
    if process.returncode == 0:
        assert states == {TrialState.DONE}, output
    else:
        assert process.returncode == 1, output
        assert states == {TrialState.DONE, TrialState.PROPOSED}, output
        assert f"No such file or directory: '{logs}" in output
        assert "Mend the cause, then: softal resume runs/victim" in output


def test_ctrl_c_stops_gently_and_says_how_to_go_on(tmp_path: Path, ray_address: str):
    driver = Driver(tmp_path, seconds=0.1, trials=6, grace=60, ray=ray_address)
    driver.let_run(3)  # two simulations wait in the middle
    process = driver.launch()
    driver.wait_for(5, process)
    process.send_signal(signal.SIGINT)
    said = "Stopping: waiting up to 60 s for 2 running simulations. Ctrl-C again stops at once."
    output = driver.hear(said, process)
    driver.let_run(6)
    output += driver.rest(process)
    assert process.returncode == 130, output
    assert "softal resume runs/victim" in output
    assert "Traceback" not in output
    states = Counter(trial.state for trial in driver.trials())
    assert (states[TrialState.DONE], states[TrialState.RUNNING]) == (5, 0), "what ran was not waited for"
    children, parents = driver.mlflow_runs()
    assert set(children.values()) == {"FINISHED"}
    assert "RUNNING" not in parents
    code, output = driver.resume()
    assert code == 0, output
    assert driver.runs() == dict.fromkeys(range(6), 1)
    assert driver.mlflow_runs() == (dict.fromkeys(range(6), "FINISHED"), ["FINISHED"])


@pytest.mark.long
def test_sigterm_stops_gently_though_ray_has_a_handler_of_its_own(tmp_path: Path, ray_address: str):
    driver = Driver(tmp_path, seconds=0.1, trials=6, grace=60, mlflow="off", ray=ray_address)
    driver.let_run(3)  # two simulations wait in the middle
    process = driver.launch()
    driver.wait_for(5, process)
    process.send_signal(signal.SIGTERM)
    output = driver.hear("Stopping: waiting up to 60 s for 2 running simulations.", process)
    driver.let_run(5)
    output += driver.rest(process)
    assert process.returncode == 143, output
    assert "Stopped: SIGTERM" in output
    assert "***" not in output, "a stack, as Ray prints it when it aborts"
    states = Counter(trial.state for trial in driver.trials())
    assert (states[TrialState.DONE], states[TrialState.RUNNING]) == (5, 0), "what ran was not waited for"


SIGNALLED = """
import os, sys
from softal.orchestrator.cluster import connection
from softal.typer_cli import main
from ray import _raylet
from ray._private import node

module, name = {"begins": (node, "Node"), "connects": (_raylet, "CoreWorker")}[sys.argv[1]]
number, made = int(sys.argv[2]), getattr(module, name)

def signalled(*arguments, **options):
    if name == "Node":
        os.kill(os.getpid(), number)
    found = made(*arguments, **options)
    if name == "CoreWorker":
        os.kill(os.getpid(), number)  # it has put its handlers in place, and Ray has not kept it yet
    return found

setattr(module, name, signalled)
sys.argv[1:3] = []
main()
"""


@pytest.mark.parametrize(
    ("moment", "number"), [("begins", signal.SIGTERM), ("connects", signal.SIGTERM), ("connects", signal.SIGINT)]
)
def test_a_signal_while_ray_starts_stops_in_order(
    tmp_path: Path, ray_address: str, moment: str, number: signal.Signals
) -> None:
    """At the moments at which Ray has put its own handlers in the place of ours, or would crash."""
    driver = Driver(tmp_path, trials=2, mlflow="off")
    command = [sys.executable, "-c", SIGNALLED, moment, str(int(number)), "launch", str(driver.file)]
    environment = {**os.environ, "RAY_ADDRESS": ray_address, "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment
    )
    output = done.stdout + done.stderr
    assert done.returncode == 128 + number, output
    assert f"Stopped: {'SIGTERM' if number == signal.SIGTERM else 'Ctrl-C'}" in output
    assert "softal resume runs/victim" in output
    assert "Traceback" not in output
    assert "***" not in output, "a stack, as Ray prints it when it aborts"
    assert Campaign.open(driver.state).status().state == "stopped"


@pytest.mark.long
def test_a_second_ctrl_c_stops_at_once(tmp_path: Path):
    driver = Driver(tmp_path, seconds=3600.0, trials=6, grace=3000)
    process = driver.launch()
    driver.wait_for(2, process)
    process.send_signal(signal.SIGINT)
    output = driver.hear("Stopping: waiting up to 3000 s for 2 running simulations.", process)
    process.send_signal(signal.SIGINT)
    output += driver.rest(process)
    assert process.returncode == 130, output
    assert "softal resume runs/victim" in output
    assert "Traceback" not in output
    assert {trial.state for trial in driver.trials()} == {TrialState.PROPOSED}
    children = [line.split()[2] for line in driver.log.read_text().splitlines()]
    until = time.monotonic() + PATIENCE  # the kernel ends them when their parents have gone
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < until, "a simulation outlived the campaign"
        time.sleep(0.1)


def test_a_second_launch_beside_the_first_is_refused(tmp_path: Path, ray_address: str):
    driver = Driver(tmp_path, seconds=0.1, trials=4, mlflow="off", ray=ray_address)
    driver.let_run(2)
    process = driver.launch()
    driver.wait_for(1, process)
    second = driver.launch()
    output, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert "holds a campaign already" in output
    assert "it is running" in output
    code, output = driver.resume()
    assert code == 2
    assert f"is in use by process {process.pid}" in output
    driver.let_run(4)
    assert process.communicate(timeout=PATIENCE) is not None
    assert process.returncode == 0
    assert driver.runs() == dict.fromkeys(range(4), 1)


@pytest.mark.long
@MLFLOW_WARNS
def test_an_mlflow_server_that_comes_and_goes_costs_no_trial(tmp_path: Path, ray_address: str):
    server = Server(tmp_path)
    driver = Driver(tmp_path, seconds=0.1, trials=100, mlflow=server.uri, ray=ray_address)
    driver.let_run(10)
    process = driver.launch()
    try:
        driver.wait_for(10, process)  # down at the start: the campaign runs all the same
        server.start()
        driver.wait_for_mirror(10, server.database, process)
        driver.let_run(30)
        driver.wait_for(30, process)
        server.kill()
        driver.let_run(50)
        driver.wait_for(50, process)
        server.start()
        driver.wait_for_mirror(50, server.database, process)
        driver.let_run(100)
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
        assert "MLflow does not answer" in output
        assert driver.runs() == dict.fromkeys(range(100), 1)
        assert driver.mlflow_runs(server.database) == (dict.fromkeys(range(100), "FINISHED"), ["FINISHED"])
    finally:
        process.kill()
        server.kill()


@pytest.mark.long
@MLFLOW_WARNS
def test_an_mlflow_server_that_stays_down_gets_everything_on_resume(tmp_path: Path, ray_address: str):
    server = Server(tmp_path)
    driver = Driver(tmp_path, seconds=0.1, trials=6, mlflow=server.uri, ray=ray_address)
    process = driver.launch()
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    assert "MLflow lacks 6 trials" in output
    server.start()
    try:
        code, output = driver.resume()
        assert code == 0, output
        assert driver.runs() == dict.fromkeys(range(6), 1)
        assert driver.mlflow_runs(server.database) == (dict.fromkeys(range(6), "FINISHED"), ["FINISHED"])
    finally:
        server.kill()
