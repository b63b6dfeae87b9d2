"""The picture of a phase classifier that MLflow gets: confusion matrix, reliability, learning curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLE = "classification.json"
BLUE, GREY = "#2f5fd0", "#8a8f98"


def plot_classification(table: Path, picture: Path) -> Path | None:
    """Draw the table `classification.json`, and return the picture; None where there is no network to be shown."""
    # pyplot keeps figures alive and picks a window system; a Figure of one's own, drawn by Agg, does neither.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = json.loads(table.read_text(encoding="utf-8"))
    if found.get("confusion") is None:
        return None
    figure = Figure(figsize=(15.0, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    _confusion(left, found)
    _reliability(middle, found)
    _curves(right, found["curves"])
    figure.savefig(picture, dpi=100)
    return picture


def _confusion(axes: Axes, found: dict[str, Any]) -> None:
    counts = np.array(found["confusion"])
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts):
        if count:
            axes.text(j, i, str(count), ha="center", va="center", color="white" if parts[i, j] > 0.5 else "black")
    axes.set_xticks(range(len(counts)), found["phases"])
    axes.set_yticks(range(len(counts)), found["phases"])
    axes.set_xlabel("classified as")
    axes.set_ylabel("phase")
    axes.set_title(f"held-out state points: accuracy {found['accuracy']:.1%}")


def _reliability(axes: Axes, found: dict[str, Any]) -> None:
    bins = found["reliability"]
    axes.plot([0, 1], [0, 1], color=GREY, lw=1)
    axes.plot([b["confidence"] for b in bins], [b["accuracy"] for b in bins], "o-", color=BLUE)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.set_title(f"expected calibration error {found['ece']:.1%}")


def _curves(axes: Axes, curves: dict[str, Any]) -> None:
    epochs = np.arange(1, len(curves["loss"]) + 1)
    axes.semilogy(epochs, np.maximum(curves["loss"], 1e-6), color=GREY, label="training")
    axes.semilogy(epochs, np.maximum(curves["validation_loss"], 1e-6), color=BLUE, label="validation")
    axes.axvline(curves["best"], color=BLUE, lw=0.8, ls=":")
    axes.set_xlabel("epoch")
    axes.set_ylabel("cross-entropy")
    axes.set_title(f"stopped at epoch {curves['best']}")
    axes.legend(frameon=False)
