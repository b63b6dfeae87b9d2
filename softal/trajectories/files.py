"""Which reader reads a file, and GSD files that OVITO shows with what is known of each particle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from softal.errors import TrajectoryError
from softal.reading import boundary
from softal.trajectories import dump, xyz
from softal.trajectories.frame import Frame

Reader = Callable[[Path], Iterator[Frame]]
DUMPS = (".dump", ".lammpstrj", ".lammps")


def frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a trajectory, read one after the other.

    Args:
        path: a GSD file (.gsd), extended XYZ (.xyz, .extxyz: the box stands in its second line as
            `Lattice="ax ay az bx by bz cx cy cz"`), or a LAMMPS dump (.dump, .lammpstrj, or a name with `dump` in it).

    Raises:
        TrajectoryError: in one line, naming the file, also while it is read.
    """
    read = _reader(path)
    number = 0
    with boundary(TrajectoryError, f"{path}: no configuration can be read from it"):
        try:
            for frame in read(path):
                yield frame
                number += 1
        except TrajectoryError as error:
            raise TrajectoryError(f"{path}, frame {number}: {error}") from None
    if not number:
        raise TrajectoryError(f"{path}: it has no frame")


def _reader(path: Path) -> Reader:
    suffix = path.suffix.lower()
    if suffix == ".gsd":
        return gsd_frames
    if suffix in (".xyz", ".extxyz"):
        return xyz.frames
    if suffix in DUMPS or "dump" in path.name:
        return dump.frames
    raise TrajectoryError(
        f"{path}: {suffix or 'a file without a suffix'} is not known; allowed are .gsd, .xyz, .extxyz, "
        f"{', '.join(DUMPS)}, and names with `dump` in them"
    )


def gsd_frames(path: Path) -> Iterator[Frame]:
    """Yield the frames of a GSD file."""
    import gsd.hoomd

    with gsd.hoomd.open(name=str(path), mode="r") as file:
        for found in file:
            lengths, tilts = np.asarray(found.configuration.box[:3]), np.asarray(found.configuration.box[3:])
            if np.abs(tilts).max() > 1e-6:
                raise TrajectoryError("its box is tilted; allowed: boxes with right angles")
            if found.configuration.dimensions == 2:
                raise TrajectoryError("it has two dimensions; allowed: three")
            names = list(found.particles.types or ["A"])
            named = [names[k] for k in np.asarray(found.particles.typeid, int)]
            yield Frame.of(found.particles.position, lengths, -lengths / 2, named, int(found.configuration.step))


def write(path: Path, found: Iterable[Frame]) -> int:
    """Write frames to a GSD file, which is replaced, and return how many; values become `log/particles/NAME`.

    OVITO shows these as properties of the particles.
    """
    import gsd.hoomd

    count = 0
    with gsd.hoomd.open(name=str(path), mode="w") as file:
        for frame in found:
            count += 1
            written = gsd.hoomd.Frame()
            written.configuration.step = frame.step
            written.configuration.dimensions = 3
            written.configuration.box = [*frame.box, 0.0, 0.0, 0.0]
            written.particles.N = len(frame)
            written.particles.types = list(frame.names)
            written.particles.typeid = frame.types
            written.particles.position = frame.positions - frame.box / 2
            written.log = {f"particles/{name}": np.asarray(values) for name, values in frame.values.items()}
            file.append(written)
    return count
