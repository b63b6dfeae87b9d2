"""The kind `silica` against published potentials' liquids, conservation of energy, and one engine against the other."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from softal.references import Reference, load_reference
from softal.simulators import engines
from softal.simulators.base import Context
from softal.simulators.engines import Engine, System
from softal.simulators.observables.partial_rdf import close_pairs
from softal.simulators.silica.potential import PRESETS, silica_potentials
from softal.simulators.silica.run import BOLTZMANN, PICOSECOND, Run
from softal.simulators.silica.settings import Extent, SilicaSettings
from softal.simulators.silica.silica import Silica
from softal.trial import Observation

pytestmark = [pytest.mark.physics, pytest.mark.validation, pytest.mark.timeout(1200)]

HOOMD_MISSING = importlib.util.find_spec("hoomd") is None
# First peaks of 648 atoms, 10 ps: position [angstrom] and height of g_SiO, g_OO, g_SiSi; coordination of silicon.
PEAKS = {
    "BKS": {"g_SiO": (1.606, 9.7), "g_OO": (2.622, 2.94), "g_SiSi": (3.123, 3.16), "coordination_SiO": 4.01},
    "CHIK": {"g_SiO": (1.618, 9.5), "g_OO": (2.646, 2.73), "g_SiSi": (3.117, 2.94), "coordination_SiO": 4.00},
    "ML": {"g_SiO": (1.621, 8.4), "g_OO": (2.647, 2.43), "g_SiSi": (3.153, 2.54), "coordination_SiO": 4.03},
}
SEEDS = (1, 2)


@pytest.fixture(scope="module")
def liquids() -> dict[str, list[Observation]]:
    """Two runs of 600 atoms, 4 + 4 ps, of each potential."""
    settings = {"engine": "lammps", "particles": 600, "equilibration": 4.0, "sampling": 4.0}
    return {
        name: [Silica({**settings, "potential": name}).run({}, Context(Path(), seed)) for seed in SEEDS]
        for name in PRESETS
    }


def mean_curve(runs: list[Observation], name: str) -> tuple[np.ndarray, np.ndarray]:
    grid = runs[0].arrays[name].grid
    assert grid is not None
    return grid, np.mean([run.arrays[name].values for run in runs], axis=0)


def peak(x: np.ndarray, y: np.ndarray, width: float) -> tuple[float, float]:
    """Position and height of the parabola through the logarithms around the maximum."""
    near = np.abs(x - x[np.argmax(y)]) <= width
    c2, c1, c0 = np.polyfit(x[near], np.log(y[near]), 2)
    return -c1 / (2 * c2), float(np.exp(c0 - c1**2 / (4 * c2)))


@pytest.mark.parametrize("name", ["g_SiO", "g_OO", "g_SiSi"])
@pytest.mark.parametrize("preset", PRESETS)
def test_first_peaks(liquids: dict[str, list[Observation]], preset: str, name: str) -> None:
    position, height = peak(*mean_curve(liquids[preset], name), {"g_SiO": 0.08, "g_OO": 0.15, "g_SiSi": 0.15}[name])
    expected_position, expected_height = PEAKS[preset][name]
    assert position == pytest.approx(expected_position, abs=0.02)
    assert height == pytest.approx(expected_height, rel=0.06)


@pytest.mark.parametrize("preset", PRESETS)
def test_tetrahedra_share_corners(liquids: dict[str, list[Observation]], preset: str) -> None:
    coordination = np.mean([run.values["coordination_SiO"] for run in liquids[preset]])
    assert coordination == pytest.approx(PEAKS[preset]["coordination_SiO"], abs=0.03)
    for run in liquids[preset]:
        assert abs(run.values["temperature"] - 3600) < 4 * run.errors["temperature"] + 36


@pytest.mark.parametrize("preset", PRESETS)
def test_angles(liquids: dict[str, list[Observation]], preset: str) -> None:
    """O-Si-O as in a tetrahedron, 109 degrees; Si-O-Si wide, at 140 to 150 degrees, BKS' the widest."""
    theta, P = mean_curve(liquids[preset], "angle_OSiO")
    assert peak(theta, P, 12.0)[0] == pytest.approx(107, abs=3)
    assert np.mean([run.values["angle_OSiO_mean"] for run in liquids[preset]]) == pytest.approx(108.7, abs=0.7)
    theta, P = mean_curve(liquids[preset], "angle_SiOSi")
    assert 137 < peak(theta, P, 20.0)[0] < 153


@pytest.fixture(scope="module")
def chik() -> dict[str, Reference]:
    """The synthetic reference: CHIK's own liquid of 3000 atoms, 10 + 10 ps, four runs."""
    table = Path(__file__).parents[2] / "campaigns/data/silica_chik_synthetic_gr.csv"
    return {
        name: load_reference(name, table, columns=("r_angstrom", name), range=(0.0, 6.0))
        for name in ("g_SiO", "g_OO", "g_SiSi")
    }


def distance(runs: list[Observation], references: dict[str, Reference]) -> float:
    """Return R_chi = sqrt(mean chi^2) of the mean curves."""
    means = {name: replace(runs[0].arrays[name], values=mean_curve(runs, name)[1]) for name in references}
    return float(np.sqrt(np.mean([ref.compare(means[name])[0] ** 2 for name, ref in references.items()])))


@pytest.mark.parametrize(("preset", "expected"), [("BKS", 0.083), ("ML", 0.081)])
def test_distance_from_chik(
    liquids: dict[str, list[Observation]], chik: dict[str, Reference], preset: str, expected: float
) -> None:
    """R_chi from eight runs of 375 atoms; one run scatters by 0.02. (A pilot's single runs had 0.080 and 0.096.)"""
    assert distance(liquids[preset], chik) == pytest.approx(expected, abs=0.02)


def test_chik_is_itself(liquids: dict[str, list[Observation]], chik: dict[str, Reference]) -> None:
    """Two runs of 600 atoms, 4 ps, scatter by 0.02."""
    assert distance(liquids["CHIK"], chik) < 0.035


def configuration(preset: str) -> System:
    """375 atoms of liquid at 3600 K."""
    settings = SilicaSettings(engine="lammps")
    run = Run(settings, Extent(375, 1.0, 0.5), silica_potentials(PRESETS[preset]), 1)
    positions = run.frames()[-1].positions
    return replace(run.system, positions=positions, potential=silica_potentials(PRESETS[preset]))


def start(engine: str, system: System, thermostat_time: float = 0.1) -> Engine:
    return engines.find(engine)(
        system, kT=BOLTZMANN * 3600, dt=1e-3 * PICOSECOND, thermostat_time=thermostat_time * PICOSECOND, seed=1
    )


def test_energy_is_conserved_without_a_thermostat() -> None:
    """2 ps at 3600 K: the energy drifts by less than 3 K per atom and picosecond (steps of 1 fs)."""
    system = configuration("BKS")
    times, energies, temperatures = [], [], []
    with start("lammps", system, thermostat_time=1e12) as engine:
        for step in range(100):
            frame = engine.frame()
            times.append(step * 0.02)
            kinetic = 0.5 * (3 * 375 - 3) * frame.temperature
            energies.append((frame.potential_energy + kinetic) / 375 / BOLTZMANN)
            temperatures.append(frame.temperature / BOLTZMANN)
            engine.run(20)
    drift = np.polyfit(times, energies, 1)[0]  # [K / ps]
    assert abs(drift) < 3
    assert np.std(energies) < 0.02 * np.std(temperatures) + 3
    assert np.std(temperatures) > 20  # the thermostat is out of the way: canonical fluctuations are 110 K


@pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")
@pytest.mark.parametrize("preset", PRESETS)
def test_the_engines_agree_on_one_configuration(preset: str) -> None:
    """But for pairs within 1e-4 angstrom of the cutoff, where HOOMD-blue's table goes on to zero."""
    system = configuration(preset)
    with start("lammps", system) as lammps, start("hoomd", system) as hoomd:
        difference = np.abs(hoomd.forces() - lammps.forces()).max(axis=1) / np.sqrt(np.mean(lammps.forces() ** 2))
        one, other = lammps.frame(), hoomd.frame()
    first, second, distances = close_pairs(system.positions, system.box_length, 8.001)
    at_the_cutoff = np.abs(distances - 8) < 2e-4
    others = np.setdiff1d(np.arange(375), np.concatenate([first[at_the_cutoff], second[at_the_cutoff]]))
    assert len(others) > 360
    assert difference[others].max() < 1e-5
    assert difference.max() < 1e-3
    assert other.potential_energy == pytest.approx(one.potential_energy, rel=1e-6)
    # HOOMD-blue's kinetic pressure differs in the three degrees of freedom of the total momentum.
    kinetic = one.temperature / system.box_length**3
    assert other.pressure == pytest.approx(one.pressure, abs=2 * kinetic + 1e-5 * abs(one.pressure))


@pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")
def test_hoomd_makes_the_same_liquid(chik: dict[str, Reference]) -> None:
    settings = {"engine": "hoomd", "particles": 375, "equilibration": 2.0, "sampling": 1.0, "potential": "CHIK"}
    observation = Silica(settings).run({}, Context(Path(), 1))
    assert observation.values["coordination_SiO"] == pytest.approx(4.02, abs=0.06)
    assert distance([observation], chik) < 0.06
