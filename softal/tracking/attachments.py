"""The files that MLflow gets of a trial: its arrays as tables, a plot of them, and its artifacts."""

from __future__ import annotations

import math
import re
import shutil
import time
from collections.abc import Collection, Mapping
from itertools import chain, count
from pathlib import Path

import numpy as np

from softal.cards.arrays import curves, fits, log_axes
from softal.cards.text import labelled
from softal.numeric import NORMAL_95
from softal.objective import Objective, Reference
from softal.outputs import Outputs
from softal.trial import Array

MAX_TABLE_BYTES, MAX_OTHER_BYTES = 1_000_000, 100_000
MAX_ARTIFACT_BYTES = 100_000_000
MAX_PANELS = 6
PLOT_SHARE = 5.0  # after a plot that took t seconds, the next ordinary one waits 5 t: at most a sixth of the time


class PlotBudget:
    """Says whether a trial gets a plot: each new best does, others while plotting takes little of the mirror's time."""

    def __init__(self) -> None:
        self._next = 0.0

    def allows(self, best: bool) -> bool:
        """Return whether to plot now."""
        return best or time.monotonic() >= self._next

    def spent(self, begun: float) -> None:
        """Note that a plot was begun at that time of `time.monotonic` and is ready now."""
        now = time.monotonic()
        self._next = now + PLOT_SHARE * (now - begun)


def write_arrays(arrays: Mapping[str, Array], folder: Path) -> list[Path]:
    """Write the arrays as files: a table (CSV) with grid and errors where there is a grid, else .npy.

    Those that are large stay in the journal alone: tables of a megabyte, and what is not a table of a tenth of it, such
    as the images that a network learns from, which nobody looks at in the files of a trial.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, array in arrays.items():
        table = array.grid is not None and array.values.ndim == 1 and fits(array)
        if array.values.nbytes > (MAX_TABLE_BYTES if table else MAX_OTHER_BYTES):
            continue
        path = folder / file_name(name, ".csv" if table else ".npy")
        if table:
            _write_table(path, name, array)
        else:
            np.save(path, array.values, allow_pickle=False)
        written.append(path)
    return written


def _write_table(path: Path, name: str, array: Array) -> None:
    assert array.grid is not None
    parts = {f"grid [{array.grid_unit or '-'}]": array.grid, f"{name} [{array.unit or '-'}]": array.values}
    if array.errors is not None:
        parts[f"standard error [{array.unit or '-'}]"] = array.errors
    table = np.column_stack(list(parts.values()))
    header = ",".join(re.sub(r"[,\r\n]", " ", column) for column in parts)
    np.savetxt(path, table, delimiter=",", header=header, comments="", fmt="%.10g", encoding="utf-8")


def copy_artifacts(artifacts: Mapping[str, Path], folder: Path) -> list[Path]:
    """Copy a trial's files, or link them where the disk allows it; those that are missing or too large stay away."""
    copied = []
    for name, source in artifacts.items():
        if not source.is_file() or source.stat().st_size > MAX_ARTIFACT_BYTES:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        target = _unused(folder / file_name(name, "" if Path(name).suffix == source.suffix else source.suffix))
        try:
            target.hardlink_to(source)
        except OSError:
            shutil.copyfile(source, target)
        copied.append(target)
    return copied


def _unused(path: Path) -> Path:
    """Return the path, or one with a number where another file has it: `a/out.txt` and `a_out.txt` are not one."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return next(one for one in chain([path], numbered) if not one.exists())


def file_name(name: str, suffix: str) -> str:
    """Return a name that is safe as a file's name on any system."""
    return (re.sub(r"[^\w\-.()]+", "_", name).strip("._")[:100] or "file") + suffix


def plot_arrays(
    arrays: Mapping[str, Array],
    objective: Objective,
    title: str,
    path: Path,
    pictured: Collection[str],
    outputs: Outputs,
) -> Path | None:
    """Draw the one-dimensional arrays, each in its panel with its errors and its reference; None if there are none.

    Those that are pictured elsewhere are left out; `outputs` tells of axes.
    """
    # pyplot keeps figures alive and picks a window system; a Figure of one's own, drawn by Agg, does neither.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = dict(list(curves(arrays, pictured).items())[:MAX_PANELS])
    if not shown:
        return None
    references = {reference.array: reference for part in objective.components for reference in part.references}
    columns = min(2, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(6.4 * columns, 4.0 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title.replace("$", r"\$"), fontsize=11)
    for panel, (name, array) in enumerate(shown.items(), start=1):
        _draw(figure.add_subplot(rows, columns, panel), name, array, references.get(name), outputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    return path


def _draw(axes: object, name: str, array: Array, reference: Reference | None, outputs: Outputs) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    label = name.replace("_", " ").replace("$", r"\$")
    grid = np.arange(array.values.size, dtype=np.float64) if array.grid is None else array.grid
    log = log_axes(name, grid, outputs)
    if log != "none":
        axes.set_xscale("log")
    if log == "both" and array.values.min() > 0:
        axes.set_yscale("log")
    if reference is not None:
        axes.plot(reference.grid, reference.values, "o", color="#8a8f98", ms=3, mfc="none", label="reference")
    axes.plot(grid, array.values, color="#2f5fd0", lw=1.5, label="simulation")
    if array.errors is not None:
        low, high = array.values - NORMAL_95 * array.errors, array.values + NORMAL_95 * array.errors
        axes.fill_between(grid, low, high, color="#2f5fd0", alpha=0.2, lw=0)
    symbol = "index" if array.grid is None else outputs.symbols.get(name, "grid")
    axes.set_xlabel(labelled(symbol, array.grid_unit))
    axes.set_ylabel(f"{label} [{array.unit}]" if array.unit else label)
    axes.spines[["top", "right"]].set_visible(False)
    if reference is not None:
        axes.legend(frameon=False, fontsize=9)
