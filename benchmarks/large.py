"""Campaigns of 100,000 trials: how long it takes to look at one, and what its processes hold while it runs.

    .venv/bin/python benchmarks/large.py --json results.json --docs docs/benchmarks.md

A journal of trials that do nothing is written at once, and looked at by `softal status`, `best`, `report` and the
explorer, each in a process of its own; what the same takes for 10 trials is the start-up. Then a campaign of as many
trials runs (random strategy, Gaussian process, MLflow, 2 workers), and its processes are watched from outside.
`docs/benchmarks.md` says what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import overhead
import psutil

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- large: begin -->", "<!-- large: end -->"
FEW = 10  # trials of the campaign whose looks are the start-up
BATCH = 1000  # trials that are written at once
PAUSE = 2.0  # s between looks at the processes
LOOKS = ("status", "best", "report", "explorer")
ROLES = {  # what a process's command line says, and what it is then
    "Strategist": "strategist",
    "Trainer": "trainer",
    "Tracker": "tracker",
    "workers/watcher.py": "watchers",
    "softal.orchestrator.workers.sandbox": "sandboxes",
    "ray::IDLE": "workers",
    "by random": "workers",
    "DashboardAgent": "Ray's dashboard agent",
    "RuntimeEnvAgent": "Ray's other processes",
    "dashboard": "Ray's dashboard",
    "gcs_server": "Ray's control service",
}
MB = 1e6


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] in ("campaign", "explorer"):
        return {"campaign": run_campaign, "explorer": explore}[sys.argv[1]](*sys.argv[2:])
    options = _options()
    results = json.loads(options.show.read_text()) if options.show else measure(options.trials, options.marks)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    table = markdown(results)
    print(table)
    if options.docs:
        overhead.put_into(options.docs, table, BEGIN, END)
    return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000, help="of the journal, and of the campaign")
    parser.add_argument(
        "--marks", type=int, nargs="+", default=[10_000], help="finished trials at which memory is noted"
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--docs", type=Path, help="Markdown file whose table is replaced")
    parser.add_argument("--show", type=Path, help="measure nothing: make the table of this JSON file")
    return parser.parse_args()


def measure(trials: int, marks: list[int]) -> dict[str, Any]:
    """Measure all of it and return the figures."""
    results: dict[str, Any] = {"machine": overhead.machine(), "trials": trials}
    with tempfile.TemporaryDirectory(prefix="softal-benchmark-") as name:
        folder = Path(name)
        few, many = (make_journal(folder, n) for n in (FEW, trials))
        results["looks"] = {what: {"few": look(what, few), "many": look(what, many)} for what in LOOKS}
        results["campaign"] = watch(folder, trials, [*(mark for mark in marks if mark < trials), trials])
        for what in LOOKS:
            results["looks"][what]["campaign"] = look(what, folder / "campaign")
    return results | {"load_after": os.getloadavg()[0]}


def _campaign(runs: Path, name: str, trials: int) -> Any:
    import work

    from softal.orchestrator.campaign import Campaign

    return Campaign(
        name=name,
        simulator=work.no_op,
        space={axis: {"low": 0.0, "high": 1.0} for axis in "xy"},
        objective={"minimize": "f"},
        strategy="random",
        budget={"trials": trials},
        workers={"concurrent": 2, "cpus": 1},
        runs=runs,
        folder=HERE,
    )


def make_journal(runs: Path, trials: int) -> Path:
    """Write the journal of a finished campaign without surrogate and return its folder."""
    from softal.tracking.journal import Journal
    from softal.trial import Observation, Trial, TrialState

    campaign, numbers, began = _campaign(runs, f"journal-{trials}", trials), random.Random(0), time.time()

    def made(i: int) -> Trial:
        x, y, started = numbers.random(), numbers.random(), began + 0.004 * i
        return Trial(
            i, {"x": x, "y": y}, seed=i, proposed_by="random", state=TrialState.DONE, host="here", attempts=1,
            observation=Observation({"f": x + y}), objective={"f": x + y},
            proposed=began, started=started, finished=started + 5e-4,
        )  # fmt: skip

    with Journal.create(campaign.folder, campaign.spec.text, campaign._info()) as journal:
        for first in range(0, trials, BATCH):
            journal.write([made(i) for i in range(first, min(trials, first + BATCH))])
        journal.set_info(state="finished", reason=f"all {trials} trials are finished", active=0.004 * trials)
    return campaign.folder


def look(what: str, folder: Path) -> dict[str, float]:
    """Return how long a command takes in a process of its own [s], and the most memory that it holds [MB].

    The memory is at least that of this process, of which the other one is a copy at first.
    """
    command = [sys.executable, "-m", "softal.typer_cli", what, str(folder)]
    if what == "explorer":
        command = [sys.executable, str(HERE / "large.py"), what, str(folder)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{what} of {folder} failed with exit code {process.returncode}:\n{said[-3000:]}")
    return {"s": seconds, "cpu_s": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss * 1024 / MB}


def explore(folder: str) -> None:
    """Say what the explorer's page asks for first."""
    from softal.orchestrator.campaign import Campaign
    from softal.service.explorer.model import Explorer
    from softal.service.explorer.plain import to_json

    print(len(to_json(Explorer(Campaign.open(folder)).describe())))


def run_campaign(runs: str, trials: str) -> None:
    """Run the campaign; this process is its driver."""
    ending = _campaign(Path(runs), "campaign", int(trials)).launch()
    assert ending.state == "finished", ending


def watch(runs: Path, trials: int, marks: list[int]) -> dict[str, Any]:
    """Run the campaign in a process of its own and return what its processes hold [MB].

    Memory is the proportional set size: what several processes share counts once. Of workers and sandboxes, the
    largest one counts.
    """
    found: dict[str, Any] = {"at": {}, "peak": {}, "load_before": os.getloadavg()[0]}
    began = time.perf_counter()
    log = runs / "log.txt"
    with log.open("w") as stream:
        command = [sys.executable, str(HERE / "large.py"), "campaign", str(runs), str(trials)]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        left = list(marks)
        while process.poll() is None:
            finished = _finished(runs / "campaign" / "journal.sqlite")
            held = _held(process.pid)
            for role, megabytes in held.items():
                found["peak"][role] = max(found["peak"].get(role, 0.0), megabytes)
            while left and finished >= left[0]:
                found["at"][str(left.pop(0))] = held
            time.sleep(PAUSE)
    if process.returncode:
        raise SystemExit(f"the campaign failed with exit code {process.returncode}:\n{log.read_text()[-3000:]}")
    found["seconds"] = time.perf_counter() - began
    return found


def _finished(database: Path) -> int:
    """Return how many trials of a campaign are finished."""
    if not database.exists():
        return 0
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as opened:
        return int(opened.execute("SELECT count(*) FROM trials WHERE told IS NOT NULL").fetchone()[0])


def _held(driver: int) -> dict[str, float]:
    held: dict[str, float] = {}
    for role, one in _family(driver):
        try:
            held[role] = max(held.get(role, 0.0), one.memory_full_info().pss / MB)
        except psutil.Error:
            continue
    return held


def _family(driver: int) -> Iterator[tuple[str, psutil.Process]]:
    try:
        yield "driver", (parent := psutil.Process(driver))
        children = parent.children(recursive=True)
    except psutil.Error:
        return
    for one in children:
        try:
            command = " ".join(one.cmdline())
        except psutil.Error:
            continue
        yield next((role for word, role in ROLES.items() if word in command), "Ray's other processes"), one


def markdown(results: dict[str, Any]) -> str:
    """Return the figures as Markdown tables."""
    where, trials, campaign = results["machine"], results["trials"], results["campaign"]
    lines = [
        f"Measured on {where['date']} on {where['cores']} cores ({where['cpu']}, {where['memory_gib']} GiB), load "
        f"average {where['load_before']:.1f} before it, {campaign['load_before']:.1f} before the campaign, "
        f"{results['load_after']:.1f} after it; Python {where['python']}.",
        "",
        f"| to look at | {FEW} trials | {trials:,} trials | more | of it processor time | memory "
        f"| {trials:,} trials with a surrogate | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for what, found in results["looks"].items():
        few, many, own = found["few"], found["many"], found["campaign"]
        more, cpu = many["s"] - few["s"], many["cpu_s"] - few["cpu_s"]
        lines.append(
            f"| {what} | {few['s']:.1f} s | {many['s']:.1f} s | **{more:.1f} s** | {cpu:.1f} s "
            f"| {many['mb']:.0f} MB | {own['s']:.1f} s | {own['mb']:.0f} MB |"
        )
    marks = list(campaign["at"])
    lines += [
        "",
        f"| memory of the campaign's processes | {' | '.join(f'{int(mark):,} trials' for mark in marks)} | at most |",
        "|---|" + "---|" * (len(marks) + 1),
    ]
    for role, peak in sorted(campaign["peak"].items(), key=lambda one: -one[1]):
        cells = [f"{held[role]:.0f} MB" if role in held else "" for held in campaign["at"].values()]
        lines.append(f"| {role} | {' | '.join(cells)} | {peak:.0f} MB |")
    lines += ["", f"The campaign took {campaign['seconds'] / 60:.1f} min from launch to the end.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
