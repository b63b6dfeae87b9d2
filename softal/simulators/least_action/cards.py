"""What a campaign of least action shows: the trajectory that was found beside that of molecular dynamics."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.card import Card, Panel, panel
from softal.cards.curves import band
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import Floats, number
from softal.trial import Array

PATHS = ("paths_true", "paths_found")
BESIDE = {  # title -> true, found, label across
    "g(r)": ("g_true", "g_found", "r"),
    "Velocity autocorrelation": ("vaf_true", "vaf_found", "t"),
}
HEIGHT, TALL = 380, 560
LEAST = 1e-12  # RMSD that is drawn on a logarithmic axis, which has no nought [sigma]


def cards(view: View) -> list[Card]:
    """Return the card; none where there is no trajectory."""
    arrays = view.arrays
    panels: list[Panel] = []
    if all(name in arrays for name in (*PATHS, "rmsd_of_time")):
        panels.append(panel("Paths of four atoms", _paths(arrays)))
    if "rmsd_by_iteration" in arrays:
        panels.append(panel("RMSD by iteration", _by_iteration(arrays)))
    if "rmsd_of_time" in arrays:
        panels.append(panel("RMSD over time", _of_time(arrays)))
    for title, (true, found, symbol) in BESIDE.items():
        if true in arrays and found in arrays:
            panels.append(panel(title, _beside(arrays[true], arrays[found], title, symbol)))
    if not panels:
        return []
    drawn = {*PATHS, "rmsd_by_iteration", "loss_by_iteration", "rmsd_of_time", "rmsd_momenta_of_time"}
    drawn |= {name for true, found, _ in BESIDE.values() for name in (true, found)}
    return [Card("Trajectory", _caption(view), panels, arrays=frozenset(drawn))]


def _caption(view: View) -> str:
    values = view.shown.observation.values if view.shown and view.shown.observation else {}
    text = (
        f"{view.label.capitalize()}: what was found (lines) beside molecular dynamics (dots). Paths are of the four "
        "atoms that went farthest, from where each began; bands of g(r) and of the velocity autocorrelation are 95 %."
    )
    known = [
        f"{name} {number(values[key], 3)} sigma"
        for key, name in (("rmsd", "RMSD"), ("defect", "estimated without the truth"))
        if key in values
    ]
    return f"{text} {', '.join(known)}." if known else text


def _paths(arrays: Mapping[str, Array]) -> go.Figure:
    """x, y and z of each atom over time, one below the other."""
    time, true, found = arrays["rmsd_of_time"], arrays["paths_true"].values, arrays["paths_found"].values
    assert time.grid is not None
    made = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.04)
    made.update_layout(theme.figure(TALL, showlegend=True).layout)
    for i in range(true.shape[1]):
        colour = theme.PROPOSERS[i % len(theme.PROPOSERS)]
        for row in range(true.shape[2]):
            place = {"row": row + 1, "col": 1}
            made.add_trace(_dots(time.grid, true[:, i, row], colour, f"atom {i + 1}"), **place)
            made.add_trace(_line(time.grid, found[:, i, row], colour, f"atom {i + 1}", shown=row == 0), **place)
    for row, axis in enumerate("xyz"[: true.shape[2]], start=1):
        made.update_yaxes(title_text=labelled(axis, "σ"), row=row, col=1)
    made.update_xaxes(title_text=labelled("t", "ps"), row=3, col=1)
    return theme.style_axes(made)


def _by_iteration(arrays: Mapping[str, Array]) -> go.Figure:
    seen = arrays["rmsd_by_iteration"]
    assert seen.grid is not None
    made = theme.figure(HEIGHT, showlegend=False)
    rmsd = np.maximum(seen.values, LEAST)
    made.add_trace(_line(seen.grid, rmsd, theme.ACCENT, "RMSD", markers=len(rmsd) <= 100))
    made.update_yaxes(title_text=labelled("RMSD", "σ"), **theme.log_range(float(rmsd.min()), float(rmsd.max())))
    made.update_xaxes(title_text="iteration", rangemode="tozero")
    return theme.style_axes(made)


def _of_time(arrays: Mapping[str, Array]) -> go.Figure:
    """RMSD of positions and momenta; exact ends are left out, since a logarithmic axis has no nought."""
    made, sizes = theme.figure(HEIGHT, showlegend=True), []
    for name, label, colour in (
        ("rmsd_of_time", "positions [σ]", theme.ACCENT),
        ("rmsd_momenta_of_time", "momenta [(mε)<sup>1/2</sup>]", theme.PROPOSERS[1]),
    ):
        if name in arrays:
            rmsd, t = arrays[name].values, arrays[name].grid
            some = rmsd > LEAST
            sizes += [float(size) for size in rmsd[some]]
            assert t is not None
            made.add_trace(_line(t[some], rmsd[some], colour, label))
    if sizes:
        made.update_yaxes(**theme.log_range(min(sizes), max(sizes)))
    made.update_yaxes(title_text="RMSD")
    made.update_xaxes(title_text=labelled("t", "ps"))
    return theme.style_axes(made)


def _beside(true: Array, found: Array, title: str, symbol: str) -> go.Figure:
    assert true.grid is not None
    assert found.grid is not None
    made = theme.figure(HEIGHT, showlegend=True)
    for trace in band(true.grid, true.values, true.errors):
        made.add_trace(trace)
    made.add_trace(_dots(true.grid, true.values, theme.INK, "molecular dynamics", shown=True))
    made.add_trace(_line(found.grid, found.values, theme.ACCENT, "found"))
    made.update_yaxes(title_text=title)
    made.update_xaxes(title_text=labelled(symbol, theme.words(true.grid_unit)))
    return theme.style_axes(made)


def _line(x: Floats, y: Floats, colour: str, name: str, *, shown: bool = True, markers: bool = False) -> go.Scatter:
    return go.Scatter(
        x=x, y=y, mode="lines+markers" if markers else "lines", name=name, legendgroup=name, showlegend=shown,
        line={"color": colour, "width": 1.8}, marker={"size": 5},
        hovertemplate=f"{name}<br>%{{x:.4g}}<br>%{{y:.4g}}<extra></extra>",
    )  # fmt: skip


def _dots(x: Floats, y: Floats, colour: str, name: str, *, shown: bool = False) -> go.Scatter:
    return go.Scatter(
        x=x, y=y, mode="markers", name=name, legendgroup=name, showlegend=shown,
        marker={"color": colour, "size": 5, "symbol": "circle-open", "line": {"width": 1}},
        hovertemplate=f"{name}: molecular dynamics<br>%{{x:.4g}}<br>%{{y:.4g}}<extra></extra>",
    )  # fmt: skip
