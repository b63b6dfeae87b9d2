"""Jobs of a benchmark that is resumable, in processes of their own with one thread each."""

from __future__ import annotations

import multiprocessing
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from softal.orchestrator.workers.watcher import die_with_parent

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Job = TypeVar("Job")


def run_all(
    jobs: Sequence[Job], run: Callable[..., Any], *arguments: Any, workers: int
) -> Iterator[tuple[Job, Future[Any]]]:
    """Call run(job, *arguments) for each of the jobs, begun in their order; yield them as they end."""
    os.environ.update(ONE_THREAD)  # of the processes, which import numpy and torch after this
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare) as pool:
        futures = {pool.submit(run, job, *arguments): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future


def _prepare() -> None:
    """Set up a process of the pool; without the parent it would go on writing to files that another run continues."""
    die_with_parent()
    warnings.simplefilter("ignore")
