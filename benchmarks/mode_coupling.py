"""Mode-coupling theory's solution of a binary mixture with 100 wave numbers: how long it takes, and a plain one beside.

    python benchmarks/mode_coupling.py --json mode_coupling.json

The mixture is Percus and Yevick's hard spheres near the glass transition, four in five of which are called A: its
correlators relax over seven decades of time. What counts is the process' CPU time, on one thread. Nearly all of it are
memory functions, so these are timed against two others that give the same numbers: the sum over triangles of wave
numbers as it stands, compiled by Numba, and numpy's of the same.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from softal.theory import hard_spheres
from softal.theory.mode_coupling.dynamics import relax
from softal.theory.mode_coupling.liquid import Liquid, wave_numbers

Floats = NDArray[np.float64]
X = np.array([0.8, 0.2])
PHI = 0.515  # 0.2 % below the transition


def mixture() -> Liquid:
    """Return the mixture: S_ab = x_a delta_ab + x_a x_b (S - 1)."""
    k = wave_numbers()
    S = np.diag(X)[:, :, None] + np.multiply.outer(X, X)[:, :, None] * (hard_spheres.structure_factor(k, PHI) - 1)
    return Liquid(k, S, hard_spheres.density(PHI), composition=(0.8, 0.2))


def seconds(work: Callable[[], Any]) -> float:
    """Return the CPU time of this process that `work` takes [s]."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


@nb.njit(cache=True)
def triangles(k, c, F, prefactor):  # type: ignore[no-untyped-def]
    """Return the memory matrices (s, s, n): for each k the sum over all q and p that make a triangle with it."""
    s, _, n = F.shape
    N = np.zeros((s, s, n))
    cF, cFc = np.zeros((s, s, n)), np.zeros((s, s, n))
    for i in range(n):
        cF[:, :, i] = np.ascontiguousarray(c[:, :, i]) @ np.ascontiguousarray(F[:, :, i])
        cFc[:, :, i] = np.ascontiguousarray(cF[:, :, i]) @ np.ascontiguousarray(c[:, :, i])
    for i in range(n):
        for j in range(n):
            for m in range(abs(i - j), min(i + j + 1, n)):
                u = k[i] ** 2 + k[j] ** 2 - k[m] ** 2
                v = k[i] ** 2 + k[m] ** 2 - k[j] ** 2
                for a in range(s):
                    for b in range(s):
                        vertices = u * u * cFc[a, b, j] * F[a, b, m] + u * v * cF[a, b, j] * cF[b, a, m]
                        N[a, b, i] += k[j] * k[m] * vertices
    return N * prefactor


def by_numpy(k: Floats, c: Floats, F: Floats, prefactor: Floats) -> Floats:
    """Return the same, with arrays over q and p for each k."""
    cF = np.einsum("agk,gbk->abk", c, F)
    cFc = np.einsum("agk,gbk->abk", cF, c)
    q, p = k[:, None], k[None, :]
    N = np.zeros_like(F)
    for i, at in enumerate(k):
        triangle = (q + p > at) & (np.abs(q - p) < at)
        u, v = at**2 + q**2 - p**2, at**2 + p**2 - q**2
        weight = np.where(triangle, q * p, 0.0)
        N[..., i] = np.einsum("jm,abj,abm->ab", weight * u * u, cFc, F)
        N[..., i] += np.einsum("jm,abj,bam->ab", weight * u * v, cF, cF)
    return N * prefactor


def memory_functions(rounds: int) -> dict[str, float]:
    """Return the time of one set of memory functions in each way [us], medians over rounds, and their ratios."""
    liquid = mixture()
    F, k, rho = liquid.S, liquid.k, liquid.rho
    prefactor = rho * liquid.dk**2 / (16 * np.pi**2 * np.multiply.outer(X, X)[:, :, None] * k**5)
    ways: dict[str, tuple[Callable[[], Floats], int]] = {
        "softal": (lambda: liquid.memory(F), 200),
        "triangles": (lambda: np.asarray(triangles(k, liquid.c, F, prefactor)), 1),
        "numpy": (lambda: by_numpy(k, liquid.c, F, prefactor), 1),
    }
    for way, _ in ways.values():
        np.testing.assert_allclose(way(), liquid.memory(F), rtol=1e-6, atol=1e-6 * np.abs(liquid.memory(F)).max())
    found = {}
    for name, (way, repeats) in ways.items():
        runs = [seconds(lambda way=way, n=repeats: [way() for _ in range(n)]) / repeats for _ in range(rounds)]  # type: ignore[misc]
        found[f"{name}_us"] = 1e6 * statistics.median(runs)
    found |= {f"ratio_{name}": found[f"{name}_us"] / found["softal_us"] for name in ("triangles", "numpy")}
    return found


def solutions(rounds: int, decades: float = 12.0) -> dict[str, dict[str, float]]:
    """Return the CPU time of whole solutions [s], medians over rounds: coherent and tagged-particle functions.

    The step from first to last time is that of `decades`, unless the correlators have all decayed before.
    """
    liquid = mixture()
    found = {}
    for dynamics in ("overdamped", "newtonian"):
        first = relax(liquid, 0.0, dynamics=dynamics).t[1]
        runs, solution = [], None
        for _ in range(rounds):
            begun = time.process_time()
            solution = relax(liquid, first * 10**decades, dynamics=dynamics, tagged=True)
            runs.append(time.process_time() - begun)
        assert solution is not None
        found[dynamics] = {
            "seconds": statistics.median(runs),
            "times": len(solution.t),
            "decades": float(np.log10(solution.t[-1] / solution.t[1])),
        }
    return found


def table(results: dict[str, Any]) -> str:
    """Return the figures as two tables."""
    lines = ["| solution, 100 wave numbers | CPU s | times | decades |", "|---|---|---|---|"]
    for dynamics, one in results["solutions"].items():
        lines.append(f"| {dynamics} | {one['seconds']:.2f} | {one['times']} | {one['decades']:.1f} |")
    memory = results["memory"]
    lines += ["", "| memory functions | us | ratio |", "|---|---|---|", f"| softal | {memory['softal_us']:.0f} | 1 |"]
    for name in ("triangles", "numpy"):
        lines.append(f"| {name} | {memory[f'{name}_us']:.0f} | {memory[f'ratio_{name}']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print tables, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    relax(mixture(), 1e-3, tagged=True, points=8)  # compiles
    results: dict[str, Any] = {"load_before": os.getloadavg()[0]}
    results["memory"] = memory_functions(arguments.rounds)
    results["solutions"] = solutions(arguments.rounds)
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
