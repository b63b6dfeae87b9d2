"""Campaigns in processes of their own, and listeners that do what users do."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from patience import PATIENCE

from softal.orchestrator.campaign import Campaign, Silent
from softal.trial import Trial

HERE = Path(__file__).parent / "orchestrator"

REASONS = {
    "segfault": r"crashed with SIGSEGV \(Segmentation fault\) in simulations.py, line \d+; "
    r"its last output: about to crash",
    "hang": r"ran longer than its walltime of 1 s and was stopped",
    "error": r"ZeroDivisionError: the box has no volume \(simulations.py, line \d+\)",
    "reason": r"the crystal melted",
    "leave": r"the process ended by itself with exit code 3",
    "nan": r"value 'f' is nan",
    "undeclared": r"value 'f' is declared but was not returned",
    "nothing": r"the simulator returned NoneType, not an Observation",
}


CAMPAIGN = """
name: {name}
simulator: {{kind: 'simulations:Bowl', seconds: {seconds}, log: {log}, pace: {pace}}}
space: {{x: {{low: 0, high: 1}}, y: {{low: 0, high: 1}}}}
objective: {{minimize: f}}
strategy: {{kind: bayesian, n_initial: 4}}
surrogate: gp
budget: {{trials: {trials}}}
tracking: {{mlflow: {mlflow}}}
workers: {{concurrent: 2, grace: {grace} s}}
seed: 3
"""

CHILDREN = """
SELECT tags.value, runs.status FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid
WHERE tags.key = 'softal.trial' AND runs.lifecycle_stage = 'active'
"""


class Driver:
    """`softal` in a process of its own, a campaign in a folder of its own, on a Ray of its own or that at `ray`."""

    def __init__(
        self, folder: Path, *, seconds: float = 0.3, trials: int = 12, grace: float = 5, mlflow: str = "null",
        ray: str | None = None,
    ) -> None:  # fmt: skip
        self._ray = {} if ray is None else {"RAY_ADDRESS": ray}
        self.folder, self.log, self.state = folder, folder / "log", folder / "runs" / "victim"
        self.file = folder / "victim.yaml"
        (folder / "simulations.py").write_text((HERE / "simulations.py").read_text())
        self._pace = folder / "pace"
        self.let_run(trials)
        self.file.write_text(
            CAMPAIGN.format(
                name="victim", seconds=seconds, log=self.log, pace=self._pace, trials=trials, grace=grace, mlflow=mlflow
            )
        )

    def let_run(self, trials: int) -> None:
        """Let trials from this one on wait until more are let run; at first all are."""
        written = self._pace.with_suffix(".new")
        written.write_text(str(trials))
        written.replace(self._pace)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "softal.typer_cli", *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **self._ray}
        return subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment,
            start_new_session=True,
        )  # fmt: skip

    def launch(self) -> subprocess.Popen[str]:
        return self.start("launch", str(self.file))

    def resume(self) -> tuple[int, str]:
        process = self.start("resume", str(self.state))
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def runs(self) -> Counter[int]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(int(line.split()[0]) for line in lines)

    def wait_for(self, runs: int, process: subprocess.Popen[str]) -> None:
        self.wait_until(lambda: sum(self.runs().values()) >= runs, process)

    def wait_for_mirror(self, trials: int, database: Path, process: subprocess.Popen[str]) -> None:
        """Wait until so many finished trials are in MLflow."""
        self.wait_until(lambda: Counter(self.mlflow_runs(database)[0].values())["FINISHED"] >= trials, process)

    def hear(self, text: str, process: subprocess.Popen[str]) -> str:
        """Return what the campaign prints, up to the line in which there is this text."""
        heard = ""
        assert process.stdout is not None
        for line in process.stdout:
            heard += line
            if text in line:
                return heard
        raise AssertionError(f"the campaign has ended and not said: {text}\n{heard}")

    def rest(self, process: subprocess.Popen[str]) -> str:
        """Return what the campaign prints from now on to its end."""
        assert process.stdout is not None
        with process.stdout:
            found = process.stdout.read()
        process.wait(PATIENCE)
        return found

    def wait_until(self, enough: Callable[[], object], process: subprocess.Popen[str]) -> None:
        until = time.monotonic() + PATIENCE
        while not enough():
            if time.monotonic() > until or process.poll() is not None:
                os.killpg(process.pid, signal.SIGKILL)
                raise AssertionError(f"it did not come to that; the campaign said:\n{process.communicate()[0]}")
            time.sleep(0.05)

    def trials(self) -> list[Trial]:
        return Campaign.open(self.state).list_trials()

    def mlflow_runs(self, path: Path | None = None) -> tuple[dict[int, str], list[str]]:
        """Return trial -> status, and the statuses of the campaign's own runs."""
        with closing(sqlite3.connect(path or self.state / "mlflow.db")) as database:
            children = database.execute(CHILDREN).fetchall()
            everything = database.execute("SELECT status FROM runs WHERE lifecycle_stage = 'active'").fetchall()
        assert len({trial for trial, _ in children}) == len(children), "a trial is in MLflow twice"
        statuses = Counter(status for (status,) in everything) - Counter(status for _, status in children)
        return {int(trial): status for trial, status in children}, sorted(statuses.elements())


def results(campaign: Campaign) -> list[tuple]:
    return [(t.id, t.point, t.seed, t.objective, t.proposed_by) for t in campaign.list_trials()]


@contextmanager
def worker_killed_in(trial: int, log: Path, pace: Path) -> Iterator[None]:
    """Kill the Ray worker that runs a trial, once, in the middle of it: simulations wait there for the pace."""

    def kill() -> None:
        workers: dict[int, int] = {}
        while trial not in workers:
            time.sleep(0.05)
            lines = log.read_text().splitlines() if log.exists() else []
            workers = {int(number): int(worker) for number, worker, *_ in map(str.split, lines)}
        os.kill(workers[trial], signal.SIGKILL)
        later = pace.with_suffix(".later")
        later.write_text("1000000")
        later.replace(pace)

    pace.write_text(str(trial))
    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    yield
    thread.join(PATIENCE)


class StopAfter(Silent):
    """Sends this process a signal when so many trials are finished, as a user does."""

    signal = signal.SIGINT

    def __init__(self, trials: int) -> None:
        self.left = trials

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), self.signal)


class Listening(Silent):
    """Keeps what the user is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)
