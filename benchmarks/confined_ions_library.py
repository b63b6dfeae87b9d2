"""A library of simulated ions between planes, from which `confined_ions.py` lets strategies choose.

    .venv/bin/python benchmarks/confined_ions_library.py runs/ions_library

Three campaigns in the folder, over the paper's ranges: `pool`, points of a Sobol sequence at a tenth of the sampling,
`edges`, a grid with the corners, edges and faces of the space, sampled as long, and `tests`, which are never learned
from: the paper's systems I to IV and random points, sampled four times as long. A library that was stopped goes on
where it was.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from softal.orchestrator.campaign import Campaign
from softal.space import Space
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

SPACE: dict[str, dict[str, Any]] = {
    "h": {"low": 3.0, "high": 4.0, "unit": "nm"},
    "c": {"low": 0.3, "high": 0.9, "unit": "mol/l"},
    "d": {"low": 0.5, "high": 0.75, "unit": "nm"},
    "z_p": {"low": 1, "high": 3, "integer": True},
    "z_n": {"value": -1},
}
NAMES = ("h", "c", "d", "z_p")
SYSTEMS = {  # of the paper's fig. 5, in the order of NAMES
    "I": (3.2, 0.6, 0.65, 1),
    "II": (3.6, 0.9, 0.75, 3),
    "III": (3.3, 0.35, 0.714, 3),
    "IV": (3.6, 0.9, 0.6, 1),
}
POOL, TESTS = 320, 32  # simulations
EDGES = ((3.0, 3.5, 4.0), (0.3, 0.6, 0.9), (0.5, 0.625, 0.75), (1, 2, 3))  # in the order of NAMES, each with each
POOL_FIDELITY, TEST_FIDELITY = 0.1, 0.4
LEARN = {"learn": ["contact_p", "mid_p", "peak_p"]}
SIMULATOR = {"kind": "confined_ions", "sampling": 1000, "side": 8}  # as in campaigns/confined_ions.yaml


@dataclass(frozen=True)
class Library:
    """Finished trials with their arrays: what may be chosen, and what tests, the paper's systems first.

    Attributes:
        space: of all.
        pool: what may be chosen: points of a Sobol sequence, then those of the grid.
        tests: the others.
        even: how many of the pool are points of the Sobol sequence, which lie evenly in the space.
    """

    space: Space
    pool: tuple[Trial, ...]
    tests: tuple[Trial, ...]
    even: int

    @classmethod
    def load(cls, folder: Path) -> Library:
        """Return what is done of the library in a folder, without trials that are marked as no result."""
        pool, edges, tests = (good(folder / name) for name in ("pool", "edges", "tests"))
        return cls(Space(SPACE), pool + edges, tests, len(pool))


def good(folder: Path) -> tuple[Trial, ...]:
    """Return the finished trials of a campaign with their arrays, without those that are marked as no result."""
    done = Journal.open(folder).trials(TrialState.DONE, arrays=True)
    flaws = Campaign.open(folder).spec.objective.flaws
    return tuple(trial for trial in done if trial.observation and flaws.of(trial.observation.values) is None)


def campaigns(folder: Path, pool: int = POOL, tests: int = TESTS) -> list[tuple[Campaign, int]]:
    """Return the campaigns with their trials, the tests first: new ones, or those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    edges = list(itertools.product(*EDGES))

    def table(name: str, rows: Sequence[Sequence[float]], fidelity: float) -> dict[str, object]:
        file = folder.resolve() / f"{name}.csv"
        _write(file, rows)
        return {"kind": "table", "file": str(file), "fidelity": fidelity}

    strategies: dict[str, tuple[dict[str, object], int]] = {
        "tests": (table("tests", _tests(tests), TEST_FIDELITY), tests),
        "pool": ({"kind": "sobol", "fidelity": POOL_FIDELITY}, pool),
        "edges": (table("edges", edges, POOL_FIDELITY), len(edges)),
    }
    return [(_campaign(folder, name, strategy, trials), trials) for name, (strategy, trials) in strategies.items()]


def _campaign(folder: Path, name: str, strategy: dict[str, object], trials: int) -> Campaign:
    if (folder / name).is_dir():
        return Campaign.open(folder / name)
    return Campaign(
        name=name, runs=folder, simulator=SIMULATOR, space=SPACE, objective=LEARN, strategy=strategy, surrogate="none",
        tracking={"mlflow": "off"}, budget={"trials": trials}, seed=1,
        workers={"concurrent": 2, "cpus": 1, "walltime": "30 min"},
    )  # fmt: skip


def _tests(number: int) -> list[Sequence[float]]:
    """Return the points that test: the paper's systems, then points that are random in the whole space."""
    rows: list[Sequence[float]] = list(SYSTEMS.values())
    space = Space(SPACE)
    U = np.random.default_rng(20).random((number - len(rows), space.dimension))
    return rows + [[round(float(point[name]), 4) for name in NAMES] for point in space.from_unit(U)]


def _write(path: Path, rows: Sequence[Sequence[float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(NAMES)
        writer.writerows([*row[:3], int(row[3])] for row in rows)


def main() -> None:
    """Simulate what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pool", type=int, default=POOL, help="simulations that may be chosen")
    parser.add_argument("--tests", type=int, default=TESTS, help="simulations that test")
    options = parser.parse_args()
    for campaign, trials in campaigns(options.folder, options.pool, options.tests):
        if not (campaign.folder / "journal.sqlite").exists():
            campaign.launch()
        elif campaign.status().done < trials:
            campaign.resume(trials=trials)
        print(f"{campaign.spec.name}: {campaign.status().done} of {trials} simulations", flush=True)


if __name__ == "__main__":
    main()
