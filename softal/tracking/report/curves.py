"""Figures of curves that are matched: reference, simulation, the surrogate's prediction, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.answer import mean_of_runs
from softal.cards import theme
from softal.cards.arrays import log_axes
from softal.cards.curves import MAX_GRID, band, grid_label, points
from softal.cards.statistics import thin
from softal.cards.text import labelled
from softal.cards.view import Opinion
from softal.errors import InvalidObservation
from softal.numeric import Floats, with_error
from softal.objective import Reference
from softal.outputs import Outputs
from softal.tracking.report.data import CampaignData
from softal.trial import Array

Curve = tuple[Floats, Floats, Floats]
PREDICTED, PREDICTED_BAND = theme.PROPOSERS[1], "rgba(224,138,60,0.20)"


@dataclass(frozen=True)
class Matched:
    """One array and its reference.

    Attributes:
        array: its name.
        chi: relative distance with its error, as text; of several runs their mean.
        predicted: whether the surrogate's curve is drawn.
        figure: the picture.
    """

    array: str
    chi: str
    predicted: bool
    figure: go.Figure


def matched(data: CampaignData, opinion: Opinion) -> list[Matched]:
    """Return for each array in `match` what is shown of it: the mean of the runs behind the answer, with its band."""
    found = []
    for reference in (reference for part in data.objective.components for reference in part.references):
        array, predicted = data.arrays.get(reference.array), opinion.curves.get(reference.array)
        if array is None or array.grid is None:
            continue
        name = f"mean of {len(data.runs)} runs" if len(data.runs) > 1 else "simulation"
        figure = _figure(array, reference, predicted, name, data.outputs)
        found.append(Matched(reference.array, _chi(data, reference), predicted is not None, figure))
    return found


def _chi(data: CampaignData, reference: Reference) -> str:
    try:
        every = [reference.compare(run[reference.array]) for run in data.runs]
    except (InvalidObservation, KeyError):
        return "–"
    values, errors = zip(*every, strict=True)
    return with_error(*mean_of_runs(values, errors))


def _figure(array: Array, reference: Reference, predicted: Curve | None, name: str, outputs: Outputs) -> go.Figure:
    assert array.grid is not None
    made = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.04)
    made.update_layout(theme.figure(500).layout)
    order = np.argsort(array.grid)
    order = order[thin(len(order), MAX_GRID)]
    grid, values = array.grid[order], array.values[order]
    errors = None if array.errors is None else np.nan_to_num(array.errors[order])
    inside = (reference.grid >= grid[0]) & (reference.grid <= grid[-1])
    inside &= (reference.grid >= reference.range[0]) & (reference.grid <= reference.range[1])
    at, target = reference.grid[inside], reference.values[inside]
    made.add_trace(points(reference.grid, reference.values, "reference", showlegend=True), row=1, col=1)
    _line(made, 1, (grid, values, errors), name)
    below = None if errors is None else np.interp(at, grid, errors)
    for trace in band(at, np.zeros_like(at), below):
        made.add_trace(trace, row=2, col=1)
    made.add_trace(points(at, np.interp(at, grid, values) - target, "residual", showlegend=False), row=2, col=1)
    if predicted is not None:
        x, mean, std = predicted
        some = thin(len(x), MAX_GRID)
        _line(made, 1, (x[some], mean[some], std[some]), "surrogate", predicted=True)
        _line(made, 2, (at, np.interp(at, x, mean) - target, None), "surrogate's residual", predicted=True)
    made.add_hline(y=0, line={"color": theme.MUTED, "width": 1}, row=2, col=1)
    _ends(made, grid, at, log_axes(reference.array, grid, outputs) != "none")
    made.update_xaxes(title_text=grid_label(reference.array, array, outputs), row=2, col=1)
    made.update_yaxes(title_text=labelled(theme.words(reference.array), escape(array.unit)), row=1, col=1)
    made.update_yaxes(title_text="difference", row=2, col=1)
    return theme.style_axes(made)


def _ends(made: go.Figure, grid: Floats, at: Floats, log: bool) -> None:
    """Let the axis begin and end with the array's grid, and end not far beyond what there is of the reference, `at`."""
    if log:
        made.update_xaxes(**theme.log_axis(float(grid[0]), float(grid[-1])))
    if at.size:
        ends = min(grid[0], at[0]), max(at[-1], min(grid[-1], at[-1] * 1.05))
        made.update_xaxes(range=[float(np.log10(end) if log else end) for end in ends])


def _line(
    made: go.Figure, row: int, curve: tuple[Floats, Floats, Floats | None], name: str, *, predicted: bool = False
) -> None:
    """Draw a curve x, y, standard error with its 95 % band."""
    x, y, errors = curve
    for trace in band(x, y, errors, PREDICTED_BAND if predicted else theme.BAND):
        made.add_trace(trace, row=row, col=1)
    style = {"color": PREDICTED, "width": 1.7, "dash": "dash"} if predicted else {"color": theme.ACCENT, "width": 2}
    made.add_trace(go.Scatter(x=x, y=y, mode="lines", name=name, line=style, showlegend=row == 1), row=row, col=1)
