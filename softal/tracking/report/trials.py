"""Figures of the points, parallel coordinates; and what figures of arrays have in common."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from softal.cards import theme
from softal.cards.statistics import thin
from softal.numeric import number
from softal.tracking.report.data import CampaignData
from softal.trial import Trial

MAX_LINES = 400
BINS = 14
MAX_AXES = 14


def parallel(data: CampaignData) -> go.Figure | None:
    """Each trial as a line through its parameters and its objective, coloured by how good it is.

    Drawn as ordinary lines, not as Plotly's `parcoords`, which needs WebGL: a remote desktop often has none.
    """
    names = [*data.space.names, *data.objective.names][:MAX_AXES]
    if len(data.done) < 2 or len(names) < 2:
        return None
    rank = _ranks(data)
    order = np.argsort(rank)
    keep = order[:40]
    trials = [data.done[i] for i in thin(len(data.done), MAX_LINES, keep)]
    quality = {data.done[i].id: 1.0 - position / max(1, len(order) - 1) for position, i in enumerate(order)}
    heights = {name: _axis(data, name, trials) for name in names}
    made = theme.figure(410, showlegend=False)
    made.update_layout(margin={"l": 40, "r": 40, "t": 30, "b": 48})
    bins = [theme.shade((k + 0.5) / BINS) for k in range(BINS)]
    for k in range(BINS):
        some = [i for i, t in enumerate(trials) if min(BINS - 1, int(quality[t.id] * BINS)) == k]
        if some:
            made.add_trace(_lines(data, trials, some, names, heights, bins[k], k / BINS))
    if data.best is not None:
        spot = next(i for i, t in enumerate(trials) if t.id == data.best.id)
        made.add_trace(_lines(data, trials, [spot], names, heights, theme.INK, 1.0, width=3.0))
    _parallel_axes(made, data, names, trials)
    return made


def _ranks(data: CampaignData) -> NDArray[np.float64]:
    """Return a number for each trial that is done; the lower, the better: loss, or the mean of the losses' ranks."""
    losses = data.objective.losses(data.done)
    behind = np.array([not data.objective.satisfied(trial) for trial in data.done]) * float(len(losses))
    return np.asarray(np.argsort(np.argsort(losses, axis=0), axis=0).mean(axis=1) + behind, dtype=np.float64)


def _value(trial: Trial, name: str) -> Any:
    return trial.objective[name] if name in trial.objective else trial.point[name]


def _axis(data: CampaignData, name: str, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Return the trials' heights on an axis, 0 to 1."""
    if name in data.space.names and name not in data.objective.names:
        U = data.space.to_unit([trial.point for trial in trials])
        return np.asarray(U[:, data.space.names.index(name)])
    low, high, log = objective_range(data, name)
    values = np.array([trial.objective[name] for trial in trials])
    if log:
        values, low, high = np.log(values), np.log(low), np.log(high)
    return np.asarray((values - low) / (high - low or 1.0))


def objective_range(data: CampaignData, name: str) -> tuple[float, float, bool]:
    """Return lowest and highest value of a component, and whether it is shown on a logarithmic axis."""
    values = np.array([trial.objective[name] for trial in data.done])
    log = bool(values.min() > 0 and values.max() / values.min() > 15) and name not in data.fractions
    return float(values.min()), float(values.max()), log


def _lines(
    data: CampaignData,
    trials: Sequence[Trial],
    some: Sequence[int],
    names: Sequence[str],
    heights: dict[str, NDArray[np.float64]],
    colour: str,
    goodness: float,
    width: float = 1.4,
) -> go.Scatter:
    """Lines of one colour, in one trace: None breaks the line between trials."""
    x: list[float | None] = []
    y: list[float | None] = []
    text: list[str | None] = []
    for i in some:
        x += [*range(len(names)), None]
        y += [*(round(float(heights[name][i]), 4) for name in names), None]
        text += [theme.hover(trials[i], data.space.units)] * len(names) + [None]
    line = {"color": colour, "width": width}
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line=line,
        marker={"size": 3 if width < 2 else 6, "color": colour},
        opacity=0.25 + 0.65 * goodness**1.5,
        hovertext=text,
        hoverinfo="text",
    )


def _parallel_axes(made: go.Figure, data: CampaignData, names: Sequence[str], trials: Sequence[Trial]) -> None:
    for position, name in enumerate(names):
        made.add_shape(type="line", x0=position, x1=position, y0=0, y1=1, line={"color": theme.MUTED, "width": 1})
        for height, label in _ticks(data, name):
            made.add_annotation(
                x=position, y=height, text=escape(label), showarrow=False, xshift=6, xanchor="left",
                font={"size": 11, "color": theme.MUTED}, bgcolor=theme.SURFACE, opacity=0.9,
            )  # fmt: skip
    labels = [f"<b>{theme.words(n)}</b>" if n in data.objective.names else theme.words(n) for n in names]
    units = [escape(data.space.units.get(name, "")) for name in names]
    texts = [f"{text}<br>[{unit}]" if unit else text for text, unit in zip(labels, units, strict=True)]
    made.update_xaxes(
        tickvals=list(range(len(names))), ticktext=texts, range=[-0.15, len(names) - 0.55], showgrid=False,
        zeroline=False, showline=False, tickfont={"size": 12, "color": theme.INK},
    )  # fmt: skip
    made.update_yaxes(visible=False, range=[-0.04, 1.04])


def _ticks(data: CampaignData, name: str) -> list[tuple[float, str]]:
    if name in data.space.names and name not in data.objective.names:
        column = data.space.names.index(name)
        cells = int(data.space.cells[column])
        heights = np.linspace(0, 1, 5) if not 0 < cells <= 8 else (np.arange(cells) + 0.5) / cells
        U = np.full((len(heights), data.space.dimension), 0.5)
        U[:, column] = heights
        return [(float(h), number(p[name], 3)) for h, p in zip(heights, data.space.from_unit(U), strict=True)]
    low, high, log = objective_range(data, name)
    heights = np.linspace(0, 1, 5)
    values = np.exp(np.log(low) + heights * np.log(high / low)) if log else low + heights * (high - low)
    return [(float(h), number(float(v), 3)) for h, v in zip(heights, values, strict=True)]
