"""From the times at which trials ran to the benchmarks' figures. Times are [(started, finished), ...] in seconds."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Sequence
from typing import Any

Times = Sequence[tuple[float, float]]


def per_trial(times: Times) -> dict[str, float]:
    """Return the time that a trial takes [ms], its growth, and how many trials there were.

    `ms_per_trial` is the wall time from the start of the first trial to the end of the last one, divided by their
    number: starting up is no part of it. `growth` is the time per trial in the last tenth of the trials over that in
    the second tenth; the first tenth is left out, where workers are still starting.
    """
    ends = sorted(finished for _, finished in times)
    n = len(ends)
    tenth = max(1, n // 10)
    last, second = ends[-1] - ends[-1 - tenth], ends[min(2 * tenth, n) - 1] - ends[tenth - 1]
    return {
        "ms_per_trial": 1e3 * (ends[-1] - min(started for started, _ in times)) / n,
        "trials": n,
        "growth": last / second if second > 0 else 1.0,
    }


def gaps(times: Times) -> list[float]:
    """Return the times from a worker's end of one trial to the start of the next one [s].

    Nobody writes down which worker ran a trial, and it does not matter: with W at a time, the k-th end frees a worker,
    and the (k + W)-th start takes one. The mean of the differences is exact whoever took whose place.
    """
    starts = sorted(started for started, _ in times)
    ends = sorted(finished for _, finished in times)
    workers = most_at_once(times)
    return [started - ended for ended, started in zip(ends, starts[workers:], strict=False)]


def most_at_once(times: Times) -> int:
    """Return the greatest number of trials that ran at one time."""
    running: list[float] = []
    most = 0
    for started, finished in sorted(times):
        while running and running[0] <= started:
            heapq.heappop(running)
        heapq.heappush(running, finished)
        most = max(most, len(running))
    return most


def busy_share(times: Times, workers: int, begin: float, end: float) -> float:
    """Return the part of the workers' time in [begin, end] that was spent in simulations."""
    busy = sum(max(0.0, min(finished, end) - max(started, begin)) for started, finished in times)
    return busy / (workers * (end - begin))


def utilisation(times: Times, processes: Sequence[float], workers: int, launched: float) -> dict[str, float]:
    """Return the part of the workers' time that was spent in simulations, without and with start-up and end.

    `share` counts from when `workers` processes have begun their first trials (the last one there is, if they are
    fewer) to the start of the last trial, after which there is nothing left to be given out. `share_from_first_trial`
    counts from the start of the first trial to the end of the last one, and `share_from_launch` from the call that
    launched it all, so that it holds the start of Ray, agents and workers. `processes` are those that simulated.
    """
    starts = sorted(started for started, _ in times)
    end = max(finished for _, finished in times)
    first: dict[float, float] = {}
    for (started, _), process in sorted(zip(times, processes, strict=True)):
        first.setdefault(process, started)
    all_started = sorted(first.values())[:workers][-1]
    return {
        "share": busy_share(times, workers, all_started, starts[-1]) if starts[-1] > all_started else 0.0,
        "share_from_first_trial": busy_share(times, workers, starts[0], end),
        "share_from_launch": busy_share(times, workers, launched, end),
        "start_up_s": all_started - launched,
        "measured_s": starts[-1] - all_started,
        "trials": len(starts),
        "workers": workers,
        "processes_that_simulated": len(first),
        "most_at_once": most_at_once(times),
        "simulation_s_median": statistics.median(finished - started for started, finished in times),
    }


def medians(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure over the rounds, and every round's `ms_per_trial`."""
    merged = {
        key: statistics.median(one[key] for one in rounds) if isinstance(value, float) else value
        for key, value in rounds[0].items()
    }
    return {**merged, "rounds": [one["ms_per_trial"] for one in rounds if "ms_per_trial" in one]}
