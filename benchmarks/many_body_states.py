"""Which states teach a many-body energy: few that a committee chooses, or the thesis' grid of hundreds.

    python benchmarks/many_body_states.py library --workers 2
    python benchmarks/many_body_states.py replay --seeds 1 2 3 4 5

`library` simulates the states of E. Boattini's thesis (Utrecht, 2021; densities every 0.025 from a hexagonal crystal,
2.4 to 4.6, and from a square one, 2.4 to 4, at five stiffnesses) with the exact energy, and states at random that only
test. `replay` has a committee choose among the former, one by one, and compares what is learned from the first n of
them with n at random, and with all. Each run gives the learner 500 environments, as the thesis takes. What has been
simulated or chosen lies in --folder, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jobs import run_all

from softal.objective import learn
from softal.simulators import Context, build
from softal.space import Space
from softal.strategies import build as build_strategy
from softal.surrogates import build_learner
from softal.surrogates.symmetry_potential.symmetry_potential import SymmetryPotential
from softal.trial import Array, Observation, Trial, TrialState

DENSITIES = {"hexagonal": 4.6, "square": 4.0}  # the densest; from 2.4 in steps of 0.025
STIFFNESSES = (1.0, 10.0, 50.0, 100.0, 1000.0)
CLOSE = 0.01  # a square start at 4 has cores that touch
TESTS, TEST_SEED = 60, 77
SETTINGS = {"equilibration": 200, "sampling": 500, "snapshots": 50}  # sweeps
SPACE = {
    "rho": {"low": 2.4, "high": 4.6},
    "beta_K": {"low": 1, "high": 1000, "log": True},
    "start": {"choices": ["hexagonal", "square"]},
}
LEARNER = {"environments": 500}
SIZES = (10, 20, 40, 77, 154)
UNITS = {"configurations": "sigma", "boxes": "sigma", "particle_energies": "K"}


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = options.add_subparsers(dest="command", required=True)
    library, replayed = commands.add_parser("library"), commands.add_parser("replay")
    for one in (library, replayed):
        one.add_argument("--folder", type=Path, default=Path("runs/benchmarks/many_body_states"))
        one.add_argument("--workers", type=int, default=2)
    replayed.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    chosen = options.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.command == "library":
        simulate(chosen.folder, chosen.workers)
    else:
        replay(chosen.folder, chosen.seeds, chosen.workers)


def states() -> list[dict[str, Any]]:
    """Return the thesis' states, in the order of a permutation, then those that test."""
    grid = [
        {"rho": round(float(rho), 3), "beta_K": stiff, "start": start}
        for start, densest in DENSITIES.items()
        for rho in np.arange(2.4, densest + 1e-9, 0.025)
        for stiff in STIFFNESSES
    ]
    grid = [{**one, "rho": min(one["rho"], DENSITIES[one["start"]] - CLOSE)} for one in grid]
    rng = np.random.default_rng(TEST_SEED)
    order = rng.permutation(len(grid))
    tests = []
    for number in range(TESTS):
        start = ("hexagonal", "square")[number % 2]
        rho = float(rng.uniform(2.4, DENSITIES[start] - CLOSE))
        tests.append({"rho": rho, "beta_K": float(10 ** rng.uniform(0, 3)), "start": start})
    return [grid[k] for k in order] + tests


def simulate(folder: Path, workers: int) -> None:
    """Run what is missing."""
    every = states()
    todo = [number for number in range(len(every)) if not file_of(folder, number).exists()]
    for done, (_, future) in enumerate(run_all(todo, simulated, folder, workers=workers), start=1):
        future.result()
        if done % 50 == 0:
            print(f"{done} of {len(todo)} runs", flush=True)


def simulated(number: int, folder: Path) -> None:
    """Run one state, and write its arrays."""
    found = build("deformable_shells", SETTINGS).run(states()[number], Context(folder, 1000 + number))
    part = file_of(folder, number).with_suffix(".part.npz")
    np.savez(part, **{name: found.arrays[name].values for name in UNITS})
    part.rename(file_of(folder, number))


def file_of(folder: Path, number: int) -> Path:
    """Return where a run lies."""
    return folder / f"state_{number}.npz"


def trials_of(folder: Path) -> tuple[list[Trial], list[Trial]]:
    """Return the runs of the grid, and those that test."""
    found = []
    for number, point in enumerate(states()):
        with np.load(file_of(folder, number)) as data:
            arrays = {name: Array.of(data[name], unit=unit) for name, unit in UNITS.items()}
        energy = float(arrays["particle_energies"].values.mean())
        seen = Observation({"energy": energy}, {}, arrays)
        found.append(Trial(number, point, state=TrialState.DONE, observation=seen, objective={"energy": energy}))
    return found[:-TESTS], found[-TESTS:]


def replay(folder: Path, seeds: Sequence[int], workers: int) -> None:
    """Choose, learn and judge what is missing, and print RMSE by number of simulations."""
    jobs = [("all", 1)] + [(method, seed) for method in ("committee", "random") for seed in seeds]
    todo = [job for job in jobs if not result_of(folder, job).exists()]
    for job, future in run_all(todo, judged, folder, workers=workers):
        future.result()
        print("done", *job, flush=True)
    print("| states | simulations | RMSE of unseen states [1e-5 K] | of the worst one |\n|---|---|---|---|")
    for method in ("committee", "random", "all"):
        found = [json.loads(result_of(folder, job).read_text()) for job in jobs if job[0] == method]
        for size in found[0]:
            rmse, worst = (np.array([one[size][k] for one in found]) * 1e5 for k in (0, 1))
            spread = f"{np.median(rmse):.2f} ({rmse.min():.2f} to {rmse.max():.2f})"
            print(f"| {method} | {size} | {spread} | {np.median(worst):.1f} |")


def result_of(folder: Path, job: tuple[str, int]) -> Path:
    """Return where a result lies."""
    return folder / f"replay_{job[0]}_{job[1]}.json"


def judged(job: tuple[str, int], folder: Path) -> None:
    """Choose states, and write for each number of them RMSE and that of the worst test state."""
    method, seed = job
    pool, tests = trials_of(folder)
    if method == "committee":
        order = chosen_by_committee(pool, seed, folder)
    else:
        order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    sizes = [len(pool)] if method == "all" else SIZES
    results = {n: error_of([replace(pool[k], id=i) for i, k in enumerate(order[:n])], tests, seed) for n in sizes}
    result_of(folder, job).write_text(json.dumps(results))


def error_of(trials: Sequence[Trial], tests: Sequence[Trial], seed: int) -> tuple[float, float]:
    """Return RMSE of the particles' energies in states that test, and that of the worst state."""
    learner = build_learner("symmetry_potential", Space(SPACE), {**LEARNER, "seed": seed})
    assert isinstance(learner, SymmetryPotential)
    learner.fit(trials)
    squares = []
    for trial in tests:
        assert trial.observation is not None
        x, boxes, energies = (trial.observation.arrays[name].values for name in UNITS)
        wrong = [learner.potential.energies(*one) - own for *one, own in zip(x, boxes, energies, strict=True)]
        squares.append(float(np.mean(np.square(wrong))))
    return float(np.mean(squares)) ** 0.5, max(squares) ** 0.5


def chosen_by_committee(pool: Sequence[Trial], seed: int, folder: Path) -> list[int]:
    """Return states of the pool in the order in which the committee asks for them, told each before the next."""
    table = folder / f"pool_{seed}.csv"
    with table.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(SPACE)
        writer.writerows([trial.point[name] for name in SPACE] for trial in pool)
    settings = {"surrogate": {"kind": "symmetry_potential", **LEARNER}, "pool": str(table)}
    objective = learn("energy")
    strategy = build_strategy("committee", Space(SPACE), objective, seed, settings)
    number = {key_of(trial.point): k for k, trial in enumerate(pool)}
    order: list[int] = []
    while len(order) < max(SIZES) and (proposals := strategy.ask(1)):
        order.append(number[key_of(proposals[0].point)])
        told = replace(pool[order[-1]], id=len(order) - 1, told=len(order), notes=proposals[0].notes)
        strategy.tell([told])
    return order


def key_of(point: Mapping[str, Any]) -> tuple[Any, ...]:
    return round(float(point["rho"]), 6), round(float(point["beta_K"]), 6), point["start"]


if __name__ == "__main__":
    main()
