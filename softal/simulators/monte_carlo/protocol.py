"""Equilibrate, then sample: what is done to a system at one state point, and whether it had come to rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.system import Configuration, MonteCarlo
from softal.simulators.statistics import mean_and_error

POINTS = 200  # of each series; more cost time where runs are short
STAGES = 20  # temperatures of an annealing


@dataclass(frozen=True)
class Samples:
    """What sampling gave.

    density (B,) [1/sigma^d], energy (B,) [epsilon per particle] and pressure (B,) [beta P sigma^d] are series at equal
    intervals over the sampling (pressure: in NPT the set one, in NVT by virtual compression, for rods NaN there);
    drift is the greater one of their |difference of the means of the two halves| in standard errors. A system at rest
    has a drift of about 1; more than 4 or so says that it was not equilibrated.
    """

    configurations: tuple[Configuration, ...]
    density: Floats
    energy: Floats
    pressure: Floats
    drift: float
    acceptance: dict[str, float]


def sample(
    mc: MonteCarlo, equilibration: int, sampling: int, snapshots: int = 10, *, anneal: float | None = None
) -> Samples:
    """Equilibrate for sweeps, then sample for sweeps and keep evenly spaced snapshots.

    Step sizes are tuned in the first half of the equilibration, in which with `anneal` kT also falls geometrically from
    anneal * kT to kT; from then on both are constant.

    Args:
        mc: the system; it goes on from where it is.
        equilibration, sampling: numbers of sweeps.
        snapshots: number of configurations that are kept, the last one at the end.
        anneal: factor by which kT is higher at first; at least 1.

    Raises:
        SimulationError: if there are more snapshots than sweeps, or anneal is below 1.
    """
    if not 0 < snapshots <= sampling:
        raise SimulationError(
            f"{snapshots} snapshots of {sampling} sweeps; there has to be one, and at most one a sweep"
        )
    if anneal is not None and not 1 <= anneal < np.inf:
        raise SimulationError(f"anneal is {anneal:g}; it is the factor by which kT is higher at first, at least 1")
    _equilibrate(mc, equilibration, 1.0 if anneal is None else anneal)
    mc.reset_acceptance()
    per_snapshot = -(-min(POINTS, sampling) // snapshots)
    ends = np.linspace(0, sampling, snapshots * per_snapshot + 1).round().astype(int)
    configurations, series = [], []
    for i, sweeps in enumerate(np.diff(ends), start=1):
        mc.run(int(sweeps))
        series.append((mc.density, mc.energy / len(mc.positions), _pressure(mc)))
        if i % per_snapshot == 0:
            configurations.append(mc.configuration)
    density, energy, pressure = np.array(series).T
    return Samples(
        tuple(configurations), density, energy, pressure, max(_drift(density), _drift(energy)), mc.acceptance
    )


def _pressure(mc: MonteCarlo) -> float:
    if mc.pressure is not None:
        return mc.pressure
    return mc.virtual_pressure if mc.orientations is None else float("nan")


def _equilibrate(mc: MonteCarlo, sweeps: int, anneal: float) -> None:
    kT, tuned = mc.kT, sweeps // 2
    ends = np.linspace(0, tuned, STAGES + 1).round().astype(int)
    for factor, part in zip(np.geomspace(anneal, 1, STAGES), np.diff(ends), strict=True):
        mc.set_state_point(kT * float(factor))
        mc.tune(int(part))
    mc.set_state_point(kT)
    mc.run(sweeps - tuned)


def _drift(series: Floats) -> float:
    """Return |difference of the means of the two halves| in its standard errors; 0 for a constant series."""
    half = len(series) // 2
    means, errors = zip(*(mean_and_error(part) for part in (series[:half], series[half:])), strict=True)
    error = float(np.hypot(*errors))
    return abs(float(means[1] - means[0])) / error if error > 0 else 0.0
