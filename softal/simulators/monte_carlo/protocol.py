"""Equilibrate, then sample: what is done to a system at one state point, and whether it had come to rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.simulators.monte_carlo.system import Configuration, MonteCarlo
from softal.simulators.statistics import mean_and_error

Floats = NDArray[np.float64]

POINTS = 200  # of each series; more cost time where runs are short
STAGES = 20  # temperatures of an annealing


@dataclass(frozen=True)
class Samples:
    """What sampling gave.

    density (B,) [1/sigma^d] and energy (B,) [epsilon per particle] are series at equal intervals over the sampling;
    drift is the greater one of their |difference of the means of the two halves| in standard errors.
    """

    configurations: tuple[Configuration, ...]
    density: Floats
    energy: Floats
    drift: float
    acceptance: dict[str, float]


def sample(
    mc: MonteCarlo, equilibration: int, sampling: int, snapshots: int = 10, *, anneal: float | None = None
) -> Samples:
    """Equilibrate for sweeps, then sample for sweeps and keep evenly spaced snapshots.

    Step sizes are tuned in the first half of the equilibration, in which with `anneal` kT also falls geometrically from
    anneal * kT to kT; from then on both are constant.
    """
    if not 0 < snapshots <= sampling:
        raise SimulationError(f"{snapshots} snapshots of {sampling} sweeps; there has to be one, and at most one a sweep")
    _equilibrate(mc, equilibration, 1.0 if anneal is None else anneal)
    mc.reset_acceptance()
    per_snapshot = -(-min(POINTS, sampling) // snapshots)
    ends = np.linspace(0, sampling, snapshots * per_snapshot + 1).round().astype(int)
    configurations, density, energy = [], [], []
    for i, sweeps in enumerate(np.diff(ends), start=1):
        mc.run(int(sweeps))
        density.append(mc.density)
        energy.append(mc.energy / len(mc.positions))
        if i % per_snapshot == 0:
            configurations.append(mc.configuration)
    drift = max(_drift(np.array(density)), _drift(np.array(energy)))
    return Samples(tuple(configurations), np.array(density), np.array(energy), drift, mc.acceptance)


def _equilibrate(mc: MonteCarlo, sweeps: int, anneal: float) -> None:
    kT = mc.kT
    tuned = sweeps // 2
    for factor in anneal ** np.linspace(1, 0, STAGES) if anneal != 1 else ():
        mc.set_state_point(kT * float(factor))
        mc.tune(tuned // STAGES)
    mc.set_state_point(kT)
    if anneal == 1:
        mc.tune(tuned)
    mc.run(sweeps - tuned)


def _drift(series: Floats) -> float:
    half = len(series) // 2
    means, errors = zip(*(mean_and_error(part) for part in (series[:half], series[half:])), strict=True)
    error = float(np.hypot(*errors))
    return abs(float(means[1] - means[0])) / error if error > 0 else 0.0
