"""Table and picture of the benchmark of regret."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import overhead
from regret import PEERS_SECONDS, SECONDS, durations
from regret_chains import FUNCTIONS, LABELS, MOMENTS

BEGIN, END = "<!-- regret: begin -->", "<!-- regret: end -->"
PLOT = "images/regret.png"
COLOURS = {"softal": "#c1121f", "tpe": "#7b4ea3", "optuna_gp": "#2a9d8f", "ax": "#e08e0b"}
MARKERS = {0.001: "v", 1.0: "s", 10.0: "^"}
STYLES = {0.001: ":", 1.0: "-", 10.0: "--"}
Lines = Sequence[dict[str, Any]]
FLOOR = 0.01


def put_into(page: Path, results: Lines) -> None:
    """Replace the section's figures in the page, and draw the picture beside it."""
    plot(results, page.parent / PLOT)
    picture = f"![Median regret after 50 trials against the number of workers]({PLOT})"
    overhead.put_into(page, f"{markdown(results)}\n{picture}\n", BEGIN, END)


def markdown(results: Lines) -> str:
    """Return a table for each function: medians over the seeds of the answer's regret, with that of the best value."""
    parts = []
    for name, one in FUNCTIONS.items():
        own = [line for line in results if line["function"] == name]
        if own:
            parts += [f"**{one.label}**", "", *_table(own), ""]
    return "\n".join([*parts, *_ratios(results), ""])


def _ratios(results: Lines) -> list[str]:
    """Return the table of softal's regret over each peer's, for campaigns of the same function, workers and seed.

    Geometric means, with softal's durations as campaigns of their own, and a factor of one standard error. Regrets
    below FLOOR of the function's noise count as that: no method tells them from none.
    """
    rows = [
        f"| softal's regret / that of | campaigns | {' | '.join(f'{n} trials' for n in MOMENTS)} |",
        "|---|---|---|---|---|",
    ]
    for method, label in LABELS.items():
        pairs = {n: _logarithms(results, method, n) for n in MOMENTS}
        if method != "softal" and any(pairs.values()):
            cells = [_factor(pairs[n]) for n in MOMENTS]
            rows.append(f"| {label} | {max(map(len, pairs.values()))} | {' | '.join(cells)} |")
    return rows if len(rows) > 2 else []


def _logarithms(results: Lines, method: str, n: int) -> list[float]:
    """Return ln(softal's regret / the method's) after n trials, for each of softal's campaigns."""
    theirs = {_place(line): line for line in results if line["method"] == method and str(n) in line["answer"]}
    ours = [line for line in results if line["method"] == "softal" and str(n) in line["answer"]]
    return [_logarithm(line, n) - _logarithm(theirs[_place(line)], n) for line in ours if _place(line) in theirs]


def _place(line: dict[str, Any]) -> tuple[str, int, int]:
    return line["function"], line["workers"], line["seed"]


def _logarithm(line: dict[str, Any], n: int) -> float:
    return float(np.log(max(line["answer"][str(n)], FLOOR * FUNCTIONS[line["function"]].error)))


def _factor(logarithms: Sequence[float]) -> str:
    if not logarithms:
        return ""
    mean, error = np.mean(logarithms), np.std(logarithms) / np.sqrt(len(logarithms))
    return f"{np.exp(mean):.2f} ({np.exp(mean - error):.2f} to {np.exp(mean + error):.2f})"


def _table(lines: Lines) -> list[str]:
    workers = sorted({line["workers"] for line in lines})
    head = " | ".join(f"{n} trials, {w} worker{'s' * (w > 1)}" for w in workers for n in MOMENTS)
    rows = [f"| | seeds | {head} |", "|---" * (2 + len(workers) * len(MOMENTS)) + "|"]
    for method, label in LABELS.items():
        kept = [line for line in lines if line["method"] == method]
        for seconds in sorted({line["seconds"] for line in kept}):
            cells = [_cell(_chosen(kept, w, seconds), n) for w in workers for n in MOMENTS]
            seeds = len({line["seed"] for line in kept if line["seconds"] == seconds})
            named = f"{label}, {_text(seconds)}" if method == "softal" else label
            rows.append(f"| {named} | {seeds} | {' | '.join(cells)} |")
    return rows


def _chosen(lines: Lines, workers: int, seconds: float) -> Lines:
    """Return the lines for so many workers; one worker has one duration for all."""
    known = durations(lines[0]["method"], workers, SECONDS)
    wanted = seconds if seconds in known else PEERS_SECONDS
    return [line for line in lines if (line["workers"], line["seconds"]) == (workers, wanted)]


def _cell(lines: Lines, n: int) -> str:
    lines = [line for line in lines if str(n) in line["answer"]]
    if not lines:
        return ""
    answer, observed = (median(lines, what, n) for what in ("answer", "observed"))
    return f"{answer:.2g} ({observed:.2g})"


def median(lines: Lines, what: str, n: int) -> float:
    """Return the median regret over the seeds."""
    return float(np.median([line[what][str(n)] for line in lines]))


def _text(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def plot(results: Lines, path: Path, n: int = 50) -> None:
    """Draw the median regret of the answers after n trials against the number of workers, a panel a function."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    names = [
        name for name in FUNCTIONS if {line["function"] for line in results if line["method"] == "softal"} >= {name}
    ]
    figure, axes = plt.subplots(1, len(names), figsize=(4.2 * len(names), 3.8), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names, strict=True):
        _panel(axis, [line for line in results if line["function"] == name], n)
        axis.set_title(FUNCTIONS[name].label, fontsize=10, loc="left")
    axes[0, 0].set_ylabel(f"median regret after {n} trials")
    handles = {text: line for axis in axes[0] for line, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside right center", frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _panel(axis: Any, lines: Lines, n: int) -> None:
    workers = sorted({line["workers"] for line in lines})
    for method, label in LABELS.items():
        kept = [line for line in lines if line["method"] == method]
        for seconds in sorted({line["seconds"] for line in kept}):
            chosen = {w: [one for one in _chosen(kept, w, seconds) if str(n) in one["answer"]] for w in workers}
            found = [(w, median(some, "answer", n)) for w, some in chosen.items() if some]
            if not found:
                continue
            own = method == "softal"
            axis.plot(
                *zip(*found, strict=True), marker=MARKERS[seconds] if own else "o", ms=5, color=COLOURS[method],
                lw=2 if own else 1.2, ls=STYLES[seconds] if own else "-",
                label=f"{label}, {_text(seconds)}" if own else label,
            )  # fmt: skip
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(workers, [str(w) for w in workers])
    axis.set_xlabel("workers")
    axis.spines[["top", "right"]].set_visible(False)
