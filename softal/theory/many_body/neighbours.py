"""Who is near whom in a periodic box, compiled."""

import numba as nb
import numpy as np


@nb.njit(cache=True)
def near(a, b, box, cutoff):  # type: ignore[no-untyped-def]
    """Return whether two places are nearer than the cutoff."""
    square = 0.0
    for x in range(len(box)):
        d = a[x] - b[x]
        d -= box[x] * np.rint(d / box[x])
        square += d * d
    return square < cutoff * cutoff


@nb.njit(cache=True)
def neighbours(positions, box, cutoff, i, away):  # type: ignore[no-untyped-def]
    """Write how far the neighbours of i are away from it, and return how many there are."""
    count = 0
    for j in range(len(positions)):
        if j != i and near(positions[j], positions[i], box, cutoff):
            for x in range(len(box)):
                d = positions[j, x] - positions[i, x]
                away[count, x] = d - box[x] * np.rint(d / box[x])
            count += 1
    return count
