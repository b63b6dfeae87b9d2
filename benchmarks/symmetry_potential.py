"""The learner of potentials on elastic shells: how good it is, how long it takes, and which runs are worth simulating.

    python benchmarks/symmetry_potential.py runs              # makes runs.npz: 100 runs by Monte Carlo, two minutes
    python benchmarks/symmetry_potential.py fit               # errors, coverage, what is far, knees, seconds
    python benchmarks/symmetry_potential.py replay --seeds 8  # runs chosen at random, by the committee, and far apart
    python benchmarks/symmetry_potential.py unknown           # what of unseen runs is called far, and what should be

The runs are hexagonal and square starts of 64 shells, rho from 2.4 to 4.6 and to 3.8, beta K of 1, 10, 50, 100 and
1000, 10 snapshots each. Seconds are those of the processor, of one thread. `replay`: from 7 runs on, two more at a
time; the RMSE is of 18 functions fitted to those taken, over all runs, and of the worst run. `unknown`: from few runs
of some of the states, environments of all other runs whose energies are wrong by more than 8 times the RMSE of what
was learned from, and by less than 4 times that: how many of either are called far, means of --seeds draws.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))  # before numpy

import numba as nb
import numpy as np

from softal.numeric import Floats
from softal.space import Space
from softal.strategies.committee.choice import choose, covariance
from softal.strategies.committee.design import squared_distance
from softal.strategies.committee.settings import CommitteeSettings
from softal.surrogates import build_learner
from softal.surrogates.symmetry_potential.data import Run, runs_of
from softal.surrogates.symmetry_potential.fit import Triangle, chosen, fitted
from softal.surrogates.symmetry_potential.members import committee
from softal.surrogates.symmetry_potential.training import Split, residuals, train
from softal.theory.many_body import shells
from softal.theory.many_body.neighbours import neighbours
from softal.trial import Array, Observation, Point, Trial, TrialState

ROWS, SNAPSHOTS, APART, BEFORE = 8, 10, 10, 40  # particles a side, snapshots, sweeps between two, sweeps before
STATES = [
    (float(rho), K, start)
    for start, top in (("hexagonal", 4.61), ("square", 3.81))
    for rho in np.arange(2.4, top, 0.2)
    for K in (1.0, 10.0, 50.0, 100.0, 1000.0)
]
SPACE = Space(
    {
        "rho": {"low": 2.4, "high": 4.6},
        "beta_K": {"low": 1.0, "high": 1000.0, "log": True},
        "start": {"choices": ["hexagonal", "square"]},
    }
)
FIRST, SIZES = 7, (7, 9, 11, 13, 16, 20, 25)
WAYS = ("random", "disagreement", "variance", "farthest")
FEW: dict[str, tuple[int, Callable[[Point], bool]]] = {  # how many runs, of which states
    "10 of all": (10, lambda point: True),
    "20 of all": (20, lambda point: True),
    "15 of rho > 3": (15, lambda point: float(point["rho"]) > 3),
    "15 of rho < 3.6": (15, lambda point: float(point["rho"]) < 3.6),
    "15 of beta K > 30": (15, lambda point: float(point["beta_K"]) > 30),
    "15 hexagonal ones": (15, lambda point: point["start"] == "hexagonal"),
}
WRONG, RIGHT = 8, 4  # times the RMSE


@nb.njit(cache=True)
def swept(positions, box, energies, beta_K, step, sweeps, rng):  # type: ignore[no-untyped-def]
    """Move particles one after the other, in place, and return the part of the moves that were accepted."""
    n, accepted = len(positions), 0
    after, near, away = np.empty(n), np.empty(n, np.int64), np.empty((n, 2))
    for _ in range(sweeps * n):
        i = rng.integers(0, n)
        old = positions[i].copy()
        to = old + np.array([rng.uniform(-step, step), rng.uniform(-step, step)])
        to -= box * np.floor(to / box)
        count, change = 0, 0.0
        for j in range(n):
            a, b = positions[j] - old, positions[j] - to
            a -= box * np.rint(a / box)
            b -= box * np.rint(b / box)
            if j == i or np.sum(a * a) < 1 or np.sum(b * b) < 1:
                near[count] = j
                count += 1
        positions[i] = to
        for k in range(count):
            found = neighbours(positions, box, 1.0, near[k], away)
            after[k] = shells.energy(away[:found], False)
            change += after[k] - energies[near[k]]
        if np.isfinite(change) and (change <= 0 or rng.random() < np.exp(-beta_K * change)):
            accepted += 1
            for k in range(count):
                energies[near[k]] = after[k]
        else:
            positions[i] = old
    return accepted / (sweeps * n)


def crystal(rho: float, start: str) -> tuple[Floats, Floats]:
    """Return positions and box."""
    j, i = (part.ravel() for part in np.meshgrid(np.arange(ROWS), np.arange(ROWS), indexing="ij"))
    if start == "square":
        return np.column_stack([i, j]) * rho**-0.5, np.full(2, ROWS * rho**-0.5)
    a = np.sqrt(2 / (np.sqrt(3) * rho))
    return np.column_stack([i + (j % 2) / 2, j * np.sqrt(3) / 2]) * a, ROWS * a * np.array([1, np.sqrt(3) / 2])


def simulated(number: int, rho: float, beta_K: float, start: str) -> tuple[Floats, Floats]:
    """Return configurations (S, N, 2) and the box."""
    positions, box = crystal(rho, start)
    energies, step, rng = shells.energies(positions, box), 0.08, np.random.default_rng(number)
    for _ in range(8):
        part = swept(positions, box, energies, beta_K, step, BEFORE // 8, rng)
        step = float(np.clip(step * (1.3 if part > 0.4 else 0.75), 0.004, 0.3))
    kept = []
    for _ in range(SNAPSHOTS):
        swept(positions, box, energies, beta_K, step, APART, rng)
        kept.append(positions.copy())
    return np.array(kept), box


def make(path: Path) -> None:
    """Simulate all states."""
    found = [simulated(i, *state) for i, state in enumerate(STATES)]
    np.savez(path, positions=np.array([one for one, _ in found]), boxes=np.array([box for _, box in found]))


def trials(path: Path) -> list[Trial]:
    """Return the runs as trials, with exact energies."""
    made, found = np.load(path), []
    for i, (state, positions, box) in enumerate(zip(STATES, made["positions"], made["boxes"], strict=True)):
        energies = np.array([shells.energies(one, box) for one in positions])
        boxes = np.tile(box, (len(positions), 1))
        named = {"configurations": positions, "boxes": boxes, "particle_energies": energies}
        observation = Observation({}, arrays={name: Array.of(values) for name, values in named.items()})
        point = dict(zip(SPACE.names, state, strict=True))
        found.append(Trial(i, point, state=TrialState.DONE, observation=observation))
    return found


def fit(done: Sequence[Trial]) -> None:
    """Print how good fits are, and how long they take."""
    for settings in ({}, {}, {"functions": 7}, {"seed": 1}, {"seed": 2}, {"intercept": False}):
        learner = build_learner("symmetry_potential", SPACE, settings)
        began = time.process_time()
        learner.fit(done)
        seconds, found = time.process_time() - began, learner.tables()["symmetry_potential"]
        raw, calibrated = found["coverage_outer"]
        print(
            f"{settings}: RMSE {found['rmse']:.3g} K, held out {found['rmse_held_out']:.3g} K, in 95 % "
            f"{found['coverage']:.1%}, farthest tenth {calibrated:.1%}, by the equations alone {raw:.1%}, far "
            f"{found['far_held_out']:.2%}, knees {found['knees']}, {seconds:.2f} s"
        )
    began = time.process_time()
    build_learner("symmetry_potential", SPACE, {}).committee(done, 0)
    print(f"committee: {time.process_time() - began:.2f} s")


def replay(done: Sequence[Trial], seeds: int) -> None:
    """Print medians over seeds of the RMSE over all runs, and of the worst run [1e-5 K]."""
    settings = build_learner("symmetry_potential", SPACE, {}).settings
    runs = runs_of(done, settings)
    triangles = [run.found.triangle for run in runs]
    for way in WAYS:
        every = []
        for seed in range(seeds):
            taken = chosen_runs(way, runs, settings, seed)
            every.append([errors(triangles, taken[:size]) for size in SIZES])
        medians = np.median(np.array(every), axis=0) * 1e5
        print(
            way,
            ", ".join(f"{n}: {all_runs:.1f} {worst:.0f}" for n, (all_runs, worst) in zip(SIZES, medians, strict=True)),
        )
    print("all", [f"{1e5 * error:.1f}" for error in errors(triangles, list(range(len(runs))))])


def errors(triangles: Sequence[Triangle], taken: Sequence[int]) -> tuple[float, float]:
    """Return the RMSE over all runs, and of the worst, of a fit to some."""
    learned = Triangle.joined([triangles[i] for i in taken])
    found = fitted(learned, np.sort(chosen(learned, 18, intercept=True)), intercept=True)
    squares = [one.squared_error(found) for one in triangles]
    return float(np.sqrt(np.mean(squares))), float(np.sqrt(max(squares)))


def chosen_runs(way: str, runs: Sequence[Run], settings: object, seed: int) -> list[int]:
    """Return the numbers of the runs that are taken, in their order."""
    order = [int(i) for i in np.random.default_rng(seed).permutation(len(runs))]
    if way == "random":
        return order
    U, taken = SPACE.to_unit([run.point for run in runs]), order[:FIRST]
    while len(taken) < max(SIZES):
        others = [i for i in range(len(runs)) if i not in taken]
        if way == "farthest":
            near = np.min([squared_distance(U[others], U[i], SPACE.categorical) for i in taken], axis=0)
            taken.append(others[int(np.argmax(near))])
            continue
        members = committee([runs[i] for i in taken], SPACE, settings, len(taken) + seed)  # type: ignore[arg-type]
        cost, wanted = np.ones(len(others)), CommitteeSettings(surrogate="gp", criterion=way)  # type: ignore[arg-type]
        found = choose(covariance(members(U[others])), U[others], cost, cost, 2, wanted)
        taken += [others[int(np.argmin(np.sum((U[others] - u) ** 2, axis=1)))] for u in found.U]
    return taken


def unknown(done: Sequence[Trial], seeds: int) -> None:
    """Print how many of the environments that are wrong, and of those that are right, are called far."""
    settings = build_learner("symmetry_potential", SPACE, {}).settings
    runs = runs_of(done, settings)
    for name, (count, inside) in FEW.items():
        wrong, right = [], []
        for seed in range(seeds):
            some = np.flatnonzero([inside(run.point) for run in runs])
            taken = set(np.random.default_rng(seed).choice(some, count, replace=False).tolist())
            split = Split.of([runs[i] for i in sorted(taken)], settings)
            trained = train(split, settings)
            size = np.sqrt(np.mean(residuals(split.side(held=False), trained.fit)[1] ** 2))
            Z, error = residuals([run for i, run in enumerate(runs) if i not in taken], trained.fit)
            far, error = trained.novelty.far(Z), np.abs(error) / size
            wrong.append((np.mean(error > WRONG), np.sum(far & (error > WRONG)), np.sum(error > WRONG)))
            right.append(np.mean(far[error < RIGHT]))
        part, found, all_wrong = np.array(wrong).T
        print(
            f"{name}: {part.mean():.2%} are wrong, of which {found.sum() / max(all_wrong.sum(), 1):.0%} are far, and "
            f"{np.mean(right):.2%} of those that are right ({np.max(right):.1%} at most)",
            flush=True,
        )


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("runs", "fit", "replay", "unknown"))
    parser.add_argument("--file", type=Path, default=Path("runs.npz"))
    parser.add_argument("--seeds", type=int, default=8)
    given = parser.parse_args()
    if given.what == "runs":
        make(given.file)
    elif given.what == "fit":
        fit(trials(given.file))
    elif given.what == "unknown":
        unknown(trials(given.file), given.seeds)
    else:
        replay(trials(given.file), given.seeds)


if __name__ == "__main__":
    main()
