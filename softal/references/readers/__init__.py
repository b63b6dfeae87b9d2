"""Reads what people, spreadsheets and simulations write: one set of readers for references and for results.

.npy, .npz            numpy's arrays
.gsd                  HOOMD-blue's logs
anything else         text, by what is in it: .xvg, LAMMPS's logs and averages, CSV and columns; packed by gzip or not
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.reading import in_a_line, read_bytes, read_npy, read_npz
from softal.references.readers.columns import read_columns
from softal.references.readers.gsd_log import read_gsd
from softal.references.readers.table import Table
from softal.references.readers.text import read_lines
from softal.references.readers.thermo import is_thermo, read_thermo
from softal.references.readers.xvg import is_xvg, read_xvg

__all__ = ["Table", "read_table"]


def read_table(path: Path) -> Table:
    """Read a file, by its suffix or by what is in it.

    Raises:
        OSError, ValueError: if it cannot be read, or holds something other than a table of numbers.
    """
    readers = {".npy": _read_npy, ".npz": _read_npz, ".gsd": read_gsd}
    try:
        return readers.get(path.suffix.lower(), _read_text)(path)
    except (OSError, ValueError):
        raise
    except Exception as error:  # what damaged content raises depends on where it is damaged
        raise ValueError(f"it is damaged: {in_a_line(error)}") from error


def _read_npy(path: Path) -> Table:
    return _of_block(read_npy(read_bytes(path)))


def _of_block(block: NDArray[Any]) -> Table:
    table = np.asarray(block, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(f"its shape is {table.shape}; (points, columns) is needed")
    return Table((), tuple(table.T))


def _read_npz(path: Path) -> Table:
    arrays = read_npz(path)
    if not arrays:
        raise ValueError("it holds no arrays of numbers")
    if len(arrays) == 1 and next(iter(arrays.values())).ndim == 2:
        return _of_block(next(iter(arrays.values())))
    return Table(tuple(arrays), tuple(np.asarray(array, dtype=np.float64) for array in arrays.values()))


def _read_text(path: Path) -> Table:
    lines = read_lines(path)
    suffix = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    if suffix == ".xvg" or is_xvg(lines):
        return read_xvg(lines)
    return read_thermo(lines) if is_thermo(lines) else read_columns(lines)
