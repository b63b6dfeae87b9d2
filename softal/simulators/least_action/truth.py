"""The true trajectory: molecular dynamics at constant energy, from a liquid that was melted and equilibrated.

Reduced units of argon: epsilon, sigma and m are 1. Velocities are central differences of positions, which are those of
velocity Verlet exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from softal.numeric import Floats
from softal.simulators.engines.base import System
from softal.simulators.engines.box import Box
from softal.simulators.engines.protocol import Stage, follow, started, steps_in
from softal.simulators.engines.start import face_centred_cubic, thermal_velocities
from softal.simulators.least_action.settings import PICOSECONDS, LeastActionSettings
from softal.theory.least_action.potentials import switched

HOT = 3.0  # of the melting [epsilon]
THERMOSTAT, QUICK = 0.2, 0.05  # time constants [sigma (m / epsilon)^(1/2)]
STEPS = (0.002, 0.004)  # of melting and equilibration, likewise
INNER = 0.6  # pairs are never closer [sigma]


@dataclass(frozen=True)
class Switched:
    """Lennard-Jones, switched off before its cutoff as in `softal.theory.least_action`; a PairPotential."""

    cutoff: float
    inner: float = INNER

    def energy(self, r: Floats | float) -> Floats:
        """Return U(r) [epsilon]."""
        return switched(np.asarray(r), self.cutoff)[0].reshape(np.shape(r))

    def force(self, r: Floats | float) -> Floats:
        """Return -dU/dr [epsilon/sigma]."""
        return switched(np.asarray(r), self.cutoff)[1].reshape(np.shape(r))


@dataclass(frozen=True)
class Truth:
    """A trajectory of molecular dynamics.

    Attributes:
        times: from 0 to T, (n + 1,) [sigma (m / epsilon)^(1/2)].
        positions: that go on beyond the box's faces, (n + 1, N, 3) [sigma].
        velocities: likewise.
        energy: E_0, kinetic and potential, at the start [epsilon].
    """

    times: Floats
    positions: Floats
    velocities: Floats
    energy: float


def simulate(settings: LeastActionSettings, seed: int, *, threads: int = 1, gpu: bool = False) -> Truth:
    """Melt, equilibrate and record; SimulationError if the system blows up."""
    start, thermostats = np.random.SeedSequence(seed).spawn(2)
    seeds = thermostats.generate_state(4).tolist()
    count, length = settings.particles, settings.box_length
    velocities = thermal_velocities(count, HOT, 1.0, np.random.default_rng(start))
    lattice = face_centred_cubic(count, length)
    system = System(lattice, velocities, Box.cube(length), Switched(settings.cutoff), 1.0)
    melting, rest = (time / PICOSECONDS for time in (settings.melting, settings.equilibration))
    hot = Stage(HOT, STEPS[0], QUICK, seeds[0], steps_in(melting, STEPS[0]))
    with started(settings.engine, system, hot, threads=threads, gpu=gpu) as engine:
        engine.run(hot.steps)
        quench = Stage(settings.kT, STEPS[0], QUICK, seeds[1], steps_in(20 * QUICK, STEPS[0]))
        follow(engine, quench, Stage(settings.kT, STEPS[1], THERMOSTAT, seeds[2], steps_in(rest, STEPS[1])))
        engine.forget_heat(settings.kT)
        follow(engine, Stage(settings.kT, settings.dt, THERMOSTAT, seeds[3]))
        engine.release_thermostat()
        positions = [engine.unwrapped()]
        energy = math.nan
        for step in range(settings.steps + 2):
            engine.run(1)
            positions.append(engine.unwrapped())
            if step == 0:
                frame = engine.frame()
                energy = frame.potential_energy + 1.5 * (count - 1) * frame.temperature
    q = np.array(positions)
    v = (q[2:] - q[:-2]) / (2 * settings.dt)
    times: Floats = np.asarray(np.arange(settings.steps + 1) * settings.dt, dtype=np.float64)
    return Truth(times, q[1:-1], v, energy)
