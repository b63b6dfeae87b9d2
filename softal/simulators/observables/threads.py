"""Keep the numerical libraries to the cores that a trial may use.

Two trials on two cores, each with a thread for every core, wait for each other's spinning threads: a structure factor
then takes seconds instead of milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited_threads(cpus: float) -> Iterator[int]:
    """Let BLAS and OpenMP use at most `cpus` threads (at least one) within the block; gives that number."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    threads = max(1, int(cpus))
    with threadpool_limits(threads):
        yield threads
