"""What the report says of trials: progress, decimation, failures, who worked when. Pure functions."""

from __future__ import annotations

import heapq
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.answer import mean_of_runs
from softal.numeric import Floats
from softal.trial import Array, Trial


def running_best(losses: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the lowest loss so far, shape (n,), and where it improved; NaN losses never do."""
    filled = np.where(np.isnan(losses), np.inf, losses)
    best = np.minimum.accumulate(filled) if len(filled) else filled
    improved = np.r_[True, best[1:] < best[:-1]] if len(best) else np.zeros(0, bool)
    return np.where(np.isinf(best), np.nan, best), improved & ~np.isnan(losses)


def mean_arrays(runs: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """Return the mean of each array over runs of one point, with its standard error, element by element.

    An array that a run lacks, or has on another grid, is the first run's. So are arrays of two and more dimensions:
    configurations and images have no mean over runs.
    """
    found = dict(runs[0]) if runs else {}
    for name, first in found.items():
        arrays = [run[name] for run in runs if name in run]
        if len(arrays) == len(runs) > 1 and all(_comparable(first, other) for other in arrays):
            values = np.array([array.values.ravel() for array in arrays])
            known = [np.full(first.values.size, np.nan) if a.errors is None else a.errors.ravel() for a in arrays]
            pairs = [mean_of_runs(v, e) for v, e in zip(values.T, np.array(known).T, strict=True)]
            mean, error = np.array(pairs).T.reshape(2, *first.values.shape)
            found[name] = Array(mean, error, first.grid, first.unit, first.grid_unit)
    return found


def _comparable(one: Array, other: Array) -> bool:
    if one.values.ndim != 1 or one.values.shape != other.values.shape or (one.grid is None) != (other.grid is None):
        return False
    return one.grid is None or other.grid is None or bool(np.allclose(one.grid, other.grid, rtol=1e-9, atol=0))


@dataclass(frozen=True)
class Failure:
    """One kind of failure: how often, and the first trial that it happened to."""

    reason: str
    count: int
    example: Trial


def failures(trials: Sequence[Trial]) -> list[Failure]:
    """Return the failed trials by reason, most frequent first; reasons that differ in numbers alone are one."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        first_line = next(iter((trial.reason or "").strip().splitlines()), "no reason given")
        groups.setdefault(re.sub(r"\d[\d.eE+\-]*", "#", first_line), []).append(trial)
    found = [
        Failure(next(iter((some[0].reason or "no reason given").strip().splitlines())), len(some), some[0])
        for some in groups.values()
    ]
    return sorted(found, key=lambda failure: -failure.count)


@dataclass(frozen=True)
class Bar:
    """One trial in the chart of who worked when: times in seconds since the first start."""

    trial: Trial
    lane: int
    start: float
    end: float


def lanes(trials: Sequence[Trial]) -> tuple[list[Bar], list[str]]:
    """Put trials into lanes, one for each simulation that a host ran at a time; return bars and names of the lanes."""
    timed = sorted(
        (t for t in trials if t.started is not None and t.finished is not None), key=lambda t: t.started or 0
    )
    if not timed:
        return [], []
    origin = timed[0].started or 0.0
    bars: list[Bar] = []
    names: list[str] = []
    free: dict[str, list[tuple[float, int]]] = {}
    for trial in timed:
        host, start, end = trial.host or "worker", trial.started or 0.0, trial.finished or 0.0
        waiting = free.setdefault(host, [])
        if waiting and waiting[0][0] <= start + 1e-3:
            _, lane = heapq.heappop(waiting)
        else:
            lane = len(names)
            names.append(f"{host} · {sum(name.startswith(f'{host} · ') for name in names) + 1}")
        heapq.heappush(waiting, (end, lane))
        bars.append(Bar(trial, lane, start - origin, end - origin))
    order = sorted(range(len(names)), key=lambda lane: names[lane])
    place = {lane: position for position, lane in enumerate(order)}
    return [Bar(b.trial, place[b.lane], b.start, b.end) for b in bars], [names[lane] for lane in order]


def concurrency(trials: Sequence[Trial], steps: int = 400) -> tuple[Floats, Floats]:
    """Return times [s since the first start] and how many simulations ran, averaged over each of the steps."""
    times = [(t.started, t.finished) for t in trials if t.started is not None and t.finished is not None]
    if not times:
        return np.zeros(0), np.zeros(0)
    starts, ends = (np.sort(np.array(part, dtype=np.float64)) for part in zip(*times, strict=True))
    origin, last = starts[0], max(ends[-1], starts[0] + 1e-9)
    edges = np.linspace(0.0, last - origin, steps + 1)

    def worked(until: Floats, begun: Floats) -> Floats:
        """Integral over time, up to `until`, of how many had begun."""
        sums = np.r_[0.0, np.cumsum(begun - origin)]
        count = np.searchsorted(begun - origin, until, side="right")
        return np.asarray(count * until - sums[count])

    work = worked(edges, starts) - worked(edges, ends)
    return 0.5 * (edges[1:] + edges[:-1]), np.diff(work) / np.diff(edges)
