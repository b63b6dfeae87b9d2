"""Tables that a program writes again and again into one file: LAMMPS's `fix ave/time`, `ave/chunk`, `ave/correlate`.

    # TimeStep Number-of-rows
    # Row c_rdf[1] c_rdf[2]
    400 50
    1 0.025 0.0
    ...
    50 2.475 1.0
    800 50
    1 0.025 0.0

A block begins with its time and the number of its rows, which are counted from 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.references.readers.cells import Rows, is_number, number

LONGEST_COUNT = 12  # digits of a time step, or of a number of rows


def blocks_of(rows: Rows, titled: bool) -> tuple[Rows, Floats | None]:
    """Return the rows of the last block, and all blocks, shape (b, k, columns); the rows and None where there are none.

    Args:
        rows: cells of the file.
        titled: whether comments above them say that there are blocks.

    Raises:
        ValueError: if a block is not complete, or has another number of rows than the first.
    """
    if not _begins(rows, titled):
        return rows, None
    found: list[Rows] = []
    at = 0
    while at < len(rows):
        place, head = rows[at]
        size = int(head[1]) if len(head) > 1 and _is_count(head[1]) else 0
        part = rows[at + 1 : at + 1 + size]
        if len(part) < max(size, 1):
            raise ValueError(f"the block in line {place} has {len(part)} of {size} rows: its end is missing")
        if found and size != len(found[0]):
            raise ValueError(f"the block in line {place} has {size} rows, the first one has {len(found[0])}")
        found.append(part)
        at += 1 + size
    return found[-1], _values(found)


def _begins(rows: Rows, titled: bool) -> bool:
    head = rows[0][1]
    if len(head) < 2 or not all(map(_is_count, head[:2])):
        return False
    part = rows[1 : 1 + int(head[1])]
    if not part or part[0][1][0] != "1" or (len(part) == int(head[1]) and part[-1][1][0] != head[1]):
        return False
    return titled or len(part[0][1]) != len(head)


def _is_count(text: str) -> bool:
    return len(text) <= LONGEST_COUNT and text.isascii() and text.isdigit()


def _values(found: list[Rows]) -> Floats:
    width = len(found[0][0][1])
    for block in found:
        for place, cells in block:
            if len(cells) != width or not all(map(is_number, cells)):
                raise ValueError(f"line {place} is not {width} numbers: {' '.join(cells)[:60]!r}")
    return np.array([[[number(cell) for cell in cells] for _, cells in block] for block in found])


def sampled(blocks: Floats, count: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Return blocks of a correlation function that count, and which of their rows were sampled, shape (k,).

    With `ave running` each block goes on with the sums of the one before, so that the last one has them all; else those
    count that have as many samples as the last one, which the first has not.

    Args:
        blocks: shape (b, k, columns).
        count: number of the column with the numbers of samples.
    """
    samples = blocks[:, :, count]
    running = np.all(np.diff(samples, axis=0) >= 0) and np.sum(np.any(np.diff(samples, axis=0) > 0, axis=1)) > 1
    kept = blocks[-1:] if running else blocks[np.all(samples == samples[-1], axis=1)]
    return kept, samples[-1] > 0
