"""Least action: which representation and optimiser come to the true trajectory of liquid argon, and how fast.

    python benchmarks/least_action.py methods --particles 32 108 --duration 0.1 --limit 60
    python benchmarks/least_action.py scaling --particles 32 108 256 500 864 2048 --duration 0.1 --limit 300
    python benchmarks/least_action.py scaling --particles 32 --duration 0.05 0.1 0.2 0.5 1 2 4 --seeds 1 2 3 --limit 10
    python benchmarks/least_action.py scaling --particles 32 --duration 1 --waypoints 6 --energy 1 --seeds 1 2 3
    python benchmarks/least_action.py search --seeds 1 2 3 4 5

`methods`: from the end points and E_0 alone, iterations and seconds until the RMSD of positions is below 1e-2, 1e-3 and
1e-4 sigma, for representations and optimisers side by side. `scaling`: the same for Gauss-Newton on prolate functions,
of many sizes and durations, with 25 points, or one each 40 fs where that is more; with --waypoints the first guess goes
through so many configurations of the true trajectory, without them it is the straight line. `search`: lambdas, width
and points of a network by Bayesian optimisation beside random search (`least_action_search`).

Seconds are those of the processor, of one thread, and so is --limit. What has been measured lies in --folder and is not
measured again: a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))  # before numpy

import least_action_search as search
import numpy as np
from scipy.interpolate import CubicSpline

from softal.numeric import Floats
from softal.simulators.least_action.settings import LeastActionSettings
from softal.simulators.least_action.truth import Truth, simulate
from softal.theory.least_action.action import Action, Lambdas
from softal.theory.least_action.optimisers import GaussNewton, Nadam, Optimiser
from softal.theory.least_action.potentials import LennardJones
from softal.theory.least_action.representations import REPRESENTATIONS, Ends, Sampled

MARKS = (1e-2, 1e-3, 1e-4)  # RMSD [sigma]
METHODS: Sequence[tuple[str, str, float]] = (  # representation, optimiser, NADAM's rate
    ("prolate", "gauss_newton", 0.0),
    ("polynomials", "gauss_newton", 0.0),
    ("sines", "gauss_newton", 0.0),
    ("network", "gauss_newton", 0.0),
    ("prolate", "nadam", 1e-1),
    ("prolate", "nadam", 1e-2),
    ("network", "nadam", 1e-3),
    ("network", "nadam", 1e-4),
)
STEP = 0.04  # between points, at most [ps]
EVERY = 50  # iterations of NADAM between two looks
ENDS, ENERGY = 1e4, 0.1  # lambdas


def settings_for(particles: int, duration: float) -> LeastActionSettings:
    """Return the liquid with the longest cutoff that the box allows, up to 2.5 sigma."""
    box = LeastActionSettings(particles=100_000, duration=duration).box_length * (particles / 100_000) ** (1 / 3)
    return LeastActionSettings(particles=particles, duration=duration, cutoff=min(2.5, 0.499 * box), engine="lammps")


def action_of(
    settings: LeastActionSettings, truth: Truth, representation: str, width: int, points: int, energy: float
) -> Action:
    """Return the action between the truth's ends."""
    ends = Ends(truth.positions[0], truth.positions[-1], float(truth.times[-1]))
    family = REPRESENTATIONS[representation](ends, width)
    potential = LennardJones((settings.box_length,) * 3, settings.cutoff)
    return Action(potential, 1.0, family, family.grid(points), Lambdas(ENDS, ENDS, energy), truth.energy)


def rmsd_of(optimiser: Optimiser, truth: Truth, sampled: Sampled | None = None) -> float:
    """Return the RMSD of positions over all times [sigma]; `sampled` is the representation there, if it is known."""
    sampled = sampled or optimiser.action.representation.sampled(truth.times)
    q = sampled.motion(optimiser.parameters)[0]
    return float(np.sqrt(np.mean(np.sum((q - truth.positions) ** 2, axis=2))))


def follow(optimiser: Optimiser, truth: Truth, limit: float) -> dict[str, Any]:
    """Iterate for so many seconds, looks included, and return what came of it."""
    reached: dict[str, tuple[int, float]] = {}
    spent, started, sampled = 0.0, time.process_time(), optimiser.action.representation.sampled(truth.times)
    while time.process_time() - started < limit and optimiser.total > 1e-14 and not optimiser.stuck:
        begin = time.process_time()
        optimiser.step()
        spent += time.process_time() - begin
        if isinstance(optimiser, GaussNewton) or optimiser.iterations % EVERY == 0:
            least = rmsd_of(optimiser, truth, sampled)
            for mark in MARKS:
                if least < mark:
                    reached.setdefault(f"{mark:g}", (optimiser.iterations, spent))
    return {
        "rmsd": rmsd_of(optimiser, truth), "loss": optimiser.total, "iterations": optimiser.iterations,
        "products": optimiser.products, "seconds": spent, "reached": reached,
    }  # fmt: skip


def line(found: dict[str, Any]) -> str:
    """Return what came of it as cells of a table: RMSD, loss, iterations, seconds, and when each mark was reached."""
    marks = [found["reached"].get(f"{mark:g}") for mark in MARKS]
    cells = [f"{found['rmsd']:.1e}", f"{found['loss']:.0e}", f"{found['iterations']}", f"{found['seconds']:.2g}"]
    return " | ".join([*cells, *("-" if mark is None else f"{mark[0]} ({mark[1]:.2g} s)" for mark in marks)])


HEAD = "RMSD | loss | iterations | s | " + " | ".join(f"to {mark:g}" for mark in MARKS) + " |"


def measured(folder: Path, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what the folder has under a name, or measure it and keep it there."""
    path = folder / f"{name}.json"
    if not path.exists():
        path.write_text(json.dumps(measure()))
    return dict(json.loads(path.read_text()))


class Liquids:
    """True trajectories, each made once."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, float, int], tuple[LeastActionSettings, Truth]] = {}

    def of(self, particles: int, duration: float, seed: int) -> tuple[LeastActionSettings, Truth]:
        """Return the settings and the truth."""
        key = particles, duration, seed
        if key not in self._known:
            settings = settings_for(particles, duration)
            self._known = {key: (settings, simulate(settings, seed))}  # the last one is enough
        return self._known[key]


def methods(given: argparse.Namespace, liquids: Liquids) -> None:
    """Print a line for each size, duration and method."""
    print(f"| atoms | ps | method | {HEAD}")
    for particles, duration, seed in itertools.product(given.particles, given.duration, given.seeds):
        for method in METHODS:
            representation, optimiser, rate = method
            label = f"{representation}, {optimiser}" + (f", rate {rate:g}" if rate else "")
            if given.only and label not in given.only:
                continue
            name = f"methods-{particles}-{duration:g}-{seed}-{given.limit:g}-{'-'.join(map(str, method))}"
            measure = partial(one_method, given, liquids, (particles, duration, seed), method)
            print(
                f"| {particles} | {duration:g} | {label} | {line(measured(given.folder, name, measure))} |", flush=True
            )


def one_method(
    given: argparse.Namespace, liquids: Liquids, liquid: tuple[int, float, int], method: tuple[str, str, float]
) -> dict[str, Any]:
    """Return what came of one method from the straight line."""
    representation, optimiser, rate = method
    settings, truth = liquids.of(*liquid)
    width = given.points + 5 if representation == "network" else given.points
    action = action_of(settings, truth, representation, width, given.points, given.energy)
    start = action.representation.straight(0)
    made = Nadam(action, start, rate) if optimiser == "nadam" else GaussNewton(action, start)
    return follow(made, truth, given.limit)


def scaling(given: argparse.Namespace, liquids: Liquids) -> None:
    """Print a line for each size, duration and seed."""
    print(f"| atoms | ps | seed | points | {HEAD}")
    for particles, duration, seed in itertools.product(given.particles, given.duration, given.seeds):
        points = max(given.points, round(duration / STEP))
        name = f"scaling-{particles}-{duration:g}-{seed}-{points}-{given.waypoints}-{given.energy:g}-{given.limit:g}"
        measure = partial(one_size, given, liquids, (particles, duration, seed), points)
        found = line(measured(given.folder, name, measure))
        print(f"| {particles} | {duration:g} | {seed} | {points} | {found} |", flush=True)


def one_size(
    given: argparse.Namespace, liquids: Liquids, liquid: tuple[int, float, int], points: int
) -> dict[str, Any]:
    """Return what came of Gauss-Newton on prolate functions."""
    settings, truth = liquids.of(*liquid)
    action = action_of(settings, truth, "prolate", points, points, given.energy)
    return follow(GaussNewton(action, guess(action, truth, given.waypoints)), truth, given.limit)


def guess(action: Action, truth: Truth, waypoints: int) -> Floats:
    """Return parameters of the straight line, or of a spline through configurations of the truth."""
    if not waypoints:
        return action.representation.straight(0)
    known = np.rint(np.linspace(0, len(truth.times) - 1, waypoints + 2)).astype(int)
    through = CubicSpline(truth.times[known], truth.positions[known], bc_type="natural")
    return action.representation.nearest(truth.times, through(truth.times))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["methods", "scaling", "search"])
    parser.add_argument("--particles", type=int, nargs="+", default=[32])
    parser.add_argument("--duration", type=float, nargs="+", default=[0.1], help="[ps]")
    parser.add_argument("--points", type=int, default=25)
    parser.add_argument("--waypoints", type=int, default=0)
    parser.add_argument("--energy", type=float, default=ENERGY, help="lambda_3")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--limit", type=float, default=40.0, help="processor seconds of each line")
    parser.add_argument("--only", nargs="+", help="methods, as their lines name them")
    parser.add_argument("--trials", type=int, default=30, help="of a search")
    parser.add_argument("--folder", type=Path, default=search.FOLDER, help="where results are kept")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.what == "search":
        for particles in given.particles:
            search.measure(given.folder, given.seeds, given.trials, particles, settings_for(particles, 0.1).cutoff)
            print(search.report(search.read(given.folder, particles, given.trials)))
    elif given.what == "methods":
        methods(given, Liquids())
    else:
        scaling(given, Liquids())


if __name__ == "__main__":
    main()
