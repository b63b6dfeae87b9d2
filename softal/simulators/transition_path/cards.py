"""What a campaign of paths shows: the energy along its best one, clusters drawn over it, saddles, the action's path."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, Table, panel
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import Floats
from softal.simulators.transition_path import pictures
from softal.simulators.transition_path.measures import ARRAYS, STOPS
from softal.trial import Array

HEIGHT, LOW = 560, 300  # of figures [px]
DRAWN = 0.30  # part of the first one that the clusters take
PAPER_WIDTH = 0.14  # of a cluster, of the figure's


def cards(view: View) -> list[Card]:
    """Return the cards; none where no path was found."""
    trial = view.best or view.shown
    found = view.with_arrays([trial]) if trial else []
    seen = found[0].observation if found else None
    if seen is None or not all(name in seen.arrays for name in (*ARRAYS, STOPS)):
        return []
    values, arrays = seen.values, seen.arrays
    text = (
        f"Trial {found[0].id}: energy along the path of steepest descents from its saddles, which goes "
        f"{values['barrier_forward']:.4g} epsilon up from the start and {values['barrier_backward']:.4g} from the end, "
        f"{values['path_length']:.4g} sigma long; over it clusters at ends, minima and saddles, in this order."
    )
    below = (
        f"What trial {found[0].id} began with: the potential energy along the path of least action between the aligned "
        "ends, and that of the minima below its points; and the highest saddle above the start as searches went on."
    )
    keys = [Key(_neighbours(n), [colour]) for n, colour in sorted(pictures.COLOURS.items())]
    path = panel("Energy along the path", _path(arrays))
    rest = [panel("Path of least action", _action(arrays)), panel("Barrier and searches", _barriers(arrays))]
    return [
        Card("Transition path", text, [path], keys, tables=[_table(arrays)], arrays=frozenset({*ARRAYS, STOPS})),
        Card("Path of least action", below, rest),
    ]


def _neighbours(count: int) -> str:
    known = sorted(pictures.COLOURS)
    more = {known[0]: f"{count} neighbours or fewer", known[-1]: f"{count} neighbours or more"}
    return more.get(count, f"{count}" if count + 1 in known else f"{count} or {count + 1}")


def _path(arrays: Mapping[str, Array]) -> go.Figure:
    made = theme.figure(HEIGHT, showlegend=True)
    made.add_trace(_line(arrays["path_energy"], "path", theme.ACCENT))
    for name, label, colour, symbol in (
        ("minimum_energy", "minima", theme.GOOD, "circle"),
        ("saddle_energy", "saddles", theme.BAD, "diamond"),
    ):
        one = arrays[name]
        made.add_trace(
            go.Scatter(
                x=one.grid,
                y=one.values,
                mode="markers",
                name=label,
                marker={"color": colour, "symbol": symbol, "size": 8},
                hovertemplate="s = %{x:.2f} sigma<br>%{y:.5f} epsilon<extra></extra>",
            )
        )
    _draw_clusters(made, arrays[STOPS].values)
    made.update_xaxes(title_text=labelled("s", "sigma"))
    made.update_yaxes(title_text=labelled("energy", "epsilon"), domain=[0, 1 - DRAWN])
    made.update_layout(legend={"y": -0.1, "yanchor": "top", "x": 1, "xanchor": "right"})
    return theme.style_axes(made)


def _draw_clusters(made: go.Figure, stops: Floats) -> None:
    """Put pictures of the stops, (K, 2 + 3 N), side by side over the energy, each with a line to its place."""
    frames = pictures.view_of(stops[:, 2:].reshape(len(stops), -1, 3))
    half = float(np.abs(frames - frames.mean(axis=1, keepdims=True)).max()) + 0.6
    s, length = stops[:, 0], max(float(stops[-1, 0]), 1e-12)
    width = min(PAPER_WIDTH, 0.95 / len(stops))
    for k, (frame, at) in enumerate(zip(frames, s.tolist(), strict=True)):
        middle = width / 2 + (1 - width) * (k / max(1, len(stops) - 1))
        source = "data:image/png;base64," + b64encode(pictures.cluster_png(frame, half)).decode()
        made.add_layout_image(
            source=source, xref="paper", yref="paper", x=middle, y=1.0, sizex=width, sizey=DRAWN - 0.06,
            xanchor="center", yanchor="top",
        )  # fmt: skip
        made.add_shape(
            type="line", xref="paper", yref="paper", x0=middle, y0=1 - DRAWN + 0.055, x1=at / length, y1=1 - DRAWN,
            line={"color": theme.MUTED, "width": 1},
        )  # fmt: skip
    made.update_xaxes(range=[0, length])


def _action(arrays: Mapping[str, Array]) -> go.Figure:
    made = theme.figure(LOW, showlegend=True)
    made.add_trace(_line(arrays["action_energy"], "least action", theme.BAD))
    made.add_trace(_line(arrays["action_quench"], "minima below", theme.ACCENT))
    made.update_xaxes(title_text=labelled("t", ARRAYS["action_energy"][1]))
    made.update_yaxes(title_text=labelled("energy", "epsilon"))
    return theme.style_axes(made)


def _barriers(arrays: Mapping[str, Array]) -> go.Figure:
    made = theme.figure(LOW)
    made.add_trace(_line(arrays["barrier_of_searches"], "highest saddle", theme.ACCENT, "lines+markers"))
    made.update_xaxes(title_text="searches", rangemode="tozero")
    made.update_yaxes(title_text=labelled("highest saddle above the start", "epsilon"))
    return theme.style_axes(made)


def _line(array: Array, name: str, colour: str, mode: str = "lines") -> go.Scatter:
    return go.Scatter(x=array.grid, y=array.values, mode=mode, name=name, line={"color": colour, "width": 1.8})


def _table(arrays: Mapping[str, Array]) -> Table:
    """Return the saddles in order, with the minima on both sides."""
    saddles, minima, path = (arrays[name] for name in ("saddle_energy", "minimum_energy", "path_energy"))
    start, end = float(path.values[0]), float(path.values[-1])
    assert saddles.grid is not None
    rows = []
    for k, (s, energy) in enumerate(zip(saddles.grid.tolist(), saddles.values.tolist(), strict=True)):
        before, after = minima.values[k : k + 2].tolist()
        rows.append([str(k + 1), f"{s:.2f}", f"{energy:.6f}", f"{energy - start:.4f}", f"{energy - end:.4f}",
                     f"{before:.6f}", f"{after:.6f}"])  # fmt: skip
    head = ["saddle", "s [sigma]", "energy [epsilon]", "above the start", "above the end", "minimum before", "after"]
    return Table(head, rows, [True] * len(head))
