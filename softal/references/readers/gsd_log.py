"""Logs in HOOMD-blue's GSD files: numbers that were logged at every frame, as series, and arrays of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.reading import MAX_ARRAYS, in_a_line
from softal.references.readers.table import Table

STEP, LOG = "configuration/step", "log/"
# What is logged of each particle, bond ... of a configuration.
OF_EACH = tuple(
    f"{LOG}{one}/" for one in ("particles", "bonds", "angles", "dihedrals", "impropers", "constraints", "pairs")
)


def read_gsd(path: Path) -> Table:
    """Make a table of a GSD file's logged numbers, one row a frame; what is logged of each particle is left out.

    Arrays of one length in all frames are the table's vectors.

    Raises:
        OSError, ValueError: if it cannot be read, or logs nothing.
    """
    import gsd.hoomd

    size = path.stat().st_size  # OSError, where it is not there
    if size > MAX_ARRAYS:
        raise ValueError(f"it has {size} bytes; at most {MAX_ARRAYS} are allowed")
    try:
        logged = gsd.hoomd.read_log(str(path), scalar_only=True)
        vectors = _vectors(path)
    except Exception as error:  # what damaged content raises depends on where it is damaged
        raise ValueError(f"it is no GSD file: {in_a_line(error)}") from None
    found = {name: np.asarray(one, dtype=np.float64) for name, one in logged.items() if np.ndim(one) == 1}
    series = {STEP.rpartition("/")[2]: found.pop(STEP)} if STEP in found else {}
    series |= {name.removeprefix(LOG): one for name, one in found.items()}
    if len(series) < 2 and not vectors:
        raise ValueError("it logs no numbers")
    return Table(tuple(series), tuple(series.values()), series=True, vectors=vectors)


def _vectors(path: Path) -> dict[str, Floats]:
    import gsd.fl

    with gsd.fl.open(str(path), mode="r") as file:
        names = [name for name in file.find_matching_chunk_names(LOG) if not name.startswith(OF_EACH)]
        found = {name.removeprefix(LOG): _in_time(file, name) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def _in_time(file: Any, name: str) -> Floats | None:
    """Return what is logged under a name, shape (frames, k); None where it is no array of numbers, k > 1, in each."""
    first = np.asarray(file.read_chunk(frame=0, name=name)) if file.chunk_exists(frame=0, name=name) else np.empty(0)
    if first.ndim != 1 or first.dtype.kind not in "fiu" or len(first) < 2:
        return None
    if file.nframes * first.nbytes > MAX_ARRAYS:
        raise ValueError(f"{name} is {len(first)} numbers in each of {file.nframes} frames; fewer fit")
    # What is as in the first frame is not written again.
    there = (i if file.chunk_exists(frame=i, name=name) else 0 for i in range(file.nframes))
    frames = [np.asarray(file.read_chunk(frame=i, name=name)) for i in there]
    return np.array(frames, dtype=np.float64) if all(one.shape == first.shape for one in frames) else None
