"""Keep the numerical libraries to the cores that a trial may use.

Two trials on two cores, each with a thread for every core, wait for each other's spinning threads: a structure factor
then takes seconds instead of milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limited_threads(cpus: float) -> Iterator[int]:
    """Let BLAS and freud use at most `cpus` threads (at least one) within the block; gives that number."""
    import freud
    from threadpoolctl import threadpool_limits

    threads = max(1, int(cpus))
    with threadpool_limits(threads), freud.parallel.NumThreads(threads):
        yield threads
