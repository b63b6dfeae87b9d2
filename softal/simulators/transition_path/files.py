"""Clusters in files: XYZ, and GSD, of which the last frame counts. Atoms of one name may be exchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from softal.errors import SoftalError
from softal.numeric import Floats
from softal.reading import boundary, read_text
from softal.theory.clusters.alignment import Groups

MOST_ATOMS = 2000


def read_cluster(path: Path) -> tuple[Floats, list[str]]:
    """Return positions (N, d) [sigma] and names of the atoms; d = 2 where all lie in the plane z = 0.

    Raises:
        SoftalError: in one line, naming the file.
    """
    with boundary(SoftalError, f"{path}: no cluster can be read from it"):
        positions, names = _gsd(path) if path.suffix == ".gsd" else _xyz(read_text(path))
    if not 3 <= len(positions) <= MOST_ATOMS:
        raise SoftalError(f"{path}: it has {len(positions)} atoms; allowed: 3 to {MOST_ATOMS}")
    if np.all(positions[:, 2] == 0):
        return np.ascontiguousarray(positions[:, :2]), names
    return positions, names


def groups_of(names: list[str]) -> Groups | None:
    """Return a number for each name, (N,); None where there is one name."""
    numbers = np.unique(names, return_inverse=True)[1]
    return np.asarray(numbers, dtype=np.int64) if numbers.any() else None


def _xyz(text: str) -> tuple[Floats, list[str]]:
    lines = text.splitlines()
    if not lines or not lines[0].strip().isdigit():
        raise ValueError("the first line of an XYZ file is the number of atoms")
    count = int(lines[0])
    rows = [line.split() for line in lines[2 : 2 + count]]
    if len(rows) < count or any(len(row) < 4 for row in rows):
        raise ValueError(f"it has less than the {count} lines `name x y z` that it announces")
    return np.array([[float(x) for x in row[1:4]] for row in rows]), [row[0] for row in rows]


def _gsd(path: Path) -> tuple[Floats, list[str]]:
    import gsd.hoomd

    with gsd.hoomd.open(name=str(path), mode="r") as file:
        frame = file[len(file) - 1]
        types = list(frame.particles.types or ["A"])
        positions = np.asarray(frame.particles.position, dtype=np.float64)
        return positions, [types[k] for k in np.asarray(frame.particles.typeid, dtype=int)]
