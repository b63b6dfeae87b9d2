"""One run of the Kob-Andersen mixture: from its random start to its last configuration.

1. Random insertion; contacts are taken apart by short steps from cold velocities that are drawn anew every few.
2. Melting at HOT times the temperature at which mode-coupling theory has its glass transition, and at least at HOT T;
   then the quench to T.
3. Equilibration in parts of FIRST_PART and longer. Each measures F_s of A from its beginning; a part that is at least
   `equilibration` times the tau_A that it has found (F_s = 1/e) is the last. The next is at most twice as long. Where
   `longest_run` does not allow such a part, the state is not equilibrated, is sampled all the same, and marked.
4. Sampling: F_s and displacements from many time origins, configurations, energies and pressures at equal distances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats
from softal.simulators.engines.base import Engine, Frame, System
from softal.simulators.engines.box import Box
from softal.simulators.engines.potential import Mie
from softal.simulators.engines.protocol import Stage, check_temperature, drawing, follow, melt, started, steps_in
from softal.simulators.engines.start import random_insertion, thermal_velocities
from softal.simulators.kob_andersen.settings import FIRST_LAG, SKIN, KobAndersenSettings
from softal.simulators.observables.dynamics import (
    Displacements,
    Schedule,
    decay_time,
    logarithmic_lags,
    scattering,
    squared_displacements,
)
from softal.theory.kob_andersen import AT_DENSITY, CUTOFF, EPSILON, FRACTION_A, PAIRS, SIGMA, SPECIES, mct_temperature

NEAREST = {(0, 0): 0.8, (0, 1): 0.65, (1, 1): 0.65}  # of two particles at random, at rho = 1.2 [sigma]
RELAX_ROUNDS, RELAX_STEP, COLD = 40, 0.1, 0.1  # relaxation: step in time steps; temperature in T_mct
HOT, MELT, QUENCH = 4.0, 4.0, 4.0  # melting: temperature in T_mct; length of melting and quench [tau]
# Of the thermostat [tau]: the energy forgets within twice that, so that means over a short run are right. With 1, not
# 0.2, the mean temperature of 1200 particles over 20 tau scatters by 0.65 %, not 0.3 %. It scales all velocities by a
# common factor that is 1 within a few in a thousand, which does not touch the motion of a particle.
THERMOSTAT, QUICK = 0.2, 0.1
FIRST_PART, LOOKS = 10.0, 40  # of the equilibration: length of the first part [tau]; looks at each
SHORTEST = 5.0  # correlation times go at least as far [tau], where t_max allows
SHORTEST_SAMPLING = 1.5  # in longest correlation times, at the lowest fidelity
MIN_ORIGINS = 8


@dataclass(frozen=True)
class State:
    """A state point: T [epsilon], rho [1/sigma^3], interaction."""

    T: float
    rho: float
    interaction: str


@dataclass(frozen=True)
class Samples:
    """What a run leaves to be measured.

    Attributes:
        system: the random start, with types and box.
        frames: configurations at equal distances in time.
        t: correlation times, shape (n,) [tau].
        F_s, msd: of A and B from each origin, shape (2, origins, n); msd in [sigma^2].
        every: between two frames, and two origins [tau].
        relaxed: whether the equilibration ended with a part that was long enough.
        simulated_time: of the whole run [tau].
    """

    system: System
    frames: list[Frame]
    t: Floats
    F_s: Floats
    msd: Floats
    every: float
    relaxed: bool
    simulated_time: float


class Run:
    """A run at one state point; see the module.

    Args:
        settings: of the simulator.
        state: where.
        seed: of everything random.
        fidelity: part of the sampling's length.
        threads: CPU threads.
        gpu: whether to run on a GPU.
    """

    def __init__(
        self,
        settings: KobAndersenSettings,
        state: State,
        seed: int,
        *,
        fidelity: float = 1.0,
        threads: int = 1,
        gpu: bool = False,
    ) -> None:
        start, thermostats = np.random.SeedSequence(seed).spawn(2)
        self._settings, self._state, self._fidelity = settings, state, fidelity
        self._threads, self._gpu = threads, gpu
        self._rng = np.random.default_rng(start)
        self._seeds = iter(thermostats.generate_state(8).tolist())
        self._dt = settings.time_step(state.T, state.rho)
        self._glass = mct_temperature(state.interaction, state.rho)
        self._k = settings.scattering_k(state.rho)
        self._simulated = 0.0
        self.system = random_mixture(settings, state, COLD * self._glass, self._rng)
        self._draw = drawing(self.system, self._rng)

    def samples(self) -> Samples:
        """Run, and return what is to be measured.

        Raises:
            SimulationError: if no start is found, the system blows up, or the temperature cannot be held.
        """
        with self._started() as engine:
            self._melt(engine)
            tau_A, relaxed, energy = self._equilibrate(engine)
            if self._settings.ensemble == "nve":
                self._release(engine, energy)
            return self._sample(engine, tau_A, relaxed)

    def _started(self) -> Engine:
        stage = Stage(self._hot, RELAX_STEP * self._dt, QUICK, next(self._seeds))
        skin = SKIN[self._state.interaction]
        return started(self._settings.engine, self.system, stage, threads=self._threads, gpu=self._gpu, skin=skin)

    def _melt(self, engine: Engine) -> None:
        T, dt = self._state.T, min(self._dt, self._settings.time_step(self._hot, self._state.rho))
        hot = Stage(self._hot, dt, QUICK, next(self._seeds), steps_in(MELT, dt))
        quench = Stage(T, dt, QUICK, next(self._seeds), steps_in(QUENCH, dt))
        melt(engine, self._draw, cold=COLD * self._glass, rounds=RELAX_ROUNDS, stage=hot)
        follow(engine, quench)
        engine.forget_heat(T)
        follow(engine, Stage(T, self._dt, THERMOSTAT, next(self._seeds)))
        self._simulated += hot.time + quench.time

    @property
    def _hot(self) -> float:
        """Temperature of the melting [epsilon]."""
        return HOT * max(self._state.T, self._glass)

    def _equilibrate(self, engine: Engine) -> tuple[float | None, bool, float]:
        """Return tau_A [tau], whether the last part was long enough, and the mean total energy in it [epsilon]."""
        settings, part = self._settings, FIRST_PART
        budget = settings.longest_run - settings.sampling * settings.t_max
        while True:
            left = budget - self._simulated
            tau_A, energy = self._part(engine, min(part, left))
            wanted = np.inf if tau_A is None else settings.equilibration * tau_A
            if min(part, left) >= wanted:
                return tau_A, True, energy
            if part >= left:
                return tau_A, False, energy
            part = min(2 * part, max(1.2 * wanted, part))

    def _part(self, engine: Engine, length: float) -> tuple[float | None, float]:
        """Run a part of the equilibration; tau_A as its F_s gives it, and the mean total energy."""
        steps = max(LOOKS, round(length / self._dt))
        early = logarithmic_lags(max(1, steps // 1000), steps, 10)
        looks = np.union1d(early, np.linspace(0, steps, LOOKS + 1).astype(np.int64)[1:])
        start, A = engine.unwrapped(), self.system.particle_types == 0
        F, energies = [], []
        for run in np.diff(looks, prepend=0).tolist():
            engine.run(run)
            F.append(scattering(squared_displacements(start, engine.unwrapped())[A], self._k))
            frame = engine.frame()
            energies.append(frame.potential_energy + 1.5 * (len(A) - 1) * frame.temperature)
        self._simulated += steps * self._dt
        return decay_time(np.asarray(looks * self._dt), np.array(F)), float(np.mean(energies))

    def _release(self, engine: Engine, energy: float) -> None:
        """Go on at a constant energy, the mean of the equilibration, with velocities that make it so."""
        kinetic = energy - engine.frame().potential_energy
        engine.set_velocities(self._draw(2 * kinetic / (3 * len(self.system.positions) - 3)))
        engine.release_thermostat()

    def _schedule(self, tau_A: float | None) -> Schedule:
        settings, dt = self._settings, self._dt
        wanted = settings.t_max if tau_A is None else max(settings.relaxations * tau_A, SHORTEST)
        first, last = round(FIRST_LAG / dt), round(settings.t_max / dt)
        grid = logarithmic_lags(first, last, settings.lags_per_decade)
        lags = grid[: int(np.searchsorted(grid, wanted / dt)) + 1]
        total = round(max(self._fidelity * settings.sampling, SHORTEST_SAMPLING) * int(lags[-1]))
        origins = max(MIN_ORIGINS, round(self._fidelity * settings.origins))
        return Schedule(lags, max(1, (total - int(lags[-1])) // (origins - 1)), total)

    def _sample(self, engine: Engine, tau_A: float | None, relaxed: bool) -> Samples:
        schedule, now, frames = self._schedule(tau_A), 0, []
        types, k = self.system.particle_types, np.full(2, self._k)
        displacements = Displacements(types, k, schedule)
        for step, due in schedule.events():
            if step > now:
                engine.run(step - now)
                now = step
            displacements.take(engine.unwrapped(), due)
            if step % schedule.every == 0:
                frames.append(engine.frame(forces=self._settings.forces))
        self._check_temperature(frames)
        t, every, time = (
            np.asarray(schedule.lags * self._dt),
            schedule.every * self._dt,
            self._simulated + now * self._dt,
        )
        return Samples(self.system, frames, t, displacements.F_s, displacements.msd, every, relaxed, time)

    def _check_temperature(self, frames: list[Frame]) -> None:
        mean = float(np.mean([frame.temperature for frame in frames]))
        check_temperature(mean, self._state.T, f"{self._dt:g}", what="state")


def potentials(interaction: str) -> Mapping[tuple[int, int], Mie]:
    """Return the potential of each pair of kinds, cut and shifted to zero (see softal.theory.kob_andersen)."""
    return {pair: Mie(EPSILON[pair], SIGMA[pair], CUTOFF[interaction] * SIGMA[pair], shift=True) for pair in PAIRS}


def random_mixture(settings: KobAndersenSettings, state: State, kT: float, rng: np.random.Generator) -> System:
    """Return a mixture at random, A first, with thermal velocities of kT [epsilon].

    Raises:
        SimulationError: if the particles do not find places.
    """
    count_A = round(FRACTION_A * settings.particles)
    counts, length = (count_A, settings.particles - count_A), settings.box_length(state.rho)
    scale = min(1.0, float(np.cbrt(AT_DENSITY / state.rho)))
    nearest = {pair: scale * distance for pair, distance in NEAREST.items()}
    positions, types = random_insertion(counts, length, nearest, rng)
    velocities = thermal_velocities(settings.particles, kT, 1.0, rng)
    return System(positions, velocities, Box.cube(length), potentials(state.interaction), 1.0, types, SPECIES)
