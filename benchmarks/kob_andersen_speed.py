"""Steps per second of the Kob-Andersen mixture: softal's engine against LAMMPS' plain script, and against its tables.

    python benchmarks/kob_andersen_speed.py --json speed.json

The other side is the script that a user would write: `pair_style lj/cut` with LAMMPS' own neighbour list (skin 0.3
sigma, checked every step). The tables are what softal sends other potentials through. Forces of all are compared first.
Rounds alternate between the candidates, such that other work on the machine hits all alike; figures are medians over
rounds of this process' CPU time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from softal.simulators.engines.base import Engine, System
from softal.simulators.engines.lammps import Lammps
from softal.simulators.kob_andersen.run import Run, State
from softal.simulators.kob_andersen.settings import SKIN, KobAndersenSettings
from softal.simulators.observables.threads import limited_threads

T, RHO = 0.7, 1.2
LAMMPS_SKIN = 0.3  # LAMMPS' default in `units lj` [sigma]


class Plain(Lammps):
    """LAMMPS as a plain script uses it."""

    def _accelerated(self, threads: int) -> tuple[str, ...]:
        return ()


class Table(Lammps):
    """Every pair from a table."""

    @property
    def _lennard_jones(self) -> bool:
        return False


CANDIDATES: dict[str, type[Lammps]] = {"softal": Lammps, "plain script": Plain, "table": Table}


def liquid(interaction: str) -> System:
    """Return an equilibrated liquid."""
    settings = KobAndersenSettings(engine="lammps", t_max=2.0, longest_run=40.0, sampling=1.5, origins=8)
    run = Run(settings, State(T, RHO, interaction), seed=1)
    last, start = run.samples().frames[-1], run.system
    potential = start.potential
    return System(
        last.positions, start.velocities, start.box, potential, start.mass, start.types, start.kinds
    )  # fmt: skip


def measure(interaction: str, steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return steps per second of every candidate, and the largest difference of a force over the forces' RMS."""
    system = liquid(interaction)
    skins = {name: LAMMPS_SKIN if name == "plain script" else SKIN[interaction] for name in CANDIDATES}
    engines: dict[str, Engine] = {
        name: kind(system, kT=T, dt=0.005, thermostat_time=0.2, seed=1, skin=skins[name])
        for name, kind in CANDIDATES.items()
    }
    forces = {name: engine.forces() for name, engine in engines.items()}
    rms = float(np.sqrt(np.mean(forces["plain script"] ** 2)))
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for engine in engines.values():
        engine.run(steps)
    for _ in range(rounds):
        for name, engine in engines.items():
            begun = time.process_time()
            engine.run(steps)
            rates[name].append(steps / (time.process_time() - begun))
    plain = rates["plain script"]
    for engine in engines.values():
        engine.close()
    return {
        name: {
            "steps_per_s": statistics.median(own),
            "times_plain": statistics.median(r / p for r, p in zip(own, plain, strict=True)),
            "force_difference": float(np.abs(forces[name] - forces["plain script"]).max()) / rms,
        }
        for name, own in rates.items()
    }


def main() -> None:
    """Measure, print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = {}
    print("| | | steps/s | times the plain script's | largest force difference / RMS |\n|---|---|---|---|---|")
    with limited_threads(1):
        for interaction in ("LJ", "WCA"):
            figures[interaction] = measure(interaction, arguments.steps, arguments.rounds)
            for name, one in figures[interaction].items():
                print(
                    f"| {interaction} | {name} | {one['steps_per_s']:.0f} | {one['times_plain']:.2f} | "
                    f"{one['force_difference']:.1e} |",
                    flush=True,
                )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
