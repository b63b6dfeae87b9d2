"""What is measured in a run of silica: partial g(r), coordination, bond angles, neutron F(Q), energy and pressure.

A bond is a pair Si-O nearer than the first minimum of the run's own g_SiO. All means have standard errors that account
for autocorrelation (`statistics`). Energy and pressure are those of the cut potential: neither has a tail.
"""

from __future__ import annotations

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.engines.base import Frame, System
from softal.simulators.observables.bonds import Bonds, angle_distribution, first_minimum
from softal.simulators.observables.force_distribution import distributions
from softal.simulators.observables.neutron import NeutronInterference
from softal.simulators.observables.partial_rdf import PartialDistributions
from softal.simulators.silica.potential import PAIRS, SI, O
from softal.simulators.silica.run import BOLTZMANN
from softal.simulators.silica.settings import SilicaSettings
from softal.simulators.statistics import mean_and_error
from softal.trial import Array, Observation

VALUES = (
    "coordination_SiO",
    "coordination_OSi",
    "angle_OSiO_mean",
    "angle_SiOSi_mean",
    "pressure",
    "potential_energy",
    "temperature",
)
VALUE_UNITS = {
    "angle_OSiO_mean": "degree", "angle_SiOSi_mean": "degree", "pressure": "GPa", "potential_energy": "eV",
    "temperature": "K", "coordination_SiO": "1", "coordination_OSi": "1",
}  # fmt: skip
ARRAYS = {  # name -> unit of the values, unit of the grid
    "g_SiO": ("", "angstrom"),
    "g_OO": ("", "angstrom"),
    "g_SiSi": ("", "angstrom"),
    "angle_OSiO": ("1/degree", "degree"),
    "angle_SiOSi": ("1/degree", "degree"),
    "neutron_fq": ("barn/sr", "1/angstrom"),
}

SYMBOLS = {**dict.fromkeys(("g_SiO", "g_OO", "g_SiSi"), "r"), "neutron_fq": "Q"}
SYMBOLS |= dict.fromkeys(("angle_OSiO", "angle_SiOSi"), "angle")

GIGAPASCAL = 160.2176634  # eV/angstrom^3 in GPa
SCATTERING_LENGTHS = (4.1491, 5.803)  # of Si and O [fm]; Sears 1992
FINE = 5  # bins of g(r) in one that is reported, for the transform to F(Q)
Q_MIN = 0.5  # [1/angstrom]
# F(Q) and angles of a large box cost as much as the molecular dynamics, and are less noisy: fewer configurations do.
LARGE = 1500  # atoms
LARGE_EVERY = 5


def observe(settings: SilicaSettings, system: System, frames: list[Frame]) -> Observation:
    """Return the observation that the configurations make.

    Raises:
        SimulationError: if there are no Si-O-Si or O-Si-O angles.
    """
    every = LARGE_EVERY if len(system.positions) > LARGE else 1
    few = frames[::every]
    fine = PartialDistributions(system.particle_types, system.box_length, settings.r_max, settings.r_bin / FINE)
    if settings.forces:
        arrays = _from_forces(settings, system, frames)
        counts = np.array([fine.counts(frame.positions) for frame in few])
    else:
        counts = np.array([fine.counts(frame.positions) for frame in frames])
        arrays = _from_counts(settings, fine, counts)
        counts = counts[::every]
    series, angles = _bonds(system, few, arrays["g_SiO"])
    arrays |= angles | {"neutron_fq": _neutron(settings, system, few, fine, counts)}
    series["pressure"] = np.array([frame.pressure for frame in frames]) * GIGAPASCAL
    series["potential_energy"] = np.array([frame.potential_energy for frame in frames]) / len(system.positions)
    series["temperature"] = np.array([frame.temperature for frame in frames]) / BOLTZMANN
    values, errors = {}, {}
    for name in VALUES:
        values[name], errors[name] = (float(number) for number in mean_and_error(series[name]))
    return Observation(values, errors, arrays)


def _from_counts(settings: SilicaSettings, fine: PartialDistributions, counts: Floats) -> dict[str, Array]:
    bins = max(1, round(settings.r_max / settings.r_bin))
    coarse = counts.reshape(len(counts), len(fine.pairs), bins, -1).sum(axis=-1)
    ideal = fine.ideal.reshape(len(fine.pairs), bins, -1).sum(axis=-1)
    r = (np.arange(bins) + 0.5) * settings.r_max / bins
    g_r = {pair: coarse[:, index] / ideal[index] for index, pair in enumerate(fine.pairs)}
    return {f"g_{name}": _array(f"g_{name}", g_r[pair], r) for name, pair in PAIRS.items()}


def _from_forces(settings: SilicaSettings, system: System, frames: list[Frame]) -> dict[str, Array]:
    partial = PartialDistributions(system.particle_types, system.box_length, settings.r_max, settings.r_bin)
    positions, forces = [frame.positions for frame in frames], [frame.forces for frame in frames]
    found = distributions(partial, positions, forces, BOLTZMANN * settings.temperature)
    g_r = dict(zip(partial.pairs, found, strict=True))
    return {f"g_{n}": Array(*g_r[pair], partial.r_values, *ARRAYS[f"g_{n}"]) for n, pair in PAIRS.items()}


def _bonds(system: System, frames: list[Frame], g_SiO: Array) -> tuple[dict[str, Floats], dict[str, Array]]:
    assert g_SiO.grid is not None
    cutoff = first_minimum(g_SiO.grid, g_SiO.values)
    bonds = [Bonds(frame.positions, system.particle_types, system.box_length, (SI, O), cutoff) for frame in frames]
    coordination = np.array([one.coordination for one in bonds])
    series, arrays = {"coordination_SiO": coordination[:, 0], "coordination_OSi": coordination[:, 1]}, {}
    for centre, name in enumerate(("angle_OSiO", "angle_SiOSi")):
        angles = [one.angles(centre) for one in bonds]
        if any(len(some) == 0 for some in angles):
            raise SimulationError(
                f"no {name[6:]} angles within a bond length of {cutoff:.2f} angstrom: the atoms have evaporated"
            )
        series[f"{name}_mean"] = np.array([some.mean() for some in angles])
        theta = angle_distribution(angles[0])[1]
        arrays[name] = _array(name, np.array([angle_distribution(some)[0] for some in angles]), theta)
    return series, arrays


def _neutron(
    settings: SilicaSettings, system: System, frames: list[Frame], fine: PartialDistributions, counts: Floats
) -> Array:
    Q = np.arange(Q_MIN, settings.Q_max + settings.Q_bin / 2, settings.Q_bin)
    neutron = NeutronInterference(system.particle_types, system.box_length, SCATTERING_LENGTHS, fine, Q)
    F = [neutron.compute(frame.positions, count / fine.ideal) for frame, count in zip(frames, counts, strict=True)]
    return _array("neutron_fq", np.array(F), Q)


def _array(name: str, series: Floats, grid: Floats) -> Array:
    mean, error = mean_and_error(series)
    return Array(mean, error, grid, *ARRAYS[name])
