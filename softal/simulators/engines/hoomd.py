"""HOOMD-blue (4.8 and newer), on a GPU or on the CPU.

HOOMD-blue is not on PyPI: conda-forge has it (see docs/engines.md). Written against its documented interface:
`md.pair.Mie`, `md.methods.ConstantVolume` with `md.methods.thermostats.Bussi`, `md.compute.ThermodynamicQuantities`.
"""

from __future__ import annotations

import importlib.util
from typing import Any, ClassVar

import numpy as np

from softal.errors import EngineUnavailable
from softal.simulators.engines.base import Engine, Floats, Frame

BUFFER = 0.3  # of the neighbour list [sigma]
KIND = "A"


class Hoomd(Engine):
    """NVT with ConstantVolume and the Bussi thermostat; see Engine. A HOOMD-blue build on the CPU has one thread."""

    name: ClassVar[str] = "hoomd"
    installation: ClassVar[str] = (
        "install HOOMD-blue: conda install -c conda-forge 'hoomd>=4.8' (it is not on PyPI; see docs/engines.md)"
    )

    @classmethod
    def available(cls) -> bool:
        """Whether HOOMD-blue with its molecular dynamics can be imported."""
        try:
            return importlib.util.find_spec("hoomd.md") is not None
        except ImportError:
            return False

    def _start(self, kT: float, dt: float, thermostat_time: float, seed: int, threads: int, gpu: bool) -> None:
        if not self.available():
            raise EngineUnavailable(self.installation)
        import hoomd
        import hoomd.md

        device = hoomd.device.GPU(notice_level=0) if gpu else hoomd.device.CPU(notice_level=0)
        # HOOMD-blue takes 16 bits of a seed.
        self._simulation = hoomd.Simulation(device=device, seed=_short(seed))
        self._simulation.create_state_from_snapshot(self._snapshot(hoomd, device))
        everything = hoomd.filter.All()
        self._force = self._pair(hoomd.md)
        self._bath = hoomd.md.methods.thermostats.Bussi(kT=kT, tau=thermostat_time)
        method = hoomd.md.methods.ConstantVolume(filter=everything, thermostat=self._bath)
        integrator = hoomd.md.Integrator(dt=dt, methods=[method], forces=[self._force])
        self._thermodynamics = hoomd.md.compute.ThermodynamicQuantities(filter=everything)
        self._simulation.operations.integrator = integrator
        self._simulation.operations.computes.append(self._thermodynamics)
        self._simulation.always_compute_pressure = True
        self._simulation.run(0)

    def _snapshot(self, hoomd: Any, device: Any) -> Any:
        system = self.system
        snapshot = hoomd.Snapshot(device.communicator)
        if snapshot.communicator.rank == 0:
            snapshot.configuration.box = [system.box_length] * 3 + [0, 0, 0]
            snapshot.particles.N = len(system.positions)
            snapshot.particles.types = [KIND]
            snapshot.particles.position[:] = self._centred(system.positions)
            snapshot.particles.velocity[:] = system.velocities
            snapshot.particles.mass[:] = system.mass
        return snapshot

    def _centred(self, positions: Floats) -> Floats:
        """Return positions in HOOMD-blue's box, [-L/2, L/2)."""
        length = self.system.box_length
        return np.mod(positions, length) - length / 2

    def _pair(self, md: Any) -> Any:
        potential = self.system.potential
        mode = "shift" if potential.shift else "none"
        neighbours = md.nlist.Cell(buffer=BUFFER * potential.sigma)
        mie = md.pair.Mie(nlist=neighbours, default_r_cut=potential.cutoff, mode=mode)
        mie.params[KIND, KIND] = {
            "epsilon": potential.epsilon,
            "sigma": potential.sigma,
            "n": float(potential.n),
            "m": float(potential.m),
        }
        return mie

    def _set_thermostat(self, kT: float, dt: float, thermostat_time: float, seed: int) -> None:
        # The generator is counter-based on (seed, time step): the stream goes on without a new seed.
        self._bath.kT = kT
        self._bath.tau = thermostat_time
        self._simulation.operations.integrator.dt = dt

    def _run(self, steps: int) -> None:
        self._simulation.run(steps)

    def _temperature(self) -> float:
        return float(self._thermodynamics.kinetic_temperature)

    def _frame(self) -> Frame:
        length = self.system.box_length
        positions = np.array(self._simulation.state.get_snapshot().particles.position, dtype=np.float64)
        return Frame(
            np.mod(positions + length / 2, length),
            float(self._thermodynamics.potential_energy),
            self._temperature(),
            float(self._thermodynamics.pressure),
        )

    def forces(self) -> Floats:
        """Return the force on each particle, shape (N, 3) [energy/length]."""
        return np.array(self._force.forces, dtype=np.float64)


def _short(seed: int) -> int:
    """Return 16 bits that depend on all bits of the seed."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0]) & 0xFFFF
