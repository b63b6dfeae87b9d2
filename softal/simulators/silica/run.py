"""One run of liquid silica: where it starts, how it is brought to its temperature, and what ends it early.

The protocol is the same for all parameters:

1. random insertion of silicon and oxygen with the shortest distances NEAREST;
2. relaxation and melting with the potential START, whatever the parameters: contacts are taken apart by short steps
   from cold velocities that are drawn anew every few, so that no atom gets fast; then `MELT` at `HOT`. Both come on top
   of the equilibration. (Many parameters, BKS' among them, have wells at short distances into which a random start
   falls, and networks that 3 ps cannot mend.)
3. the equilibration at the temperature, with the parameters;
4. the sampling, one configuration every `sample_every`.

Unphysical parameters end it as a SimulationError with its reason, looked for every `LOOK`: pairs of atoms in their
hard cores (a collapse into Buckingham's well), a temperature that runs away, and, at the end of the equilibration and
of the sampling, an empty sphere that no liquid has (atoms have gathered, or evaporated from each other). What an engine
itself notices (lost atoms, energies that are not numbers) is one, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.engines.base import Engine, Frame, System
from softal.simulators.engines.box import Box
from softal.simulators.engines.potential import PairPotential
from softal.simulators.engines.protocol import Stage, check_temperature, drawing, melt, started, steps_in
from softal.simulators.engines.start import random_insertion, thermal_velocities
from softal.simulators.observables.partial_rdf import close_pairs
from softal.simulators.periodic import periodic_tree
from softal.simulators.silica.potential import FALLEN, PAIR_NAMES, PAIRS, PRESETS, SI, O, silica_potentials
from softal.simulators.silica.settings import O_MASS, SI_MASS, Extent, SilicaSettings

# Energies in eV, lengths in angstrom and masses in u make times in sqrt(u angstrom^2 / eV) = 10.18051 fs (CODATA 2018).
PICOSECOND = 1 / 0.01018050571
BOLTZMANN = 8.617333262e-5  # [eV/K]
MIN_FRAMES = 10  # fewer give no standard error worth the name
FIRST_LOOK, LOOK = 0.02, 0.2  # between two looks at a running system, at first and later [ps]
NEAREST = {(SI, SI): 2.7, (SI, O): 1.5, (O, O): 2.3}  # a little less than in the liquid [angstrom]
RELAX_ROUNDS, RELAX_STEP, COLD = 50, 0.2, 300.0  # contacts are taken apart: step in time steps; [K]
START, MELT, HOT = "ML", 1.0, 4500.0  # the potential that makes the start; [ps], [K]
THERMOSTAT = 0.1  # time constant [ps]
RUNAWAY = 2.5  # times the hottest temperature that was set
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
        system: the random start.
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
        self._settings, self._size, self._potentials = settings, size, potentials
        self._threads, self._gpu = threads, gpu
        self._seeds = [int(seeds.generate_state(1)[0]) for seeds in thermostats]
        self._rng = np.random.default_rng(start)
        self.system = random_silica(settings, size.atoms, self._rng)
        self._draw = drawing(self.system, self._rng)

    def frames(self) -> list[Frame]:
        """Run, and return the sampled configurations.

        Raises:
            SimulationError: if the parameters describe no liquid, saying why.
        """
        settings = self._settings
        samples = max(MIN_FRAMES, round(self._steps(self._size.sampling) / self._steps(settings.sample_every)))
        start = self._stage(settings.temperature, settings.timestep * 1e-3, self._seeds[1])
        with self._engine(self._melt(), start) as engine:
            look_for_voids(self._equilibrate(engine), self.system.box_length)
            frames = [self._next(engine, number) for number in range(samples)]
        look_for_voids(frames[-1], self.system.box_length)
        self._check_mean_temperature(frames)
        return frames

    def _melt(self) -> System:
        """Return the start: random atoms, relaxed and melted with the potential START."""
        settings, dt = self._settings, self._settings.timestep * 1e-3
        hot = max(settings.temperature, HOT)
        with self._engine(self.system, self._stage(hot, RELAX_STEP * dt, self._seeds[0])) as engine:
            hot_stage = self._stage(hot, dt, self._seeds[2], round(MELT / dt))
            melt(engine, self._draw, cold=BOLTZMANN * COLD, rounds=RELAX_ROUNDS, stage=hot_stage)
            positions = engine.frame().positions
        velocities = self._draw(BOLTZMANN * settings.temperature)
        return replace(self.system, positions=positions, velocities=velocities, potential=self._potentials)

    def _stage(self, temperature: float, dt: float, seed: int, steps: int = 0) -> Stage:
        """Return a stage of [K] and [ps]."""
        return Stage(BOLTZMANN * temperature, dt * PICOSECOND, THERMOSTAT * PICOSECOND, seed, steps)

    def _engine(self, system: System, stage: Stage) -> Engine:
        return started(self._settings.engine, system, stage, threads=self._threads, gpu=self._gpu)

    def _equilibrate(self, engine: Engine) -> Frame:
        """Run the equilibration, with looks at first often, then every LOOK; its last configuration."""
        steps, chunk = self._steps(self._size.equilibration), self._steps(FIRST_LOOK)
        while steps > 0:
            engine.run(min(chunk, steps))
            frame = engine.frame()
            self._look(frame, max(self._settings.temperature, HOT))
            self._look_at_pairs(frame)
            steps, chunk = steps - chunk, min(2 * chunk, self._steps(LOOK))
        return frame

    def _next(self, engine: Engine, number: int) -> Frame:
        """Return the next sampled configuration; pairs are looked at every LOOK."""
        every = self._steps(self._settings.sample_every)
        engine.run(every)
        frame = engine.frame(forces=self._settings.forces)
        self._look(frame, self._settings.temperature)
        if number % math.ceil(self._steps(LOOK) / every) == 0:
            self._look_at_pairs(frame)
        return frame

    def _steps(self, time: float) -> int:
        """Return time [ps] in steps, at least one."""
        return steps_in(time, self._settings.timestep * 1e-3)

    def _look(self, frame: Frame, hottest: float) -> None:
        T = frame.temperature / BOLTZMANN
        if T / hottest > RUNAWAY:
            raise SimulationError(
                f"the temperature runs away: {T:.0f} K, at most {hottest:g} K was set; atoms have fallen into a "
                f"deep well, or forces are too steep for the time step of {self._settings.timestep:g} fs"
            )

    def _look_at_pairs(self, frame: Frame) -> None:
        types = self.system.particle_types
        first, second, distance = close_pairs(frame.positions, self.system.box_length, max(FALLEN.values()))
        for name, (a, b) in PAIRS.items():
            fallen = distance[(np.minimum(types[first], types[second]) == a) & (types[first] + types[second] == a + b)]
            if len(fallen) and fallen.min() < FALLEN[name]:
                raise SimulationError(
                    f"the atoms collapse: a pair {PAIR_NAMES[name]} came to {fallen.min():.2f} angstrom, "
                    f"{FALLEN[name]:g} is the least in a liquid"
                )

    def _check_mean_temperature(self, frames: list[Frame]) -> None:
        settings, mean = self._settings, float(np.mean([frame.temperature for frame in frames])) / BOLTZMANN
        check_temperature(mean, settings.temperature, f"{settings.timestep:g} fs", unit=" K", what="potential")


def random_silica(settings: SilicaSettings, atoms: int, rng: np.random.Generator) -> System:
    """Return SiO2 at random, silicon first, with the potential START and thermal velocities."""
    box_length, masses = settings.box_length(atoms), np.array([SI_MASS, O_MASS])
    positions, types = random_insertion((atoms // 3, atoms - atoms // 3), box_length, NEAREST, rng)
    velocities = thermal_velocities(atoms, BOLTZMANN * settings.temperature, masses[types], rng)
    potentials = silica_potentials(PRESETS[START])
    return System(positions, velocities, Box.cube(box_length), potentials, masses, types, ("Si", "O"))


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
