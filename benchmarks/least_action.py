"""Least action: which representation and optimiser come to the true trajectory of liquid argon, and how fast.

    python benchmarks/least_action.py methods --particles 32 --duration 0.1 --limit 40
    python benchmarks/least_action.py reach --particles 32 --duration 1.0 --waypoints 6 --points 30 --limit 60

`methods`: from the end points and E_0 alone, iterations and seconds until the RMSD of positions is below 1e-2, 1e-3 and
1e-4 sigma, for representations and optimisers side by side. `reach`: Gauss-Newton on prolate functions from a guess
through some configurations of the true trajectory; none is the straight line.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from softal.numeric import Floats
from softal.simulators.least_action.settings import LeastActionSettings
from softal.simulators.least_action.truth import Truth, simulate
from softal.theory.least_action.action import Action, Lambdas
from softal.theory.least_action.optimisers import GaussNewton, Nadam, Optimiser
from softal.theory.least_action.potentials import LennardJones
from softal.theory.least_action.representations import REPRESENTATIONS, Ends

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


def rmsd_of(optimiser: Optimiser, truth: Truth) -> float:
    """Return the RMSD of positions over all times [sigma]."""
    q = optimiser.action.representation.sampled(truth.times).motion(optimiser.parameters)[0]
    return float(np.sqrt(np.mean(np.sum((q - truth.positions) ** 2, axis=2))))


def follow(optimiser: Optimiser, truth: Truth, limit: float) -> str:
    """Iterate for so many seconds, looks included, and return a line of what came of it."""
    reached: dict[float, str] = {}
    spent, least, started = 0.0, np.inf, time.perf_counter()
    while time.perf_counter() - started < limit and optimiser.total > 1e-14 and not optimiser.stuck:
        begin = time.perf_counter()
        optimiser.step()
        spent += time.perf_counter() - begin
        if isinstance(optimiser, GaussNewton) or optimiser.iterations % EVERY == 0:
            least = rmsd_of(optimiser, truth)
            for mark in MARKS:
                if least < mark:
                    reached.setdefault(mark, f"{optimiser.iterations} ({spent:.2f} s)")
    table = ", ".join(f"{mark:g}: {reached.get(mark, 'never')}" for mark in MARKS)
    return (
        f"RMSD {rmsd_of(optimiser, truth):.2e}, L {optimiser.total:.1e}, iterations {optimiser.iterations}, products "
        f"{optimiser.products}, {spent:.1f} s; {table}"
    )


def methods(settings: LeastActionSettings, truth: Truth, points: int, limit: float) -> None:
    """Print a line for each method."""
    for representation, optimiser, rate in METHODS:
        width = points + 5 if representation == "network" else points
        action = action_of(settings, truth, representation, width, points, ENERGY)
        start = action.representation.straight(0)
        made = Nadam(action, start, rate) if optimiser == "nadam" else GaussNewton(action, start)
        print(representation, optimiser, rate or "", follow(made, truth, limit), flush=True)


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
    parser.add_argument("what", choices=["methods", "reach"])
    parser.add_argument("--particles", type=int, default=32)
    parser.add_argument("--duration", type=float, default=0.1, help="[ps]")
    parser.add_argument("--points", type=int, default=25)
    parser.add_argument("--waypoints", type=int, default=0)
    parser.add_argument("--energy", type=float, default=ENERGY, help="lambda_3")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--limit", type=float, default=40.0, help="seconds of each method")
    given = parser.parse_args()
    settings = settings_for(given.particles, given.duration)
    truth = simulate(settings, given.seed)
    if given.what == "methods":
        methods(settings, truth, given.points, given.limit)
        return
    action = action_of(settings, truth, "prolate", given.points, given.points, given.energy)
    start = guess(action, truth, given.waypoints)
    made = GaussNewton(action, start)
    print(f"guess {rmsd_of(made, truth):.2e};", follow(made, truth, given.limit))


if __name__ == "__main__":
    main()
