"""One run of liquid silica: where it starts, how it is brought to its temperature, and what ends it early.

The protocol is the same for all parameters:

1. random insertion of silicon and oxygen with shortest distances (`NEAREST`) that no potential has a say in;
2. `RELAX` in short steps, which take contacts apart, and `MELT`, both at `HOT` and on top of the equilibration: a
   random start at 3600 K would take longer than 3 ps to find its network;
3. the equilibration at the temperature;
4. the sampling, one configuration every `sample_every`.

Unphysical parameters end it as a SimulationError with its reason, looked for every `CHUNK`: pairs of atoms in their
hard cores (a collapse into Buckingham's well), a temperature that runs away, and, at the end of the equilibration and
of the sampling, an empty sphere that no liquid has (atoms have gathered, or evaporated from each other). What an engine
itself notices (lost atoms, energies that are not numbers) is one, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from softal.errors import SimulationError
from softal.simulators import engines
from softal.simulators.engines.base import Engine, Floats, Frame, System
from softal.simulators.engines.potential import PairPotential
from softal.simulators.engines.start import random_insertion, thermal_velocities
from softal.simulators.observables.partial_rdf import close_pairs
from softal.simulators.periodic import periodic_tree
from softal.simulators.silica_potential import FALLEN, PAIRS, SI, O
from softal.simulators.silica_settings import O_MASS, SI_MASS, Extent, SilicaSettings

# Energies in eV, lengths in angstrom and masses in u make times in sqrt(u angstrom^2 / eV) = 10.18051 fs (CODATA 2018).
PICOSECOND = 1 / 0.01018050571
BOLTZMANN = 8.617333262e-5  # [eV/K]
MIN_FRAMES = 10  # fewer give no standard error worth the name
CHUNK = 0.2  # between two looks at a running system [ps]
NEAREST = {(SI, SI): 2.6, (SI, O): 1.45, (O, O): 2.1}  # a little less than in the liquid [angstrom]
RELAX, RELAX_STEP = 0.1, 0.25  # [ps]; steps, of the time step
MELT, HOT = 0.9, 6000.0  # [ps], [K]
FAST, SLOW = 0.02, 0.1  # time constants of the thermostat while it takes heat away, and later [ps]
RUNAWAY = 2.0  # times the temperature that is set
TEMPERATURE_TOLERANCE = 0.1  # relative, of the sampled mean
VOID = 6.0  # radius of an empty sphere [angstrom]; liquids of silica have up to 3.5
VOID_GRID = 1.5  # [angstrom]


class Run:
    """A run from its random start to its last configuration; see the module.

    Args:
        settings: of the simulator.
        size: atoms and lengths.
        potentials: of each pair of kinds.
        seed: of everything random.
        threads: CPU threads.
        gpu: whether to run on a GPU.

    Attributes:
        system: where it starts.
    """

    def __init__(
        self,
        settings: SilicaSettings,
        size: Extent,
        potentials: Mapping[tuple[int, int], PairPotential],
        seed: int,
        *,
        threads: int = 1,
        gpu: bool = False,
    ) -> None:
        start, *thermostats = np.random.SeedSequence(seed).spawn(4)
        self._settings, self._size, self._threads, self._gpu = settings, size, threads, gpu
        self._seeds = [int(seeds.generate_state(1)[0]) for seeds in thermostats]
        self._hot = max(settings.temperature, HOT)
        self.system = random_silica(settings, size.atoms, potentials, np.random.default_rng(start))

    def frames(self) -> list[Frame]:
        """Run, and return the sampled configurations.

        Raises:
            SimulationError: if the parameters describe no liquid, saying why.
        """
        settings, size, dt = self._settings, self._size, self._settings.timestep * 1e-3
        every = max(1, round(settings.sample_every / dt)) * dt
        with self._engine(RELAX_STEP * dt) as engine:
            self._advance(engine, RELAX, RELAX_STEP * dt, self._hot)
            self._set(engine, self._hot, dt, FAST, self._seeds[1])
            self._advance(engine, MELT, dt, self._hot)
            self._set(engine, settings.temperature, dt, SLOW, self._seeds[2])
            self._advance(engine, size.equilibration, dt, self._hot)
            look_for_voids(engine.frame(), self.system.box_length)
            engine.forget_heat(BOLTZMANN * settings.temperature)
            frames = [
                self._advance(engine, every, dt, settings.temperature)
                for _ in range(max(MIN_FRAMES, round(size.sampling / every)))
            ]
        look_for_voids(frames[-1], self.system.box_length)
        self._check_mean_temperature(frames)
        return frames

    def _engine(self, dt: float) -> Engine:
        return engines.find(self._settings.engine)(
            self.system,
            kT=BOLTZMANN * self._hot,
            dt=dt * PICOSECOND,
            thermostat_time=FAST * PICOSECOND,
            seed=self._seeds[0],
            threads=self._threads,
            gpu=self._gpu,
        )

    def _set(self, engine: Engine, temperature: float, dt: float, thermostat_time: float, seed: int) -> None:
        engine.set_thermostat(BOLTZMANN * temperature, dt * PICOSECOND, thermostat_time * PICOSECOND, seed)

    def _advance(self, engine: Engine, time: float, dt: float, hottest: float) -> Frame:
        """Run for `time` [ps] with a look every CHUNK; the last configuration."""
        steps, chunk = max(1, round(time / dt)), max(1, round(CHUNK / dt))
        while steps > 0:
            engine.run(min(chunk, steps))
            steps -= chunk
            frame = engine.frame()
            self._look(frame, hottest)
        return frame

    def _look(self, frame: Frame, hottest: float) -> None:
        T = frame.temperature / BOLTZMANN
        if T / hottest > RUNAWAY:
            raise SimulationError(
                f"the temperature runs away: {T:.0f} K where the thermostat is to keep {hottest:g} K; atoms have "
                f"fallen into a deep well, or forces are too steep for the time step of {self._settings.timestep:g} fs"
            )
        types = self.system.particle_types
        first, second, distance = close_pairs(frame.positions, self.system.box_length, max(FALLEN.values()))
        for name, (a, b) in PAIRS.items():
            fallen = distance[(np.minimum(types[first], types[second]) == a) & (types[first] + types[second] == a + b)]
            if len(fallen) and fallen.min() < FALLEN[name]:
                raise SimulationError(
                    f"the atoms collapse: {name[: len(name) // 2]} and {name[len(name) // 2 :]} came to "
                    f"{fallen.min():.2f} angstrom, {FALLEN[name]:g} is the least in a liquid"
                )

    def _check_mean_temperature(self, frames: list[Frame]) -> None:
        wanted = self._settings.temperature
        mean = float(np.mean([frame.temperature for frame in frames])) / BOLTZMANN
        if abs(mean / wanted - 1) > TEMPERATURE_TOLERANCE:
            raise SimulationError(
                f"the temperature is {mean:.0f} K on the average, not {wanted:g} K: the time step of "
                f"{self._settings.timestep:g} fs is too long for these parameters, or the equilibration too short"
            )


def random_silica(
    settings: SilicaSettings,
    atoms: int,
    potentials: Mapping[tuple[int, int], PairPotential],
    rng: np.random.Generator,
) -> System:
    """Return SiO2 at random, silicon first, with thermal velocities."""
    box_length, masses = settings.box_length(atoms), np.array([SI_MASS, O_MASS])
    positions, types = random_insertion((atoms // 3, atoms - atoms // 3), box_length, NEAREST, rng)
    velocities = thermal_velocities(atoms, BOLTZMANN * settings.temperature, masses[types], rng)
    return System(positions, velocities, box_length, potentials, masses, types, ("Si", "O"))


def look_for_voids(frame: Frame, box_length: float) -> None:
    """See that atoms are everywhere.

    Raises:
        SimulationError: if a sphere of radius VOID without atoms is found.
    """
    radius = largest_void(frame.positions, box_length)
    if radius > VOID:
        raise SimulationError(
            f"the atoms gather or evaporate: an empty sphere of radius {radius:.1f} angstrom has opened, "
            f"{VOID:g} is more than any liquid of this density has"
        )


def largest_void(positions: Floats, box_length: float) -> float:
    """Return the longest distance of a point of a grid from the nearest particle [angstrom]."""
    points = math.ceil(box_length / VOID_GRID)
    axis = np.arange(points) * (box_length / points)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return float(periodic_tree(positions, box_length).query(grid)[0].max())
