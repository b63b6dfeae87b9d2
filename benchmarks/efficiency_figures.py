"""From chains of evaluations to the tables and the plot of sample efficiency.

Notation: S seeds, N evaluations; best (S, N) is the lowest cost so far of each chain, infinite before the first
evaluation that did not fail. Quantiles are order statistics (for five seeds the
second, third and fourth value), so that they are values that were seen, and may be infinite.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import chains
import numpy as np
from numpy.typing import NDArray
from peers import METHODS
from problems import Problem, problem

Floats = NDArray[np.float64]
QUARTILES = (0.25, 0.5, 0.75)
MOMENTS = (10, 20, 30, 40, 60, 100, 200, 300)  # evaluations after which the best cost is shown
PAPER, COMPOSITE = "gp_ei", "composite"


@dataclass(frozen=True)
class Runs:
    """All chains of one method on one problem.

    Attributes:
        costs: (S, N) R, infinite where the evaluation failed.
        ask_s: median time of a proposal [s].
        seconds: median time of an evaluation [s].
    """

    costs: Floats
    ask_s: float
    seconds: float

    @property
    def best(self) -> Floats:
        """The lowest cost so far (S, N)."""
        return np.minimum.accumulate(self.costs, axis=1)

    @property
    def failed(self) -> float:
        """Part of the evaluations that failed."""
        return float(np.isinf(self.costs).mean())

    def band(self) -> Floats:
        """Return the quartiles of the best cost, shape (3, N)."""
        return _quartiles(self.best)

    def needed(self, cost: float) -> Floats:
        """Return quartiles of the number of evaluations to reach the cost, shape (3,); infinite where it was not."""
        reached = self.best <= cost
        first = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1.0, np.inf)
        return _quartiles(first)


Results = dict[str, dict[str, Runs]]


def load(folder: Path, names: Sequence[str], methods: Sequence[str], budget: int | None = None) -> Results:
    """Return what the folder holds, by problem and method: the first `budget` evaluations of chains that have them."""
    found: Results = {}
    for name in names:
        for method in methods:
            paths = sorted((folder / name).glob(f"{method}-*.jsonl"), key=_seed_of)
            if lines := [read for read in map(chains.read, paths) if read]:
                found.setdefault(name, {})[method] = runs(whole(lines, budget or problem(name).budget_of(method)))
    return found


def whole(lines: Sequence[Sequence[Mapping[str, Any]]], budget: int) -> list[Sequence[Mapping[str, Any]]]:
    """Return the first `budget` lines of the chains that have so many; where none has, what all have."""
    longest = max(map(len, lines))
    enough = budget if longest >= budget else min(map(len, lines))
    return [chain[:enough] for chain in lines if len(chain) >= enough]


def runs(lines: Sequence[Sequence[Mapping[str, Any]]]) -> Runs:
    """Return the chains, all of one length, given as lines of their files."""
    costs = np.array([[np.inf if line["R"] is None else line["R"] for line in chain] for chain in lines])
    every = [line for chain in lines for line in chain]
    ask, seconds = (float(np.median([line[key] for line in every])) for key in ("ask_s", "seconds"))
    return Runs(costs, ask, seconds)


def _seed_of(path: Path) -> int:
    match = re.search(r"-(\d+)$", path.stem)
    return int(match[1]) if match else 0


def _quartiles(values: Floats) -> Floats:
    return np.quantile(values, QUARTILES, axis=0, method="inverted_cdf")


def markdown(results: Results, machine: Mapping[str, Any]) -> str:
    """Return the figures as Markdown tables."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"Measured on {machine['date']} on {machine['cores']} cores ({machine['cpu']}), load average before it "
        f"{machine['load_before']:.1f}; Python {machine['python']}, {packages}.",
        "",
    ]
    if any({PAPER, COMPOSITE} <= by_method.keys() for by_method in results.values()):
        lines += [*_against_the_paper(results), ""]
    for name, by_method in results.items():
        lines += [*_table(problem(name), by_method), ""]
    return "\n".join(lines)


def _against_the_paper(results: Results) -> list[str]:
    """Return the table of what composite needs to reach the median of the scalar GP after its whole budget."""
    lines = [
        "| | scalar GP, EI: evaluations | its median R then | it was there after | softal, composite is there after "
        "| times fewer |",
        "|---|---|---|---|---|---|",
    ]
    for name, by_method in results.items():
        if not {PAPER, COMPOSITE} <= by_method.keys():
            continue
        paper, own = by_method[PAPER], by_method[COMPOSITE]
        median = paper.band()[1]
        there, needed = paper.needed(median[-1]), own.needed(median[-1])
        fewer = f"{there[1] / needed[1]:.1f}" if np.isfinite(needed[1]) else ""
        lines.append(
            f"| {problem(name).label} | {len(median)} | {_cost(median[-1])} | {_count(there, len(median))} "
            f"| {_count(needed, own.costs.shape[1])} | {fewer} |"
        )
    return lines


def _table(one: Problem, by_method: Mapping[str, Runs]) -> list[str]:
    budget = max(found.band().shape[1] for found in by_method.values())
    moments = [n for n in MOMENTS if n <= budget]
    seconds = np.median([found.seconds for found in by_method.values()])
    lines = [
        f"**{one.label}**: {len(one.bounds)} parameters, {seconds:.2g} s per evaluation.",
        "",
        f"| {one.name} | seeds | "
        + " | ".join(f"R ≤ {cost:g}" for cost in one.costs)
        + " | "
        + " | ".join(f"R at {n}" for n in moments)
        + " | failed | s per proposal |",
        "|---" * (4 + len(one.costs) + len(moments)) + "|",
    ]
    for method, found in by_method.items():
        median = found.band()[1]
        cells = [METHODS[method].label, str(len(found.costs))]
        cells += [_count(found.needed(cost), found.costs.shape[1]) for cost in one.costs]
        cells += [_cost(median[n - 1]) if n <= len(median) else "" for n in moments]
        cells += [f"{found.failed:.0%}", f"{found.ask_s:.2g}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _count(needed: Floats, budget: int) -> str:
    """Return "17 [12, 25]", with > budget for what was not reached."""
    low, median, high = (f"{n:.0f}" if np.isfinite(n) else f">{budget}" for n in needed)
    return f"not in {budget}" if not np.isfinite(needed[0]) else f"{median} [{low}, {high}]"


def _cost(value: float) -> str:
    return f"{value:.3g}" if np.isfinite(value) else "none yet"


def plot(results: Results, path: Path) -> None:
    """Draw medians and quartiles of the best cost so far, a panel for each problem."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    columns = min(2, len(results))
    rows = -(-len(results) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(5.6 * columns, 3.9 * rows), squeeze=False, layout="constrained")
    for axis in axes.flat[len(results) :]:
        axis.set_visible(False)
    for axis, (name, by_method) in zip(axes.flat, results.items(), strict=False):
        _panel(axis, problem(name), by_method)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _panel(axis: Any, one: Problem, by_method: Mapping[str, Runs]) -> None:
    usual = float(np.median([found.band().shape[1] for found in by_method.values()]))
    longest = max(found.band().shape[1] for found in by_method.values())
    ends = []
    for method, found in by_method.items():
        low, median, high = found.band()
        known = np.isfinite(median)
        n = np.arange(1, len(median) + 1)[known]
        strong = method == COMPOSITE
        colour = METHODS[method].colour
        axis.fill_between(
            n,
            low[known],
            np.where(np.isfinite(high), high, np.nan)[known],
            color=colour,
            alpha=0.2 if strong else 0.07,
            lw=0,
        )
        axis.plot(n, median[known], color=colour, lw=2.4 if strong else 1.3, zorder=3 if strong else 2)
        if known.any():
            ends.append((float(median[known][-1]), method))
    axis.set_yscale("log")
    axis.set_title(one.label, fontsize=10, loc="left")
    axis.set_xlabel("evaluations")
    axis.set_ylabel("lowest R so far")
    if longest > 2 * usual:
        axis.set_xscale("log")
    axis.margins(x=0.01)
    axis.spines[["top", "right"]].set_visible(False)
    _labels(axis, ends)


def _labels(axis: Any, ends: Sequence[tuple[float, str]]) -> None:
    """Write each method's name beside the end of its line, moved apart where they would overlap."""
    low, high = (float(np.log(limit)) for limit in axis.get_ylim())
    heights = [(np.log(end) - low) / (high - low) for end, _ in sorted(ends)]
    gap = 0.062
    placed: list[float] = []
    for height in heights:
        placed.append(max(height, placed[-1] + gap) if placed else max(0.0, height))
    top = min(1.0, placed[-1]) if placed else 1.0
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], top - gap * (len(placed) - 1 - i))
    for height, (_, method) in zip(placed, sorted(ends), strict=True):
        entry = METHODS[method]
        axis.text(
            1.02, height, entry.label, color=entry.colour, transform=axis.transAxes, fontsize=8, va="center",
            fontweight="bold" if method == COMPOSITE else "normal",
        )  # fmt: skip
