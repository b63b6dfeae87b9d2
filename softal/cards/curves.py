"""Traces of curves: lines with their bands, references, labels of their axes."""

from __future__ import annotations

from html import escape

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.statistics import thin
from softal.cards.text import labelled
from softal.numeric import NORMAL_95, Floats
from softal.trial import Array

MAX_GRID = 3000


def grid_label(name: str, array: Array) -> str:
    """Return the label of an array's grid: the field's letter where the array's name tells it."""
    letters = {"structure_factor": "k", "S_k": "k", "rdf": "r", "g_": "r", "radial": "r", "msd": "t"}
    letters |= {"S_": "k", "F_": "t", "memory": "t"}
    letter = next((letter for part, letter in letters.items() if part in name), "grid")
    return labelled(letter if array.grid is not None else "index", escape(array.grid_unit))


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
