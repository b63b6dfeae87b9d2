"""HOOMD-blue (4.8 and newer), on a GPU or on the CPU.

HOOMD-blue is not on PyPI: conda-forge has it (see docs/engines.md). Written against its documented interface:
`md.pair.LJ`, `md.pair.Mie`, `md.pair.Table`, `md.methods.ConstantVolume` with `md.methods.thermostats.Bussi`,
`md.compute.ThermodynamicQuantities`.

Potentials other than Mie's go through `md.pair.Table`: linear interpolation of U and -dU/dr on `TABLE_POINTS` points in
r. Its U is 0 below r_min, so the table begins at `TABLE_START`. Its last interval, 1e-4 angstrom for a cutoff of 8,
goes to 0: a pair there may have less than its force.
"""

from __future__ import annotations

import importlib.util
from typing import Any, ClassVar, cast

import numpy as np

from softal.errors import EngineUnavailable, SimulationError
from softal.numeric import Floats
from softal.simulators.engines.base import Engine, Frame
from softal.simulators.engines.potential import Mie, PairPotential, all_lennard_jones, extended

TABLE_POINTS = 80_000
TABLE_START = 1e-6  # of the cutoff


class Hoomd(Engine):
    """NVT with ConstantVolume and the Bussi thermostat; see Engine. A HOOMD-blue build on the CPU has one thread."""

    name: ClassVar[str] = "hoomd"
    title: ClassVar[str] = "HOOMD-blue"
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
        system = self.system
        if system.walls or system.charges or not all(system.box.periodic):
            raise SimulationError("walls, charges and open boxes need `engine: lammps`; HOOMD-blue runs periodic pairs")
        import hoomd
        import hoomd.md

        device = hoomd.device.GPU(notice_level=0) if gpu else hoomd.device.CPU(notice_level=0)
        self._simulation = hoomd.Simulation(device=device, seed=short_seed(seed))
        self._simulation.create_state_from_snapshot(self._snapshot(hoomd, device))
        everything = hoomd.filter.All()
        self._force = self._pair(hoomd.md)
        self._bath = hoomd.md.methods.thermostats.Bussi(kT=kT, tau=thermostat_time)
        self._method = hoomd.md.methods.ConstantVolume(filter=everything, thermostat=self._bath)
        integrator = hoomd.md.Integrator(dt=dt, methods=[self._method], forces=[self._force])
        self._thermodynamics = hoomd.md.compute.ThermodynamicQuantities(filter=everything)
        self._simulation.operations.integrator = integrator
        self._simulation.operations.computes.append(self._thermodynamics)
        self._simulation.always_compute_pressure = True
        self._simulation.run(0)

    def _snapshot(self, hoomd: Any, device: Any) -> Any:
        system = self.system
        snapshot = hoomd.Snapshot(device.communicator)
        if snapshot.communicator.rank == 0:
            snapshot.configuration.box = [*system.box.edges, 0, 0, 0]
            snapshot.particles.N = len(system.positions)
            snapshot.particles.types = list(system.kinds)
            snapshot.particles.typeid[:] = system.particle_types
            snapshot.particles.position[:] = self._centred(system.positions)
            snapshot.particles.velocity[:] = system.velocities
            snapshot.particles.mass[:] = system.masses[system.particle_types]
        return snapshot

    def _centred(self, positions: Floats) -> Floats:
        """Return positions in HOOMD-blue's box, [-L/2, L/2)."""
        return self.system.box.wrapped(positions) - 0.5 * np.asarray(self.system.box.edges)

    def _pair(self, md: Any) -> Any:
        neighbours = md.nlist.Cell(buffer=self._skin)
        if all_lennard_jones(self.system.pairs.values()):
            return self._lennard_jones(md, neighbours)
        if isinstance(self.system.potential, Mie):
            return self._mie(md, neighbours, self.system.potential)
        table = md.pair.Table(nlist=neighbours)
        for (a, b), potential in self.system.pairs.items():
            kinds = (self.system.kinds[a], self.system.kinds[b])
            table.params[kinds] = tabulate(potential)
            table.r_cut[kinds] = potential.cutoff
        return table

    def _lennard_jones(self, md: Any, neighbours: Any) -> Any:
        pairs = cast("dict[tuple[int, int], Mie]", self.system.pairs)
        lj = md.pair.LJ(nlist=neighbours, mode="shift" if pairs[0, 0].shift else "none")
        for (a, b), potential in pairs.items():
            kinds = (self.system.kinds[a], self.system.kinds[b])
            lj.params[kinds] = {"epsilon": potential.epsilon, "sigma": potential.sigma}
            lj.r_cut[kinds] = potential.cutoff
        return lj

    def _mie(self, md: Any, neighbours: Any, potential: Mie) -> Any:
        mode = "shift" if potential.shift else "none"
        mie = md.pair.Mie(nlist=neighbours, default_r_cut=potential.cutoff, mode=mode)
        for a, b in self.system.pairs:
            mie.params[self.system.kinds[a], self.system.kinds[b]] = {
                "epsilon": potential.epsilon,
                "sigma": potential.sigma,
                "n": float(potential.n),
                "m": float(potential.m),
            }
        return mie

    def _set_thermostat(self, kT: float, dt: float, thermostat_time: float, seed: int) -> None:
        # The generator is counter-based on (seed, time step): the stream goes on without a new seed.
        if self._method.thermostat is None:  # one that was taken off cannot be put on again
            self._bath = type(self._bath)(kT=kT, tau=thermostat_time)
            self._method.thermostat = self._bath
        self._bath.kT = kT
        self._bath.tau = thermostat_time
        self._simulation.operations.integrator.dt = dt

    def _release_thermostat(self) -> None:
        self._method.thermostat = None

    def _set_velocities(self, velocities: Floats) -> None:
        snapshot = self._simulation.state.get_snapshot()
        if snapshot.communicator.rank == 0:
            snapshot.particles.velocity[:] = velocities
        self._simulation.state.set_snapshot(snapshot)

    def _run(self, steps: int) -> None:
        self._simulation.run(steps)

    def _temperature(self) -> float:
        return float(self._thermodynamics.kinetic_temperature)

    def _frame(self) -> Frame:
        box = self.system.box
        positions = np.array(self._simulation.state.get_snapshot().particles.position, dtype=np.float64)
        return Frame(
            box.wrapped(positions + 0.5 * np.asarray(box.edges)),
            float(self._thermodynamics.potential_energy),
            self._temperature(),
            float(self._thermodynamics.pressure),
        )

    def unwrapped(self) -> Floats:
        """Return positions that go on beyond the box's faces, shape (N, 3) [length]."""
        particles = self._simulation.state.get_snapshot().particles
        edges: Floats = np.asarray(self.system.box.edges)
        centred: Floats = np.array(particles.position, dtype=np.float64)
        return centred + edges / 2 + edges * np.array(particles.image, dtype=np.float64)

    def forces(self) -> Floats:
        """Return the force on each particle, shape (N, 3) [energy/length]."""
        return np.array(self._force.forces, dtype=np.float64)


def tabulate(potential: PairPotential) -> dict[str, Any]:
    """Return the parameters of `md.pair.Table`: r_min, and U and F = -dU/dr at r_min + i (cutoff - r_min) / points."""
    r_min = TABLE_START * potential.cutoff
    U, F = extended(potential, np.linspace(r_min, potential.cutoff, TABLE_POINTS, endpoint=False))
    return {"r_min": r_min, "U": U, "F": F}


def short_seed(seed: int) -> int:
    """Return 16 bits that depend on all bits of the seed: HOOMD-blue takes no more."""
    return int(np.random.SeedSequence(seed).generate_state(1)[0]) & 0xFFFF
