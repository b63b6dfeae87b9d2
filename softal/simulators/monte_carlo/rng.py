"""Random numbers for compiled kernels: xoshiro256++, whose state is four integers that a checkpoint can hold.

D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM Trans. Math. Softw. 47, 36 (2021).
"""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

State = NDArray[np.uint64]

UNIT = 2.0**-53


def seeded(seed: int) -> State:
    """Return the state (4,) of a generator from a seed."""
    return np.random.SeedSequence(seed).generate_state(4, np.uint64).astype(np.uint64)


@nb.njit(inline="always")
def uniform(state):  # type: ignore[no-untyped-def]
    """Return a number in [0, 1) and move the state (4,) on."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    total = s0 + s3
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3
    return (result >> np.uint64(11)) * UNIT
