"""How many evaluations methods need to reach given costs: softal's, the paper's, Optuna's, Ax's.

    nice -n 5 .venv/bin/python benchmarks/sample_efficiency.py --docs docs/benchmarks.md

Every method proposes one point after another to the same problems with the same seeds and budgets. Results are kept,
line by line, in --folder; a run that was killed goes on where it was. `docs/benchmarks.md` says what is measured.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import chains
import efficiency_figures
import overhead
from chains import Chain
from peers import METHODS
from problems import PROBLEMS, problem

from softal.orchestrator.workers.watcher import die_with_parent

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "runs" / "benchmarks" / "sample_efficiency"
BEGIN, END = "<!-- sample efficiency: begin -->", "<!-- sample efficiency: end -->"
PLOT = "images/sample-efficiency.png"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PACKAGES = ("softal", "torch", "botorch", "optuna", "ax-platform", "cma")


def main() -> None:
    options = _options()
    if not options.show:
        measure(options)
    results = efficiency_figures.load(options.folder, options.only, options.methods, options.budget)
    text = efficiency_figures.markdown(results, _machine(options.folder))
    print(text)
    if options.docs:
        plot = options.docs.parent / PLOT
        plot.parent.mkdir(parents=True, exist_ok=True)
        efficiency_figures.plot(results, plot)
        overhead.put_into(options.docs, f"{text}\n![Best cost so far against evaluations]({PLOT})\n", BEGIN, END)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PROBLEMS, default=list(PROBLEMS), metavar="PROBLEM")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--seeds", type=int, default=5, help="chains of each method on each problem")
    parser.add_argument("--budget", type=int, help="evaluations of each chain; the problems' own if not given")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are kept, line by line")
    parser.add_argument("--plan", action="store_true", help="say what would be run and how long it takes, and end")
    parser.add_argument("--show", action="store_true", help="run nothing: tables of what there is in the folder")
    parser.add_argument("--docs", type=Path, help="Markdown file whose section is replaced; the plot goes beside it")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> None:
    """Bring all chains to their budgets."""
    planned = plan(options.only, options.methods, options.seeds, options.budget)
    print(describe(planned, options.folder, options.workers), flush=True)
    if options.plan:
        raise SystemExit
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "machine.json").write_text(json.dumps(overhead.machine(PACKAGES), indent=1) + "\n")
    os.environ.update(ONE_THREAD)  # of the processes, which import numpy and torch after this
    began, failed = time.monotonic(), 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context, initializer=_prepare) as pool:
        futures = {pool.submit(chains.run, chain, options.folder): chain for chain in planned}
        for number, future in enumerate(as_completed(futures), start=1):
            chain, error = futures[future], future.exception()
            failed += error is not None
            print(
                f"{time.strftime('%H:%M:%S')} {number}/{len(planned)} after {time.monotonic() - began:.0f} s: "
                f"{chain.problem} {chain.method} seed {chain.seed}" + (f" FAILED: {error!r}" if error else ""),
                file=sys.stderr,
                flush=True,
            )
    if failed:
        raise SystemExit(f"{failed} chains failed; the others' results are in {options.folder}")


def plan(names: Sequence[str], methods: Sequence[str], seeds: int, budget: int | None = None) -> list[Chain]:
    """Return the chains in the order in which they are begun: seed by seed, the longest first."""
    found = [
        Chain(name, method, seed, budget or problem(name).budget_of(method))
        for seed in range(seeds)
        for name in names
        for method in methods
    ]
    return sorted(found, key=lambda chain: (chain.seed, -chain.cost_s()))


def describe(planned: Sequence[Chain], folder: Path, workers: int) -> str:
    """Return the plan and how long it will take, in words."""
    lines, total = [], 0.0
    for name in dict.fromkeys(chain.problem for chain in planned):
        own = [chain for chain in planned if chain.problem == name]
        done = [len(chains.read(chain.path(folder))) for chain in own]
        seconds = sum(chain.cost_s(n) for chain, n in zip(own, done, strict=True))
        total += seconds
        wanted = sum(chain.budget for chain in own)
        lines.append(f"{name}: {len(own)} chains, {sum(done)} of {wanted} evaluations there, {seconds / 60:.0f} min")
    return "\n".join([*lines, f"all: {total / 60:.0f} min of one core, about {total / 60 / workers:.0f} min here"])


def _prepare() -> None:
    """Set up a process of the pool; without the parent it would go on writing to files that another run continues."""
    die_with_parent()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")


def _machine(folder: Path) -> dict[str, object]:
    path = folder / "machine.json"
    return dict(json.loads(path.read_text())) if path.exists() else overhead.machine(PACKAGES)


if __name__ == "__main__":
    main()
