"""The Pareto front of losses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats


def front(losses: Floats) -> NDArray[np.intp]:
    """Return the indices of the losses (n, m) that no others beat, in the order of the first component, then the next.

    One is beaten by another that is nowhere worse and somewhere better; equal ones do not beat each other.
    """
    left = np.lexsort(losses.T[::-1])
    found: list[int] = []
    while len(left):  # what comes first in this order is beaten by none that follows
        first, rest = losses[left[0]], losses[left[1:]]
        found.append(int(left[0]))
        left = left[1:][~(np.all(first <= rest, axis=1) & np.any(first < rest, axis=1))]
    return np.array(found, dtype=np.intp)
