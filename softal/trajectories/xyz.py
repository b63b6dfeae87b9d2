"""Extended XYZ: number of particles, a line with the box and the columns' names, then a line for each particle."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from softal.errors import TrajectoryError
from softal.numeric import Floats
from softal.trajectories.frame import MOST, Frame

LATTICE = re.compile(r'Lattice\s*=\s*"([^"]*)"', re.IGNORECASE)
ORIGIN = re.compile(r'Origin\s*=\s*"([^"]*)"', re.IGNORECASE)
PROPERTIES = re.compile(r"Properties\s*=\s*(\S+)", re.IGNORECASE)
USUAL = "species:S:1:pos:R:3"


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a file; TrajectoryError for what is wrong with one."""
    with path.open(encoding="utf-8-sig") as file:
        while head := file.readline():
            if head.strip():
                yield _frame(head, file)


def _frame(head: str, file: Iterator[str]) -> Frame:
    if not head.strip().isdigit() or not 1 <= int(head) <= MOST:
        raise TrajectoryError(
            f"it begins with {head.strip()[:40]!r}; it has to be the number of particles, up to {MOST}"
        )
    n, comment = int(head), next(file, "")
    lattice, origin = LATTICE.search(comment), ORIGIN.search(comment)
    if lattice is None:
        raise TrajectoryError('it has no box; the second line says it as Lattice="ax ay az bx by bz cx cy cz"')
    rows = [line.split() for line in itertools.islice(file, n)]
    name, place = _columns(comment)
    if len(rows) < n or any(len(row) < place + 3 for row in rows):
        raise TrajectoryError(f"it has less than the {n} lines of particles that it announces")
    corner = _numbers(origin[1], 3) if origin else np.zeros(3)
    named = [row[name] if name is not None else "A" for row in rows]
    x = np.array([row[place : place + 3] for row in rows], dtype=np.float64)
    return Frame.of(x, _numbers(lattice[1], 9).reshape(3, 3), corner, named)


def _columns(comment: str) -> tuple[int | None, int]:
    """Return the columns of the name and of x."""
    found = PROPERTIES.search(comment)
    parts = (found[1] if found else USUAL).split(":")
    at, name, place = 0, None, None
    for what, _, width in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        if what.lower() in ("species", "type", "element"):
            name = at
        if what.lower() in ("pos", "position", "positions"):
            place = at
        at += int(width)
    if place is None:
        raise TrajectoryError("its Properties have no `pos`")
    return name, place


def _numbers(text: str, count: int) -> Floats:
    found = np.array(text.split(), dtype=np.float64)
    if len(found) != count:
        raise TrajectoryError(f"its box or origin has {len(found)} numbers; allowed: {count}")
    return found
