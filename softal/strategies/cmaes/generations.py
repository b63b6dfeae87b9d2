"""The objective and the size of the search distribution, generation by generation.

Values that span an order of magnitude are on a logarithmic axis, and then means and standard deviations are those of
their logarithms.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.statistics import axis_type, main_range, thin
from softal.cards.view import View
from softal.numeric import Floats
from softal.trial import Trial

HEIGHT = 440
MAX_DOTS = 900
MAX_MARKS = 60  # generations with a mark each; lines alone where there are more


@dataclass(frozen=True)
class Generation:
    """One generation: its run, from 0 over all members, its number, mean (d,) and covariance (d, d), its trials."""

    run: int
    number: int
    mean: Floats
    covariance: Floats
    trials: tuple[Trial, ...]

    @cached_property
    def name(self) -> str:
        """Its name in captions, with the run where that is not the first."""
        return f"run {self.run + 1}, generation {self.number}" if self.run else f"generation {self.number}"


def values_of(view: View, found: Sequence[Generation]) -> Floats:
    """Return the objective of all trials that have one, (n,)."""
    name = view.objective.names[0]
    return np.array([t.objective[name] for one in found for t in one.trials if name in t.objective])


def is_log(view: View, values: Floats) -> bool:
    """Return whether values of the objective (n,) are shown by their logarithm."""
    return view.objective.names[0] not in view.fractions and axis_type(values) == "log"


def ends(view: View, values: Floats) -> tuple[float, float]:
    """Return the worst and the best value that axes show, of one or more values (n,)."""
    sign = float(view.objective.signs[0])
    low, high = main_range(values, sign) if is_log(view, values) else (float(values.min()), float(values.max()))
    return (high, low) if sign > 0 else (low, high)


def history(view: View, found: Sequence[Generation]) -> go.Figure:
    """The objective and det C by generation; runs stand one after the other."""
    made = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.06)
    made.update_layout(theme.figure(HEIGHT, showlegend=False).layout)
    name, values = view.objective.names[0], values_of(view, found)
    log = is_log(view, values)
    made.add_trace(_values(view, found, name), row=1, col=1)
    first = 0
    for _, group in itertools.groupby(found, key=lambda generation: generation.run):
        some = list(group)
        x = list(range(first, first + len(some)))
        made.add_trace(_mean(some, name, x, log), row=1, col=1)
        made.add_trace(_determinant(some, x), row=2, col=1)
        if first:
            made.add_vline(x=first - 0.5, line={"color": theme.MUTED, "width": 1, "dash": "dot"})
        first += len(some)
    axis = theme.log_range(*sorted(ends(view, values))) if log else {}
    made.update_yaxes(title_text=theme.words(name), **axis, row=1, col=1)
    made.update_yaxes(title_text="det C", type="log", nticks=5, row=2, col=1)
    shown = thin(len(found), 8)
    made.update_xaxes(tickvals=shown, ticktext=[str(found[i].number) for i in shown], range=[-0.6, len(found) - 0.4])
    made.update_xaxes(title_text="generation" + ", run after run" * bool(found[-1].run), row=2, col=1)
    return theme.style_axes(made)


def _values(view: View, found: Sequence[Generation], name: str) -> go.Scatter:
    pairs = [(x, t) for x, generation in enumerate(found) for t in generation.trials if name in t.objective]
    pairs = [pairs[i] for i in thin(len(pairs), MAX_DOTS)]
    return go.Scatter(
        x=[x for x, _ in pairs],
        y=[trial.objective[name] for _, trial in pairs],
        mode="markers",
        marker={"color": theme.INITIAL, "size": 5, "opacity": 0.7},
        hovertext=[theme.hover(trial, view.space.units) for _, trial in pairs],
        hoverinfo="text",
    )


def _mean(some: Sequence[Generation], name: str, x: Sequence[int], log: bool) -> go.Scatter:
    values = [np.array([t.objective[name] for t in one.trials if name in t.objective]) for one in some]
    means, above, below = zip(*(_statistics(one, log) for one in values), strict=True)
    bars = {"array": above, "arrayminus": below, "symmetric": False} if log else {"array": above}
    thickness = 1.4 if len(some) <= MAX_MARKS else 0.5
    return go.Scatter(
        x=x,
        y=means,
        error_y={**bars, "color": theme.ACCENT, "thickness": thickness, "width": 0},
        mode=_mode(some),
        line={"color": theme.ACCENT, "width": 2},
        marker={"color": theme.ACCENT, "size": 7},
        hovertext=[f"{generation.name}: mean of {len(one)}" for generation, one in zip(some, values, strict=True)],
        hovertemplate="%{hovertext} = %{y:.4g}, + %{error_y.array:.2g}<extra></extra>",
    )


def _statistics(values: Floats, log: bool) -> tuple[float | None, float, float]:
    """Return mean, and what a standard deviation adds and takes away; of the logarithms where these are shown."""
    if not values.size:
        return None, 0.0, 0.0
    shown = np.log(values) if log else values
    mean, spread = float(np.mean(shown)), float(np.std(shown, ddof=1)) if values.size > 1 else 0.0
    if not log:
        return mean, spread, spread
    centre = float(np.exp(mean))
    return centre, float(np.exp(mean + spread)) - centre, centre - float(np.exp(mean - spread))


def _mode(some: Sequence[Generation]) -> str:
    return "lines+markers" if len(some) <= MAX_MARKS else "lines"


def _determinant(some: Sequence[Generation], x: Sequence[int]) -> go.Scatter:
    sizes = [float(np.linalg.det(generation.covariance)) for generation in some]
    return go.Scatter(
        x=x,
        y=[size if size > 0 else None for size in sizes],
        mode=_mode(some),
        line={"color": theme.GOOD, "width": 2},
        marker={"color": theme.GOOD, "size": 6},
        hovertemplate="det C = %{y:.3g}<extra></extra>",
    )
