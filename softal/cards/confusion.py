"""The confusion matrix of a classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme

HEIGHT = 430
STRONG = 0.55  # part of a row from which on its cell is so dark that its number is white


def confusion(labels: Sequence[str], given: Sequence[Sequence[int]], true: str, noun: str) -> go.Figure:
    """Return counts (p, p) by true label (rows) and predicted label (columns), coloured by their part of the row.

    Args:
        labels: names of the p labels.
        given: the counts.
        true: what the axis of rows is called.
        noun: what is counted.
    """
    counts = np.array(given, dtype=np.int_)
    rows = counts.sum(axis=1, keepdims=True)
    parts = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    names = [theme.words(str(label)) for label in labels]
    made = theme.figure(HEIGHT)
    made.add_trace(
        go.Heatmap(
            x=names, y=names, z=parts, customdata=counts, zmin=0, zmax=1, showscale=False, xgap=2, ygap=2,
            colorscale=[(0.0, theme.GRID), (0.001, theme.GRID), (1.0, theme.ACCENT)],
            hovertemplate=f"%{{y}} taken for %{{x}}: %{{customdata}} {noun}, %{{z:.1%}}<extra></extra>",
        )
    )  # fmt: skip
    for i, j in zip(*np.nonzero(counts), strict=True):
        colour = "#ffffff" if parts[i, j] > STRONG else theme.INK
        made.add_annotation(x=names[j], y=names[i], text=f"{counts[i, j]:,}", showarrow=False, font={"color": colour})
    colours = [annotation.font.color for annotation in made.layout.annotations]
    made.update_xaxes(title_text="predicted", showgrid=False, type="category")
    made.update_yaxes(title_text=true, showgrid=False, autorange="reversed", type="category")
    theme.style_axes(made)
    for annotation, colour in zip(made.layout.annotations, colours, strict=True):  # the style has one colour for all
        annotation.font.color = colour
    return made
