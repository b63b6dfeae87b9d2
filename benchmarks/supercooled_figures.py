"""Tables and figures of what `supercooled.py` has measured.

Notation: a step is a number of states with their cost, the simulated time [tau], and R2 on the states that test.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from supercooled_accuracy import WARMER
from supercooled_library import Library
from supercooled_replay import GRIDS

Floats = NDArray[np.float64]
Steps = Sequence[Mapping[str, Any]]
Results = Mapping[str, Sequence[Steps]]  # method -> steps of each seed

LEVELS = (0.99, 0.995, 0.998, 0.999, 0.9995)  # of R2

LABELS = {
    "grid": "grid, even in T (the paper's)",
    "log_grid": "grid, even in ln T",
    "random": "random",
    "committee": "committee",
    "committee_no_cost": "committee without cost",
    "committee_disagreement": "committee, disagreement at the point",
}
COLOURS = {
    "grid": "#444444",
    "log_grid": "#999999",
    "random": "#c9a227",
    "committee": "#1f6fb2",
    "committee_no_cost": "#b23a48",
    "committee_disagreement": "#3a9d6e",
}
REDUCED_TICKS = (0.7, 1, 1.5, 2, 3, 4, 6)  # T / T_mct
ARCHITECTURE_LABELS = {"ensemble": "deep ensemble", "paper": "the paper's network"}
ARCHITECTURE_COLOURS = {"ensemble": "#1f6fb2", "paper": "#b23a48"}


def load(folder: Path, methods: Sequence[str]) -> dict[str, list[Steps]]:
    """Return the steps of each seed that the folder holds, by method."""
    found: dict[str, list[Steps]] = {}
    for method in methods:
        paths = sorted(folder.glob(f"{method}-*.json"))
        if paths:
            found[method] = [json.loads(path.read_text())["steps"] for path in paths]
    return found


def kept_from(steps: Steps, r2: float) -> Mapping[str, Any] | None:
    """Return the step from which on R2 is at least `r2` to the end of the path; None where there is none."""
    below = [i for i, step in enumerate(steps) if step["r2"] < r2]
    first = below[-1] + 1 if below else 0
    return steps[first] if first < len(steps) else None


def reached(steps: Steps, r2: float) -> float:
    """Return the cost from which on R2 is at least `r2` to the end of the path; infinite where there is none."""
    found = kept_from(steps, r2)
    return np.inf if found is None else float(found["cost"])


def sizes(results: Results, method: str) -> list[dict[str, float]]:
    """Return number of states, cost and median R2, median R2 by state and lowest R2 of each grid, over the seeds."""
    found = []
    for same in zip(*results[method], strict=True):
        middle = {key: float(np.median([step[key] for step in same])) for key in ("r2", "r2_median", "r2_lowest")}
        found.append({"states": len(same[0]["states"]), "cost": same[0]["cost"], **middle})
    return found


def markdown(library: Library, results: Results, accuracy: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """Return all figures as Markdown."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    marked = int((~library.data.good).sum())
    lines = [
        f"Measured on {machine['date']} on {machine['cores']} cores ({machine['cpu']}), load average before it "
        f"{machine['load_before']:.1f}; Python {machine['python']}, {packages}. The library has {len(library.data)} "
        f"states ({marked} marked), {library.data.simulated_time.sum():.0f} tau in all; {len(library.test)} test, "
        f"{len(library.pool)} may be chosen.",
        "",
        *_accuracy_table(accuracy),
        "",
        *_level_table(results),
        "",
        *_grid_table(results),
        "",
        "![1 - R2 against simulated time](images/supercooled-active.png)",
        "",
        "![R2 over T / T_mct](images/supercooled-accuracy.png)",
        "",
    ]
    return "\n".join(lines)


def _accuracy_table(accuracy: Mapping[str, Any]) -> list[str]:
    lines = [
        "| on states left out | R2, all states | median by state | lowest | trained in, with folds | without |"
        f" above {WARMER} T_mct to colder | LJ to WCA | WCA to LJ |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, label in ARCHITECTURE_LABELS.items():
        own = accuracy[name]
        by_state, seconds = np.array(own["folds"]["by_state"]), own["training"]
        transfers = [own["colder"], own["between"]["LJ to WCA"], own["between"]["WCA to LJ"]]
        lines.append(
            f"| {label} | {own['folds']['r2']:.4f} | {np.median(by_state):.4f} | {by_state.min():.3f} "
            f"| {seconds['with_folds']:.0f} s | {seconds['without']:.1f} s "
            + "".join(f"| {_unseen(one)} " for one in transfers)
            + "|"
        )
    return lines


def _unseen(found: Mapping[str, Any]) -> str:
    """Return median and lowest R2 of the states that were not learned from."""
    r2 = np.array(found["r2"])[~np.array(found["seen"])]
    return f"{np.median(r2):.3f} (lowest {r2.min():.2f})"


def _level_table(results: Results) -> list[str]:
    """Return when each method reaches, and keeps, levels of R2, and how good it is at colder states then."""
    lines = [
        "| R2 reached and kept after | "
        + " | ".join(f"{level:g}" for level in LEVELS)
        + " | R2 of colder states then |",
        "|---" * (2 + len(LEVELS)) + "|",
    ]
    for method, seeds in results.items():
        cells = [_after([reached(steps, level) for steps in seeds]) for level in LEVELS]
        ends = [kept_from(steps, LEVELS[-2]) for steps in seeds]
        colder = [step["r2_colder"] for step in ends if step is not None and "r2_colder" in step]
        cells.append(f"{np.median(colder):.3f} (at {LEVELS[-2]:g})" if colder else "")
        lines.append(f"| {LABELS[method]} ({len(seeds)}) | {' | '.join(cells)} |")
    return lines


def _grid_table(results: Results) -> list[str]:
    """Return what each grid costs and reaches, and when the paths reach, and keep, as much."""
    paths = [method for method in results if method not in GRIDS]
    lines = [
        "| the paper's grid: states | simulated time | R2 | "
        + " | ".join(f"{LABELS[method]}: R2 reached and kept after" for method in paths)
        + " |",
        "|---" * (3 + len(paths)) + "|",
    ]
    for one in sizes(results, "grid"):
        cells = [f"{one['states']:.0f}", f"{one['cost']:.0f}", f"{one['r2']:.4f}"]
        cells += [_after([reached(steps, one["r2"]) for steps in results[method]], one["cost"]) for method in paths]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _after(costs: Sequence[float], grid: float | None = None) -> str:
    """Return "850 [700, 1000], 0.42": median and range over the seeds, and the median as part of the grid's cost."""
    low, median, high = (float(q) for q in np.quantile(costs, [0, 0.5, 1], method="inverted_cdf"))
    shown = [f"{cost:.0f}" if np.isfinite(cost) else "never" for cost in (low, median, high)]
    part = f", {median / grid:.2f}" if grid is not None and np.isfinite(median) else ""
    return f"{shown[1]} [{shown[0]}, {shown[2]}]{part}"


def plot_paths(results: Results, path: Path) -> None:
    """Draw 1 - R2 on the states that test against simulated time: medians and ranges over the seeds."""
    plt = _pyplot()
    figure, axis = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
    for method, seeds in results.items():
        colour, label = COLOURS[method], LABELS[method]
        if method in GRIDS:
            points = sizes(results, method)
            cost, missed = [p["cost"] for p in points], [1 - p["r2"] for p in points]
            axis.plot(cost, missed, "o--" if method == "grid" else "s:", color=colour, label=label, ms=5, lw=1.2)
            continue
        cost, low, median, high = band(seeds)
        axis.fill_between(cost, low, high, color=colour, alpha=0.12, lw=0, step="post")
        axis.plot(
            cost, median, color=colour, lw=2.2 if method == "committee" else 1.3, label=label, drawstyle="steps-post"
        )
    axis.set_yscale("log")
    axis.set_xlabel("simulated time [tau]")
    axis.set_ylabel("1 - R2 on states never chosen")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def band(seeds: Sequence[Steps]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return costs, and lowest, median and highest 1 - R2 over the seeds there, each by its latest step."""
    costs = np.unique([step["cost"] for steps in seeds for step in steps])
    begin, end = max(steps[0]["cost"] for steps in seeds), min(steps[-1]["cost"] for steps in seeds)
    costs = costs[(costs >= begin) & (costs <= end)]
    rows = []
    for steps in seeds:
        latest = np.searchsorted([step["cost"] for step in steps], costs, side="right") - 1
        rows.append(1 - np.array([step["r2"] for step in steps])[latest])
    return costs, np.min(rows, axis=0), np.median(rows, axis=0), np.max(rows, axis=0)


def plot_accuracy(accuracy: Mapping[str, Any], path: Path) -> None:
    """Draw 1 - R2 by state over T / T_mct: states left out by folds, colder ones, and the other interaction."""
    plt = _pyplot()
    figure, axes = plt.subplots(1, 3, figsize=(12.5, 3.9), sharey=True, layout="constrained")
    for name, label in ARCHITECTURE_LABELS.items():
        own, colour = accuracy[name], ARCHITECTURE_COLOURS[name]
        _curve(axes[0], accuracy["reduced"], own["folds"]["by_state"], colour, "o-", label)
        colder = own["colder"]
        _curve(axes[1], colder["reduced"], colder["r2"], colour, "o-", label)
        for style, (pair, found) in zip(("o-", "s--"), own["between"].items(), strict=True):
            unseen = ~np.array(found["seen"])
            reduced, r2 = np.array(found["reduced"])[unseen], np.array(found["r2"])[unseen]
            _curve(axes[2], reduced, r2, colour, style, f"{label}, {pair}")
    axes[1].axvline(WARMER, color="#999999", lw=1, ls=":")
    titles = (
        "states left out, by folds",
        f"learned from T > {WARMER} T_mct alone",
        "learned from one interaction alone",
    )
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=10, loc="left")
        axis.set(xscale="log", yscale="log", xlabel="T / T_mct")
        axis.set_xticks(REDUCED_TICKS, [f"{tick:g}" for tick in REDUCED_TICKS])
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=8)
    axes[0].set_ylabel("1 - R2 of each state")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _curve(axis: Any, reduced: Any, r2: Any, colour: str, style: str, label: str) -> None:
    order = np.argsort(reduced)
    axis.plot(np.array(reduced)[order], 1 - np.array(r2)[order], style, color=colour, ms=3.5, lw=1.1, label=label)


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    return plt
