"""Dumps of LAMMPS as text: `dump ... atom` and `dump ... custom` with coordinates of any kind."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from softal.errors import TrajectoryError
from softal.numeric import Floats
from softal.trajectories.frame import MOST, Frame

COORDINATES = (("x", "y", "z", False), ("xu", "yu", "zu", False), ("xs", "ys", "zs", True), ("xsu", "ysu", "zsu", True))


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a file, particles by their id; TrajectoryError for what is wrong with one."""
    with path.open(encoding="utf-8-sig") as file:
        step, n, edges = 0, 0, np.empty((0, 2))
        for line in file:
            item = line.strip()
            if item == "ITEM: TIMESTEP":
                step = int(next(file, ""))
            elif item == "ITEM: NUMBER OF ATOMS":
                n = int(next(file, ""))
                if not 1 <= n <= MOST:
                    raise TrajectoryError(f"a frame has {n} particles; allowed: 1 to {MOST}")
            elif item.startswith("ITEM: BOX BOUNDS"):
                edges = _edges(item, file)
            elif item.startswith("ITEM: ATOMS"):
                if not len(edges):
                    raise TrajectoryError("it has no box before its atoms")
                yield _frame(item.split()[2:], [row.split() for row in itertools.islice(file, n)], n, edges, step)
            elif item and not item.startswith("ITEM:"):
                raise TrajectoryError(f"{item[:40]!r} stands where a line `ITEM: ...` should; is it a dump of LAMMPS?")
            elif item:
                next(file, "")  # units, time


def _edges(item: str, file: Iterator[str]) -> Floats:
    """Return the box's lower and upper ends, (3, 2)."""
    words = item.split()[3:]
    rows = [np.array(next(file, "").split(), dtype=np.float64) for _ in range(3)]
    if words[:1] in (["xy"], ["abc"]) or any(len(row) != 2 for row in rows):
        tilted = len({len(row) for row in rows}) == 1 and len(rows[0]) == 3
        if not tilted or any(row[2] for row in rows):
            raise TrajectoryError("its box is tilted; allowed: boxes with right angles")
    return np.array([row[:2] for row in rows])


def _frame(columns: list[str], rows: list[list[str]], n: int, edges: Floats, step: int) -> Frame:
    if len(rows) < n or any(len(row) < len(columns) for row in rows):
        raise TrajectoryError(f"it has less than the {n} lines of particles that it announces")
    found = next((names for names in COORDINATES if set(names[:3]) <= set(columns)), None)
    if found is None:
        raise TrajectoryError(f"its columns are {' '.join(columns)}; allowed: x y z, xu yu zu, xs ys zs or xsu ysu zsu")
    if "id" in columns:
        rows = sorted(rows, key=lambda row: int(row[columns.index("id")]))
    kind = next((name for name in ("element", "type") if name in columns), None)
    named = [row[columns.index(kind)] if kind else "A" for row in rows]
    x = np.array([[row[columns.index(name)] for name in found[:3]] for row in rows], dtype=np.float64)
    lengths, corner = edges[:, 1] - edges[:, 0], edges[:, 0]
    return Frame.of(corner + x * lengths if found[3] else x, lengths, corner, named, step)
