"""Arrays of what is shown that are neither compared with a reference nor shown elsewhere.

Arrays of one quantity for several species or pairs, such as F_s_A and F_s_B or g_SiO and g_OO, share a figure where
they share a grid.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html import escape

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.arrays import curves, log_axes
from softal.cards.card import Panel, panel
from softal.cards.curves import MAX_GRID, band, grid_label
from softal.cards.statistics import thin
from softal.cards.text import labelled
from softal.outputs import Outputs
from softal.tracking.report.data import CampaignData
from softal.trial import Array

MAX_FIGURES = 6
HEIGHT = 300
PART = re.compile(r"(.+)_([A-Z][A-Za-z]{0,4})")  # a quantity, and a species or a pair of them


def panels(data: CampaignData, shown: Collection[str] = ()) -> list[Panel]:
    """Return a figure for each quantity, without the arrays that are shown elsewhere."""
    compared = {reference.array for part in data.objective.components for reference in part.references}
    rest = {name: array for name, array in curves(data.arrays).items() if name not in compared | set(shown)}
    together = list(_together(rest).items())[:MAX_FIGURES]
    return [panel(f"Observed: {name}", _figure(name, arrays, data.outputs)) for name, arrays in together]


def _together(rest: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Return quantity -> part -> array; the part is empty where a quantity has no other."""
    groups: dict[str, dict[str, Array]] = {}
    for name, array in sorted(rest.items()):
        found = PART.fullmatch(name)
        stem, part = found.groups() if found else (name, "")
        group = groups.get(stem, {})
        if found and all(_alike(array, other) for other in group.values()):
            groups.setdefault(stem, {})[part] = array
        else:
            groups[name] = {"": array}
    alone = {name: f"{name}_{part}" for name, group in groups.items() for part in group if part and len(group) == 1}
    return {alone.get(n, n): {"": next(iter(g.values()))} if n in alone else g for n, g in groups.items()}


def _alike(one: Array, other: Array) -> bool:
    if one.grid is None or other.grid is None or one.unit != other.unit:
        return False
    return one.grid.shape == other.grid.shape and bool(np.allclose(one.grid, other.grid, rtol=1e-9, atol=0))


def _figure(name: str, arrays: Mapping[str, Array], outputs: Outputs) -> go.Figure:
    """One quantity with its 95 % bands."""
    made = theme.figure(HEIGHT, showlegend=len(arrays) > 1)
    made.update_layout(legend_traceorder="normal")  # bands would reverse it
    positive = []
    for i, (part, array) in enumerate(arrays.items()):
        grid = np.arange(array.values.size, dtype=np.float64) if array.grid is None else array.grid
        order = np.argsort(grid)[thin(len(grid), MAX_GRID)]
        x, y = grid[order], array.values[order]
        colour = theme.PROPOSERS[i % len(theme.PROPOSERS)]
        errors = None if array.errors is None else array.errors[order]
        for trace in band(x, y, errors, theme.translucent(colour)):
            made.add_trace(trace)
        line = {"color": colour, "width": 1.8}
        made.add_trace(go.Scatter(x=x, y=y, mode="lines", name=theme.words(part), line=line))
        positive += [y[y > 0]] if y.min() > 0 else []
    full = f"{name}_{part}" if part else name
    log = log_axes(full, grid, outputs)
    if log != "none":
        made.update_xaxes(**theme.log_axis(float(x[0]), float(x[-1])))
    if log == "both" and len(positive) == len(arrays):
        ends = np.concatenate(positive)
        made.update_yaxes(**theme.log_axis(float(ends.min()), float(ends.max())))
    made.update_xaxes(title_text=grid_label(full, array, outputs))
    made.update_yaxes(title_text=labelled(theme.words(name), escape(array.unit)))
    return theme.style_axes(made)
