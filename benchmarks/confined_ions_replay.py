"""Choices of simulations of ions from a library, and what is learned from them: grid, Sobol, random, committee.

A path is an order of simulations of the pool. After some of them (`SIZES`), a learner learns from all so far and
predicts the systems that test. Points of a grid and of a Sobol sequence are the nearest ones of the pool. A grid is
chosen as a whole: there is one for each number of points.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from confined_ions_library import NAMES, SPACE, SYSTEMS, Library
from numpy.typing import NDArray

from softal.objective import Objective
from softal.strategies import build
from softal.surrogates import build_learner
from softal.surrogates.profiles.data import ProfileData
from softal.surrogates.profiles.observed import Observed
from softal.surrogates.profiles.report import Score, score
from softal.surrogates.profiles.training import Problem
from softal.trial import Trial

Numbers = NDArray[np.intp]
Floats = NDArray[np.float64]

ARRAYS = ("density_p", "density_n")
LEARNER: dict[str, Any] = {"arrays": list(ARRAYS)}
SIZES = (12, 18, 27, 40, 60, 90, 135, 200, 300)
GRIDS = ((2, 1, 2), (2, 2, 2), (3, 2, 2), (3, 3, 2), (3, 3, 3), (4, 4, 3), (4, 4, 4), (5, 5, 4))  # of h, c, d; 3 z_p
COMMITTEES: dict[str, dict[str, Any]] = {
    "committee": {"cost": "ion_steps"},
    "committee_gp": {"cost": "ion_steps", "surrogate": {"network": "gaussian_process"}},
    "committee_no_cost": {},
}
METHODS = ("committee", "committee_gp", "sobol", "random", "grid", "committee_no_cost")
# An error bar of the paper's: of the authors' 82 published systems, the median of error / sqrt(density / (mol/l)) is
# 0.022 to 0.025 mol/l at 0.1 to 0.5 mol/l and 0.031 to 0.032 above, at bins of 0.02 nm; the smallest one is taken.
BAR = 0.022


@dataclass(frozen=True)
class Job:
    """One path, or all grids, by one seed, judged by one kind of network of `profiles`."""

    method: str
    seed: int
    network: str = "ensemble"

    def file(self, folder: Path) -> Path:
        """Return where the results are kept."""
        return folder / f"{self.method}-{self.network}-{self.seed}.json"


def run(job: Job, library: Library, objective: Objective, folder: Path) -> Path:
    """Choose simulations, judge what is learned from them, and write that down; what is there is not done again."""
    path = job.file(folder)
    if not path.exists():
        steps = [judged(library, objective, some, job) for some in _choices(job, library, objective, folder)]
        path.write_text(json.dumps({"method": job.method, "seed": job.seed, "steps": steps}) + "\n")
    return path


def _choices(job: Job, library: Library, objective: Objective, folder: Path) -> Iterator[Numbers]:
    if job.method == "grid":
        yield from (grid(library, size, job.seed) for size in GRIDS)
        return
    order = _order(job, library, objective, folder)
    yield from (order[:n] for n in SIZES if n <= len(order))


def _order(job: Job, library: Library, objective: Objective, folder: Path) -> Numbers:
    if job.method == "random":
        return np.random.default_rng(job.seed).permutation(library.even)
    if job.method == "sobol":
        strategy = build("sobol", library.space, objective, job.seed, {})
        points = [proposal.point for proposal in strategy.ask(max(SIZES))]
        return nearest(library, library.space.to_unit(points))
    return _chosen(job, library, objective, folder)


def grid(library: Library, size: Sequence[int], seed: int) -> Numbers:
    """Return the simulations nearest to a grid of h, c, d with its ends, and all z_p; ties and order by the seed."""
    space = library.space
    axes = []
    for name, n in zip(NAMES[:3], size, strict=True):
        low, high = (float(SPACE[name][end]) for end in ("low", "high"))
        axes.append(np.linspace(low, high, n) if n > 1 else np.array([(low + high) / 2]))
    every = np.array(np.meshgrid(*axes, [1, 2, 3], indexing="ij")).reshape(4, -1).T
    points = [dict(zip(NAMES, row, strict=True)) for row in np.random.default_rng(seed).permutation(every).tolist()]
    return nearest(library, space.to_unit(points))


def nearest(library: Library, U: Floats) -> Numbers:
    """Return for each unit point (n, d) the nearest simulation of the same z_p that is not taken yet."""
    pool = library.space.to_unit([trial.point for trial in library.pool])
    valency = library.space.names.index("z_p")
    taken: list[int] = []
    for u in U:
        distance = np.sum((pool - u) ** 2, axis=1) + 100 * (np.abs(pool[:, valency] - u[valency]) > 0.2)
        distance[taken] = np.inf
        if np.isfinite(distance).any():
            taken.append(int(np.argmin(distance)))
    return np.array(taken, dtype=np.intp)


def _chosen(job: Job, library: Library, objective: Objective, folder: Path) -> Numbers:
    """Return the pool in the order in which the strategy asks for it, told each result before the next question."""
    table = folder / f"pool-{job.method}-{job.seed}.csv"
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(NAMES)
        writer.writerows([repr(trial.point[name]) for name in NAMES] for trial in library.pool)
    wanted = COMMITTEES[job.method]
    members = {"kind": "profiles", **LEARNER, **wanted.get("surrogate", {})}
    settings = {**wanted, "surrogate": members, "pool": str(table)}
    strategy = build("committee", library.space, objective, job.seed, settings)
    by_point = {_key(trial.point): number for number, trial in enumerate(library.pool)}
    order: list[int] = []
    while len(order) < max(SIZES) and (proposals := strategy.ask(1)):
        order.append(by_point[_key(proposals[0].point)])
        told = replace(library.pool[order[-1]], id=len(order) - 1, told=len(order), notes=proposals[0].notes)
        strategy.tell([told])
    return np.array(order, dtype=np.intp)


def _key(point: Mapping[str, Any]) -> tuple[float, ...]:
    return tuple(round(float(point[name]), 9) for name in NAMES)


# What is learned.


def judged(library: Library, objective: Objective, chosen: Numbers, job: Job) -> dict[str, Any]:
    """Return simulations, what they cost, and how well the systems that test are predicted."""
    trials = [library.pool[i] for i in chosen]
    settings = {**LEARNER, "network": job.network, "seed": job.seed}
    learner = build_learner("profiles", library.space, settings, objective)
    learner.fit(trials)
    if learner.untrained:
        raise RuntimeError(learner.untrained)
    found = learner.curves([trial.point for trial in library.tests])
    return {"chosen": chosen.tolist(), "ion_steps": cost(trials), **measures(library, objective, found)}


def cost(trials: Sequence[Trial]) -> float:
    """Return 10^6 steps of an ion, which a free machine's time is proportional to."""
    return float(sum(trial.observation.values["ion_steps"] for trial in trials if trial.observation))


def measures(library: Library, objective: Objective, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return RMSE, mean error and coverage of both profiles, and success rates of positive ions as in the paper."""
    problem = Problem.of(ProfileData.of(library.tests, library.space, ARRAYS), library.space, objective.known)
    scores: dict[str, Score] = {}
    barred: dict[str, Score] = {}
    for one in problem.observed:
        mean, std = (part[:, : one.form.size] for part in found[one.form.name][1:])
        scores[one.form.name] = score(one, mean, std)
        barred[one.form.name] = score(_with_bars(one), mean, std)
    own, papers = scores["density_p"], barred["density_p"]
    systems = {name: i for i, name in enumerate(SYSTEMS)}
    return {
        "rmse": float(np.sqrt(np.mean([one.rmse**2 for one in scores.values()]))),
        "error": float(np.mean([one.error for one in scores.values()])),
        "coverage": float(np.mean([one.coverage for one in scores.values()])),
        "success": own.success,
        "success_bars": papers.success,
        "bars": papers.error,
        "features": {name: papers.features[name]["success"] for name in papers.features},
        "systems": {name: float(own.by_trial[i]) for name, i in systems.items()},
        "systems_bars": {name: float(papers.by_trial[i]) for name, i in systems.items()},
    }


def _with_bars(one: Observed) -> Observed:
    """Return what was simulated with error bars of the paper's size instead of its own."""
    bars = BAR * np.sqrt(np.maximum(one.values, 0.0))
    return replace(one, errors=np.where(np.isfinite(one.errors), bars, np.nan))
