"""Several kinds of particles with a tabulated potential for each pair: every engine against sums over pairs, and
LAMMPS' tables against its own pair styles."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from softal.errors import SimulationError
from softal.simulators import engines
from softal.simulators.engines import Box, System
from softal.simulators.engines.potential import Mie, all_lennard_jones, extended
from softal.simulators.engines.start import random_insertion, thermal_velocities
from softal.simulators.silica.potential import PRESETS, SI, O, silica_potentials
from softal.theory.kob_andersen import CUTOFF, EPSILON, PAIRS, SIGMA

pytestmark = pytest.mark.physics

HOOMD_MISSING = importlib.util.find_spec("hoomd") is None
ENGINES = [
    "lammps",
    pytest.param("hoomd", marks=pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")),
]
L, KT, DT = 17.83, 0.31, 0.05
TOLERANCE = 1e-5  # of the root mean square force


def silica(preset: str = "CHIK", L: float = L) -> System:
    """375 atoms at random, the first ones at the box's faces, where periodic images meet."""
    rng = np.random.default_rng(3)
    nearest = {(SI, SI): 2.5, (SI, O): 1.45, (O, O): 2.1}
    positions, types = random_insertion((125, 250), L, nearest, rng)
    masses = np.array([28.085, 15.999])
    velocities = thermal_velocities(375, KT, masses[types], rng)
    return System(positions, velocities, Box.cube(L), silica_potentials(PRESETS[preset]), masses, types, ("Si", "O"))


def brute_force(system: System) -> tuple[float, np.ndarray, float]:
    """Energy, forces and virial sum r F of all pairs with the minimum image."""
    separation = system.positions[:, None] - system.positions[None]
    separation -= system.box_length * np.round(separation / system.box_length)
    distance = np.sqrt(np.sum(separation**2, axis=-1))
    np.fill_diagonal(distance, 1e9)
    low = np.minimum(system.types[:, None], system.types[None])
    high = np.maximum(system.types[:, None], system.types[None])
    U, F = np.zeros_like(distance), np.zeros_like(distance)
    for (a, b), potential in system.pairs.items():
        of_pair = (low == a) & (high == b)
        U[of_pair], F[of_pair] = potential.energy(distance[of_pair]), potential.force(distance[of_pair])
    return 0.5 * U.sum(), np.sum((F / distance)[..., None] * separation, axis=1), 0.5 * np.sum(F * distance)


def start(engine: str | type[engines.Engine], system: System) -> engines.Engine:
    kind = engines.find(engine) if isinstance(engine, str) else engine
    return kind(system, kT=KT, dt=DT, thermostat_time=10.0, seed=1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("preset", PRESETS)
def test_energy_forces_and_pressure(engine: str, preset: str) -> None:
    system = silica(preset)
    energy, forces, virial = brute_force(system)
    scale = np.sqrt(np.mean(forces**2))
    with start(engine, system) as running:
        frame = running.frame()
        assert np.abs(running.forces() - forces).max() < TOLERANCE * scale
        assert frame.potential_energy == pytest.approx(energy, rel=1e-5)
        assert frame.temperature == pytest.approx(KT, rel=1e-6)
        pressure = (375 * KT + virial / 3) / L**3
        # HOOMD-blue's kinetic pressure differs in the three degrees of freedom of the total momentum.
        assert frame.pressure == pytest.approx(pressure, rel=1e-4, abs=2 * KT / L**3)


def kob_andersen(interaction: str, shift: bool = True) -> System:
    """200 particles at random, with the engines' own code for Lennard-Jones potentials."""
    rng = np.random.default_rng(5)
    length = (200 / 1.2) ** (1 / 3)
    positions, types = random_insertion((160, 40), length, {(0, 0): 0.8, (0, 1): 0.7, (1, 1): 0.7}, rng)
    potentials = {
        pair: Mie(EPSILON[pair], SIGMA[pair], CUTOFF[interaction] * SIGMA[pair], shift=shift) for pair in PAIRS
    }
    return System(
        positions, thermal_velocities(200, 1.0, 1.0, rng), Box.cube(length), potentials, 1.0, types, ("A", "B")
    )


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("interaction", "shift"), [("LJ", True), ("LJ", False), ("WCA", True)])
def test_lennard_jones_mixtures_are_exact(engine: str, interaction: str, shift: bool) -> None:
    system = kob_andersen(interaction, shift)
    energy, forces, virial = brute_force(system)
    volume = system.box_length**3
    with engines.find(engine)(system, kT=1.0, dt=0.001, thermostat_time=1.0, seed=1, skin=0.2) as running:
        frame = running.frame()
        assert np.abs(running.forces() - forces).max() < 1e-9 * np.sqrt(np.mean(forces**2)) * 10
        assert frame.potential_energy == pytest.approx(energy, rel=1e-9)
        assert frame.pressure == pytest.approx((200 + virial / 3) / volume, rel=1e-6, abs=2 / volume)


def test_threads_have_the_same_lennard_jones_forces() -> None:
    system = kob_andersen("LJ")
    with engines.find("lammps")(system, kT=1.0, dt=0.001, thermostat_time=1.0, seed=1, threads=2, skin=0.2) as two:
        assert two.forces() == pytest.approx(brute_force(system)[1], rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"n": 12.1}, False),
        ({"m": 5.0}, False),
        ({"shift": False}, False),
    ],
)
def test_what_is_lennard_jones(changed: dict[str, float], expected: bool) -> None:
    """All exponents 12 and 6, and all shifted or none: HOOMD-blue shifts all or none."""
    assert (
        all_lennard_jones(
            [
                Mie(1.0, 1.0, 2.5, shift=True),
                Mie(**{"epsilon": 0.5, "sigma": 0.9, "cutoff": 2.0, "shift": True, **changed}),
            ]
        )
        is expected
    )
    assert not all_lennard_jones([silica_potentials(PRESETS["BKS"])[SI, O]])


def test_forces_are_those_of_lammps_own_pair_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    """`hybrid/overlay coul/dsf + buck + mie/cut`: the same forces within 1e-5, energies but for DSF's self-energy."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    overlay = import_module("silica_speed").Overlay
    system = silica()
    with start("lammps", system) as tables, start(overlay, system) as styles:
        forces = styles.forces()
        assert np.abs(tables.forces() - forces).max() < 1e-5 * np.sqrt(np.mean(forces**2))
        energies = np.array([tables.frame().potential_energy, styles.frame().potential_energy])
        tables.run(20)
        styles.run(20)
        changes = np.array([tables.frame().potential_energy, styles.frame().potential_energy]) - energies
    assert changes[0] == pytest.approx(changes[1], rel=1e-5)


def without_forces(system: System) -> System:
    potentials = dict.fromkeys(system.pairs, Mie(1e-12, 1.0, 2.5))
    return replace(system, potential=potentials)


def test_the_speed_benchmark_measures_all_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "benchmarks"))
    silica_speed = import_module("silica_speed")
    monkeypatch.setattr(silica_speed, "liquid", lambda atoms: silica())
    figures = silica_speed.measure(375, steps=3, rounds=2)
    assert figures.keys() == {"softal", "overlay", "overlay, omp"}
    assert figures["overlay"]["times_overlay"] == 1
    assert all(one["steps_per_s"] > 0 and one["force_difference"] < 1e-5 for one in figures.values())


@pytest.mark.parametrize("engine", ENGINES)
def test_masses_are_those_of_the_kinds(engine: str) -> None:
    """The temperature counts each particle with its own mass."""
    with start(engine, without_forces(silica())) as running:
        assert running.frame().temperature == pytest.approx(KT, rel=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_velocities_can_be_changed(engine: str) -> None:
    system = without_forces(silica())
    with start(engine, system) as running:
        running.set_velocities(2 * system.velocities)
        running.run(1)  # in which the thermostat does little
        assert running.frame().temperature == pytest.approx(4 * KT, rel=0.05)
        moved = running.frame().positions - system.positions
    moved -= L * np.round(moved / L)
    assert moved == pytest.approx(2 * DT * system.velocities, rel=0.05, abs=1e-4)


@pytest.mark.parametrize("engine", ENGINES)
def test_atoms_upon_each_other_blow_up_without_ending_the_process(engine: str) -> None:
    system = silica()
    system.positions[0] = system.positions[200] + 0.01

    def blow_up() -> None:
        with start(engine, system) as running:
            running.run(200)
            running.frame()

    with pytest.raises(SimulationError, match="blew up"):
        blow_up()


def test_a_table_goes_on_as_a_straight_line_below_its_inner_end() -> None:
    pair = silica_potentials(PRESETS["BKS"])[SI, O]
    r = np.array([0.1, 0.5, pair.inner, 1.5])
    U, F = extended(pair, r)
    assert F[:3] == pytest.approx(float(pair.force(pair.inner)))
    assert U[0] - U[1] == pytest.approx(0.4 * F[0])
    assert U[2:] == pytest.approx(pair.energy(r[2:]))
    assert F[3] == pytest.approx(float(pair.force(1.5)))


def test_a_table_ends_in_the_limit_from_below() -> None:
    U, F = extended(Mie(1.0, 1.0, 2.5), np.array([2.5]))
    assert float(U[0]) == pytest.approx(4 * (2.5**-12 - 2.5**-6))
    assert F[0] < 0


def test_two_kinds_need_a_potential_for_each_pair() -> None:
    with pytest.raises(KeyError):
        System(
            np.zeros((2, 3)),
            np.zeros((2, 3)),
            Box.cube(9.0),
            {(0, 0): Mie(1.0, 1.0, 2.5)},
            1.0,
            np.array([0, 1]),
            ("A", "B"),
        )


def test_the_longest_cutoff_must_fit_into_half_the_box() -> None:
    with pytest.raises(SimulationError, match="half the box"):
        silica(L=15.9)


def test_random_insertion_keeps_its_distances() -> None:
    nearest = {(0, 0): 2.7, (0, 1): 1.5, (1, 1): 2.3}
    positions, types = random_insertion((125, 250), L, nearest, np.random.default_rng(1))
    separation = positions[:, None] - positions[None]
    separation -= L * np.round(separation / L)
    distance = np.linalg.norm(separation, axis=-1) + 1e9 * np.eye(375)
    for (a, b), allowed in nearest.items():
        shortest = distance[np.ix_(types == a, types == b)].min()
        assert allowed <= shortest < 1.2 * allowed
    assert np.bincount(types).tolist() == [125, 250]
    assert positions.mean() == pytest.approx(L / 2, abs=4 * L / np.sqrt(12 * 375 * 3))


def test_random_insertion_into_a_full_box() -> None:
    with pytest.raises(SimulationError, match=r"only \d+ of 500 particles found a place"):
        random_insertion((500,), 5.0, {(0, 0): 1.5}, np.random.default_rng(0))


def test_velocities_of_several_masses_have_equal_energies() -> None:
    masses = np.repeat([1.0, 16.0], 3000)
    velocities = thermal_velocities(6000, 2.0, masses, np.random.default_rng(0))
    kinetic = 0.5 * masses[:, None] * velocities**2
    assert 2 * kinetic.sum() / (3 * 6000 - 3) == pytest.approx(2.0)
    assert np.abs((masses[:, None] * velocities).sum(axis=0)).max() < 1e-9
    for half in (kinetic[:3000], kinetic[3000:]):
        assert 2 * half.mean() == pytest.approx(2.0, rel=4 * np.sqrt(2 / 9000))
