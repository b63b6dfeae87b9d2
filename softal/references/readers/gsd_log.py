"""Logs in HOOMD-blue's GSD files: numbers that were logged at every frame, as series."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from softal.reading import MAX_ARRAYS, in_a_line
from softal.references.readers.table import Table

STEP = "configuration/step"


def read_gsd(path: Path) -> Table:
    """Make a table of a GSD file's logged numbers, one row a frame; what is logged of each particle is left out.

    Raises:
        OSError, ValueError: if it cannot be read, or logs nothing.
    """
    import gsd.hoomd

    size = path.stat().st_size  # OSError, where it is not there
    if size > MAX_ARRAYS:
        raise ValueError(f"it has {size} bytes; at most {MAX_ARRAYS} are allowed")
    try:
        logged = gsd.hoomd.read_log(str(path), scalar_only=True)
    except Exception as error:  # what damaged content raises depends on where it is damaged
        raise ValueError(f"it is no GSD file: {in_a_line(error)}") from None
    found = {name: np.asarray(one, dtype=np.float64) for name, one in logged.items() if np.ndim(one) == 1}
    series = {STEP.rpartition("/")[2]: found.pop(STEP)} if STEP in found else {}
    series |= {name.removeprefix("log/"): one for name, one in found.items()}
    if len(series) < 2:
        raise ValueError("it logs no numbers")
    return Table(tuple(series), tuple(series.values()), series=True)
