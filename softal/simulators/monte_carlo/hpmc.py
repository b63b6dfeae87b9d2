"""The same Monte Carlo in HOOMD-blue's HPMC (4.8 or newer): disks, spheres and hard spherocylinders.

J. A. Anderson, M. E. Irrgang, S. C. Glotzer, Comput. Phys. Commun. 204, 21 (2016). It serves as a second code: softal's
own kernels are faster (docs/benchmarks.md). It has hard cores, `hpmc.pair.Step` between centres, and no potential of
the shortest distance of rods; 4.8 has no tabulated ones either. One time step is one sweep (`nselect` of 1) and, at a
pressure, one trial move of ln V (`BoxMC`). HPMC 4 has beta = 1, and 5 has it by default: energies go in as u/kT, and
the pressure is beta P, which 5 calls P.

Random numbers are functions of (seed, time step, particle), so that a state holds the time step instead of a generator;
with the particles' sorter off, a restored system goes on bit for bit. Of a seed HOOMD-blue takes 16 bits.

HPMC tests overlaps of spheres in single precision, and so may let a distance of 1 - 2e-7 sigma pass, which is an
overlap for everything else here; its particles are therefore wider by `SWELLING`.
"""

from __future__ import annotations

import importlib.util
import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import EngineUnavailable, SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.potentials import HardCore, PairPotential, SquareShoulder
from softal.simulators.monte_carlo.system import Configuration, PairMonteCarlo, State
from softal.simulators.monte_carlo.trajectory import quaternions

INSTALLATION = (
    "install HOOMD-blue with HPMC: conda install -c conda-forge 'hoomd>=4.8' (it is not on PyPI; see docs/engines.md)"
)
SWELLING = 3e-7  # relative; of r^2 in single precision, at most 4e-7 are lost
SEED_BITS = 0xFFFF


def available() -> bool:
    """Whether HOOMD-blue with HPMC can be imported."""
    try:
        return importlib.util.find_spec("hoomd.hpmc") is not None
    except ImportError:
        return False


def require() -> None:
    """Do nothing where HPMC is there.

    Raises:
        EngineUnavailable: saying what to install.
    """
    if not available():
        raise EngineUnavailable(INSTALLATION)


class Hpmc(PairMonteCarlo):
    """Disks, spheres, or hard rods, moved by HOOMD-blue on one core; moves of the box keep its shape.

    Step sizes are HPMC's: the greatest displacement [sigma] (in a disk or ball, not a square), the size of the random
    quaternion that is added to one, and ln V. Half of the trial moves of rods are rotations.

    Args:
        configuration, potential, kT, pressure, seed: as for PairMonteCarlo.
        length: L of rods, without their caps [sigma]; 0 are disks or spheres.

    Raises:
        EngineUnavailable: if HOOMD-blue with HPMC is missing.
        SimulationError: if HPMC cannot express the potential, rods have no orientations, cores overlap, or the box is
            too small for nearest images (disks and spheres) or for a rod.
    """

    moves = ("translation", "rotation", "volume")
    targets = (0.4, 0.35, 0.3)
    first = (0.1, 0.05, 0.01)
    smallest = (1e-4, 1e-4, 1e-6)
    largest = (0.5, 0.5, 0.1)

    def __init__(
        self,
        configuration: Configuration,
        potential: PairPotential,
        kT: float,
        pressure: float | None = None,
        *,
        seed: int = 0,
        length: float = 0.0,
    ) -> None:
        require()
        super().__init__(configuration, potential, kT, pressure, seed=seed)
        self.length = float(length)
        self._check()
        n, flat = len(self.positions), len(self.box) == 2
        centred = self.positions - self.box / 2
        # HPMC's own numbers, kept beside the attributes of MonteCarlo so that a restored run has all bits
        self.centred = np.column_stack([centred, np.zeros(n)]) if flat else centred
        u = self.orientations
        self.quaternions = np.tile([1.0, 0.0, 0.0, 0.0], (n, 1)) if u is None else quaternions(u)
        self.timestep = np.array(0)
        self._create()

    def _advance(self, sweeps: int) -> None:
        self._apply()
        self._simulation.run(sweeps)
        self._read()
        volume = (0, 0) if self._box_moves is None else self._box_moves.volume_moves
        counts = np.array([self._integrator.translate_moves, self._integrator.rotate_moves, volume])
        self.accepted += counts[:, 0]
        self.tried += counts.sum(1)
        self._check_box()

    @property
    def energy(self) -> float:
        """Total energy [epsilon], by HPMC from all pairs anew; its cores never overlap."""
        self._apply()
        return float(sum(pair.energy for pair in self._integrator.pair_potentials) * self.kT)

    def state(self) -> State:
        """Return everything that a run depends on, as arrays that np.savez and `restore` take."""
        own = {"centred": self.centred, "quaternions": self.quaternions, "timestep": self.timestep}
        return super().state() | {name: np.array(array) for name, array in own.items()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go on from `state()`, bit for bit with the same version of HOOMD-blue.

        Raises:
            SimulationError: if the state is of another system.
        """
        super().restore(state)
        self._create()

    def _create(self) -> None:
        import hoomd
        import hoomd.hpmc

        seed = int(self.random[0]) & SEED_BITS
        self._simulation: Any = hoomd.Simulation(hoomd.device.CPU(notice_level=0), seed=seed)
        self._simulation.timestep = int(self.timestep)
        self._simulation.create_state_from_snapshot(self._snapshot(hoomd))
        self._simulation.operations.tuners.clear()  # sorted particles have other random numbers than restored ones
        self._integrator: Any = self._shape(hoomd.hpmc.integrate)
        self._step: Any = None
        if isinstance(self.potential, SquareShoulder):
            self._step = hoomd.hpmc.pair.Step()
            self._integrator.pair_potentials = [self._step]
        self._simulation.operations.integrator = self._integrator
        self._box_moves: Any = None
        self._applied: tuple[float, ...] = ()
        self._apply()
        self._simulation.run(0)

    def _snapshot(self, hoomd: Any) -> Any:
        snapshot = hoomd.Snapshot()
        flat = [0.0] if len(self.box) == 2 else []  # HOOMD-blue's two dimensions: L_z = 0
        snapshot.configuration.box = [*self.box, *flat, 0.0, 0.0, 0.0]
        snapshot.particles.N = len(self.positions)
        snapshot.particles.types = ["A"]
        snapshot.particles.position[:] = self.centred
        snapshot.particles.orientation[:] = self.quaternions
        return snapshot

    def _shape(self, integrate: Any) -> Any:
        diameter = self.potential.core * (1 + SWELLING)
        if not self.length:
            spheres = integrate.Sphere(nselect=1)
            spheres.shape["A"] = {"diameter": diameter, "orientable": False}
            return spheres
        rods = integrate.ConvexSpheropolyhedron(nselect=1, translation_move_probability=0.5)
        ends = [(0, 0, -self.length / 2), (0, 0, self.length / 2)]
        rods.shape["A"] = {"vertices": ends, "sweep_radius": diameter / 2}
        return rods

    def _apply(self) -> None:
        """Tell HOOMD-blue the state point and the step sizes, where they have changed."""
        pressure = -1.0 if self.pressure is None else self.pressure
        wanted = (self.kT, pressure, *self.steps)
        if wanted == self._applied:
            return
        self._integrator.d["A"], self._integrator.a["A"] = float(self.steps[0]), float(self.steps[1])
        if self._step is not None:
            self._step.params["A", "A"] = {"epsilon": [1 / self.kT], "r": [self.potential.cutoff]}
        self._apply_pressure(pressure)
        self._applied = wanted

    def _apply_pressure(self, pressure: float) -> None:
        import hoomd.hpmc

        if pressure < 0:
            return
        kind = hoomd.hpmc.update.BoxMC
        name = "betaP" if "betaP" in inspect.signature(kind).parameters else "P"
        if self._box_moves is None:
            self._box_moves = kind(trigger=1, **{name: pressure})
            self._simulation.operations.updaters.append(self._box_moves)
        setattr(self._box_moves, name, pressure)
        self._box_moves.volume = {"mode": "ln", "weight": 1.0, "delta": float(self.steps[2])}

    def _read(self) -> None:
        box, d = self._simulation.state.box, len(self.box)
        # A snapshot has the origin subtracted, which moves with the box: bits that a restored run would not have.
        with self._simulation.state.cpu_local_snapshot as data:
            self.centred = np.array(data.particles.position, np.float64)
            self.quaternions = np.array(data.particles.orientation, np.float64)
        self.timestep = np.array(self._simulation.timestep)
        self.box = np.array(box.L[:d], np.float64)
        self.positions = np.ascontiguousarray(self.centred[:, :d] + self.box / 2)
        if self.orientations is not None:
            self.orientations = directions(self.quaternions)

    def _check(self) -> None:
        kind = type(self.potential)
        if kind is not HardCore and (kind is not SquareShoulder or self.length):
            raise SimulationError(
                f"HOOMD-blue's HPMC has no {kind.__name__} of {'rods' if self.length else 'particles'}; it has "
                "HardCore, and SquareShoulder of disks and spheres (softal's own engine has them all)"
            )
        if self.length < 0 or (self.length and (len(self.box) != 3 or self.orientations is None)):
            raise SimulationError(
                f"particles of length {self.length:g} sigma: rods have a positive one, three dimensions and "
                "orientations"
            )
        self._check_box()
        if not np.isfinite(self._own_energy()):
            raise SimulationError(f"cores of diameter {self.potential.core:g} sigma overlap in the configuration")

    def _own_energy(self) -> float:
        from softal.simulators.monte_carlo import compression, rod_energies

        if self.orientations is None:
            return float(compression.pairs_energy(self.positions, self.box, *self._table()))
        args = self.positions, self.orientations, self.box, self.length
        return float(rod_energies.total_energy(*args, *self._table()))

    def _check_box(self) -> None:
        cutoff = self.potential.cutoff
        least = self.length + cutoff if self.length else 2 * cutoff
        if self.box.min() < least:
            edges = " x ".join(f"{edge:.4g}" for edge in self.box)
            raise SimulationError(
                f"{len(self.positions)} particles in a box of {edges} sigma: its edges have to be at least {least:.4g} "
                "sigma; take more particles"
            )


def directions(q: Floats) -> Floats:
    """Return the unit vectors (N, 3) into which quaternions (N, 4), (w, x, y, z), turn the z axis."""
    w, x, y, z = q.T
    u = np.column_stack([2 * (x * z + w * y), 2 * (y * z - w * x), w * w - x * x - y * y + z * z])
    return np.asarray(u / np.linalg.norm(u, axis=1)[:, None])
