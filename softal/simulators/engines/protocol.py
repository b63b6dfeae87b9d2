"""How molecular dynamics is brought to its state, the same for all systems that start from anywhere but there.

    started   an engine at the beginning of its first stage
    melt      contacts of a random start are taken apart (`relax`), then the first hot stage
    follow    stages at one temperature each: melting, quench, equilibration
    check_temperature   whether the sampling had the temperature that was asked for

Each system has its own lengths, temperatures and seeds, in stages. Random numbers are drawn in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from softal.errors import EngineUnavailable, SimulationError
from softal.numeric import Floats
from softal.simulators import engines
from softal.simulators.engines.base import Engine, System
from softal.simulators.engines.start import thermal_velocities

RELAX_STEPS = 10  # between two draws of cold velocities
TEMPERATURE_TOLERANCE = 0.1  # relative, of the sampled mean; a thermostat holds it within 1 %

Draw = Callable[[float], Floats]  # kT [energy] -> velocities (N, 3) [length/time]


@dataclass(frozen=True)
class Stage:
    """A stretch of time at one temperature.

    Attributes:
        kT: [energy].
        dt: time step [time].
        thermostat_time: time constant of the thermostat [time].
        seed: of the thermostat.
        steps: its length; 0 sets the thermostat alone.
    """

    kT: float  # noqa: N815 - the field's name
    dt: float
    thermostat_time: float
    seed: int
    steps: int = 0

    @property
    def time(self) -> float:
        """Its length [time]."""
        return self.steps * self.dt


def missing(engine: str) -> list[str]:
    """Return what stands in the way of running an engine here, for `Simulator.check`; empty where nothing does."""
    try:
        engines.find(engine)
    except EngineUnavailable as error:
        return [str(error)]
    return []


def started(
    engine: str, system: System, stage: Stage, *, threads: int = 1, gpu: bool = False, skin: float | None = None
) -> Engine:
    """Return the engine of that name, or `auto`, at the beginning of a stage, of which no step is run.

    Raises:
        EngineUnavailable, SimulationError: it is not here, or cannot start so.
    """
    return engines.find(engine)(
        system,
        kT=stage.kT,
        dt=stage.dt,
        thermostat_time=stage.thermostat_time,
        seed=stage.seed,
        threads=threads,
        gpu=gpu,
        skin=skin,
    )


def follow(engine: Engine, *stages: Stage) -> None:
    """Run stages one after another; SimulationError if the system blows up."""
    for stage in stages:
        engine.set_thermostat(stage.kT, stage.dt, stage.thermostat_time, stage.seed)
        if stage.steps:
            engine.run(stage.steps)


def melt(engine: Engine, draw: Draw, *, cold: float, rounds: int, stage: Stage) -> None:
    """Take contacts apart at `cold` [energy], then run a hot stage from velocities of its temperature."""
    relax(engine, draw, cold, rounds)
    engine.set_velocities(draw(stage.kT))
    follow(engine, stage)


def relax(engine: Engine, draw: Draw, kT: float, rounds: int) -> None:
    """Take contacts apart: steps from cold velocities, drawn anew every few, so that no particle gets fast."""
    for _ in range(rounds):
        engine.set_velocities(draw(kT))
        engine.run(RELAX_STEPS)


def drawing(system: System, rng: np.random.Generator) -> Draw:
    """Return what draws thermal velocities of the system's particles."""
    masses = system.masses[system.particle_types]
    return lambda kT: thermal_velocities(len(masses), kT, masses, rng)


def steps_in(time: float, dt: float) -> int:
    """Return a length of time in steps, at least one."""
    return max(1, round(time / dt))


def check_temperature(mean: float, wanted: float, timestep: str, *, unit: str = "", what: str = "system") -> None:
    """See that the sampling had its temperature.

    Args:
        mean, wanted: in any unit.
        timestep: the setting, with its unit, for people.
        unit: of the temperatures, likewise.
        what: for which the step would be too long.

    Raises:
        SimulationError: they differ by more than a tenth.
    """
    if not abs(mean / wanted - 1) <= TEMPERATURE_TOLERANCE:
        raise SimulationError(
            f"the temperature is {mean:.4g}{unit} on the average, not {wanted:g}{unit}: the time step of {timestep} is "
            f"too long for this {what} (a shorter setting `timestep` helps), or the equilibration too short"
        )
