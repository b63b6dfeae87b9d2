"""How long a user waits: from Enter to the first trial, and from the last trial to the prompt, beside Optuna.

    .venv/bin/python benchmarks/startup.py

Eight trials of one second, two at a time, through the command line as it is: with the default strategy and surrogate,
and with neither. Optuna runs as many in two threads of a new Python. Each round goes through all of them in turn; the
table has medians. On a busy machine the figures say nothing: look at the load average.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRIALS, WORKERS, SECONDS = 8, 2, 1.0
SIMULATION = f"""
import time


def simulate(x, y):
    began = time.time()
    time.sleep({SECONDS})
    return {{"f": (x - 0.3) ** 2 + (y - 0.7) ** 2, "began": began, "ended": time.time()}}
"""
CAMPAIGN = """
simulator: startup_work:simulate
space: {{x: {{low: 0, high: 1}}, y: {{low: 0, high: 1}}}}
objective: {{minimize: f}}
budget: {{trials: {trials}}}
workers: {{concurrent: {workers}}}
{more}
"""
OPTUNA = """
import json, sys
import optuna
from startup_work import simulate

optuna.logging.set_verbosity(optuna.logging.WARNING)
found = []

def objective(trial):
    found.append(simulate(*(trial.suggest_float(name, 0, 1) for name in "xy")))
    return found[-1]["f"]

study = optuna.create_study(storage="sqlite:///optuna.db")
study.optimize(objective, n_trials={trials}, n_jobs={workers})
json.dump(found, open("found.json", "w"))
"""
CASES = {
    "softal, Bayesian, Gaussian process, MLflow": "",
    "softal, random, no surrogate, MLflow": "strategy: random\nsurrogate: none",
    "Optuna, TPE, SQLite": None,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    load = os.getloadavg()[0]
    measured = [{name: measure(more) for name, more in CASES.items()} for _ in range(rounds)]
    date = time.strftime("%Y-%m-%d")
    print(f"{date}, {os.cpu_count()} cores, load average before it {load:.1f}, medians of {rounds}\n")
    work = f"{TRIALS} trials of {SECONDS:g} s, {WORKERS} at a time"
    print(f"| {work} | first trial runs after | last trial ends after | prompt, after that | whole |")
    print("|---|---|---|---|---|")
    for name in CASES:
        figures = [statistics.median(one[name][i] for one in measured) for i in range(4)]
        print(f"| {name} | " + " | ".join(f"{value:.1f} s" for value in figures) + " |")


def measure(more: str | None) -> tuple[float, float, float, float]:
    """Return seconds to the first trial's begin, to the last one's end, from there to the process's end, and all."""
    with tempfile.TemporaryDirectory(prefix="softal-startup-") as name:
        folder = Path(name)
        (folder / "startup_work.py").write_text(SIMULATION)
        began = time.time()
        found = _optuna(folder) if more is None else _softal(folder, more)
        ended = time.time()
    first, last = min(one["began"] for one in found), max(one["ended"] for one in found)
    return first - began, last - began, ended - last, ended - began


def _softal(folder: Path, more: str) -> list[dict[str, float]]:
    (folder / "startup.yaml").write_text(CAMPAIGN.format(trials=TRIALS, workers=WORKERS, more=more))
    _run([sys.executable, "-m", "softal.typer_cli", "launch", "startup.yaml"], folder)
    from softal.tracking.journal import Journal

    with Journal.open(folder / "runs" / "startup") as journal:
        return [trial.observation.values for trial in journal.trials() if trial.observation]


def _optuna(folder: Path) -> list[dict[str, float]]:
    _run([sys.executable, "-c", OPTUNA.format(trials=TRIALS, workers=WORKERS)], folder)
    found: list[dict[str, float]] = json.loads((folder / "found.json").read_text())
    return found


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


if __name__ == "__main__":
    main()
