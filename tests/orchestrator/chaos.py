"""Kills processes of real campaigns, fills their disk and stops them, and says whether anything was lost by that.

    python tests/orchestrator/chaos.py --kills 200 --seed 1         `make chaos`

The same seed does the same to the same kinds of processes in the same order. A campaign that was stopped by what was
done to it is resumed. Nothing may be lost (see `Chaos.check`), and the exit codes are those of docs/faults.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from driving import Driver

from softal.tracking.database import DATABASE
from softal.trial import Trial, TrialState

# How often of 20 times each is done.
SHARES = {
    "worker": 4, "sandbox": 4, "strategist": 2, "trainer": 2, "tracker": 2, "disk": 2,
    "driver": 1, "raylet": 1, "gcs_server": 1, "sigterm": 1,
}  # fmt: skip
ENDS = {"driver": -signal.SIGKILL, "raylet": 1, "gcs_server": 1, "sigterm": 143}  # exit codes of what ends a campaign
AGENTS = {"strategist": "ray::Strategist", "trainer": "ray::Trainer", "tracker": "ray::Tracker"}
WAIT = 200.0  # seconds for anything, on a machine that has other work
DISK = "64m"
MARK = "SOFTAL_CHAOS"  # variable of the environment by which a campaign's processes are known


def order(kills: int, seed: int) -> list[str]:
    """Return what is done, in its order: of each 20 as `SHARES` says."""
    rng = random.Random(seed)
    found: list[str] = []
    while len(found) < kills:
        some = [kind for kind, times in SHARES.items() for _ in range(times)]
        rng.shuffle(some)
        found += some
    return found[:kills]


class Chaos:
    """A campaign in a process of its own, to which things are done.

    Args:
        folder: of its files.
        seed: of moments and victims.
        disk: whether the campaign's folder is a small disk, which can be filled.
    """

    def __init__(self, folder: Path, seed: int, *, disk: bool) -> None:
        self.rng, self.disk = random.Random(seed), disk
        self.driver = Driver(folder, seconds=0.1, trials=100_000, grace=2, mlflow="null")
        text = self.driver.file.read_text()
        self.driver.file.write_text(text.replace("{kind: bayesian, n_initial: 4}", "random"))
        self.driver.let_run(2)
        self.mark = f"{folder}-{seed}"
        self.output = folder / "output"
        self.process: subprocess.Popen[bytes] | None = None
        self.done: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.killed: Counter[int] = Counter()  # simulations, by trial
        self.finished: dict[int, tuple[Trial, int]] = {}  # trials as they were, with the number of their runs

    def start(self) -> None:
        """Launch the campaign, or resume it, and wait until two simulations are under way."""
        exists = (self.driver.state / DATABASE).exists()
        arguments = ["resume", str(self.driver.state)] if exists else ["launch", str(self.driver.file)]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "softal.typer_cli", *arguments],
                cwd=self.driver.folder, stdout=output, stderr=output, stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONUNBUFFERED": "1", MARK: self.mark}, start_new_session=True,
            )  # fmt: skip
        self.go_on(2)

    def go_on(self, trials: int) -> None:
        """Let so many more trials finish, and wait until the next ones wait in the middle of their simulations."""
        target = self.count() + trials
        self.driver.let_run(target + 1)  # those with higher numbers wait
        self.until(lambda: self.count() >= target and len(self.waiting()) == 2, f"{target} trials are finished")

    def count(self) -> int:
        """Return how many trials are finished."""
        if not (self.driver.state / DATABASE).exists():
            return 0
        with closing(sqlite3.connect(f"file:{self.driver.state / DATABASE}?mode=ro", uri=True, timeout=30)) as journal:
            [(found,)] = journal.execute("SELECT count(*) FROM trials WHERE state IN ('done', 'failed')")
        return int(found)

    def waiting(self) -> dict[int, tuple[int, int]]:
        """Return the trials whose simulations run: trial -> processes of its Ray worker and its sandbox."""
        lines = self.driver.log.read_text().splitlines() if self.driver.log.exists() else []
        started = {int(process): (int(trial), int(worker)) for trial, worker, process in map(str.split, lines)}
        alive = {process: told for process, told in started.items() if psutil.pid_exists(process)}
        return {trial: (worker, process) for process, (trial, worker) in alive.items() if self.is_running(trial)}

    def is_running(self, trial: int) -> bool:
        """Return whether the journal says so."""
        with closing(sqlite3.connect(f"file:{self.driver.state / DATABASE}?mode=ro", uri=True, timeout=30)) as journal:
            return journal.execute("SELECT state FROM trials WHERE id = ?", (trial,)).fetchone() == ("running",)

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for something while the campaign runs."""
        assert self.process is not None
        end = time.monotonic() + WAIT
        while not holds():
            assert time.monotonic() < end, f"not within {WAIT:g} s: {what}\n{self.said()}"
            assert self.process.poll() is None, f"the campaign ended ({self.process.returncode})\n{self.said()}"
            time.sleep(0.1)

    def said(self) -> str:
        """Return the last of what the campaign has printed."""
        return self.output.read_text(errors="replace")[-3000:]

    def processes(self) -> dict[int, str]:
        """Return the processes of the campaign, and of all that it has started: process -> command."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = " ".join(process.cmdline())
        return found

    def do(self, what: str) -> None:
        """Do something to the campaign; resume it, if that ends it, or wait until it has gone on."""
        assert self.process is not None
        self.remember()
        if what == "disk" and not self.disk:
            self.skipped[what] += 1
            return
        if what == "disk":
            self.fill()
        elif what == "driver":
            self.process.kill()
        elif what == "sigterm":
            self.process.terminate()
        else:
            os.kill(self.victim(what), signal.SIGKILL)
        self.done[what] += 1
        if what in ENDS:
            self.driver.let_run(0)
            self.end(ENDS[what])
            self.check()
            self.start()
        else:
            self.go_on(self.rng.randint(1, 3))

    def victim(self, what: str) -> int:
        """Return the process that is killed."""
        if what in ("worker", "sandbox"):
            running = self.waiting()
            # A simulation that is killed more often than `workers.retries` has failed, and rightly.
            trial = self.rng.choice(sorted(running))
            sandbox = what == "sandbox" and self.killed[trial] < 2
            self.killed[trial] += sandbox
            return running[trial][sandbox]
        name = AGENTS.get(what, f"/{what}")
        found: list[int] = []

        def appeared() -> bool:
            found[:] = [process for process, said in self.processes().items() if name in said.split(" ", 1)[0]]
            return bool(found)

        self.until(appeared, f"{name} runs")
        return found[0]

    def fill(self) -> None:
        """Fill the campaign's disk, let a trial meet that, and make room when the campaign says that it is paused."""
        before, filler = self.output.stat().st_size, self.driver.state / "filler"
        with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while stream.write(b"x" * 4096):
                pass
        self.driver.let_run(self.count() + 2)
        self.until(lambda: b"Paused, since a disk is full" in self.output.read_bytes()[before:], "it is paused")
        filler.unlink()

    def end(self, code: int) -> None:
        """Wait for the end of the driver and of all that it has started."""
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(WAIT)
        found = self.process.returncode  # None where it goes on
        assert found == code, f"exit code {found}, not {code}\n{self.said()}"
        assert b"Traceback" not in self.output.read_bytes(), self.said()
        end = time.monotonic() + WAIT
        while left := self.processes():
            assert time.monotonic() < end, f"left over: {left}"
            time.sleep(0.2)

    def remember(self) -> None:
        """Keep the finished trials as they are, with how often they have run."""
        runs = self.driver.runs()
        for trial in self.driver.trials():
            if trial.state.finished and trial.id not in self.finished:
                self.finished[trial.id] = trial, runs[trial.id]

    def check(self) -> None:
        """Say that no finished trial is lost or has run again, and that none has failed: none has failed by itself."""
        now, runs = {trial.id: trial for trial in self.driver.trials()}, self.driver.runs()
        for i, (trial, ran) in self.finished.items():
            assert now.get(i) == trial, f"trial {i} was finished, and has changed: {trial} -> {now.get(i)}"
            assert runs[i] == ran, f"trial {i} was finished, and ran again"
        failed = [trial for trial in now.values() if trial.state is TrialState.FAILED]
        assert not failed, f"failed, but not by themselves: {[(trial.id, trial.reason) for trial in failed]}"
        assert sorted(now) == list(range(len(now))), "numbers of trials are missing"
        assert all(runs[i] <= trial.attempts for i, trial in now.items()), "a trial ran more often than it was started"

    def finish(self) -> None:
        """Let the campaign come to its end, by its budget, and look at everything for the last time."""
        assert self.process is not None
        self.remember()
        self.process.terminate()
        self.end(143)
        total = len(self.driver.trials())
        self.driver.let_run(10**6)
        arguments = ["resume", str(self.driver.state), "--trials", str(total)]
        code = subprocess.run(
            [sys.executable, "-m", "softal.typer_cli", *arguments], cwd=self.driver.folder, check=False, timeout=WAIT,
            stdin=subprocess.DEVNULL, capture_output=True,
        ).returncode  # fmt: skip
        assert code == 0, f"exit code {code}"
        self.check()
        assert {trial.state for trial in self.driver.trials()} == {TrialState.DONE}
        children, parents = self.driver.mlflow_runs()
        assert children == dict.fromkeys(range(total), "FINISHED")
        assert parents == ["FINISHED"]

    def clear(self) -> None:
        """End what is left, where something went wrong."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a small disk there, and say whether that went: it takes root."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run(folder: Path, kills: int, seed: int, tell: Callable[[str], None] = lambda text: None) -> Chaos:
    """Do so many things to a campaign in a folder; AssertionError says what was lost."""
    with small_disk(folder / "runs") as disk:
        chaos = Chaos(folder, seed, disk=disk)
        try:
            chaos.start()
            for i, what in enumerate(order(kills, seed), start=1):
                tell(f"{i:4d}  {what}")
                chaos.do(what)
            chaos.finish()
        finally:
            chaos.clear()
        return chaos


def main() -> int:
    """Do as the command line says; 1 where something was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="of what is done when to whom")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="softal-chaos-") as folder:
        try:
            chaos = run(Path(folder), chosen.kills, chosen.seed, lambda text: print(text, flush=True))
        except AssertionError as error:
            print(f"Lost: {error}", file=sys.stderr)
            return 1
    print(f"Nothing was lost. Done: {dict(chaos.done)}; skipped: {dict(chaos.skipped)}; trials: {len(chaos.finished)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
