"""A hundred programs that mostly wait: how soon all of them run, and what waiting for them costs.

    .venv/bin/python benchmarks/waiting.py

Two campaigns of programs that sleep, the same but for one word: `command:`, whose trials share a process (see
docs/clusters.md), and a class that inherits from it, whose trials have a worker and a sandbox each, as everything that
computes. Times are from the command on, memory is the proportional set size of all processes that softal has started.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from processes import held

SCRIPT = '#!/bin/sh\nsleep {seconds}\necho "{{\\"f\\": $1}}"\n'
OWN = "from softal.simulators.command import Command\n\n\nclass Own(Command):\n    pass\n"
CAMPAIGN = """\
simulator: {{{kind}command: "./wait.sh {{x}}"}}
space: {{x: {{low: 0, high: 1}}}}
objective: {{minimize: f}}
strategy: random
surrogate: none
budget: {{trials: {trials}}}
workers: {{concurrent: {workers}, cpus: {cpus:g}}}
"""
WAYS = {"together": "", "a worker each": "kind: 'own:Own', "}
LOOK = 0.25  # seconds between looks
LIMIT = 900.0  # seconds of a campaign


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--workers", type=int, default=100)
    options.add_argument("--trials", type=int, default=300)
    options.add_argument("--seconds", type=float, default=5.0, help="that each program sleeps")
    chosen = options.parse_args()
    print("| trials of programs that wait | first one runs | most at once | when | memory then | end |")
    print("|---|---|---|---|---|---|")
    for way, kind in WAYS.items():
        first, most, when, memory, end = measured(kind, chosen.workers, chosen.trials, chosen.seconds)
        print(f"| {way} | {first:.0f} s | {most} | {when:.0f} s | {memory / 1e6:.0f} MB | {end:.0f} s |", flush=True)


def measured(kind: str, workers: int, trials: int, seconds: float) -> tuple[float, int, float, float, float]:
    """Return when the first program runs [s], how many run at most and when, the memory then [bytes], and the end."""
    first, most, when, memory = 0.0, 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "wait.sh").write_text(SCRIPT.format(seconds=seconds))
        (folder / "wait.sh").chmod(0o755)
        (folder / "own.py").write_text(OWN)
        text = CAMPAIGN.format(kind=kind, trials=trials, workers=workers, cpus=min(1.0, 2 / workers))
        (folder / "waiting.yaml").write_text(text)
        start = time.monotonic()
        command = [sys.executable, "-m", "softal.typer_cli", "launch", "waiting.yaml", "--json"]
        with subprocess.Popen(command, cwd=folder, stdout=-3, stderr=-3) as driver:
            while driver.poll() is None:
                now = time.monotonic() - start
                if now > LIMIT:
                    driver.kill()
                below = psutil.Process(driver.pid).children(recursive=True)
                running = sum(is_program(process) for process in below)
                first = first or (now if running else 0.0)
                if running > most:
                    most, when, memory = running, now, held(below)
                time.sleep(LOOK)
        return first, most, when, memory, time.monotonic() - start


def is_program(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error, IndexError):
        return process.cmdline()[1].endswith("wait.sh")
    return False


if __name__ == "__main__":
    main()
