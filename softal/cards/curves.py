"""Traces of curves: lines with their bands, references, labels of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.statistics import thin
from softal.cards.text import labelled
from softal.numeric import NORMAL_95, Floats
from softal.outputs import Outputs
from softal.trial import Array

MAX_GRID = 3000


def grid_label(name: str, array: Array, outputs: Outputs) -> str:
    """Return the label of an array's grid: its symbol, as far as it is declared, and its unit."""
    symbol = "index" if array.grid is None else outputs.symbols.get(name, "grid")
    return labelled(escape(symbol), escape(array.grid_unit))


def diagonal(ends: Sequence[float]) -> go.Scatter:
    """Return the dotted line on which what is drawn across and up agree."""
    line = {"color": theme.MUTED, "dash": "dot", "width": 1.2}
    return go.Scatter(x=ends, y=ends, mode="lines", line=line, hoverinfo="skip")


def points(x: Floats, y: Floats, name: str, showlegend: bool) -> go.Scatter:
    """Return circles, as references are drawn."""
    some = thin(len(x), MAX_GRID)
    marker = {"color": theme.INK, "size": 4.5, "symbol": "circle-open", "line": {"width": 1}}
    return go.Scatter(x=x[some], y=y[some], mode="markers", name=name, marker=marker, showlegend=showlegend)


def band(x: Floats, y: Floats, errors: Floats | None, colour: str = theme.BAND) -> list[go.Scatter]:
    """Return the 95 % band around a line as traces; none without errors."""
    if errors is None or not np.any(errors > 0):
        return []
    common = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    lower = go.Scatter(x=x, y=y - NORMAL_95 * errors, **common)
    upper = go.Scatter(x=x, y=y + NORMAL_95 * errors, fill="tonexty", fillcolor=colour, **common)
    return [lower, upper]
