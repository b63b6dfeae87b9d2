"""Campaigns whose output goes nowhere: real processes, pipes, full devices, closed streams and terminals."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import StopAfter
from patience import PATIENCE

from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process

Make = Callable[..., Campaign]
# `softal launch` as it is, but for Ray, on threads.
LAUNCH = """
import sys
from functools import partialmethod
from softal import typer_cli
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.in_process import in_process
Campaign.launch = partialmethod(Campaign.launch, executor=in_process)
sys.argv = ["softal", "launch", "odd.yaml", "--runs", "my runs"]
typer_cli.main()
"""
SIMULATION = r"""
print("loading [/b]")
def simulate(x, c):
    if x > 0.6:  # the first one does, and is told of
        raise ValueError("[/bold] [red]x[/red] \x1b[2J\x1b]0;title\x07 \udcff [/]")
    return {"f[/b]": (x, 0.1), "g[r] peak": x}
"""
CAMPAIGN = r"""
name: odd
simulator: odd:simulate
space: {x: {low: 0, high: 1}, c: {choices: ["[/b]", "\e[31mred\r", "[red]"]}}
objective: {minimize: "f[/b]"}
strategy: random
surrogate: none
budget: {trials: 12}
workers: {concurrent: 1}
tracking: {mlflow: "off", experiment: "[/x]"}
"""
SILENT = {"full": "> /dev/full 2>&1", "closed": "<&- >&- 2>&-", "reader left": "2>&1 | head -1"}


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """A folder with a campaign in which everything that has a name has an odd one."""
    (tmp_path / "odd.py").write_text(SIMULATION)
    (tmp_path / "odd.yaml").write_text(CAMPAIGN)
    (tmp_path / "launch.py").write_text(LAUNCH)
    return tmp_path


def launched(folder: Path, redirected: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Launch the campaign through a shell whose exit code is that of the campaign."""
    command = f'"{sys.executable}" launch.py {redirected}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, **environment}, capture_output=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip


def check_finished(folder: Path) -> None:
    status = Campaign.open(folder / "my runs" / "odd").status()
    assert (status.state, status.done + status.failed) == ("finished", 12)
    assert status.failed
    assert (folder / "my runs" / "odd" / "report.html").exists()


@pytest.mark.ray
@pytest.mark.parametrize("how", SILENT)
def test_a_campaign_that_cannot_print_goes_on_to_its_end(how: str, odd: Path) -> None:
    ran = launched(odd, SILENT[how])
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout == (b"loading [/b]\n" if how == "reader left" else b"")
    check_finished(odd)


@pytest.mark.ray
def test_a_terminal_that_knows_ascii_only(odd: Path) -> None:
    ran = launched(odd, PYTHONIOENCODING="ascii", COLUMNS="200")
    assert ran.returncode == 0
    assert ran.stdout.isascii()
    assert not set(ran.stdout) & set(b"\x1b\r\x07")
    assert b" +- 0.10" in ran.stdout
    assert rb"ValueError: [/bold] [red]x[/red] \x1b[2J\x1b]0;title\x07 \udcff [/]" in ran.stdout
    assert b"MLflow     softal ui 'my runs/odd'\n" in ran.stdout
    check_finished(odd)


@pytest.mark.ray
def test_a_command_whose_output_is_lost_has_failed_and_says_so() -> None:
    command = [sys.executable, "-m", "softal.typer_cli", "kinds", "--json"]
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    said = b"not all could be written to the standard output: No space left on device\n"
    assert (ran.returncode, ran.stderr) == (1, said)


@pytest.mark.long
@pytest.mark.ray
def test_a_reader_that_has_enough_is_no_failure() -> None:
    command = [sys.executable, "-m", "softal.typer_cli", "kinds"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"Simulators")
        process.stdout.close()
        assert (process.wait(PATIENCE), process.stderr.read()) == (0, b"")


# The end of the terminal.


class HungUp(StopAfter):
    """Tells this process that its terminal was closed, when so many trials are finished."""

    signal = signal.SIGHUP


@pytest.fixture
def _ignored() -> Any:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGHUP, before)


def test_the_end_of_the_terminal_is_an_orderly_stop(make_campaign: Make) -> None:
    campaign = make_campaign(budget={"trials": 500})
    ending = campaign.launch(HungUp(3), executor=in_process)
    assert (ending.state, ending.exit_code) == ("stopped", 128 + signal.SIGHUP)
    assert campaign.status().reason == "SIGHUP: the terminal was closed"
    assert ending.report is not None


@pytest.mark.usefixtures("_ignored")
def test_under_nohup_it_is_none(make_campaign: Make) -> None:
    assert make_campaign(budget={"trials": 6}).launch(HungUp(3), executor=in_process).exit_code == 0


@pytest.mark.long
@pytest.mark.ray
def test_simulations_outlive_the_terminal_until_the_campaign_has_stopped(odd: Path) -> None:
    """A terminal that closes tells all processes in its foreground: those of Ray, too."""
    (odd / "slow.sh").write_text('#!/bin/sh\necho >> "$2/ran"\nsleep 2\necho "{\\"f\\": $1}"\n')
    (odd / "slow.sh").chmod(0o755)
    (odd / "slow.yaml").write_text(
        "simulator: {command: './slow.sh {x} {folder}'}\nspace: {x: {low: 0, high: 1}}\nobjective: {minimize: f}\n"
        "strategy: random\nsurrogate: none\nbudget: {trials: 400}\ntracking: {mlflow: 'off'}\n"
        "workers: {concurrent: 1, grace: 20 s}\n"
    )
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(odd)
        os.execv(sys.executable, [sys.executable, "-m", "softal.typer_cli", "launch", "slow.yaml", "--runs", "."])
    until = time.monotonic() + PATIENCE
    while not (odd / "ran").exists() and time.monotonic() < until:
        os.read(terminal, 4096)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
    found = Campaign.open(odd / "slow").status()
    assert (found.state, found.done, found.failed) == ("stopped", 1, 0)
