"""One run of ions between planes: from a random start to its last configuration.

Lengths are in nm, energies in kT, the mass of every ion is 1, and times in ps are divided by `NANOMETRE_TIME`.

1. Random insertion between the planes; contacts are taken apart by steps from cold velocities that are drawn anew, and
   ions of opposite charge fall into each other's arms, whose heat goes with velocities drawn anew every few steps.
2. From here on all velocities are drawn anew every REDRAW, which the canonical distribution allows; a thermostat holds
   the temperature in between. At 0.05 mol/l ions fly for 60 ps from one collision to the next, and would keep the
   momentum along z with which they began.
3. Equilibration. Energy, distance of either kind from the middle, and its mean place along z (the moment of the
   charges) are followed. It ends where the last two thirds are at least `equilibration` times the longest of their
   correlation times, and none of them drifts (their halves agree); else it goes on to be half as long again. Where
   `longest_equilibration` does not allow that, the run is sampled all the same, and marked.
4. Sampling, every few steps: counts and forces in bins, in blocks; energy, temperature, push on the walls.

What ends a run early: ions that are lost through a wall, or come within CLOSEST of a plane; a temperature that cannot
be held; ions that do not move by half their diameter in the whole sampling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.confined_ions.composition import Composition, State
from softal.simulators.confined_ions.settings import NANOMETRE_TIME, TEMPERATURE, ConfinedIonsSettings
from softal.simulators.engines.base import Engine, Frame, System
from softal.simulators.engines.box import Box
from softal.simulators.engines.interactions import Charges, Wall
from softal.simulators.engines.potential import Mie
from softal.simulators.engines.protocol import Stage, check_temperature, drawing, relax, started, steps_in
from softal.simulators.engines.start import random_insertion, thermal_velocities
from softal.simulators.observables.density_profile import DensityProfile
from softal.simulators.statistics import aging_of, autocorrelation_time

KINDS = ("p", "n")  # positive, negative
MINIMUM = 2 ** (1 / 6)  # of a Lennard-Jones potential, where it is cut [sigma]
NEAREST, MARGIN = 0.85, 0.9  # of the start: of two ions, of an ion and a wall [contact]
RELAX_ROUNDS, RELAX_STEP, COLD = 30, 0.1, 0.05  # relaxation: step in time steps; temperature [kT]
SETTLE_ROUNDS, SETTLE_STEPS = 40, 25  # velocities that are drawn anew at the temperature, and steps between
THERMOSTAT = 0.5  # time constant [ps]
# Of the equilibration: when it is judged first [ps], by how much longer it is the next time; between two looks [ps].
FIRST_END, LONGER, LOOK, FEWEST_LOOKS = 30.0, 1.5, 0.1, 12
DRIFT = 4.0  # difference of the halves, in standard errors, from which on there is no equilibrium
# Blocks of the sampling [ps]. A force is the change of a momentum, so that its noise is anticorrelated, and the mean
# over a block of a few collisions and more has much less of it: with blocks of 8 instead of 1 ps, integrals of forces
# weigh twice as much in the profiles, whose variance is lower by a third. Longer ones make no difference.
BLOCK, FEWEST_BLOCKS, MOST_BLOCKS = 8.0, 25, 100
FEWEST_SAMPLES = 2  # of a block
REDRAW = 5.0  # between two draws of all velocities [ps]
CLOSEST = 0.3  # centre to wall [contact]: 12-6 there is 7 million kT
SLOWEST = 0.5  # root mean square displacement along the planes below which ions are frozen [diameter]
SKIN = 0.25  # of neighbour lists [nm]


@dataclass(frozen=True)
class Samples:
    """What a run leaves to be measured.

    Attributes:
        estimates: of the density of positive and negative ions, shape (2, 3, blocks, bins) [1/nm^3]: histogram and both
            integrals of forces (`observables.density_profile`).
        series: energy of an ion [kT], temperature [kT], push on a wall over its area [kT/nm^3], mean distance of either
            kind from the middle [nm], of each sample or block of samples, shape (n,).
        relaxed: whether the equilibration ended with a part that was long enough.
        aging: the largest difference of the sampling's halves, in standard errors.
        simulated_time: of the whole run [ps].
        steps: of the whole run.
    """

    estimates: Floats
    series: dict[str, Floats]
    relaxed: bool
    aging: float
    simulated_time: float
    steps: int


class Run:
    """A run at one point; see the module.

    Args:
        settings: of the simulator.
        point: where.
        composition: its ions and box.
        seed: of everything random.
        fidelity: part of the sampling's length.
        threads: CPU threads.

    Attributes:
        system: the random start.
    """

    def __init__(
        self,
        settings: ConfinedIonsSettings,
        state: State,
        composition: Composition,
        seed: int,
        *,
        fidelity: float = 1.0,
        threads: int = 1,
    ) -> None:
        start, thermostats = np.random.SeedSequence(seed).spawn(2)
        self._settings, self._state, self._composition = settings, state, composition
        self._fidelity, self._threads = fidelity, threads
        self._rng = np.random.default_rng(start)
        self._seeds = iter(thermostats.generate_state(2).tolist())
        self._dt = settings.time_step(min(state.d_p, state.d_n))  # [ps]
        self._steps = 0
        self.system = random_ions(settings, state, composition, self._rng)
        self._of_kind = [self.system.particle_types == kind for kind in range(len(KINDS))]

    def samples(self) -> Samples:
        """Run, and return what is to be measured.

        Raises:
            SimulationError: if ions find no place, escape, heat or freeze.
        """
        draw = drawing(self.system, self._rng)  # without total momentum, at exactly the temperature
        with started("lammps", self.system, self._stage(RELAX_STEP), threads=self._threads, skin=SKIN) as engine:
            relax(engine, draw, COLD, RELAX_ROUNDS)
            self._settle(engine)
            stage = self._stage(1.0)
            engine.set_thermostat(stage.kT, stage.dt, stage.thermostat_time, stage.seed)
            self._settle(engine)
            relaxed = self._equilibrate(engine)
            return self._sample(engine, relaxed)

    def _stage(self, part: float) -> Stage:
        dt, bath = part * self._dt / NANOMETRE_TIME, THERMOSTAT / NANOMETRE_TIME
        return Stage(1.0, dt, bath, next(self._seeds))

    def _equilibrate(self, engine: Engine) -> bool:
        """Return whether the run has come to equilibrium, as its last part tells."""
        settings, end = self._settings, FIRST_END
        looks: list[dict[str, float]] = []
        while True:
            end = min(end, settings.longest_equilibration)
            self._look_on(engine, looks, round(end / LOOK))
            last = {name: np.array([one[name] for one in looks[len(looks) // 3 :]]) for name in looks[0]}
            # tau of independent looks is 1/2, so that a correlation time is 2 tau looks.
            wanted = settings.equilibration * 2 * max(float(autocorrelation_time(one)) for one in last.values())
            if len(last["energy"]) >= wanted and aging_of(list(last.values())) < DRIFT:
                return True
            if end >= settings.longest_equilibration:
                return False
            end *= LONGER

    def _look_on(self, engine: Engine, looks: list[dict[str, float]], count: int) -> None:
        """Go on until there are so many looks, at least FEWEST_LOOKS."""
        steps, redraws = steps_in(LOOK, self._dt), max(1, round(REDRAW / LOOK))
        while len(looks) < max(count, FEWEST_LOOKS):
            if len(looks) % redraws == 0:
                self._redraw(engine)
            engine.run(steps)
            self._steps += steps
            looks.append(self._followed(self._frame(engine)))

    def _settle(self, engine: Engine) -> None:
        """Take away the heat that ions gain where they come together."""
        for _ in range(SETTLE_ROUNDS):
            self._redraw(engine)
            engine.run(SETTLE_STEPS)

    def _redraw(self, engine: Engine) -> None:
        """Give the ions velocities of the Maxwell-Boltzmann distribution."""
        engine.set_velocities(self._rng.normal(size=self.system.positions.shape))

    def _frame(self, engine: Engine) -> Frame:
        """Return the present instant; SimulationError where an ion has left the room between the planes."""
        frame = engine.frame()
        z = frame.positions[:, 2]
        contact = np.where(self.system.particle_types == 0, self._state.d_p, self._state.d_n) / 2
        near = np.minimum(z, self._state.h - z) / contact
        if near.min() < CLOSEST:
            raise SimulationError(
                f"an ion has escaped into a wall within {self._steps} steps: its centre is at {z[near.argmin()]:.3g} "
                f"of {self._state.h:g} nm. A shorter setting `timestep` helps"
            )
        return frame

    def _followed(self, frame: Frame) -> dict[str, float]:
        """Return what shows whether a run is in equilibrium, of one instant."""
        z = frame.positions[:, 2] - self._state.h / 2
        found = {"energy": frame.potential_energy / len(z)}
        for kind, of_kind in zip(KINDS, self._of_kind, strict=True):
            found[f"distance_{kind}"] = float(np.abs(z[of_kind]).mean())
            found[f"place_{kind}"] = float(z[of_kind].mean())
        return found

    def _sample(self, engine: Engine, relaxed: bool) -> Samples:
        settings, h, area = self._settings, self._state.h, self._composition.side**2
        every = settings.sample_every
        steps = steps_in(self._fidelity * settings.sampling, self._dt)
        blocks = min(MOST_BLOCKS, max(FEWEST_BLOCKS, round(steps * self._dt / BLOCK)))
        per_block = max(FEWEST_SAMPLES, round(steps / every / blocks))
        profiles = [DensityProfile(0.0, h, settings.bins, area, 1.0) for _ in KINDS]
        taken, begin = [], engine.unwrapped()
        redraws = max(1, round(REDRAW / (every * self._dt)))  # in samples
        for _ in range(blocks):
            for sample in range(per_block):
                if sample % redraws == 0:
                    self._redraw(engine)
                engine.run(every)
                frame, forces = self._frame(engine), engine.forces()[:, 2]
                for profile, of_kind in zip(profiles, self._of_kind, strict=True):
                    profile.sample(frame.positions[of_kind, 2], forces[of_kind])
                taken.append({**self._followed(frame), **self._pushed(frame)})
            for profile in profiles:
                profile.end_block()
        self._look_for_ice(engine.unwrapped() - begin)
        self._steps += blocks * per_block * every
        series = {name: np.array([one[name] for one in taken]).reshape(blocks, -1).mean(axis=1) for name in taken[0]}
        check_temperature(float(series["temperature"].mean()) * TEMPERATURE, TEMPERATURE, f"{settings.timestep:g} tau",
                          unit=" K", what="electrolyte")  # fmt: skip
        aging = aging_of([one for name, one in series.items() if name != "temperature"])
        estimates = np.array([profile.estimates() for profile in profiles])
        return Samples(estimates, series, relaxed, aging, self._steps * self._dt, self._steps)

    def _pushed(self, frame: Frame) -> dict[str, float]:
        push = sum(wall.push(frame.positions, self.system.particle_types).sum() for wall in self.system.walls)
        return {
            "temperature": frame.temperature,
            "push": float(push) / len(self.system.walls) / self._composition.side**2,
        }

    def _look_for_ice(self, displacement: Floats) -> None:
        """Raise SimulationError where ions of a kind have hardly moved along the planes, of (N, 3) [nm]."""
        for kind, of_kind, d in zip(KINDS, self._of_kind, (self._state.d_p, self._state.d_n), strict=True):
            moved = float(np.sqrt(np.mean(np.sum(displacement[of_kind, :2] ** 2, axis=1))))
            if moved < SLOWEST * d:
                name = {"p": "positive", "n": "negative"}[kind]
                raise SimulationError(
                    f"the {name} ions have frozen, or the sampling is too short: they moved {moved:.2g} nm in it, less "
                    f"than half of their diameter of {d:g} nm"
                )


def random_ions(
    settings: ConfinedIonsSettings, state: State, composition: Composition, rng: np.random.Generator
) -> System:
    """Return ions at random between walls at z = 0 and h, positive ones first, with thermal velocities.

    Raises:
        SimulationError: if the ions do not find places, or the box is too narrow for a cutoff.
    """
    d, box = (state.d_p, state.d_n), Box((composition.side, composition.side, state.h), (True, True, False))
    mean = {(0, 0): d[0], (0, 1): (d[0] + d[1]) / 2, (1, 1): d[1]}
    counts = (composition.N_p, composition.N_n)
    nearest = {pair: NEAREST * contact for pair, contact in mean.items()}
    positions, types = random_insertion(counts, box, nearest, rng, [MARGIN * one / 2 for one in d])
    wall = {kind: wca(one / 2) for kind, one in enumerate(d)}
    walls = (Wall(2, 0.0, 1, wall, composition.plane), Wall(2, state.h, -1, wall, composition.plane))
    contact_force = state.z_p * -state.z_n * settings.bjerrum_length / mean[0, 1] ** 2  # [kT/nm]
    cutoff = settings.real_space(composition.ions, composition.side, state.h)
    charges = Charges(
        (float(state.z_p), float(state.z_n)), settings.bjerrum_length, cutoff, settings.accuracy * contact_force
    )
    velocities = thermal_velocities(sum(counts), 1.0, 1.0, rng)
    pairs = {pair: wca(contact) for pair, contact in mean.items()}
    return System(positions, velocities, box, pairs, 1.0, types, KINDS, walls, charges)


def wca(sigma: float) -> Mie:
    """Return the repulsive part of a Lennard-Jones potential with epsilon = kT and sigma [nm]."""
    return Mie(1.0, sigma, MINIMUM * sigma, shift=True)
