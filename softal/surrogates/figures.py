"""The figures of a surrogate: slices, landscape, calibration, importance."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.card import Card, card
from softal.cards.curves import diagonal
from softal.cards.statistics import thin
from softal.cards.text import quality
from softal.cards.view import View
from softal.numeric import NORMAL_95
from softal.space import Integer, Real
from softal.surrogates.analysis import Slice
from softal.surrogates.learned import Calibration, Learned, is_choice

COLUMNS = 3
MAX_PARAMETERS = 12
MAX_DOTS = 400


def cards(view: View, learned: Learned) -> list[Card]:
    """Return the figures of what was learned, as far as there are any."""
    along = f"along each parameter through {view.label} (dotted), with its 95 % band."
    along += " Dots are trials, darker near the slice."
    of = {target: f": {target.replace('_', ' ')}" for target in learned.targets} if len(learned.targets) > 1 else {}
    found = [
        *(
            card(
                f"Slices of the surrogate{of.get(target, '')}",
                f"The surrogate's {target.replace('_', ' ')} {along}",
                slices(view, learned, target),
            )
            for target in learned.targets
        ),
        card(
            "Landscape",
            f"The surrogate over the two most important parameters, the others as in {view.label} (star). Dots are "
            "trials.",
            landscape(view, learned),
            wide=False,
        ),
        *(
            card(
                f"Calibration of the surrogate{of.get(target, '')}",
                f"Each trial as predicted by a surrogate that has not seen it ({found.method}), with 95 % intervals. "
                f"{found.coverage:.0%} of the observations lie inside; {quality(found.rmse, found.r2)}.",
                calibration(target, found),
                wide=False,
            )
            for target, found in learned.calibration.items()
        ),
        card(
            "Importance of the parameters",
            "Part of the surrogate's variance over the space that each accounts for, interactions included.",
            importance(learned),
            wide=False,
        ),
    ]
    return [one for one in found if one is not None]


def importance(learned: Learned) -> go.Figure | None:
    """Total effect of each parameter on each target: bars."""
    if not learned.importance:
        return None
    first = next(iter(learned.importance.values()))
    names = sorted(first, key=lambda name: first[name])
    made = theme.figure(max(320, 90 + (22 + 16 * len(learned.importance)) * len(names)), barmode="group", bargap=0.45)
    for i, (target, parts) in enumerate(learned.importance.items()):
        made.add_trace(
            go.Bar(
                y=[theme.words(name) for name in names],
                x=[parts[name] for name in names],
                orientation="h",
                name=theme.words(target),
                marker={"color": theme.PROPOSERS[i % len(theme.PROPOSERS)], "opacity": 0.9},
                hovertemplate="%{y}: %{x:.3f}<extra></extra>",
            )
        )
    made.update_layout(showlegend=len(learned.importance) > 1)
    made.update_xaxes(title_text="part of the variance (total effect)", range=[0, 1.02])
    return theme.style_axes(made)


def slices(view: View, learned: Learned, target: str) -> go.Figure | None:
    """The surrogate along each parameter through the shown trial: mean, 95 % band, trials."""
    names = list(learned.slices)[:MAX_PARAMETERS]
    if not names or view.shown is None:
        return None
    column = learned.column[target]
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    made = make_subplots(
        rows=rows, cols=columns, shared_yaxes=True, horizontal_spacing=0.035, vertical_spacing=0.32 / rows
    )
    made.update_layout(theme.figure(110 + 250 * rows, showlegend=False).layout)
    for i, name in enumerate(names):
        place = {"row": i // columns + 1, "col": i % columns + 1}
        for trace in _slice(view, learned.slices[name], name, target, column):
            made.add_trace(trace, **place)
        made.update_xaxes(**theme.parameter_axis(view.space, name), **place)
        if is_choice(view.space, name):
            order = [escape(str(value)) for value in learned.slices[name].values]
            made.update_xaxes(type="category", categoryorder="array", categoryarray=order, **place)
        else:
            made.add_vline(x=view.shown.point[name], line={"color": theme.MUTED, "width": 1, "dash": "dot"}, **place)
    low, high = _y_range(view, learned, names, target, column)
    made.update_yaxes(range=[low, high])
    made.update_yaxes(title_text=theme.words(target), col=1)
    return theme.style_axes(made)


def _slice(view: View, part: Slice, name: str, target: str, column: int) -> list[go.Scatter]:
    mean, std = part.mean[:, column], part.std[:, column]
    traces = [_trials(view, name, target)]
    if is_choice(view.space, name):
        bars = {"array": NORMAL_95 * std, "color": theme.ACCENT, "thickness": 2, "width": 6}
        marker: dict[str, Any] = {"color": theme.ACCENT, "size": 9, "symbol": "diamond"}
        traces.append(
            go.Scatter(x=[escape(str(v)) for v in part.values], y=mean, error_y=bars, mode="markers", marker=marker)
        )
        return traces
    x = np.array(part.values, dtype=np.float64)
    mean = np.where(part.feasible, mean, np.nan)
    gone = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    edge = np.where(part.feasible, NORMAL_95 * std, np.nan)
    traces.append(go.Scatter(x=x, y=mean - edge, **gone))
    traces.append(go.Scatter(x=x, y=mean + edge, fill="tonexty", fillcolor=theme.BAND, **gone))
    traces.append(
        go.Scatter(
            x=x,
            y=mean,
            mode="lines",
            line={"color": theme.ACCENT, "width": 2},
            hovertemplate="%{x:.4g}: %{y:.4g}<extra></extra>",
        )
    )
    return traces


def observed_values(view: View, target: str) -> NDArray[np.float64]:
    """Return a target's observed value in each trial that is done, NaN where it has none."""
    return np.array(
        [
            t.objective.get(target, t.observation.values.get(target, np.nan) if t.observation else np.nan)
            for t in view.done
        ]
    )


def _trials(view: View, name: str, target: str) -> go.Scatter:
    """Trials as dots, the darker the nearer they are to the slice."""
    assert view.shown is not None
    some = [view.done[i] for i in thin(len(view.done), MAX_DOTS)]
    values = observed_values(view, target)[thin(len(view.done), MAX_DOTS)]
    U = view.space.to_unit([trial.point for trial in some]) - view.space.to_unit([view.shown.point])
    U[:, view.space.names.index(name)] = 0.0
    distance = np.sqrt((U**2).mean(axis=1))
    x: list[Any] = [trial.point[name] for trial in some]
    return go.Scatter(
        x=[escape(str(v)) for v in x] if is_choice(view.space, name) else x,
        y=values,
        mode="markers",
        marker={"color": theme.INITIAL, "size": 6, "opacity": 0.15 + 0.8 * np.exp(-((distance / 0.12) ** 2))},
        hovertext=[theme.hover(trial, view.space.units) for trial in some],
        hoverinfo="text",
    )


def _y_range(view: View, learned: Learned, names: list[str], target: str, column: int) -> tuple[float, float]:
    """Return a range that shows the slices; far outliers among the trials may lie outside."""
    parts = [learned.slices[name] for name in names]
    mean = np.concatenate([part.mean[:, column] for part in parts])
    std = np.concatenate([part.std[:, column] for part in parts])
    values = observed_values(view, target)
    near = values[np.isfinite(values)]
    low = min(np.quantile(mean - NORMAL_95 * std, 0.02), near.min())
    high = max(mean.max(), np.quantile(mean + NORMAL_95 * std, 0.9), np.quantile(near, 0.8))
    margin = 0.06 * (high - low or 1.0)
    return float(max(low, near.min() - 0.6 * (high - near.min())) - margin), float(high + margin)


def landscape(view: View, learned: Learned) -> go.Figure | None:
    """The surrogate's mean over the two most important parameters, the others as in the shown trial."""
    found = learned.map
    if found is None or view.shown is None:
        return None
    x, y = found.names
    reverse = view.objective.components[0].direction != "maximize"
    made = theme.figure(460, showlegend=False)
    scale = [(1 - at, colour) for at, colour in reversed(theme.SCALE)] if reverse else theme.SCALE
    made.add_trace(
        go.Contour(
            x=found.x,
            y=found.y,
            z=found.mean,
            colorscale=scale,
            ncontours=18,
            contours={"coloring": "heatmap"},
            line={"width": 0.5, "color": "rgba(255,255,255,0.35)"},
            colorbar={
                "title": {"text": theme.words(learned.targets[0]), "side": "right"},
                "thickness": 12,
                "outlinewidth": 0,
            },
            hovertemplate="%{x:.4g}, %{y:.4g}: %{z:.4g}<extra></extra>",
        )
    )
    some = [view.done[i] for i in thin(len(view.done), MAX_DOTS)]
    for trials, marker in (
        (some, {"color": "rgba(255,255,255,0.75)", "size": 5, "line": {"color": "rgba(20,20,30,0.6)", "width": 0.8}}),
        ([view.shown], {"color": "#fff", "size": 15, "symbol": "star", "line": {"color": "#14141e", "width": 1.2}}),
    ):
        made.add_trace(
            go.Scatter(
                x=[trial.point[x] for trial in trials],
                y=[trial.point[y] for trial in trials],
                mode="markers",
                marker=marker,
                hovertext=[theme.hover(trial, view.space.units) for trial in trials],
                hoverinfo="text",
            )
        )
    for name, update in ((x, made.update_xaxes), (y, made.update_yaxes)):
        parameter = view.space.parameters[name]
        log = isinstance(parameter, Real | Integer) and parameter.log
        values = found.x if name == x else found.y
        first, last = (float(np.log10(end)) if log else float(end) for end in (values[0], values[-1]))
        ends = [first - 0.03 * (last - first), last + 0.03 * (last - first)]  # or dots at the edge are cut in half
        update(**theme.parameter_axis(view.space, name), range=ends)
    return theme.style_axes(made)


def calibration(target: str, found: Calibration) -> go.Figure:
    """Predicted against observed, with 95 % intervals; on the diagonal they agree."""
    made = theme.figure(430, showlegend=False)
    inside = np.abs(found.observed - found.mean) <= NORMAL_95 * found.std
    low = float(min(found.observed.min(), found.mean.min()))
    high = float(max(found.observed.max(), found.mean.max()))
    margin = 0.05 * (high - low or 1.0)
    ends = [low - margin, high + margin]
    made.add_trace(diagonal(ends))
    some = thin(len(found.observed), MAX_DOTS, np.flatnonzero(~inside)[:MAX_DOTS])
    for rows, colour in ((some[inside[some]], theme.ACCENT), (some[~inside[some]], theme.BAD)):
        if len(rows):
            made.add_trace(_predictions(found, rows, colour))
    name = theme.words(target)
    made.update_xaxes(title_text=f"observed {name}", range=ends)
    made.update_yaxes(title_text=f"predicted {name}", range=ends)
    return theme.style_axes(made)


def _predictions(found: Calibration, rows: NDArray[np.int_], colour: str) -> go.Scatter:
    bars = {"color": colour, "thickness": 1, "width": 0}
    known = np.isfinite(found.error[rows]).any()
    return go.Scatter(
        x=found.observed[rows],
        y=found.mean[rows],
        error_y={**bars, "array": NORMAL_95 * found.std[rows]},
        error_x={**bars, "array": NORMAL_95 * np.nan_to_num(found.error[rows])} if known else None,
        mode="markers",
        marker={"color": colour, "size": 6, "opacity": 0.85},
        customdata=[found.trial[i] for i in rows],
        hovertemplate="%{customdata}<br>observed %{x:.4g}<br>predicted %{y:.4g}<extra></extra>",
    )
