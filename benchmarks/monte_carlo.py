"""Trial moves per second of softal's Monte Carlo against HOOMD-blue's HPMC, on the same particles in one run.

    python benchmarks/monte_carlo.py --json moves.json

Both run in this process on one thread, and what counts is the process' CPU time: on a machine that is busy with other
work it is the fairer clock. Rounds alternate between systems and engines; the figures are medians over rounds. Step
sizes are tuned first, to the same acceptance. A sweep is a trial move of each particle, and of the box at a pressure.

How fast a system forgets its configuration is the other figure: with the integrated autocorrelation time tau of the
energy at a fluid state point, a configuration is new after 2 tau. Where HPMC is missing, softal alone is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from softal.simulators.monte_carlo import hpmc, rod_starts, sphere_starts, starts
from softal.simulators.monte_carlo.hpmc import Hpmc
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SquareShoulder
from softal.simulators.monte_carlo.spheres import Spheres
from softal.simulators.monte_carlo.spherocylinders import Spherocylinders
from softal.simulators.monte_carlo.system import Configuration, Disks, MonteCarlo
from softal.simulators.statistics import autocorrelation_time, mean_and_error
from softal.theory import sphere_pressure

SHOULDER = SquareShoulder(1.4)
COLD, DENSE, PRESSURE = 0.217, 0.95, 33.9  # where the dodecagonal quasicrystal forms
FLUID_T, FLUID_P = 0.45, 10.0
FLUID_PARTICLES = 64  # tau of 256 is six times as long, too long for HPMC in a benchmark of three minutes
LENGTH = 5.0  # of the rods
SPHERES = 0.5  # packing fraction of the spheres
EQUILIBRATION = 20_000  # sweeps
TUNING = 500  # sweeps of 256 particles, in which step sizes settle
INTERVAL = 10  # sweeps between two values of the energy


@dataclass(frozen=True)
class Case:
    """A system that both engines move."""

    name: str
    start: Configuration
    potential: PairPotential
    temperature: float  # kT/epsilon
    pressure: float | None = None
    length: float = 0.0

    def system(self, engine: str) -> MonteCarlo:
        """Return it in an engine, `softal` or `hoomd`, with tuned step sizes."""
        state = self.start, self.potential, self.temperature, self.pressure
        if engine == "hoomd":
            mc: MonteCarlo = Hpmc(*state, seed=1, length=self.length)
        elif self.length:
            mc = Spherocylinders(*state, seed=1, length=self.length)
        elif self.start.dimension == 3:
            mc = Spheres(self.start, self.temperature, self.pressure, seed=1)
        else:
            mc = Disks(*state, seed=1)
        mc.tune(max(100, TUNING * 256 // len(self.start.positions)))
        return mc


def equilibrated(n: int, density: float, temperature: float, pressure: float | None = None) -> Configuration:
    """Return n disks with a shoulder, EQUILIBRATION sweeps after a random start."""
    mc = Disks(starts.fluid(n, density, seed=0), SHOULDER, temperature, pressure, seed=0)
    mc.tune(EQUILIBRATION)
    return mc.configuration


def tiled(configuration: Configuration, m: int) -> Configuration:
    """Return m x m copies side by side."""
    x, box = configuration.positions, configuration.box
    shifts = np.array([(i, j) for i in range(m) for j in range(m)]) * box
    return Configuration((x[None] + shifts[:, None]).reshape(-1, 2), m * box)


def cases(copies: Iterable[int]) -> list[Case]:
    """Return the systems whose moves are counted; the dense one in m x m copies for each of `copies`."""
    found, one = [], equilibrated(256, DENSE, COLD)
    for m in copies:
        start = tiled(one, m)
        found += [
            Case(f"square shoulder, {256 * m * m}, {name}", start, SHOULDER, COLD, pressure)
            for name, pressure in (("NVT", None), ("NPT", PRESSURE))
        ]
    disks = Case("hard disks, 256, NVT", starts.fluid(256, 0.8, seed=0), HardCore(), 1.0)
    layers = rod_starts.smectic(432, 0.1, LENGTH, seed=0)
    rods = Case("hard rods, 432, NVT", layers, HardCore(), 1.0, length=LENGTH)
    return [*found, disks, rods, *spheres()]


def spheres() -> list[Case]:
    """Return 1000 hard spheres at a packing fraction of 0.5, and at the pressure of that."""
    start = sphere_starts.mixture(1000, SPHERES, seed=0).configuration
    pressure = sphere_pressure.fluid(SPHERES) * start.density
    return [
        Case(f"hard spheres, 1000, {name}", start, HardCore(), 1.0, p) for name, p in (("NVT", None), ("NPT", pressure))
    ]


def seconds(work: Callable[[], None]) -> float:
    """Return the CPU time of this process that `work` takes [s]."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def rate(mc: MonteCarlo, sweeps: int) -> float:
    """Return trial moves, of particles and the box, per second of CPU time."""
    mc.reset_acceptance()
    taken = seconds(lambda: mc.run(sweeps))
    return int(mc.tried.sum()) / taken


def moves(systems: list[Case], engines: list[str], rounds: int, budget: float) -> dict[str, dict[str, float]]:
    """Return trial moves per second of every case, and the medians over rounds of their ratio."""
    running = {(case.name, engine): case.system(engine) for case in systems for engine in engines}
    sweeps = {}
    for key, mc in running.items():
        sweeps[key] = max(5, round(budget * rate(mc, 20) / len(mc.positions)))
    rates: dict[tuple[str, str], list[float]] = {key: [] for key in running}
    for _ in range(rounds):
        for key, mc in running.items():
            rates[key].append(rate(mc, sweeps[key]))
    return {case.name: _figures({e: rates[case.name, e] for e in engines}) for case in systems}


def decorrelated(engines: list[str], budget: float) -> dict[str, dict[str, float]]:
    """Return, in the fluid, tau of the energy [sweeps], sweeps and new configurations per second, and the energy.

    A sample is taken every INTERVAL sweeps; its own time is not counted.
    """
    start = equilibrated(FLUID_PARTICLES, 0.5, FLUID_T, FLUID_P)
    case = Case("fluid", start, SHOULDER, FLUID_T, FLUID_P)
    found = {}
    for engine in engines:
        mc = case.system(engine)
        mc.run(1000)
        taken, energies = 0.0, []
        while taken < budget:
            taken += seconds(lambda mc=mc: mc.run(INTERVAL))  # type: ignore[misc]
            energies.append(mc.energy / len(mc.positions))
        mean, error = mean_and_error(energies)
        tau = INTERVAL * float(autocorrelation_time(energies))
        sweeps_per_s = INTERVAL * len(energies) / taken
        found[engine] = {
            "tau_sweeps": tau,
            "sweeps": INTERVAL * len(energies),
            "sweeps_per_s": sweeps_per_s,
            "configurations_per_s": sweeps_per_s / (2 * tau),
            "energy": float(mean),
            "energy_error": float(error),
        }
    return found


def _figures(rates: dict[str, list[float]]) -> dict[str, float]:
    figures = {engine: statistics.median(values) for engine, values in rates.items()}
    if "hoomd" in rates:
        ratios = [own / other for own, other in zip(rates["softal"], rates["hoomd"], strict=True)]
        figures |= {"ratio": statistics.median(ratios), "lowest_ratio": min(ratios)}
    return figures


def moves_table(figures: dict[str, dict[str, float]]) -> str:
    """Return trial moves per second as a table."""
    lines = ["| system | softal, moves/s | HPMC, moves/s | ratio |", "|---|---|---|---|"]
    for name, one in figures.items():
        other = f"{one['hoomd']:.3g} | {one['ratio']:.1f}" if "hoomd" in one else "- | -"
        lines.append(f"| {name} | {one['softal']:.3g} | {other} |")
    return "\n".join(lines)


def decorrelation_table(figures: dict[str, dict[str, float]]) -> str:
    """Return what `decorrelated` found as a table."""
    lines = ["| fluid | tau, sweeps | sweeps/s | new configurations/s | energy |", "|---|---|---|---|---|"]
    for engine, one in figures.items():
        lines.append(
            f"| {engine} | {one['tau_sweeps']:.0f} | {one['sweeps_per_s']:.0f} | {one['configurations_per_s']:.3g} | "
            f"{one['energy']:.3f} +- {one['energy_error']:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print tables, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of CPU time, that each takes in a round, about")
    parser.add_argument("--fluid-seconds", type=float, default=10.0, help="of CPU time for each autocorrelation time")
    parser.add_argument("--copies", type=int, nargs="+", default=(1, 2, 4), help="m: m x m times 256 particles")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    engines = ["softal", "hoomd"] if hpmc.available() else ["softal"]
    if len(engines) == 1:
        print("HOOMD-blue with HPMC is missing here; softal alone is measured\n")
    results: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    results["moves"] = moves(cases(arguments.copies), engines, arguments.rounds, arguments.seconds)
    print(moves_table(results["moves"]), flush=True)
    results["decorrelated"] = decorrelated(engines, arguments.fluid_seconds)
    print("\n" + decorrelation_table(results["decorrelated"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
