"""Choices of states from a library: the paper's uniform grid, random ones, and query by committee; what each learns.

A path is an order of states of the pool. After each of them, networks learn from all so far and predict the states that
test. A grid is no path, since it is chosen as a whole: there is one for each number of temperatures.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from supercooled_library import Library, predict, score

from softal.objective import learn
from softal.simulators.kob_andersen.kob_andersen import FLAWS
from softal.space import Space
from softal.strategies import build
from softal.surrogates.dynamics.training import FEWEST, TrainingSettings
from softal.theory.kob_andersen import INTERACTIONS

Numbers = NDArray[np.intp]

EVALUATION = TrainingSettings(folds=0)  # the networks that are judged: the surrogate's own
SURROGATE = "dynamics_network"
GRID_SIZES = (3, 4, 5, 6, 8, 10, 12)  # temperatures of each interaction
STRIDE_FROM = 14  # states from which on every second step is judged
COMMITTEES: dict[str, dict[str, Any]] = {
    "committee": {"cost": "simulated_time"},
    "committee_no_cost": {"cost": None},
    "committee_disagreement": {"cost": "simulated_time", "criterion": "disagreement"},
}
GRIDS = ("grid", "log_grid")
METHODS = (*GRIDS, "random", *COMMITTEES)


@dataclass(frozen=True)
class Job:
    """One path, or all grids, by one seed.

    Attributes:
        method: of `METHODS`.
        seed: of the choice, and of the networks that are judged.
        limit: simulated time at which a path ends [tau].
        surrogate: kind whose members disagree, or its settings with `kind`.
    """

    method: str
    seed: int
    limit: float
    surrogate: Any = SURROGATE

    def file(self, folder: Path) -> Path:
        """Return where the results are kept."""
        return folder / f"{self.method}-{self.seed}.json"


def run(job: Job, library: Library, folder: Path) -> Path:
    """Choose states, judge what is learned from them, and write that down; what is there is not done again."""
    path = job.file(folder)
    if path.exists():
        return path
    steps = list(_grids(job, library) if job.method in GRIDS else _path(job, library, folder))
    path.write_text(json.dumps({"method": job.method, "seed": job.seed, "steps": steps}) + "\n")
    return path


def _grids(job: Job, library: Library) -> Iterator[dict[str, Any]]:
    for size in GRID_SIZES:
        yield {"temperatures": size, **judged(library, grid(library, size, job.method == "log_grid"), job.seed)}


def _path(job: Job, library: Library, folder: Path) -> Iterator[dict[str, Any]]:
    order = shuffled(library, job.seed) if job.method == "random" else chosen(job, library, folder)
    cost = library.cost(order)
    good = np.cumsum(library.data.good[order])
    last = int(np.searchsorted(cost, job.limit)) + 1
    for n in range(FEWEST, min(last, len(order)) + 1):
        if good[n - 1] >= FEWEST and (n < STRIDE_FROM or (n - STRIDE_FROM) % 2 == 0 or n == len(order)):
            yield judged(library, order[:n], job.seed)


def judged(library: Library, states: Numbers, seed: int) -> dict[str, Any]:
    """Return states, cost and score of the networks that learned from them."""
    networks = library.learned(states, EVALUATION, seed)
    found = dict(score(predict(networks, library.test), library.test).to_dict())
    if len(library.colder):
        found["r2_colder"] = score(predict(networks, library.colder), library.colder).pooled
    return {"states": states.tolist(), "cost": float(library.cost(states)[-1]), **found}


def grid(library: Library, size: int, log: bool) -> Numbers:
    """Return for each interaction `size` states of the pool, nearest to temperatures even in T, or in ln T."""
    states: list[int] = []
    for number in range(len(INTERACTIONS)):
        own = library.pool[library.data.interaction[library.pool] == number]
        T = np.log(library.data.T[own]) if log else library.data.T[own]
        for wanted in np.linspace(T.min(), T.max(), size):
            states.append(int(own[np.argmin(np.where(np.isin(own, states), np.inf, np.abs(T - wanted)))]))
    return np.array(states, dtype=np.intp)


def shuffled(library: Library, seed: int) -> Numbers:
    """Return the pool in random order."""
    return np.random.default_rng(seed).permutation(library.pool)


def chosen(job: Job, library: Library, folder: Path) -> Numbers:
    """Return the pool in the order in which the strategy asks for it, told each result before the next question."""
    table = folder / f"pool-{job.method}-{job.seed}.csv"
    _write_pool(library, table)
    data = library.data
    T = data.T[library.pool]
    space = Space(
        {
            "T": {"low": float(T.min()), "high": float(T.max()), "log": True},
            "interaction": {"choices": list(INTERACTIONS)},
            "rho": float(data.rho[0]),
        }
    )
    settings = {"surrogate": job.surrogate, "pool": str(table), **COMMITTEES[job.method]}
    objective = replace(learn(*library.trials[0].objective), flaws=FLAWS)
    strategy = build("committee", space, objective, job.seed, settings)
    by_point = {_key(library.trials[i].point): int(i) for i in library.pool}
    order: list[int] = []
    while proposals := strategy.ask(1):
        order.append(by_point[_key(proposals[0].point)])
        trial = replace(library.trials[order[-1]], id=len(order) - 1, told=len(order), notes=proposals[0].notes)
        strategy.tell([trial])
        if library.cost(np.array(order))[-1] > job.limit:
            break
    return np.array(order, dtype=np.intp)


def _key(point: Any) -> tuple[float, str]:
    return round(float(point["T"]), 9), str(point["interaction"])


def _write_pool(library: Library, path: Path) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["T", "interaction"])
        writer.writerows([library.data.T[i], INTERACTIONS[library.data.interaction[i]]] for i in library.pool)
