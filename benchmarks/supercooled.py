"""Networks that learn the dynamics of supercooled liquids: how good, how long they train, and which states to simulate.

    softal launch campaigns/supercooled_grid.yaml
    nice -n 5 .venv/bin/python benchmarks/supercooled.py --docs docs/benchmarks.md

The campaign is a library of real simulations. Strategies choose among two thirds of its states, each of which costs the
time that it simulated, and are judged on the last third, which lies between the others (`supercooled_library.py`):
the paper's grid, even in temperature, against query by committee (`supercooled_replay.py`). Accuracy by folds of
states, and transfer to colder states and to the other interaction, take the whole library (`supercooled_accuracy.py`).
Results are kept in --folder; a run that was killed goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import overhead
import supercooled_accuracy
import supercooled_figures
import supercooled_replay
from jobs import ONE_THREAD, run_all
from supercooled_library import Library
from supercooled_replay import GRID_SIZES, METHODS, Job, grid

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "runs" / "supercooled_grid"
FOLDER = HERE.parent / "runs" / "benchmarks" / "supercooled"
BEGIN, END = "<!-- supercooled: begin -->", "<!-- supercooled: end -->"
PACKAGES = ("softal", "torch")
ACCURACY = "accuracy.json"


def main() -> None:
    options = _options()
    library = Library.load(options.library)
    if not options.show:
        measure(library, options)
    found = json.loads((options.folder / ACCURACY).read_text())
    results = supercooled_figures.load(options.folder, options.methods)
    text = supercooled_figures.markdown(library, results, found, _machine(options.folder))
    print(text)
    if options.docs:
        images = options.docs.parent / "images"
        images.mkdir(parents=True, exist_ok=True)
        supercooled_figures.plot_paths(results, images / "supercooled-active.png")
        supercooled_figures.plot_accuracy(found, images / "supercooled-accuracy.png")
        overhead.put_into(options.docs, text, BEGIN, END)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, default=LIBRARY, help="folder of the campaign with the states")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--seeds", type=int, default=5, help="paths of each method")
    parser.add_argument("--limit", type=float, help="simulated time [tau] at which paths end; the largest grid's")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are kept")
    parser.add_argument("--show", action="store_true", help="run nothing: tables of what there is in the folder")
    parser.add_argument("--docs", type=Path, help="Markdown file whose section is replaced; figures go to its images/")
    return parser.parse_args()


def measure(library: Library, options: argparse.Namespace) -> None:
    """Run what is not there yet: accuracy alone, since it is timed, then the paths."""
    options.folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(ONE_THREAD)  # of the processes, which import torch after this
    if not (options.folder / ACCURACY).exists():
        (options.folder / "machine.json").write_text(json.dumps(overhead.machine(PACKAGES), indent=1) + "\n")
        found = supercooled_accuracy.measure(library.data)
        (options.folder / ACCURACY).write_text(json.dumps(found) + "\n")
    jobs = plan(library, options.methods, options.seeds, options.limit)
    began = time.monotonic()
    ended = run_all(jobs, _run, options.library, options.folder, workers=options.workers)
    for number, (job, future) in enumerate(ended, start=1):
        future.result()
        done = f"{number}/{len(jobs)} after {time.monotonic() - began:.0f} s"
        print(f"{done}: {job.method} seed {job.seed}", file=sys.stderr, flush=True)


def plan(library: Library, methods: Sequence[str], seeds: int, limit: float | None = None) -> list[Job]:
    """Return the jobs in the order in which they are begun: seed by seed."""
    until = limit or float(library.cost(grid(library, max(GRID_SIZES), log=False))[-1])
    return [Job(method, seed, until) for seed in range(seeds) for method in methods]


def _run(job: Job, library: Path, folder: Path) -> None:
    supercooled_replay.run(job, Library.load(library), folder)


def _machine(folder: Path) -> dict[str, Any]:
    path = folder / "machine.json"
    return dict(json.loads(path.read_text())) if path.exists() else overhead.machine(PACKAGES)


if __name__ == "__main__":
    main()
