"""How fast memory equations are solved: softal's population at once against one after the other in numpy.

    python benchmarks/memory.py --json memory.json

Both take the same scheme, with the same two stretched exponentials, from the first step to 10^12 of it: blocks of
points whose step doubles. The peer is what one would write: a loop over memory functions and times on the grid that
softal's solution comes out on, the sums by numpy, averages of M by a trapezoid, no extrapolation. One thread each, and
what counts is the process' CPU time. A second table says how far F is from a solution with 1024 points a block.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.theory.memory_equation import solve
from softal.theory.memory_function import StretchedExponentials

Floats = NDArray[np.float64]
DECADES = 12
FIRST_STEP = 1e-4
LAST = FIRST_STEP * 10**DECADES
ACCURATE = 20  # memory functions whose errors are measured


def population(size: int, seed: int = 0) -> tuple[StretchedExponentials, Floats]:
    """Return memory functions as those of liquids, from hot to glassy: a fast and a slow mode; and their rates."""
    rng = np.random.default_rng(seed)
    w, b = 10 ** rng.uniform(0, 1.3, (size, 2)), rng.uniform(0.4, 1.2, (size, 2))
    tau = 10 ** rng.uniform([-1.5, 0], [0, 7], (size, 2))
    memory = StretchedExponentials(np.zeros(size), w, np.zeros((size, 2)), tau, b)
    return memory, 10 ** rng.uniform(-0.5, 0.5, size)


def one_in_numpy(memory: StretchedExponentials, rate: float, first_step: float, last: float, n: int) -> list[Floats]:
    """Solve for one memory function as in Fuchs et al. (1991), without averages from integrals and extrapolation.

    Returns:
        F (n + 1,) of each block.
    """
    h, blocks = first_step, []
    t = h * np.arange(n + 1)
    M, F, begin = memory.values(t)[0], np.ones(n + 1), 1
    M_mean, F_mean = np.zeros(n + 1), np.ones(n + 1)
    while True:
        M_mean[begin:] = (M[begin:] + M[begin - 1 : -1]) / 2
        for i in range(begin, n + 1):
            m = i // 2
            if i == 1:
                F[1] = 1 - rate * h
            else:
                known = M[i] * F[0] - M[i - m] * F[m] + M_mean[1] * F[i - 1] + (4 * F[i - 1] - F[i - 2]) / (2 * h)
                known += np.dot(M[i - m : i][::-1] - M[i - m + 1 : i + 1][::-1], F_mean[1 : m + 1])
                known += np.dot(M_mean[2 : i - m + 1], F[m : i - 1][::-1] - F[m + 1 : i][::-1])
                F[i] = known / (1.5 / h + rate + M_mean[1])
            F_mean[i] = (F[i] + F[i - 1]) / 2
        blocks.append(F.copy())
        if n * h >= last:
            return blocks
        half, h, begin = n // 2, 2 * h, n // 2 + 1
        for X, mean in ((M, M_mean), (F, F_mean)):
            mean[1 : half + 1] = (mean[2::2] + mean[1::2]) / 2
            X[: half + 1] = X[::2].copy()
        M[begin:] = memory.values(h * np.arange(begin, n + 1))[0]


def seconds(begun: float) -> float:
    return time.process_time() - begun


def speed(size: int, peers: int) -> list[dict[str, float]]:
    """Return CPU time of `size` memory functions, and of the peer for as many, measured on `peers` of them."""
    memory, rate = population(size)
    found = []
    for points in (64, 128):
        solve(memory[:2], rate[:2], LAST, first_step=FIRST_STEP, points=points)
        begun = time.process_time()
        solution = solve(memory, rate, LAST, first_step=FIRST_STEP, points=points)
        own = seconds(begun)
        begun = time.process_time()
        for p in range(peers):
            one_in_numpy(memory[p : p + 1], rate[p], 2 * FIRST_STEP, LAST, points // 2)
        peer = seconds(begun) * size / peers
        decades = float(np.log10(LAST / (solution.grids.first_step.max() / 2)))  # of two steps, the finer grid's
        figures = {"points": points, "size": size, "seconds": own, "numpy_seconds": peer, "ratio": peer / own}
        found.append({**figures, "decades": decades})
    return found


def accuracy() -> list[dict[str, float]]:
    """Return the largest and the median of the errors of F over all times."""
    memory, rate = population(ACCURATE, seed=1)
    t = np.geomspace(FIRST_STEP, LAST, 500)
    exact = solve(memory, rate, LAST, first_step=FIRST_STEP, points=1024).at(t)
    found = []
    for points in (32, 64, 128, 256):
        errors = np.abs(solve(memory, rate, LAST, first_step=FIRST_STEP, points=points).at(t) - exact).max(axis=1)
        found.append({"points": points, "largest": float(errors.max()), "median": float(np.median(errors))})
    return found


def tables(speeds: list[dict[str, float]], errors: list[dict[str, float]]) -> str:
    """Return both as tables."""
    lines = ["| memory functions | points | decades | softal, s | numpy loop, s | ratio |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {one['size']} | {one['points']} | {one['decades']:.1f} | {one['seconds']:.2f} | "
        f"{one['numpy_seconds']:.1f} | {one['ratio']:.0f} |"
        for one in speeds
    ]
    lines += ["", "| points | largest error of F | median |", "|---|---|---|"]
    lines += [f"| {one['points']} | {one['largest']:.1e} | {one['median']:.1e} |" for one in errors]
    return "\n".join(lines)


def main() -> None:
    """Measure, print tables, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1000, help="memory functions")
    parser.add_argument("--peers", type=int, default=20, help="of them, that the peer solves")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    results: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    results["speed"], results["accuracy"] = speed(arguments.size, arguments.peers), accuracy()
    print(tables(results["speed"], results["accuracy"]))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
