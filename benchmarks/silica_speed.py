"""Steps per second of silica: softal's engine against LAMMPS' own pair styles, on the same atoms in one run.

    python benchmarks/silica_speed.py --json speed.json

The other side is the script that a user would write, `pair_style hybrid/overlay coul/dsf + buck + mie/cut`; it is run
as it stands, and with the OPENMP package's variants (one thread), which softal's tables use as well. Forces of all are
compared first. Rounds alternate between the candidates, such that other work on the machine hits all alike; the figures
are medians over rounds.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from softal.simulators.engines.base import Engine, System
from softal.simulators.engines.lammps import Lammps
from softal.simulators.silica.potential import ALPHA, COULOMB, PRESETS, BuckinghamDSF, silica_potentials
from softal.simulators.silica.run import BOLTZMANN, PICOSECOND, Run
from softal.simulators.silica.settings import Extent, SilicaSettings

ATOMS = (375, 600, 3000)
MIE_EPSILON = 1e-12  # [eV]: so shallow that of Mie's two terms only the repulsive one is left, D/r^24
POTENTIAL = "CHIK"


class Overlay(Lammps):
    """Silica by `hybrid/overlay coul/dsf + buck + mie/cut`, of LAMMPS' plain code."""

    atom_style: ClassVar[str] = "charge"
    acceleration: ClassVar[tuple[str, ...]] = ()

    def _create_potentials(self) -> None:
        pairs = self.system.pairs
        cutoff = f"{self.system.cutoff:.17g}"
        self._lammps.command(f"pair_style hybrid/overlay coul/dsf {ALPHA} {cutoff} buck {cutoff} mie/cut {cutoff}")
        self._lammps.command("pair_coeff * * coul/dsf")
        for (a, b), pair in pairs.items():
            assert isinstance(pair, BuckinghamDSF)
            kinds = f"pair_coeff {a + 1} {b + 1}"
            self._lammps.command(f"{kinds} buck {pair.A:.17g} {pair.rho:.17g} {pair.C:.17g}")
            prefactor = 24 / 18 * (24 / 6) ** (6 / 18)
            sigma = (pair.D / (prefactor * MIE_EPSILON)) ** (1 / 24)
            self._lammps.command(f"{kinds} mie/cut {MIE_EPSILON:.17g} {sigma:.17g} 24 6")
            if a == b:  # units lj have no Coulomb constant
                charge = math.sqrt(COULOMB * pair.charges) * (1 if a == 0 else -1)
                self._lammps.command(f"set type {a + 1} charge {charge:.17g}")


class OverlayOmp(Overlay):
    """The same by the OPENMP package's code with one thread."""

    acceleration: ClassVar[tuple[str, ...]] = Lammps.acceleration


CANDIDATES: dict[str, type[Lammps]] = {"softal": Lammps, "overlay": Overlay, "overlay, omp": OverlayOmp}


def liquid(atoms: int, seed: int = 1) -> System:
    """Return liquid silica of the potential POTENTIAL at 3600 K, half a picosecond after its melt."""
    settings = SilicaSettings(engine="lammps")
    run = Run(settings, Extent(atoms, 0.5, 0.5), silica_potentials(PRESETS[POTENTIAL]), seed)
    last = run.frames()[-1]
    return System(
        last.positions,
        run.system.velocities,
        run.system.box,
        silica_potentials(PRESETS[POTENTIAL]),
        run.system.mass,
        run.system.types,
        run.system.kinds,
    )


def start(kind: type[Lammps], system: System) -> Engine:
    """Return a running engine at 3600 K with steps of 1 fs."""
    return kind(system, kT=BOLTZMANN * 3600, dt=1e-3 * PICOSECOND, thermostat_time=0.1 * PICOSECOND, seed=1)


def measure(atoms: int, steps: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return steps per second of every candidate, and the largest difference of a force over the forces' RMS."""
    system = liquid(atoms)
    engines = {name: start(kind, system) for name, kind in CANDIDATES.items()}
    forces = {name: engine.forces() for name, engine in engines.items()}
    rms = float(np.sqrt(np.mean(forces["overlay"] ** 2)))
    rates: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            begun = time.perf_counter()
            engine.run(steps)
            rates[name].append(steps / (time.perf_counter() - begun))
    figures = {}
    for name, engine in engines.items():
        engine.close()
        figures[name] = {
            "steps_per_s": statistics.median(rates[name]),
            "times_overlay": statistics.median(r / o for r, o in zip(rates[name], rates["overlay"], strict=True)),
            "force_difference": float(np.abs(forces[name] - forces["overlay"]).max()) / rms,
        }
    return figures


def main() -> None:
    """Measure, print a table, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--atoms", type=int, nargs="+", default=ATOMS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="that the slowest candidate takes in a round, about")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    figures = {}
    print("| atoms | | steps/s | times the overlay's | largest force difference / RMS |\n|---|---|---|---|---|")
    for atoms in arguments.atoms:
        steps = max(5, round(arguments.seconds * 150_000 / atoms))
        figures[str(atoms)] = measure(atoms, steps, arguments.rounds)
        for name, one in figures[str(atoms)].items():
            print(
                f"| {atoms} | {name} | {one['steps_per_s']:.0f} | {one['times_overlay']:.2f} | "
                f"{one['force_difference']:.1e} |",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
