"""Lambdas, width and points of a network by Bayesian optimisation beside random search, with the truth and without it.

A chain is a strategy on campaigns/least_action.yaml with a smaller liquid, the chain's own by its seed: it asks for a
point, evaluates it in this process, and is told the objective. Chains that have ended are files of --folder, and a run
that was stopped goes on with the next one.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from softal.errors import SimulationError
from softal.orchestrator.campaign_file.schema import CampaignSpec, load_campaign_file
from softal.orchestrator.loop.stock import trial_seed
from softal.simulators.base import Context
from softal.trial import Trial, TrialState

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "runs" / "benchmarks" / "least_action"
FILE = HERE.parent / "campaigns" / "least_action.yaml"
METHODS = {  # name -> strategy, objective
    "random": ("random", "log_rmsd"),
    "bayesian": ("bayesian", "log_rmsd"),
    "bayesian, blind": ("bayesian", "log_defect"),
}
MARKS = (1e-3, 1e-4, 1e-5, 1e-6)  # RMSD [sigma]
AFTER = (10, 20, 30)  # evaluations
# What a user has who does not know the truth, as numbers that are to be small.
GUIDES: dict[str, Callable[[dict[str, float]], float]] = {
    "loss": lambda values: values["loss"],
    "action": lambda values: values["action"],
    "energy drift": lambda values: values["energy_drift"],
    "action times energy drift": lambda values: values["action"] * values["energy_drift"],
    "defect": lambda values: values["defect"],
}
Chain = dict[str, Any]


def measure(folder: Path, seeds: Sequence[int], trials: int, particles: int, cutoff: float) -> None:
    """Run the chains that are not there yet, seed by seed."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        for method, (strategy, objective) in METHODS.items():
            path = folder / f"{method.replace(', ', '-')}-{particles}-{trials}-{seed}.json"
            if path.exists():
                continue
            changes = [
                f"strategy={strategy}", f"objective.minimize={objective}", f"seed={seed}", f"simulator.seed={seed}",
                f"simulator.particles={particles}", f"simulator.cutoff={cutoff}", "simulator.engine=lammps",
            ]  # fmt: skip
            lines = chain(load_campaign_file(FILE, changes), trials)
            path.write_text(json.dumps({"method": method, "seed": seed, "lines": lines}))
            best = min((line["rmsd"] for line in lines if line), default=np.nan)
            print(f"{method} {seed}: smallest RMSD {best:.2e}", file=sys.stderr, flush=True)


def chain(spec: CampaignSpec, trials: int) -> list[dict[str, float]]:
    """Return point and values of each of the trials of one search; nothing where a trial failed."""
    simulator, strategy = spec.built, spec.build_strategy()
    lines: list[dict[str, float]] = []
    for number in range(trials):
        [proposal] = strategy.ask(1, [])
        kept: dict[str, Any] = {"id": number, "point": proposal.point, "notes": proposal.notes, "told": number + 1}
        seed = trial_seed(spec.seed, number)
        try:
            with tempfile.TemporaryDirectory() as folder:
                seen = simulator.run(dict(proposal.point), Context(Path(folder), seed, 1.0, number))
        except SimulationError as error:
            strategy.tell([Trial(**kept, seed=seed, state=TrialState.FAILED, reason=str(error))])
            lines.append({})
            continue
        values, errors = spec.objective.evaluate(seen)
        kept |= {"objective": values, "objective_errors": errors}
        strategy.tell([Trial(**kept, seed=seed, state=TrialState.DONE, observation=seen)])
        lines.append({name: float(value) for name, value in (proposal.point | seen.values).items()})
    return lines


def read(folder: Path, particles: int, trials: int) -> list[Chain]:
    """Return the chains that have ended."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"*-{particles}-{trials}-*.json"))]


def report(chains: Sequence[Chain]) -> str:
    """Return the tables: evaluations to an RMSD, what the search without the truth chose, and what guides it."""
    lines = ["| evaluations to an RMSD of | random | bayesian | bayesian, blind |", "|---|---|---|---|"]
    for mark in MARKS:
        found = [[_evaluations(one, mark) for one in _of(chains, method)] for method in METHODS]
        lines.append(f"| {mark:g} sigma | " + " | ".join(map(_counts, found)) + " |")
    same = [_same_as_random(chains, method) for method in METHODS]
    lines.append("| random search's best | " + " | ".join(map(_counts, same)) + " |")
    for count in AFTER:
        best = [[min(_numbers(one, "rmsd", count)) for one in _of(chains, method)] for method in METHODS]
        lines.append(f"| smallest RMSD of {count} | " + " | ".join(map(_sizes, best)) + " |")
    chosen = [[_chosen(one, GUIDES["defect"]) for one in _of(chains, method)] for method in METHODS]
    lines.append("| RMSD of the smallest defect | " + " | ".join(map(_sizes, chosen)) + " |")
    lines += [
        "",
        "| guide | rank correlation with the RMSD | RMSD of its choice | rank of its choice |",
        "|---|---|---|---|",
    ]
    for name, guide in GUIDES.items():
        some = _of(chains, "random")
        ranks = [spearmanr(list(map(guide, _good(one))), _numbers(one, "rmsd")).statistic for one in some]
        places = [1 + sum(rmsd < _chosen(one, guide) for rmsd in _numbers(one, "rmsd")) for one in some]
        lines.append(
            f"| {name} | {_plain(ranks, '.2f')} | {_sizes([_chosen(one, guide) for one in some])} | "
            f"{_plain(places, 'd')} |"
        )
    return "\n".join(lines)


def _of(chains: Sequence[Chain], method: str) -> list[Chain]:
    return sorted((one for one in chains if one["method"] == method), key=lambda one: one["seed"])


def _good(one: Chain, count: int | None = None) -> list[dict[str, float]]:
    return [line for line in one["lines"][:count] if line]


def _numbers(one: Chain, name: str, count: int | None = None) -> list[float]:
    return [line[name] for line in _good(one, count)]


def _evaluations(one: Chain, mark: float) -> float:
    """Return after how many evaluations the RMSD was below a mark; infinite where it never was."""
    return next((i for i, line in enumerate(one["lines"], start=1) if line and line["rmsd"] <= mark), np.inf)


def _same_as_random(chains: Sequence[Chain], method: str) -> list[float]:
    """Return the evaluations to what random search with the same seed had as its best in the end."""
    best = {one["seed"]: min(_numbers(one, "rmsd")) for one in _of(chains, "random")}
    return [_evaluations(one, best[one["seed"]]) for one in _of(chains, method) if one["seed"] in best]


def _chosen(one: Chain, guide: Callable[[dict[str, float]], float]) -> float:
    """Return the RMSD of the trial whose guide is smallest."""
    return min(_good(one), key=guide)["rmsd"]


def _counts(found: Sequence[float]) -> str:
    shown = ", ".join("never" if np.isinf(count) else f"{count:g}" for count in found)
    middle = statistics.median(found)
    return f"**{'never' if np.isinf(middle) else f'{middle:g}'}** ({shown})"


def _sizes(found: Sequence[float]) -> str:
    return _plain(found, ".1e")


def _plain(found: Sequence[float], form: str) -> str:
    middle = statistics.median_low(found)
    return f"**{middle:{form}}** ({', '.join(f'{one:{form}}' for one in found)})"
