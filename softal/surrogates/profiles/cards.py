"""What a learner of profiles shows, from its table `profiles`: curves beside predictions, accuracy, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.card import Card, Key, Panel, Table, panel
from softal.cards.curves import band, diagonal
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import Floats, number

TABLE = "profiles"
TITLE = "Profiles"
COLUMNS = 3  # curves side by side
ROW = 230  # px
HEIGHT = 380
ERROR = "rgba(127,127,127,0.35)"
DOT = "radial-gradient(circle, var(--muted) 34%, transparent 38%)"
Found = Mapping[str, Any]


def cards(view: View) -> list[Card]:
    """Return the card; none where the campaign has no such learner."""
    found = view.table(TABLE)
    if found is None:
        return []
    if found["untrained"]:
        return [Card(TITLE, f"Nothing has been learned yet: {found['untrained']}")]
    arrays: Found = found["arrays"]
    panels = [
        panel(f"Profiles: {name}", _systems(view, name, array)) for name, array in arrays.items() if array["systems"]
    ]
    panels.append(_calibration(arrays))
    keys = [Key("simulated, with standard errors", [DOT]), Key("predicted, with the 95 % band", [theme.ACCENT])]
    return [Card(TITLE, _caption(found), panels, keys=keys, tables=[_accuracy(arrays), _features(arrays)])]


def _caption(found: Found) -> str:
    parts = [
        f"{found['trials']} trials; network `{found['network']}`. Every curve is predicted by what has not seen it "
        f"({found['method']})."
    ]
    for name, array in found["arrays"].items():
        unit = f" {array['unit']}" * bool(array["unit"])
        if array["success"] is None:
            parts.append(f"{name}: RMSE {_text(array['rmse'])}{unit}.")
            continue
        parts.append(
            f"{name}: {array['success']:.1%} lie within the simulation's standard error, RMSE {_text(array['rmse'])}"
            f"{unit} at a mean error of {_text(array['error'])}{unit}; {_percent(array['coverage'])} in the 95 % band."
        )
    return " ".join(parts) + " The first figure grows with the noise of simulations: read it with the other three."


def _systems(view: View, name: str, array: Found) -> go.Figure:
    """Curves of some trials, small beside each other, from low to high."""
    systems = array["systems"]
    columns = min(COLUMNS, len(systems))
    rows = -(-len(systems) // columns)
    titles = [_title(one) for one in systems]
    made = make_subplots(
        rows=rows, cols=columns, shared_xaxes=True, subplot_titles=titles, vertical_spacing=0.12 / rows ** 0.5,
        horizontal_spacing=0.06,
    )  # fmt: skip
    made.update_layout(theme.figure(ROW * rows + 60, showlegend=False).layout)
    grid = np.array(array["grid"])
    for i, one in enumerate(systems):
        for trace in _curve(view, grid, one):
            made.add_trace(trace, row=i // columns + 1, col=i % columns + 1)
    symbol = escape(view.outputs.symbols.get(name, "grid"))
    for column in range(1, columns + 1):
        made.update_xaxes(title_text=labelled(symbol, escape(array["grid_unit"])), row=rows, col=column)
    for row in range(1, rows + 1):
        made.update_yaxes(title_text=labelled(theme.words(name), escape(array["unit"])), row=row, col=1)
    return theme.style_axes(made)


def _title(one: Found) -> str:
    rate = "" if one["success"] is None else f": {one['success']:.0%}"
    return f"trial {one['trial']}{rate}"


def _curve(view: View, grid: Floats, one: Found) -> list[go.Scatter]:
    values, errors, mean, std = (
        np.array([np.nan if v is None else v for v in one[name]]) for name in ("values", "errors", "mean", "std")
    )
    point = "<br>".join(f"{escape(n)} = {escape(number(v))}" for n, v in one["point"].items() if n in view.space.names)
    bars = {"array": np.nan_to_num(errors), "thickness": 1, "width": 0, "color": ERROR}
    dots = go.Scatter(
        x=grid, y=values, mode="markers", error_y=bars, marker={"color": theme.MUTED, "size": 3},
        hovertemplate=f"%{{x:.4g}}: %{{y:.4g}}<br>{point}<extra></extra>",
    )  # fmt: skip
    line = go.Scatter(x=grid, y=mean, mode="lines", line={"color": theme.ACCENT, "width": 1.8}, hoverinfo="skip")
    return [dots, *band(grid, mean, std), line]


def _calibration(arrays: Found) -> Panel:
    """Part of the densities within intervals against what these intervals say."""
    made = theme.figure(HEIGHT)
    made.add_trace(diagonal([0.0, 1.0]).update(showlegend=False))
    for i, (name, array) in enumerate(arrays.items()):
        said, there = zip(*array["calibration"], strict=True)
        colour = theme.PROPOSERS[i % len(theme.PROPOSERS)]
        made.add_trace(
            go.Scatter(
                x=said,
                y=there,
                mode="lines+markers",
                name=theme.words(name),
                line={"color": colour, "width": 1.6},
                marker={"size": 6},
                hovertemplate="interval of %{x:.0%}<br>%{y:.1%} in it<extra></extra>",
            )
        )
    made.update_xaxes(title_text="interval, as predicted", range=[0, 1.02])
    made.update_yaxes(title_text="part of the simulated values in it", range=[0, 1.02])
    return panel("Profiles: calibration", theme.style_axes(made))


def _accuracy(arrays: Found) -> Table:
    head = ("array", "within the error", "RMSE", "mean error", "in the 95 % band", "unit")
    rows = [
        (name, _percent(a["success"]), _text(a["rmse"]), _text(a["error"]), _percent(a["coverage"]), a["unit"])
        for name, a in arrays.items()
    ]
    return Table(head, rows, (False, True, True, True, True, False))


def _features(arrays: Found) -> Table:
    head = ("array", "feature", "within the error", "RMSE", "mean error", "unit")
    rows: Sequence[Sequence[str]] = [
        (name, feature, _percent(own["success"]), _text(own["rmse"]), _text(own["error"]), array["unit"])
        for name, array in arrays.items()
        for feature, own in array["features"].items()
    ]
    return Table(head, rows, (False, False, True, True, True, False))


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _text(value: float | None) -> str:
    return "" if value is None else number(value, 3)
