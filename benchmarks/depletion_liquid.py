"""The liquid's density of colloids in ideal polymer at coexistence, from pressures at constant volume.

    python benchmarks/depletion_liquid.py runs/asakura_oosawa --sampling 10000 --seeds 4 [--eta-p 0.55 0.6] [--exact]
    python benchmarks/depletion_liquid.py runs/asakura_oosawa --check

A liquid that has a gas beside it has the gas' pressure, which is nearly none for it, and the density at which it has
that. Runs at constant volume have nothing to come to rest but what is near each colloid: no slab has to contract, no
box to change its size. So pressures are measured at several densities and of the gas, a parabola P(eta_c) is fitted to
the liquid's (weights: standard errors), and where it has the gas' pressure is the liquid's density, its error from
draws of all pressures within theirs. q = 0.4, 256 colloids; `--exact` is with the exact many-body term, which takes
some five times as long. The averaged bond order q6 of the last configurations says whether a run has crystallised.
Results lie in --folder, and a run that was stopped goes on. `--check`: by how much the learned term changes the
pressure, from exact forces in the same configurations; and whether an fcc crystal that has a liquid on one side and a
void on the other grows or melts, by the number of particles in it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from jobs import run_all

from softal.numeric import Floats
from softal.simulators.base import Context

Q = 0.4
GAS = {0.55: (0.036, 0.044), 0.60: (0.017, 0.020)}  # between these, by Gibbs ensembles and slabs
LIQUID = {0.55: (0.36, 0.38, 0.40, 0.42, 0.44, 0.46), 0.60: (0.41, 0.425, 0.44, 0.455, 0.47, 0.485)}
VOID = 8.0  # [sigma]
CRYSTAL = 0.35  # averaged q6 of a particle in a crystal; in a liquid it is 0.2
DRAWS = 2000
CRYSTALS = {0.55: (0.586, 0.40), 0.60: (0.60, 0.45), 0.667: (0.62, 0.48)}  # packing fractions of fcc and liquid

Job = tuple[float, float, int]


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("learner", type=Path)
    options.add_argument("--exact", action="store_true")
    options.add_argument("--check", action="store_true")
    options.add_argument("--eta-p", type=float, nargs="+", default=[0.55, 0.60], choices=sorted(GAS))
    options.add_argument("--sampling", type=int, default=40_000, help="sweeps; a quarter of it before")
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--workers", type=int, default=1)
    options.add_argument("--folder", type=Path, default=Path("runs/benchmarks/depletion_liquid"))
    chosen = options.parse_args()
    if chosen.check:
        check_forces(chosen.learner)
        for eta_p, packings in CRYSTALS.items():
            check_crystal(chosen.learner, eta_p, *packings)
        return
    chosen.folder.mkdir(parents=True, exist_ok=True)
    seeds = range(1, chosen.seeds + 1)
    jobs = [(p, c, seed) for p in chosen.eta_p for c in (*GAS[p], *LIQUID[p]) for seed in seeds]
    todo = [job for job in jobs if not file_of(job, chosen).exists()]
    for job, future in run_all(todo, simulate, chosen, workers=chosen.workers):
        future.result()
        print("done", *job, flush=True)
    for p in chosen.eta_p:
        report(
            p, {c: [json.loads(file_of((p, c, s), chosen).read_text()) for s in seeds] for c in (*GAS[p], *LIQUID[p])}
        )


def file_of(job: Job, chosen: argparse.Namespace) -> Path:
    """Return where the result of a run lies."""
    way = "exact" if chosen.exact else "learned"
    return Path(chosen.folder, "_".join([way, str(chosen.sampling), *map(str, job)]) + ".json")


def simulate(job: Job, chosen: argparse.Namespace) -> None:
    """Simulate at a state, and write what comes out."""
    from softal.simulators import build

    eta_p, eta_c, seed = job
    settings = {"particles": 256, "equilibration": chosen.sampling // 4, "sampling": chosen.sampling}
    settings |= {} if chosen.exact else {"learner": str(chosen.learner)}
    start = time.process_time()
    found = build("asakura_oosawa", settings).run(
        {"eta_c": eta_c, "eta_p": eta_p, "q": Q}, Context(chosen.folder, seed)
    )
    result = {name: found.values.get(name, 0.0) for name in ("pressure", "drift", "far")}
    x, boxes = (found.arrays[name].values for name in ("configurations", "boxes"))
    result |= {"error": found.errors["pressure"], "crystal": crystalline(x[-5:], boxes[-5:])}
    file_of(job, chosen).write_text(json.dumps(result | {"seconds": time.process_time() - start}))


def crystalline(x: Floats, boxes: Floats) -> float:
    """Return the part of the particles (S, N, 3) whose averaged q6 is that of crystals."""
    from softal.theory.local_structure.bond_order import BondOrder
    from softal.theory.local_structure.sann import sann

    orders = [BondOrder.of(sann(one, box), (6,)).averaged().q for one, box in zip(x, boxes, strict=True)]
    return float(np.mean(np.array(orders) > CRYSTAL))


def check_forces(learner: Path) -> None:
    """Print by how much the learned term's pressure is above the exact one, in configurations of the learned term."""
    from softal.simulators.learned_potential import learned_potential
    from softal.simulators.monte_carlo import starts
    from softal.simulators.monte_carlo.colloids import Colloids, Learned

    fit = learned_potential(learner, "asakura_oosawa", 3).potential
    for eta_p, packings in LIQUID.items():
        for eta_c in (packings[2], packings[-2]):
            system, away = Learned(starts.fluid(256, eta_c * 6 / np.pi, 3, 1), Q, eta_p, fit, seed=3), []
            system.tune(1000)
            for _ in range(40):
                system.run(50)
                away.append(system.virial - Colloids(system.configuration, Q, eta_p).virial)
            mean, error = np.mean(away), np.std(away) / len(away) ** 0.5
            print(f"eta_p = {eta_p:g}, eta_c = {eta_c:g}: learned - exact {mean:.4f} +- {error:.4f}", flush=True)


def check_crystal(learner: Path, eta_p: float, solid: float, liquid: float) -> None:
    """Print how many particles are in a crystal of 256 beside 300 of a liquid, as sweeps go on."""
    from softal.simulators.learned_potential import learned_potential
    from softal.simulators.monte_carlo.colloids import Learned
    from softal.simulators.monte_carlo.sphere_starts import beside_fluid, crystal
    from softal.simulators.monte_carlo.system import Configuration

    both = beside_fluid(crystal("fcc", 256, solid), 300, liquid, 1.0, 0.0, seed=1).configuration
    box = both.box + np.array([0.0, 0.0, VOID])
    fit = learned_potential(learner, "asakura_oosawa", 3).potential
    system = Learned(Configuration(both.positions, box), Q, eta_p, fit, seed=4)
    system.tune(400)
    counts = []
    for _ in range(9):
        counts.append(round(len(system.positions) * crystalline(system.positions[None], box[None])))
        system.run(3000)
    print(f"eta_p = {eta_p:g}: in the crystal, every 3000 sweeps: {', '.join(map(str, counts))}", flush=True)


def report(eta_p: float, runs: dict[float, list[dict[str, Any]]]) -> None:
    """Print pressures, and the density of a liquid that has the gas' pressure."""
    print(f"\neta_p = {eta_p:g}\n\n| eta_c | pressure [kT/sigma^3] | drift | far | crystal |\n|---|---|---|---|---|")
    means: dict[float, tuple[float, float]] = {}
    for eta_c, seen in runs.items():
        P, error = (np.array([one[name] for one in seen]) for name in ("pressure", "error"))
        means[eta_c] = float(P.mean()), float(np.sqrt((error**2).sum())) / len(seen)
        others = [
            max(one["drift"] for one in seen),
            *(np.mean([one[name] for one in seen]) for name in ("far", "crystal")),
        ]
        cells = [f"{eta_c:g}", "{:.4f} +- {:.4f}".format(*means[eta_c]), *(f"{one:.2g}" for one in others)]
        print(f"| {' | '.join(cells)} |")
    print()
    of_liquid = np.array([means[c] for c in LIQUID[eta_p]]).T
    for gas in GAS[eta_p]:
        eta, error = crossing(np.array(LIQUID[eta_p]), *of_liquid, means[gas])
        print(f"liquid beside a gas of {gas:g}: {eta:.4f} +- {error:.4f}")


def crossing(eta: Floats, P: Floats, errors: Floats, gas: tuple[float, float]) -> tuple[float, float]:
    """Return where a parabola through P(eta) rises to the gas' pressure, and the error: half of 68 % of the draws."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(DRAWS + 1):
        away = np.zeros(len(eta) + 1) if number == 0 else rng.normal(size=len(eta) + 1)
        parabola = np.polyfit(eta, P + away[1:] * errors, 2, w=1 / errors)
        parabola[-1] -= gas[0] + away[0] * gas[1]
        c, b, a = parabola[::-1]
        inside = b * b - 4 * a * c
        found.append(2 * c / (-b - np.sqrt(inside)) if inside >= 0 else float("nan"))
    low, high = np.nanquantile(found[1:], [0.16, 0.84])
    return float(found[0]), float(high - low) / 2


if __name__ == "__main__":
    main()
