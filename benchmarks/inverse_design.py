"""Simulations until a phase is found: Bayesian optimisation and the mixture beside CMA-ES, on campaigns of this folder.

    softal launch campaigns/hcss_phases.yaml        # the network that judges phases, once
    nice -n 19 .venv/bin/python benchmarks/inverse_design.py --docs docs/inverse_design.md
    nice -n 19 .venv/bin/python benchmarks/inverse_design.py --campaigns scs_qc12 --docs docs/inverse_design.md

Each chain asks its strategy for a point with one more pending, as two workers do, simulates it by the campaign's own
Monte Carlo, and ends when three trials are above 0.9. A chain that has ended is a line of --folder/chains.jsonl; a run
that was stopped goes on with the next one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import overhead
import yaml

from softal.orchestrator.campaign_file.schema import CampaignSpec, load_campaign_file
from softal.orchestrator.loop.stock import trial_seed
from softal.simulators.base import Context, Simulator
from softal.trial import Trial, TrialState

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "runs" / "benchmarks" / "inverse_design"
CAMPAIGNS = HERE.parent / "campaigns"
BEGIN, END = "<!-- strategies: begin -->", "<!-- strategies: end -->"
METHODS = ("cmaes", "bayesian", "mixture")  # the file's own strategy is CMA-ES
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
    parser.add_argument("--campaigns", nargs="+", default=["hcss_qc12"], metavar="NAME", help="files of campaigns/")
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
    there = {key(line) for line in read(options.folder)}
    for campaign, seed, method in itertools.product(options.campaigns, options.seeds, options.methods):
        if (campaign, method, seed) in there:
            continue
        file = CAMPAIGNS / f"{campaign}.yaml"
        changes = [*strategy(file, method), f"seed={seed}", f"objective.maximize.classifier={options.classifier}"]
        line = {"campaign": campaign, "method": method, "seed": seed}
        line |= chain(load_campaign_file(file, changes), options.trials)
        with (options.folder / "chains.jsonl").open("a") as stream:
            stream.write(json.dumps(line) + "\n")
        print(f"{campaign} {method} {seed}: {summary(line)}", file=sys.stderr, flush=True)


def strategy(file: Path, method: str) -> list[str]:
    """Return the change of a campaign file, whose own strategy is CMA-ES, to another method."""
    own = yaml.safe_load(file.read_text())["strategy"]
    assert own["kind"] == "cmaes", file
    chosen = {"cmaes": own, "bayesian": "bayesian", "mixture": {"kind": "mixture", "strategies": [own, "bayesian"]}}
    return [f"strategy={json.dumps(chosen[method])}"]


def key(line: Line) -> tuple[str, str, int]:
    """Return which chain a line is of."""
    return line["campaign"], line["method"], line["seed"]


def chain(spec: CampaignSpec, trials: int) -> Line:
    """Return the values (n,) of the trials of one search, in the order of their ends, and the CPU time of all."""
    simulator, strategy = spec.built, spec.build_strategy()
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
    rows = [f"| | | {' | '.join(heads)} | median |", "|---" * (len(seeds) + 3) + "|"]
    for campaign, method in dict.fromkeys(key(line)[:2] for line in lines):
        found = {line["seed"]: reached(line) for line in lines if key(line)[:2] == (campaign, method)}
        shown = [str(found.get(seed) or "") for seed in seeds]
        rows.append(f"| `{campaign}` | {method} | {' | '.join(shown)} | {statistics.median(found.values()):g} |")
    return "\n".join(rows) + "\n"


def reached(line: Line) -> float:
    """Return after how many simulations HITS were above HIT; infinite where they were not."""
    hits = sum(value > HIT for value in line["values"])
    return len(line["values"]) if hits >= HITS else float("inf")


if __name__ == "__main__":
    main()
