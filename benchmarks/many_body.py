"""Many-body energies: how fast a fitted one is, and whether it gives the densities of the exact one.

    python benchmarks/many_body.py speed runs/deformable_shells
    python benchmarks/many_body.py equation runs/deformable_shells --workers 2

`speed`: seconds of the processor for the energy of a particle in a hexagonal crystal of 64 shells, moved a little, by
200 points in 100 orientations (the thesis' way), by the integral without noise, and by the learned symmetry functions,
with and without making a list of neighbours first; and trial moves a second. `equation`: densities at six pressures
from a hexagonal crystal, exact beside learned (figure 2.7). What has been measured lies in --folder, and a run that was
stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jobs import run_all

from softal.simulators.base import Context, Simulator

DENSITIES = (2.4, 3.0, 3.6, 4.2)
PRESSURES = {  # beta P sigma^2: densities from 2.4 on, which are learned, to a crystal's
    1.0: (15.0, 25.0, 35.0, 45.0, 60.0, 80.0),
    50.0: (14.0, 22.0, 30.0, 40.0, 55.0, 80.0),
    100.0: (18.0, 26.0, 34.0, 44.0, 60.0, 90.0),
    200.0: (26.0, 34.0, 44.0, 56.0, 75.0, 110.0),
    500.0: (60.0, 75.0, 95.0, 120.0, 160.0, 220.0),
    1000.0: (110.0, 140.0, 170.0, 210.0, 280.0, 360.0),
}
REPEATS = 7


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    commands = options.add_subparsers(dest="command", required=True)
    speed_of, equation_of = commands.add_parser("speed"), commands.add_parser("equation")
    for one in (speed_of, equation_of):
        one.add_argument("learner", type=Path)
    equation_of.add_argument("--workers", type=int, default=2)
    equation_of.add_argument("--equilibration", type=int, default=4000, help="sweeps")
    equation_of.add_argument("--sampling", type=int, default=8000, help="sweeps")
    equation_of.add_argument("--factor", type=int, default=10, help="by which learned runs are longer")
    equation_of.add_argument("--folder", type=Path, default=Path("runs/benchmarks/many_body"))
    chosen = options.parse_args()
    if chosen.command == "speed":
        speed(chosen.learner)
    else:
        equation(chosen)


def speed(learner: Path) -> None:
    """Print a table of times."""
    from softal.simulators.deformable_shells.deformable_shells import CORE
    from softal.simulators.learned_potential import learned_potential
    from softal.simulators.monte_carlo import starts
    from softal.simulators.monte_carlo.many_body import fitted, system
    from softal.simulators.monte_carlo.many_body.lists import WIDTH, listed
    from softal.theory.many_body import points, shells

    potential = learned_potential(learner, "deformable_shells", 2).potential
    room = fitted.room_for(64)
    heads = (
        "density",
        "200 points x 100",
        "integral",
        "learned",
        "and its list",
        "points / learned",
        "moves/s",
        "learned",
    )
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for density in DENSITIES:
        c, rng = starts.hexagonal(64, density), np.random.default_rng(1)
        x, box = (c.positions + rng.normal(size=(64, 2)) * 0.01) % c.box, c.box
        exact, learned = system.Shells(c, 0.01), system.Fitted(c, potential, 0.01, core=CORE)
        counts = np.empty(64, np.int32)
        neighbours = listed(x, box, 1.3, np.empty((64, WIDTH), np.int32), counts, x.copy())
        ways: list[tuple[Callable[..., Any], tuple[Any, ...], int]] = [
            (points.energies, (x, box, rng), 1),
            (shells.energies, (x, box), 20),
            (fitted.total, (x, box, neighbours, counts, learned.model, room), 400),
            (fitted.energy, (x, box, learned.model), 400),
        ]
        times = [median(partial(way, *given), calls) / 64 for way, given, calls in ways]
        cells = [f"{density}", *(f"{1e6 * t:.3g} us" for t in times), f"{times[0] / times[2]:.0f}"]
        cells += [f"{rate(mc):.3g}" for mc in (exact, learned)]
        print(f"| {' | '.join(cells)} |", flush=True)


def median(way: Callable[[], Any], times: int) -> float:
    """Return the median of the processor's seconds that one call takes."""
    way()
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        for _ in range(times):
            way()
        found.append((time.process_time() - start) / times)
    return float(np.median(found))


def rate(mc: Any) -> float:
    """Return trial moves a second, after step sizes were tuned."""
    mc.tune(200)
    sweeps = 0
    start = time.process_time()
    while time.process_time() < start + 1.0:
        mc.run(20)
        sweeps += 20
    return float(sweeps * len(mc.positions) / (time.process_time() - start))


def equation(chosen: argparse.Namespace) -> None:
    """Run what is missing, and print densities beside each other."""
    chosen.folder.mkdir(parents=True, exist_ok=True)
    ways = ("exact", "learned")
    jobs = [(stiff, P, way) for stiff, pressures in PRESSURES.items() for P in pressures for way in ways]
    todo = [job for job in jobs if not file_of(chosen.folder, job).exists()]
    for job, future in run_all(todo, density_at, vars(chosen), workers=chosen.workers):
        future.result()
        print("done", *job, flush=True)
    print("| beta K | beta P | exact | learned | apart [joint errors] | chi_6 exact | learned | far |")
    print("|---|---|---|---|---|---|---|---|")
    for stiff, pressures in PRESSURES.items():
        for P in pressures:
            exact, learned = (json.loads(file_of(chosen.folder, (stiff, P, way)).read_text()) for way in ways)
            apart = (learned["density"] - exact["density"]) / np.hypot(learned["error"], exact["error"])
            texts = [f"{one['density']:.4f} +- {one['error']:.4f}" for one in (exact, learned)]
            order = [f"{one['chi_6']:.3f}" for one in (exact, learned)]
            cells = [f"{stiff:g}", f"{P:g}", *texts, f"{apart:+.1f}", *order, f"{learned['far']:.2%}"]
            print(f"| {' | '.join(cells)} |")


def file_of(folder: Path, job: tuple[float, float, str]) -> Path:
    """Return where the result of a run lies."""
    return folder / ("equation_" + "_".join(f"{one}" for one in job) + ".json")


def density_at(job: tuple[float, float, str], chosen: dict[str, Any]) -> None:
    """Simulate at a stiffness and a pressure, from a hexagonal crystal, and write what comes out."""
    from softal.simulators import build

    stiff, P, way = job
    longer = chosen["factor"] if way == "learned" else 1
    settings = {
        "ensemble": "npt",
        "particles": 64,
        "equilibration": longer * chosen["equilibration"],
        "sampling": longer * chosen["sampling"],
        **({"learner": str(chosen["learner"])} if way == "learned" else {}),
    }
    simulator: Simulator = build("deformable_shells", settings)
    start = time.process_time()
    found = simulator.run({"beta_K": stiff, "P": P, "start": "hexagonal"}, Context(chosen["folder"], 1))
    result = {name: found.values.get(name, 0.0) for name in ("density", "chi_6", "far", "drift", "energy_error")}
    result |= {"error": found.errors["density"], "seconds": time.process_time() - start}
    file_of(chosen["folder"], job).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
