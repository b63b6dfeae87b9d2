"""Every engine that is installed against a brute-force sum over pairs, and so against each other."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from softal.errors import EngineUnavailable, SimulationError
from softal.simulators import engines
from softal.simulators.engines import Box, Engine, Frame, Mie, System
from softal.simulators.engines.lammps import Lammps
from softal.simulators.engines.start import face_centred_cubic, thermal_velocities

pytestmark = pytest.mark.physics


class LammpsExact(Lammps):
    """LAMMPS with `pair_style mie/cut` instead of a table."""

    exact = True


HOOMD_MISSING = importlib.util.find_spec("hoomd") is None
ENGINES = [
    pytest.param("lammps", 5e-5, id="lammps"),
    pytest.param(LammpsExact, 1e-9, id="lammps-exact"),
    pytest.param("hoomd", 1e-5, id="hoomd", marks=pytest.mark.skipif(HOOMD_MISSING, reason="HOOMD-blue is missing")),
]
KT, DT = 0.8, 0.004


def engine_class(engine: str | type[Engine]) -> type[Engine]:
    return engines.find(engine) if isinstance(engine, str) else engine


def system(particles: int = 256, noise: float = 0.08, kT: float = KT, **potential: float) -> System:
    rng = np.random.default_rng(0)
    box_length = (particles / 0.8) ** (1 / 3)
    positions = face_centred_cubic(particles, box_length) + noise * rng.normal(size=(particles, 3))
    mie = Mie(**{"epsilon": 1.2, "sigma": 1.0, "cutoff": 2.5, **potential})
    return System(positions, thermal_velocities(particles, kT, 1.5, rng), Box.cube(box_length), mie, 1.5)


def start(engine: str | type[Engine], system: System, *, kT: float = KT, dt: float = DT, seed: int = 1) -> Engine:
    return engine_class(engine)(system, kT=kT, dt=dt, thermostat_time=0.2, seed=seed)


def brute_force(system: System) -> tuple[float, np.ndarray, float]:
    """Energy, forces and pressure of the cut potential, from all pairs with the minimum image."""
    separation = system.positions[:, None] - system.positions[None]
    separation -= system.box_length * np.round(separation / system.box_length)
    distance = np.sqrt(np.sum(separation**2, axis=-1))
    np.fill_diagonal(distance, 1e9)
    magnitude = system.potential.force(distance)
    forces = np.sum((magnitude / distance)[..., None] * separation, axis=1)
    count, volume = len(distance), system.box_length**3
    kinetic = 0.5 * system.mass * np.sum(system.velocities**2)
    # Kinetic part as the engines take it: N kT / V with kT from 3 N - 3 degrees of freedom.
    kT = 2 * kinetic / (3 * count - 3)
    pressure = count * kT / volume + 0.5 * np.sum(magnitude * distance) / (3 * volume)
    return 0.5 * float(np.sum(system.potential.energy(distance))), forces, pressure


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
@pytest.mark.parametrize(
    "potential", [{}, {"shift": True}, {"n": 10.0}, {"n": 20.0, "m": 5.0}, {"n": 8.3, "shift": True, "cutoff": 2.9}]
)
def test_energy_forces_and_pressure(engine: str, tolerance: float, potential: dict[str, float]) -> None:
    configuration = system(**potential)
    energy, forces, pressure = brute_force(configuration)
    with start(engine, configuration) as running:
        frame = running.frame()
        scale = np.sqrt(np.mean(forces**2))
        assert frame.potential_energy == pytest.approx(energy, rel=tolerance)
        assert np.max(np.abs(running.forces() - forces)) < tolerance * scale * 10
        assert frame.temperature == pytest.approx(KT, rel=1e-6)
        # HOOMD-blue's kinetic pressure differs in the three degrees of freedom of the total momentum.
        assert frame.pressure == pytest.approx(pressure, rel=10 * tolerance, abs=2 * KT * 0.8 / 256 + 10 * tolerance)
        assert np.allclose(frame.positions, np.mod(configuration.positions, configuration.box_length), atol=1e-5)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_it_keeps_the_temperature(engine: str, tolerance: float) -> None:
    with start(engine, system()) as running:
        running.run(1000)
        temperatures = []
        for _ in range(100):
            running.run(20)
            temperatures.append(running.frame().temperature)
    # Canonical fluctuations: var(kT) = 2 kT^2 / (3 N - 3).
    spread = KT * np.sqrt(2 / (3 * 256 - 3))
    assert np.mean(temperatures) == pytest.approx(KT, abs=4 * spread / np.sqrt(20))
    assert 0.6 * spread < np.std(temperatures) < 1.5 * spread


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_the_same_seed_gives_the_same_trajectory(engine: str, tolerance: float) -> None:
    def end(seed: int) -> np.ndarray:
        with start(engine, system(), seed=seed) as running:
            running.run(100)
            running.set_thermostat(0.7, DT, 0.1, seed + 1)
            running.run(100)
            return running.frame().positions

    assert np.array_equal(end(1), end(1))
    assert not np.array_equal(end(1), end(2))


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_without_a_thermostat_the_energy_is_constant(engine: str, tolerance: float) -> None:
    def total(frame: Frame) -> float:
        return frame.potential_energy + 0.5 * (3 * 256 - 3) * frame.temperature

    with start(engine, system(shift=True), dt=0.002) as running:
        running.run(200)
        running.release_thermostat()
        frames = []
        for _ in range(40):
            running.run(25)
            frames.append(running.frame())
        # Verlet's energy is that of a shadow, which follows the potential energy's fluctuations at second order in dt.
        energies = [total(frame) for frame in frames]
        assert np.std(energies) < 0.02 * np.std([frame.potential_energy for frame in frames])
        assert abs(np.mean(energies[:20]) - np.mean(energies[20:])) < 1e-4 * abs(np.mean(energies))
        running.set_thermostat(2 * KT, 0.002, 0.05, 3)
        running.run(500)
        assert running.frame().temperature == pytest.approx(2 * KT, rel=0.2)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_unwrapped_positions_go_on_beyond_the_box(engine: str, tolerance: float) -> None:
    free = system(epsilon=1e-60, noise=0.0)  # so weak that none meets another
    with start(engine, free) as running:
        assert running.unwrapped() == pytest.approx(free.positions, abs=1e-6)
        running.release_thermostat()
        before = running.unwrapped()
        steps = round(1.5 * free.box_length / DT)
        running.run(steps)
        after, wrapped = running.unwrapped(), running.frame().positions
    assert np.abs(after - before).max() > 2 * free.box_length
    assert after - before == pytest.approx(free.velocities * steps * DT, abs=2e-3)
    outside = (after - wrapped) / free.box_length
    assert outside == pytest.approx(np.round(outside), abs=1e-5)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_a_run_in_parts_is_the_run_in_one(engine: str, tolerance: float) -> None:
    """To the last digit with LAMMPS, which does not set up its forces and lists anew."""

    def end(parts: list[int]) -> np.ndarray:
        with start(engine, system(kT=1.5)) as running:
            for steps in parts:
                running.run(steps)
                running.frame()
            return running.frame().positions

    assert end([1, 2, 4, 43, 50]) == pytest.approx(end([100]), abs=0 if engine == "lammps" else 1e-6)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
@pytest.mark.parametrize("skin", [0.05, 0.6])
def test_the_skin_has_no_part_in_the_results(engine: str, tolerance: float, skin: float) -> None:
    kwargs = {"kT": KT, "dt": DT, "thermostat_time": 0.2, "seed": 1}
    with (
        engine_class(engine)(system(), **kwargs) as usual,
        engine_class(engine)(system(), **kwargs, skin=skin) as other,
    ):
        usual.run(100)
        other.run(100)
        assert np.abs(other.forces() - usual.forces()).max() < 1e-6 * np.abs(usual.forces()).max()


def test_two_threads_give_the_same_forces() -> None:
    with engines.find("lammps")(system(), kT=KT, dt=DT, thermostat_time=0.2, seed=1, threads=2) as two:
        with start("lammps", system()) as one:
            assert np.allclose(two.forces(), one.forces(), rtol=1e-9, atol=1e-9)
        two.run(50)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
def test_no_force_no_acceleration(engine: str, tolerance: float) -> None:
    """Without interactions positions advance by v t, but for the thermostat's rescaling of all velocities alike."""
    free = system(epsilon=1e-12, noise=0.0)
    with start(engine, free) as running:
        running.run(10)
        moved = running.frame().positions - np.mod(free.positions, free.box_length)
    moved -= free.box_length * np.round(moved / free.box_length)
    factor = np.sum(moved * free.velocities) / np.sum(free.velocities**2)
    assert factor == pytest.approx(10 * DT, rel=0.2)
    assert np.allclose(moved, factor * free.velocities, atol=1e-5)


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES)
@pytest.mark.parametrize(
    "configuration", [system(noise=0.5), system(kT=0.8, epsilon=1e7)], ids=["overlapping atoms", "too steep"]
)
def test_a_blow_up_is_an_error_and_the_process_lives_on(engine: str, tolerance: float, configuration: System) -> None:
    def blow_up() -> None:
        with start(engine, configuration, dt=0.02) as running:
            running.run(500)
            running.frame()

    with pytest.raises(SimulationError, match=r"(?s)blew up.*shorter time step"):
        blow_up()
    with start(engine, system()) as again:
        again.run(10)


def test_a_cutoff_beyond_half_the_box() -> None:
    with pytest.raises(SimulationError, match="half the box"):
        system(cutoff=3.5)


def test_auto_takes_what_is_there() -> None:
    assert engines.find("auto").name == engines.available()[0]
    assert "lammps" in engines.available()


def test_an_unknown_engine() -> None:
    with pytest.raises(EngineUnavailable, match="'gromacs' is not known; allowed are auto, hoomd, lammps"):
        engines.find("gromacs")


@pytest.mark.parametrize("name", ["hoomd", "lammps"])
def test_a_missing_engine_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engines._load(name)
    monkeypatch.setattr(engine, "available", classmethod(lambda cls: False))
    with pytest.raises(EngineUnavailable, match="install"):
        engines.find(name)


def test_no_engine_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in engines.ENGINES:
        monkeypatch.setattr(engines._load(name), "available", classmethod(lambda cls: False))
    with pytest.raises(EngineUnavailable, match=r"conda-forge.*pip install lammps mpich"):
        engines.find()


def test_engines_are_imported_late_and_silently(tmp_path: Path) -> None:
    code = (
        "import sys, softal.simulators.argon.argon, softal.simulators.engines as e\n"
        "assert not {'lammps', 'hoomd', 'freud', 'scipy'} & set(sys.modules), sorted(sys.modules)\n"
        "from tests.simulators.engines.test_engines import start, system\n"
        "start('lammps', system()).run(10)\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
