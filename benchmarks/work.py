"""The simulations of the benchmarks: some that take no time, and one that takes exactly one second."""

from __future__ import annotations

import os
import time
from typing import Any

from softal.simulators import batched

BATCH = 64  # points that `bowls` takes at once
SLEEP = 1.0  # s


def no_op(x: float, y: float) -> dict[str, float]:
    return {"f": x + y}


def bowl(x: Any, y: Any) -> dict[str, Any]:
    return {"f": (x - 0.3) ** 2 + (y - 0.6) ** 2}


@batched(BATCH)
def bowls(x: Any, y: Any) -> dict[str, Any]:
    """`bowl` at many points, which are arrays."""
    return bowl(x, y)


def sleep(x: float, y: float, z: float) -> dict[str, float]:
    """Sleep, and say when [s since 1970] and where: what is around the call is no part of a simulation."""
    began = time.time()
    time.sleep(SLEEP)
    f = (x - 0.3) ** 2 + (y - 0.6) ** 2 + (z - 0.5) ** 2
    return {"f": f, "began": began, "ended": time.time(), "process": os.getpid()}
