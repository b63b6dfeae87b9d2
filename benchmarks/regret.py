"""Regret of noisy functions after 25, 50 and 100 trials, with 1 to 32 workers: softal's, Optuna's, Ax's.

    nice -n 19 .venv/bin/python benchmarks/regret.py --seeds 3 --docs docs/benchmarks.md

Campaigns run in virtual time (`regret_chains.py`). Each that is done is a line of --folder/<method>.jsonl; a run that
was stopped goes on with the next one, and more --seeds add to what is there; --anew begins again. `docs/benchmarks.md`
says what is measured.
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

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "runs" / "benchmarks" / "regret"
WORKERS = (1, 8, 2, 32)  # in this order
SECONDS = (0.001, 1.0, 10.0)
PEERS_SECONDS = 1.0  # a peer is asked by each worker, so that as many points run, however long they take
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
Chain = tuple[str, str, int, float, int]  # function, method, workers, seconds, seed


def main() -> None:
    options = _options()
    os.environ.update(ONE_THREAD)
    import regret_figures

    if not options.show:
        measure(options)
    results = read(options.folder)
    print(regret_figures.markdown(results))
    if options.docs:
        regret_figures.put_into(options.docs, results)


def _options() -> argparse.Namespace:
    names = ("softal", "tpe", "optuna_gp", "ax")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=names, default=list(names), metavar="METHOD")
    parser.add_argument("--functions", nargs="+", default=["branin", "hartmann6", "bowl"], metavar="FUNCTION")
    parser.add_argument("--workers", nargs="+", type=int, default=list(WORKERS), metavar="N")
    parser.add_argument("--seconds", nargs="+", type=float, default=list(SECONDS), metavar="S")
    parser.add_argument("--trials", type=int, choices=(25, 50, 100), default=100, help="of each campaign")
    parser.add_argument("--seeds", type=int, default=3, help="campaigns of each kind")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are kept, line by line")
    parser.add_argument("--anew", action="store_true", help="forget what the folder has of these methods")
    parser.add_argument("--show", action="store_true", help="run nothing: tables of what there is in the folder")
    parser.add_argument("--docs", type=Path, help="Markdown file whose section is replaced; the plot goes beside it")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> None:
    """Run all campaigns that are not there yet."""
    import regret_chains

    regret_chains.prepare()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.anew:
        for method in options.methods:
            (options.folder / f"{method}.jsonl").unlink(missing_ok=True)
    known = {chain_of(line) for line in read(options.folder) if str(options.trials) in line["answer"]}
    wanted = [chain for chain in plan(options) if chain not in known]
    for number, chain in enumerate(wanted, start=1):
        line = regret_chains.run(*chain, options.trials)
        with (options.folder / f"{chain[1]}.jsonl").open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        print(
            f"{time.strftime('%H:%M:%S')} {number}/{len(wanted)} {chain} {line['cpu_s']} s", file=sys.stderr, flush=True
        )


def plan(options: argparse.Namespace) -> list[Chain]:
    """Return the campaigns seed by seed."""
    return [
        (function, method, workers, seconds, seed)
        for seed in range(options.seeds)
        for workers in options.workers
        for function in options.functions
        for method in options.methods
        for seconds in durations(method, workers, options.seconds)
    ]


def durations(method: str, workers: int, seconds: Sequence[float]) -> Sequence[float]:
    """Return the durations that make a difference: none does to one worker, or to a peer."""
    return seconds if method == "softal" and workers > 1 else (PEERS_SECONDS,)


def chain_of(line: dict[str, Any]) -> Chain:
    """Return which campaign a line is of."""
    return line["function"], line["method"], line["workers"], line["seconds"], line["seed"]


def read(folder: Path) -> list[dict[str, Any]]:
    """Return the campaigns, of those that were run again the last; a line that was not finished is left out."""
    lines = [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().split("\n")[:-1]]
    return list({chain_of(line): line for line in map(json.loads, lines)}.values())


if __name__ == "__main__":
    main()
