"""The many-body term of colloids in ideal polymer: how fast and how exact it is on a grid, in closed form, and learned.

    python benchmarks/depletion.py [runs/asakura_oosawa]

For fluids of 256 colloids, q = 0.4, eta_p = 0.3: seconds of the processor a particle for all energies of a
configuration on a grid of 10^5 points (the thesis' way), in closed form, and by a learned potential, where one is
given; root mean square errors of grid and learned shares; and seconds a trial move of all ways to simulate.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Q, ETA_P, PARTICLES, POINTS = 0.4, 0.3, 256, 100_000
PACKINGS = (0.1, 0.2, 0.3, 0.4)
REPEATS = 5


def main() -> None:
    from softal.simulators.learned_potential import learned_potential
    from softal.simulators.monte_carlo import starts
    from softal.simulators.monte_carlo.colloids import Colloids, Learned, Mixture
    from softal.simulators.monte_carlo.many_body import fitted
    from softal.theory.many_body import depletion

    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("learner", type=Path, nargs="?")
    chosen = options.parse_args()
    fit = learned_potential(chosen.learner, "asakura_oosawa", 3).potential if chosen.learner else None
    heads = ["eta_c", "w, mean", "grid", "its error", "closed form", *(["learned", "its error"] if fit else [])]
    heads += [f"move: {way}" for way in ("pairs", "exact", "mixture", *(["learned"] if fit else []))]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for eta_c in PACKINGS:
        start = Colloids(starts.fluid(PARTICLES, eta_c * 6 / np.pi, 3, 1), Q, ETA_P)
        start.tune(100)
        c = start.configuration
        x, box = c.positions, c.box
        w = depletion.particle_energies(x, box, Q)
        ways: list[Callable[[], Any]] = [
            lambda x=x, box=box: depletion.on_grid(x, box, Q, POINTS),
            lambda x=x, box=box: depletion.particle_energies(x, box, Q),
        ]
        moving: list[Any] = [Colloids(c, Q, ETA_P, interaction="pairs"), Colloids(c, Q, ETA_P), Mixture(c, Q, ETA_P)]
        wrong = [f"{rms(depletion.on_grid(x, box, Q, POINTS)[0] - w):.2g}"]
        if fit:
            moving.append(Learned(c, Q, ETA_P, fit))
            ways.append(lambda x=x, box=box, model=moving[-1].model: fitted.energy(x, box, model))
            wrong.append(f"{rms(fit.energies(x, box) - w):.2g}")
        grid, *others = (f"{1e6 * median(way) / PARTICLES:.3g} us" for way in ways)
        cells = [f"{eta_c:g}", f"{w.mean():.3g}", grid, wrong[0], *others, *wrong[1:]]
        cells += [f"{1e6 * seconds_a_move(mc):.3g} us" for mc in moving]
        print(f"| {' | '.join(cells)} |", flush=True)


def rms(difference: Any) -> float:
    return float(np.sqrt(np.mean(difference**2)))


def median(way: Callable[[], Any], calls: int = 10) -> float:
    """Return the median of the processor's seconds that one call takes."""
    way()
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        for _ in range(calls):
            way()
        found.append((time.process_time() - start) / calls)
    return float(np.median(found))


def seconds_a_move(mc: Any) -> float:
    """Return the processor's seconds of a trial move, after step sizes were tuned."""
    mc.tune(100)
    sweeps, start = 0, time.process_time()
    while time.process_time() < start + 1:
        mc.run(5)
        sweeps += 5
    return (time.process_time() - start) / (sweeps * PARTICLES)


if __name__ == "__main__":
    main()
