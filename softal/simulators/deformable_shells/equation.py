"""Densities at a pressure with the learned energy beside those with the exact one, at the same states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Table
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import number, with_error
from softal.simulators.deformable_shells.settings import POTENTIALS
from softal.trial import Trial

COLOURS = dict(zip(POTENTIALS, (theme.ACCENT, theme.GOOD), strict=True))
SYMBOLS = dict(zip(POTENTIALS, ("circle-open", "x"), strict=True))
ALIKE = 2.0  # joint standard errors

Density = tuple[float, float]  # and its standard error [1/sigma^2]


@dataclass(frozen=True)
class Pair:
    """One state with either energy: beta K, beta P [1/sigma^2], start, and densities."""

    stiffness: float
    pressure: float
    start: str
    exact: Density
    learned: Density

    @property
    def apart(self) -> float:
        """learned - exact in joint standard errors; NaN without errors."""
        joint = float(np.hypot(self.exact[1], self.learned[1]))
        return (self.learned[0] - self.exact[0]) / joint if joint > 0 else float("nan")


def pairs_of(view: View, trials: Sequence[Trial]) -> list[Pair]:
    """Return the states at constant pressure that were simulated with either energy, in order; of repeats the mean."""
    found: dict[tuple[float, float, str], dict[str, list[Density]]] = {}
    for trial in trials:
        point, seen = view.space.complete(trial.point), trial.observation
        if seen is not None and point.get("potential") in POTENTIALS:
            state = float(point["beta_K"]), float(point["P"]), str(point.get("start", ""))
            density = seen.values["density"], seen.errors.get("density", 0.0)
            found.setdefault(state, {}).setdefault(str(point["potential"]), []).append(density)
    both = {state: ways for state, ways in sorted(found.items()) if len(ways) == len(POTENTIALS)}
    return [Pair(*state, *(_mean(ways[way]) for way in POTENTIALS)) for state, ways in both.items()]


def _mean(seen: Sequence[Density]) -> Density:
    densities, errors = np.array(seen).T
    return float(densities.mean()), float(np.sqrt((errors**2).sum()) / len(seen))


def summary(pairs: Sequence[Pair]) -> str:
    """Return how many states agree."""
    alike = sum(abs(pair.apart) <= ALIKE for pair in pairs)
    return f"{alike} of {len(pairs)} agree within {ALIKE:g}"


def table(pairs: Sequence[Pair]) -> Table:
    """Return both densities of each state, and how far they are apart."""
    rows = [
        [
            *(number(pair.stiffness, 3), number(pair.pressure, 3), pair.start),
            *(with_error(*pair.exact), with_error(*pair.learned), f"{pair.apart:+.1f}"),
        ]
        for pair in pairs
    ]
    heads = ["beta K", "beta P [1/sigma^2]", "start", "exact [1/sigma^2]", "learned [1/sigma^2]", "apart"]
    return Table(heads, rows, [True, True, False, True, True, True])


def figure(pairs: Sequence[Pair], height: int) -> go.Figure:
    """Return pressure over density: marks by energy, with standard errors, and a line through each stiffness."""
    made = theme.figure(height)
    for stiffness in sorted({pair.stiffness for pair in pairs}):
        line = [pair for pair in pairs if pair.stiffness == stiffness]
        made.add_trace(
            go.Scatter(
                x=[pair.exact[0] for pair in line], y=[pair.pressure for pair in line], mode="lines",
                line={"color": theme.MUTED, "width": 1}, hoverinfo="skip", showlegend=False,
            )
        )  # fmt: skip
    for way in POTENTIALS:
        densities = [getattr(pair, way) for pair in pairs]
        made.add_trace(
            go.Scatter(
                x=[one[0] for one in densities], y=[pair.pressure for pair in pairs], mode="markers", name=way,
                marker={"color": COLOURS[way], "symbol": SYMBOLS[way], "size": 9},
                error_x={"array": [one[1] for one in densities], "color": COLOURS[way], "thickness": 1.5},
                text=[f"{way}: beta K = {number(pair.stiffness, 3)}" for pair in pairs],
                hovertemplate="%{text}<br>rho = %{x:.4g}<br>P = %{y:.4g}<extra></extra>",
            )
        )  # fmt: skip
    made.update_xaxes(title_text=labelled("density", "1/sigma^2"))
    made.update_yaxes(title_text=labelled("beta P", "1/sigma^2"))
    return theme.style_axes(made)
