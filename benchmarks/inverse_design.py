"""Simulations until a phase is found: Bayesian optimisation and the mixture beside CMA-ES, on a campaign of its own.

    softal launch campaigns/hcss_phases.yaml        # the network that judges phases, once
    nice -n 19 .venv/bin/python benchmarks/inverse_design.py --docs docs/inverse_design.md

Each chain asks its strategy for a point with one more pending, as two workers do, simulates it by the campaign's own
Monte Carlo, and ends when three trials are above 0.9. A chain that has ended is a line of --folder/chains.jsonl; a run
that was stopped goes on with the next one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import overhead

from softal.orchestrator.schema import CampaignSpec, load_campaign_file
from softal.orchestrator.stock import trial_seed
from softal.simulators.base import Context, Simulator
from softal.trial import Trial, TrialState

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "runs" / "benchmarks" / "inverse_design"
CAMPAIGN = HERE.parent / "campaigns" / "hcss_qc12.yaml"
BEGIN, END = "<!-- strategies: begin -->", "<!-- strategies: end -->"
CMAES = "{kind: cmaes, popsize: 10, x0: {T: 0.45, P: 10}, sigma0: {T: 0.15, P: 0.15}, noise: ignore, restarts: none}"
METHODS = {  # changes of the campaign file, whose own strategy is CMA-ES
    "cmaes": [],
    "bayesian": ["strategy=bayesian"],
    "mixture": [f"strategy={{kind: mixture, strategies: [{CMAES}, bayesian]}}"],
}
HIT, HITS = 0.9, 3
Line = dict[str, Any]


def main() -> None:
    options = _options()
    if not options.show:
        measure(options)
    text = markdown(read(options.folder))
    print(text)
    if options.docs:
        overhead.put_into(options.docs, text, BEGIN, END)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="METHOD")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3], metavar="SEED")
    parser.add_argument("--trials", type=int, default=120, help="of a chain, at most")
    parser.add_argument("--classifier", default="runs/hcss_phases", help="a campaign that trained one")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results are kept")
    parser.add_argument("--show", action="store_true", help="run nothing: the table of what there is in the folder")
    parser.add_argument("--docs", type=Path, help="Markdown file whose section is replaced")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> None:
    """Run the chains that are not there yet, seed by seed."""
    options.folder.mkdir(parents=True, exist_ok=True)
    there = {(line["method"], line["seed"]) for line in read(options.folder)}
    for seed in options.seeds:
        for method in options.methods:
            if (method, seed) in there:
                continue
            changes = [*METHODS[method], f"seed={seed}", f"objective.maximize.classifier={options.classifier}"]
            line = {"method": method, "seed": seed} | chain(load_campaign_file(CAMPAIGN, changes), options.trials)
            with (options.folder / "chains.jsonl").open("a") as stream:
                stream.write(json.dumps(line) + "\n")
            print(f"{method} {seed}: {summary(line)}", file=sys.stderr, flush=True)


def chain(spec: CampaignSpec, trials: int) -> Line:
    """Return the values (n,) of the trials of one search, in the order of their ends, and the CPU time of all."""
    simulator, strategy = spec.build_simulator(), spec.build_strategy()
    (name,) = spec.objective.names
    began, pending, values, points = time.process_time(), [], [], []
    while sum(value > HIT for value in values) < HITS and len(values) < trials:
        while len(pending) < 2:
            number = len(values) + len(pending)
            [proposal] = strategy.ask(1, pending)
            pending.append(Trial(number, proposal.point, trial_seed(spec.seed, number), notes=proposal.notes))
        trial = simulated(pending.pop(0), simulator, spec, len(values) + 1)
        strategy.tell([trial])
        values.append(trial.objective[name])
        points.append(dict(trial.point))
    return {"values": values, "points": points, "cpu_s": time.process_time() - began}


def simulated(trial: Trial, simulator: Simulator, spec: CampaignSpec, told: int) -> Trial:
    """Return the trial as it is when its simulation has ended."""
    with tempfile.TemporaryDirectory() as folder:
        observation = simulator.run(dict(trial.point), Context(Path(folder), trial.seed, trial.fidelity, trial.id))
    values, errors = spec.objective.evaluate(observation)
    kept = {"state": TrialState.DONE, "objective": values, "objective_errors": errors, "told": told}
    return Trial(**(trial.__dict__ | kept))


def read(folder: Path) -> list[Line]:
    """Return the chains that have ended."""
    path = folder / "chains.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def summary(line: Line) -> str:
    """Return at which simulations the chain was above HIT."""
    hits = [i for i, value in enumerate(line["values"], start=1) if value > HIT]
    return f"{len(line['values'])} simulations, above {HIT} at {', '.join(map(str, hits)) or 'none'}"


def markdown(lines: Sequence[Line]) -> str:
    """Return the table: simulations until HITS trials were above HIT."""
    seeds = sorted({line["seed"] for line in lines})
    heads = [f"seed {seed}" for seed in seeds]
    rows = [f"| | {' | '.join(heads)} | median |", "|---" * (len(seeds) + 2) + "|"]
    for method in dict.fromkeys(line["method"] for line in lines):
        found = {line["seed"]: reached(line) for line in lines if line["method"] == method}
        shown = [str(found.get(seed) or "") for seed in seeds]
        rows.append(f"| {method} | {' | '.join(shown)} | {statistics.median(found.values()):g} |")
    return "\n".join(rows) + "\n"


def reached(line: Line) -> float:
    """Return after how many simulations HITS were above HIT; infinite where they were not."""
    hits = sum(value > HIT for value in line["values"])
    return len(line["values"]) if hits >= HITS else float("inf")


if __name__ == "__main__":
    main()
