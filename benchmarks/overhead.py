"""What softal adds to a trial, beside bare Ray tasks, Ray Tune and Optuna, and how busy it keeps 32 workers.

    .venv/bin/python benchmarks/overhead.py --json results.json --docs docs/benchmarks.md

Every measurement is a process of its own; rounds go through all systems in turn, so that a machine that gets slower
is slower for all; the table has medians. `docs/benchmarks.md` says what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import figures
import processes

HERE = Path(__file__).resolve().parent
EVOLUTION = {
    "in_process": "a bare loop in one process",
    "batched": "softal, 64 points at once",
    "one_by_one": "softal, a task a point",
}
BUSY = ("utilisation", "utilisation_ray_tune")
SYSTEMS = ("softal", "ray", "ray_tune", "optuna", *EVOLUTION, *BUSY)
LABELS = {"softal": "softal", "ray": "bare Ray tasks", "ray_tune": "Ray Tune", "optuna": "Optuna, SQLite"}
PACKAGES = ("softal", "ray", "optuna", "mlflow", "torch", "botorch")
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
LIMIT = 3600  # s, for one measurement


def main() -> None:
    options = _options()
    results = json.loads(options.show.read_text()) if options.show else measure(options)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    table = markdown(results)
    print(table)
    if options.docs:
        put_into(options.docs, table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=10_000, help="no-op trials of softal and of bare Ray")
    parser.add_argument("--peer-trials", type=int, default=500, help="no-op trials of Ray Tune and Optuna, at most")
    parser.add_argument("--batched-trials", type=int, default=20_000, help="trials of CMA-ES, 64 points at once")
    parser.add_argument("--rounds", type=int, default=3, help="of the no-op trials")
    parser.add_argument("--workers", type=int, default=32, help="workers of the one-second simulations")
    parser.add_argument("--sleeps", type=int, default=1500, help="one-second simulations, at most")
    parser.add_argument("--seconds", type=float, default=120, help="length of the campaign that runs them [s], at most")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=SYSTEMS, metavar="NAME", help=", ".join(SYSTEMS))
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--docs", type=Path, help="Markdown file whose table is replaced")
    parser.add_argument("--show", type=Path, help="measure nothing: make the table of this JSON file")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure what is asked for, round by round, and return the figures by system."""
    peers = min(options.trials, options.peer_trials)
    sleeps = {"trials": options.sleeps, "workers": options.workers}
    settings: dict[str, dict[str, float]] = {
        "softal": {"trials": options.trials},
        "ray": {"trials": options.trials},
        "ray_tune": {"trials": peers},
        "optuna": {"trials": peers},
        "in_process": {"trials": options.batched_trials},
        "batched": {"trials": options.batched_trials},
        "one_by_one": {"trials": min(options.trials, options.batched_trials)},
        "utilisation": {**sleeps, "seconds": options.seconds},
        "utilisation_ray_tune": {**sleeps, "trials": min(options.sleeps, 10 * options.workers)},
    }
    results: dict[str, Any] = {"machine": machine()}
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in options.only}
    for i in range(options.rounds):
        for name in options.only:
            if i == 0 or not name.startswith("utilisation"):
                rounds[name].append(_measure_one(name, settings[name]))
    return results | {name: figures.medians(found) for name, found in rounds.items()}


def _measure_one(name: str, settings: dict[str, float]) -> dict[str, Any]:
    """Run one measurement in a process of its own, and watch its processes."""
    print(f"{time.strftime('%H:%M:%S')} {name} {settings}", file=sys.stderr, flush=True)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="softal-benchmark-") as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, str(HERE / "systems.py"), name, str(out)]
        command += [f"{key}={value}" for key, value in settings.items()]
        log = Path(folder) / "log.txt"
        with log.open("w") as stream:
            process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
            seen: dict[str, float] = {}
            if name.startswith("utilisation"):
                seen = processes.watch(process, LIMIT)
            else:  # a look at the processes costs more time than a trial
                process.wait(LIMIT)
        if process.returncode:
            raise SystemExit(f"{name} failed with exit code {process.returncode}:\n{log.read_text()[-3000:]}")
        return {**json.loads(out.read_text()), **seen, "load_before": load}


def machine(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Describe where this runs."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "date": time.strftime("%Y-%m-%d"),
        "load_before": os.getloadavg()[0],
    }


def markdown(results: dict[str, Any]) -> str:
    """Return the figures as Markdown tables."""
    where, lines = results["machine"], []
    packages = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    lines += [
        f"Measured on {where['date']} on {where['cores']} cores ({where['cpu']}, {where['memory_gib']} GiB), "
        f"load average before it {where['load_before']:.1f}; Python {where['python']}, {packages}.",
        "",
    ]
    if any(name in results for name in LABELS):
        lines += [*_no_op_table(results), ""]
    if "softal" in results:
        lines += [*_softal_table(results["softal"]), ""]
    if any(name in results for name in EVOLUTION):
        lines += [*_evolution_table(results), ""]
    if any(name in results for name in BUSY):
        lines += [*_utilisation_table(results), ""]
    return "\n".join(lines)


def _no_op_table(results: dict[str, Any]) -> list[str]:
    own = results.get("softal", {}).get("ms_per_trial")
    lines = ["| no-op trials | trials | ms per trial | times softal's | last / second tenth |", "|---|---|---|---|---|"]
    for name, label in LABELS.items():
        if one := results.get(name):
            ratio = f"{one['ms_per_trial'] / own:.2f}" if own else ""
            lines.append(f"| {label} | {one['trials']} | {one['ms_per_trial']:.2f} | {ratio} | {one['growth']:.2f} |")
    if one := results.get("ray"):
        ms = one["ms_per_trial_all_at_once"]
        ratio = f"{ms / own:.2f}" if own else ""
        lines.append(f"| bare Ray tasks, all submitted at once | {one['trials']} | {ms:.2f} | {ratio} | |")
    return lines


def _softal_table(one: dict[str, Any]) -> list[str]:
    return [
        "| softal's no-op campaign | |",
        "|---|---|",
        f"| free worker to next trial running, median (mean) | {one['gap_ms_median']:.2f} "
        f"({one['gap_ms_mean']:.2f}) ms |",
        f"| in the worker, median | {one['in_worker_ms_median']:.2f} ms |",
        f"| driver's memory after a tenth of the trials, and after all | {one['rss_mb_start']:.0f} MB, "
        f"{one['rss_mb_end']:.0f} MB |",
        f"| trials that MLflow lacked at the last trial's end | {one['mlflow_behind_at_end']} |",
        f"| until MLflow had them all ({one['mlflow_runs']} runs) | {one['mlflow_catch_up_s']:.1f} s |",
        f"| the report | {one['report_s']:.1f} s |",
    ]


def _evolution_table(results: dict[str, Any]) -> list[str]:
    bare = results.get("in_process", {}).get("ms_per_trial")
    lines = [
        "| CMA-ES, populations of 64, one worker | trials | ms per trial | beyond the bare loop "
        "| processor time of all processes "
        "| MLflow lacked at the end, until it had them | the report | from launch to the end |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, label in EVOLUTION.items():
        if one := results.get(name):
            more = f"{one['ms_per_trial'] - bare:.2f} ms" if bare and name != "in_process" else ""
            cells = [f"{one['trials']}", f"{one['ms_per_trial']:.2f}", more, f"{one['cpu_ms_per_trial']:.2f} ms"]
            if "whole_s" in one:
                cells.append(f"{one['mlflow_behind_at_end']}, {one['mlflow_catch_up_s']:.1f} s")
                cells += [f"{one['report_s']:.1f} s", f"{one['whole_s']:.0f} s"]
            lines.append("| " + " | ".join([label, *cells, *[""] * (7 - len(cells))]) + " |")
    return lines


def _utilisation_table(results: dict[str, Any]) -> list[str]:
    lines = [
        "| one-second simulations | workers | trials | measured over | workers' time in simulations "
        "| from first trial | from launch | processes | memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, label in (
        ("utilisation", "softal, Bayesian, 3 dimensions"),
        ("utilisation_ray_tune", "Ray Tune, random"),
    ):
        if one := results.get(name):
            lines.append(
                f"| {label} | {one['workers']} | {one['trials']} | {one['measured_s']:.0f} s | **{one['share']:.1%}** "
                f"| {one['share_from_first_trial']:.1%} | {one['share_from_launch']:.1%} "
                f"| {one['processes']} ({one['sandboxes']} sandboxes) | {one['memory_mb_peak']:.0f} MB |"
            )
    return lines


def put_into(page: Path, table: str, begin: str = BEGIN, end: str = END) -> None:
    """Replace what stands between the marks in the page."""
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{table}{end}{after}")


if __name__ == "__main__":
    main()
