"""The picture of a network of dynamics that MLflow gets: F_s simulated, predicted and by theory; R2 by state."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from softal.numeric import NORMAL_95
from softal.theory.kob_andersen import SPECIES
from softal.tracking.dynamics_table import Dynamics, State, read

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TABLE = "dynamics.json"
MOST_STATES = 5
MARKS = ("o", "D", "s")  # by interaction
COLOURS = ("#2f5fd0", "#e08a3c", "#1f9d8a")
TICKS = (0.2, 0.3, 0.5, 0.7, 1, 2, 3, 5, 7, 10, 20)  # of T/T_mct
WORST, NEAREST = 1.0, 1e-6  # 1 - R2: states outside stand at the edge


def plot_dynamics(table: Path, picture: Path) -> Path | None:
    """Draw the table `dynamics.json`, and return the picture; None where there is nothing to be shown."""
    # pyplot keeps figures alive and picks a window system; a Figure of one's own, drawn by Agg, does neither.
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = read(table)
    if found is None or not found.states:
        return None
    columns = len(found.interactions) + 1
    figure = Figure(figsize=(5.0 * columns, 7.6), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(SPECIES), columns, squeeze=False)
    for species, row in enumerate(grid):
        for axes, interaction in zip(row, found.interactions, strict=False):
            _scattering(axes, found, interaction, species, colormaps["plasma_r"])
        _scores(row[-1], found, species)
    figure.savefig(picture, dpi=100)
    return picture


def _scattering(
    axes: Axes, found: Dynamics, interaction: str, species: int, colours: Callable[[float], object]
) -> None:
    """F_s of one species: dots simulated, lines predicted, dotted after mode-coupling theory."""
    some = found.spread(interaction, MOST_STATES)
    for i, state in enumerate(some):
        _state(axes, state, species, colours(0.9 - 0.8 * i / max(1, len(some) - 1)))
    axes.set_xscale("log")
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlabel("t [tau]")
    axes.set_ylabel(f"F_s^{SPECIES[species]}(k_p, t)")
    axes.set_title(interaction)
    axes.legend(frameon=False, fontsize=8, title="T")


def _state(axes: Axes, state: State, species: int, colour: object) -> None:
    at = state.t > 0
    t = state.t[at]
    style = {"color": colour, "lw": 1.4}
    axes.plot(t, state.F[species][at], "o", color=colour, ms=3, label=f"{state.T:.3g}")
    if state.predicted is not None:
        mean = state.predicted[species][at]
        axes.plot(t, mean, **style)  # type: ignore[arg-type]
        if state.std is not None:
            away = NORMAL_95 * np.nan_to_num(state.std[species][at])
            axes.fill_between(t, mean - away, mean + away, color=colour, alpha=0.15, lw=0)
    if state.mct is not None:
        axes.plot(t, state.mct[species][at], ls=":", **style)  # type: ignore[arg-type]


def _scores(axes: Axes, found: Dynamics, species: int) -> None:
    """R2 of the states over T/T_mct, marked ones hollow."""
    for i, interaction in enumerate(found.interactions):
        some = [s for s in found.states if s.interaction == interaction and np.isfinite(s.r2[species])]
        colour = COLOURS[i % len(COLOURS)]
        for hollow in (False, True):
            dots = [s for s in some if bool(s.marked) is hollow]
            axes.plot(
                [s.scaled for s in dots],
                [_missing(s.r2[species]) for s in dots],
                MARKS[i % len(MARKS)], color=colour, mfc="none" if hollow else colour,
                label=None if hollow else interaction,
            )  # fmt: skip
    axes.set_xscale("log")
    ends = found.states[0].scaled / 1.1, found.states[-1].scaled * 1.1
    ticks = [tick for tick in TICKS if ends[0] < tick < ends[1]]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yscale("log")
    scores = [s.r2[species] for s in found.states if np.isfinite(s.r2[species])]
    axes.set_ylim(1.5 * WORST, _missing(max(scores, default=0.9)) / 1.5)
    axes.set_xlabel("T / T_mct")
    axes.set_ylabel(f"1 - R2 of {SPECIES[species]}")
    axes.set_title(f"states held out: R2 = {found.pooled_r2(species):.4f}")
    axes.legend(frameon=False, fontsize=8)


def _missing(score: float) -> float:
    """Return 1 - R2 as it is drawn."""
    return float(np.clip(1 - score, NEAREST, WORST))
