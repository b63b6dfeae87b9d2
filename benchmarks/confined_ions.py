"""How few simulations of ions between planes teach their profiles: by committee, Sobol, random, the paper's grid.

    .venv/bin/python benchmarks/confined_ions_library.py runs/ions_library     # hours, once
    nice .venv/bin/python benchmarks/confined_ions.py --docs docs/confined_ions.md

Strategies choose among the real simulations of the library's pool (`confined_ions_replay.py`), and what is learned from
them is judged on systems that are sampled four times as long. Beside the ensemble stands Gaussian-process regression of
the same simulations. Results are kept in --folder; a run that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import confined_ions_replay
import numpy as np
import overhead
from confined_ions_library import POOL_FIDELITY, SYSTEMS, TEST_FIDELITY, Library, good
from confined_ions_replay import METHODS, Job
from jobs import run_all

from softal.orchestrator.campaign import Campaign

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "runs" / "ions_library"
FOLDER = HERE.parent / "runs" / "benchmarks" / "confined_ions"
BEGIN, END = "<!-- efficiency: begin -->", "<!-- efficiency: end -->"
NETWORKS = ("ensemble", "gaussian_process")
COMPARED = ("committee", "sobol", "random", "grid")  # where nothing else is asked for
LABELS = {
    "committee": "committee, cost by steps",
    "committee_gp": "committee of Gaussian processes, cost by steps",
    "committee_no_cost": "committee without cost",
    "sobol": "Sobol",
    "random": "random",
    "grid": "grid (the paper's way)",
}
COLOURS = {
    "committee": "#1f6fb2",
    "committee_gp": "#2e8b57",
    "committee_no_cost": "#b23a48",
    "sobol": "#c9a227",
    "random": "#999999",
    "grid": "#444444",
}
PAPER = {"success": 0.958, "I": 0.98, "II": 0.91, "III": 0.78, "IV": 0.89}

Steps = Sequence[Mapping[str, Any]]
Results = Mapping[tuple[str, str], Sequence[Steps]]  # method, network -> steps of each seed


def main() -> None:
    options = _options()
    if options.campaign:
        print(json.dumps(judge(options.campaign, options.library), indent=1))
        return
    if not options.show:
        measure(options)
    results = load(options.folder)
    text = markdown(results, json.loads((options.folder / "machine.json").read_text()))
    print(text)
    if options.docs:
        images = options.docs.parent / "images"
        plot(results, images / "confined-ions-efficiency.png")
        overhead.put_into(options.docs, f"{text}\n", BEGIN, END)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(COMPARED), metavar="METHOD")
    parser.add_argument("--seeds", type=int, default=5, help="paths of each method")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are kept")
    parser.add_argument("--campaign", type=Path, help="judge this campaign's own simulations, and nothing else")
    parser.add_argument("--show", action="store_true", help="run nothing: what there is in the folder")
    parser.add_argument("--docs", type=Path, help="Markdown file whose section is replaced; a figure goes to images/")
    return parser.parse_args()


def judge(campaign: Path, library: Path) -> list[dict[str, Any]]:
    """Return what a campaign's first simulations, as many as in SIZES, teach of the library's tests."""
    own = replace(Library.load(library), pool=good(campaign))
    objective = Campaign.open(library / "pool").spec.objective
    sizes = [n for n in confined_ions_replay.SIZES if n <= len(own.pool)]
    steps = [confined_ions_replay.judged(own, objective, np.arange(n), Job("committee", 0)) for n in sizes]
    return [{**step, "chosen": len(step["chosen"])} for step in steps]


def measure(options: argparse.Namespace) -> None:
    """Run what is not there yet."""
    options.folder.mkdir(parents=True, exist_ok=True)
    library = Library.load(options.library)
    machine = overhead.machine(("softal", "torch")) | {"pool": len(library.pool), "tests": len(library.tests)}
    (options.folder / "machine.json").write_text(json.dumps(machine, indent=1) + "\n")
    jobs = [Job(method, seed) for seed in range(options.seeds) for method in options.methods]
    jobs += [
        Job(method, seed, "gaussian_process") for seed in range(options.seeds) for method in ("committee", "sobol")
    ]
    began = time.monotonic()
    ended = run_all(jobs, _run, options.library, options.folder, workers=options.workers)
    for number, (job, future) in enumerate(ended, start=1):
        future.result()
        done = f"{number}/{len(jobs)} after {time.monotonic() - began:.0f} s"
        print(f"{done}: {job.method} ({job.network}) seed {job.seed}", file=sys.stderr, flush=True)


def _run(job: Job, library: Path, folder: Path) -> None:
    objective = Campaign.open(library / "pool").spec.objective
    confined_ions_replay.run(job, Library.load(library), objective, folder)


def load(folder: Path) -> dict[tuple[str, str], list[Steps]]:
    """Return the steps of each seed that the folder holds, by method and network."""
    found = {}
    for method in METHODS:
        for network in NETWORKS:
            if paths := sorted(folder.glob(f"{method}-{network}-[0-9]*.json")):
                found[method, network] = [json.loads(path.read_text())["steps"] for path in paths]
    return found


# What is told of it.


def middle(seeds: Sequence[Steps], number: int, name: str) -> float:
    """Return the median over the seeds of a measure after the same number of simulations."""
    return float(np.median([_of(steps[number], name) for steps in seeds]))


def _of(step: Mapping[str, Any], name: str) -> float:
    if name == "simulations":
        return float(len(step["chosen"]))
    group, _, key = name.partition(".")
    return float(step[group][key] if key else step[group])


def needed(steps: Steps, level: float, what: str = "simulations", measure: str = "rmse") -> float:
    """Return how much it takes to come down to a level and stay there, interpolated in logarithms; infinite if never.

    Args:
        steps: of one path.
        level: of the measure.
        what: `simulations` or `ion_steps`.
        measure: `rmse`, or `missed`, the part of densities that is not within an error bar of the paper's.
    """
    x = np.log([_of(step, what) for step in steps])
    y = np.log([1 - step["success_bars"] if measure == "missed" else step[measure] for step in steps])
    worst = np.maximum.accumulate(y[::-1])[::-1]  # of this step and all later ones
    if worst[-1] > np.log(level):
        return float("inf")
    first = int(np.argmax(worst <= np.log(level)))
    if first == 0:
        return float(np.exp(x[0]))
    part = (worst[first - 1] - np.log(level)) / (worst[first - 1] - worst[first])
    return float(np.exp(x[first - 1] + part * (x[first] - x[first - 1])))


def markdown(results: Results, machine: Mapping[str, Any]) -> str:
    """Return the figures as Markdown."""
    lines = [
        f"Measured on {machine['date']} ({machine['cpu']}). The pool has {machine['pool']} simulations of fidelity "
        f"{POOL_FIDELITY:g}, and {machine['tests']} of fidelity {TEST_FIDELITY:g} test; medians over the seeds in "
        "brackets.",
        "",
        *_accuracy(results),
        "",
        *_savings(results),
        "",
        *_systems(results),
    ]
    return "\n".join(lines)


def _accuracy(results: Results) -> list[str]:
    head = ("strategy", "simulations", "10^6 ion steps", "RMSE [mol/l]", "within the simulation's error",
            "within an error bar of the paper's", "contact, mid, peak", "in the 95 % band")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for (method, network), seeds in results.items():
        for number in _shown(seeds[0]):
            features = ", ".join(
                f"{middle(seeds, number, f'features.{name}'):.0%}" for name in ("contact", "mid", "peak")
            )
            cells = [
                f"{_label(method, network)} ({len(seeds)})", f"{middle(seeds, number, 'simulations'):.0f}",
                f"{middle(seeds, number, 'ion_steps'):.0f}", f"{middle(seeds, number, 'rmse'):.4f}",
                f"{middle(seeds, number, 'success'):.1%}", f"{middle(seeds, number, 'success_bars'):.1%}",
                features, f"{middle(seeds, number, 'coverage'):.1%}",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    one = next(iter(results.values()))[0][-1]
    return [*lines, "", f"The mean error of the simulations that test is {one['error']:.4f} mol/l; of bars of the "
            f"paper's size it is {one['bars']:.4f}."]  # fmt: skip


def _shown(steps: Steps) -> list[int]:
    """Return the numbers of a few steps: every third, and the last."""
    last = len(steps) - 1
    return sorted({*range(last % 3, last, 3), last})


def _savings(results: Results) -> list[str]:
    """Return how many simulations, and how many steps, each needs for the paper's score, and for Sobol's RMSE."""
    base = results.get(("sobol", "ensemble"))
    if base is None:
        return []
    numbers = [n for n, step in enumerate(base[0]) if 40 <= len(step["chosen"]) <= 200]
    levels = [(1 - PAPER["success"], "missed"), *((middle(base, n, "rmse"), "rmse") for n in numbers)]
    heads = [f"{PAPER['success']:.1%} within a bar of the paper's"]
    heads += [f"RMSE {middle(base, n, 'rmse'):.4f} (Sobol's after {len(base[0][n]['chosen'])})" for n in numbers]
    lines = [
        "Simulations (10^6 ion steps) that it takes for:", "",
        f"| | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|",
    ]  # fmt: skip
    for (method, network), seeds in results.items():
        cells = []
        for level, measure in levels:
            whats = ("simulations", "ion_steps")
            much = [float(np.median([needed(steps, level, what, measure) for steps in seeds])) for what in whats]
            cells.append(f"{much[0]:.0f} ({much[1]:.0f})" if np.isfinite(much).all() else "not reached")
        lines.append(f"| {_label(method, network)} | {' | '.join(cells)} |")
    return lines


def _label(method: str, network: str) -> str:
    return LABELS[method] + (", learned by Gaussian processes" if network == "gaussian_process" else "")


def _systems(results: Results) -> list[str]:
    lines = [
        f"| the paper's systems | {' | '.join(SYSTEMS)} |",
        "|---" * (1 + len(SYSTEMS)) + "|",
        "| the paper, 5,491 simulations | " + " | ".join(f"{PAPER[name]:.2f}" for name in SYSTEMS) + " |",
    ]
    for (method, network), seeds in results.items():
        if network == "ensemble" and method in ("committee", "sobol"):
            last = len(seeds[0]) - 1
            for kind, label in (
                ("systems_bars", "bars of the paper's size"),
                ("systems", "the simulation's own error"),
            ):
                cells = " | ".join(f"{middle(seeds, last, f'{kind}.{name}'):.2f}" for name in SYSTEMS)
                n = len(seeds[0][last]["chosen"])
                lines.append(f"| {LABELS[method]}, {n} simulations, {label} | {cells} |")
    return lines


def plot(results: Results, path: Path) -> None:
    """Draw RMSE against simulations and steps: medians, and the range over seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axis, what, label in zip(axes, ("simulations", "ion_steps"), ("simulations", "10^6 ion steps"), strict=True):
        for (method, network), seeds in results.items():
            if network != "ensemble":
                continue
            numbers = range(len(seeds[0]))
            x = [middle(seeds, n, what) for n in numbers]
            y = np.array([[steps[n]["rmse"] for steps in seeds] for n in numbers])
            axis.loglog(x, np.median(y, axis=1), "o-", ms=3, color=COLOURS[method], label=LABELS[method])
            axis.fill_between(x, y.min(axis=1), y.max(axis=1), color=COLOURS[method], alpha=0.12, lw=0)
        axis.set_xlabel(label)
    for axis, ticks in ((axes[0].xaxis, (12, 20, 40, 80, 160, 300)), (axes[1].xaxis, (60, 100, 200, 400, 800, 1600)),
                        (axes[0].yaxis, (0.004, 0.006, 0.008, 0.01, 0.015, 0.02, 0.03))):  # fmt: skip
        low, high = axis.get_view_interval()
        axis.set_minor_locator(NullLocator())
        axis.set_ticks([one for one in ticks if low <= one <= high])
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes[0].set_ylabel("RMSE of the profiles [mol/l]")
    axes[0].legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
