"""What a campaign of deformable shells shows: states with their order, and shells as they are deformed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, panel
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import Floats
from softal.theory.many_body.shells import CORE, outlines
from softal.trial import Array, Trial

HEIGHT, SQUARE = 400, 560  # of figures [px]
ANGLES = 90  # of an outline: every 4 degrees
MOST = 1024  # shells that are drawn
ORDER = "chi_6"
FEWEST = 3


def cards(view: View, snapshots: Sequence[Card]) -> list[Card]:
    """Return the cards; those of states where there are some, shells where there is a configuration."""
    return [card for card in (_states(view), _shells(view)) if card is not None] + list(snapshots)


def _states(view: View) -> Card | None:
    trials = [trial for trial in view.done if trial.observation and ORDER in trial.observation.values]
    if len(trials) < FEWEST:
        return None
    stiff, density, order = (np.array(column) for column in zip(*(_row(view, trial) for trial in trials), strict=True))
    panels = [panel("states", _diagram(trials, stiff, density, order))]
    text = "Every trial by stiffness and density, coloured by the order of each particle's own neighbours, chi_6"
    if all("P" in view.space.complete(trial.point) for trial in trials):
        pressure = np.array([float(view.space.complete(trial.point)["P"]) for trial in trials])
        panels.append(panel("equation of state", _equation(trials, pressure, stiff, density, order)))
        text += "; and its density at the pressure that was set, with standard errors"
    keys = [Key("chi_6", [colour for _, colour in theme.SCALE], "0: fluid", "1: hexagonal")]
    return Card("States", text + ".", panels, keys)


def _row(view: View, trial: Trial) -> tuple[float, float, float]:
    assert trial.observation is not None
    values = trial.observation.values
    return float(view.space.complete(trial.point)["beta_K"]), values["density"], values[ORDER]


def _diagram(trials: Sequence[Trial], stiff: Floats, density: Floats, order: Floats) -> go.Figure:
    made = theme.figure(HEIGHT)
    made.add_trace(_dots(trials, density, stiff, order, "rho = %{x:.4g}<br>beta K = %{y:.4g}"))
    made.update_xaxes(title_text=labelled("density", "1/sigma^2"))
    made.update_yaxes(title_text="beta K", type="log" if stiff.max() > 20 * stiff.min() else "linear")
    return theme.style_axes(made)


def _equation(trials: Sequence[Trial], pressure: Floats, stiff: Floats, density: Floats, order: Floats) -> go.Figure:
    made = theme.figure(HEIGHT)
    dots = _dots(trials, density, pressure, order, "rho = %{x:.4g}<br>P = %{y:.4g}")
    errors = [trial.observation.errors.get("density", 0.0) if trial.observation else 0.0 for trial in trials]
    dots.update(error_x={"array": errors, "color": theme.MUTED, "thickness": 1})
    made.add_trace(dots)
    made.update_xaxes(title_text=labelled("density", "1/sigma^2"))
    made.update_yaxes(title_text=labelled("beta P", "1/sigma^2"))
    return theme.style_axes(made)


def _dots(trials: Sequence[Trial], x: Floats, y: Floats, order: Floats, text: str) -> go.Scatter:
    marker = {"color": order, "cmin": 0, "cmax": 1, "colorscale": theme.SCALE, "size": 9}
    named = [f"trial {trial.id}: chi_6 = {one:.3f}" for trial, one in zip(trials, order, strict=True)]
    return go.Scatter(
        x=x, y=y, mode="markers", marker=marker, text=named, hovertemplate="%{text}<br>" + text + "<extra></extra>"
    )


def _shells(view: View) -> Card | None:
    trial = view.best or view.shown
    found = view.with_arrays([trial]) if trial else []
    seen = found[0].observation if found else None
    if seen is None or not {"snapshot", "box"} <= seen.arrays.keys() or len(seen.arrays["snapshot"].values) > MOST:
        return None
    text = (
        f"The last configuration of trial {found[0].id}, cut through the centres: shells flatten where two of them "
        "touch; dark are the hard cores."
    )
    return Card("Shells", text, [panel("shells", _drawn(seen.arrays))], wide=False)


def _drawn(arrays: Mapping[str, Array]) -> go.Figure:
    x, box = arrays["snapshot"].values, arrays["box"].values
    angles = np.linspace(0, 2 * np.pi, ANGLES + 1)
    unit = np.column_stack([np.cos(angles), np.sin(angles)])
    shells = x[:, None] + outlines(x, box, angles)[:, :, None] * unit
    cores = x[:, None] + CORE / 2 * unit[::6]
    made = theme.figure(SQUARE, showlegend=False)
    made.add_trace(_polygons(shells, theme.BAND, theme.ACCENT))
    made.add_trace(_polygons(cores, theme.translucent(theme.ACCENT, 0.55), "rgba(0,0,0,0)"))
    for axis, edge in ((made.update_xaxes, box[0]), (made.update_yaxes, box[1])):
        axis(range=[-0.3, float(edge) + 0.3], showgrid=False)
    made.update_xaxes(title_text=labelled("x", "sigma"))
    made.update_yaxes(title_text=labelled("y", "sigma"), scaleanchor="x")
    return theme.style_axes(made)


def _polygons(corners: Floats, fill: str, line: str) -> go.Scatter:
    """Return polygons (N, k, 2) as one trace, a gap between two."""
    gap = np.full((len(corners), 1, 2), np.nan)
    x, y = np.concatenate([corners, gap], axis=1).reshape(-1, 2).round(4).T
    drawn = {"fill": "toself", "fillcolor": fill, "line": {"color": line, "width": 1}, "hoverinfo": "skip"}
    return go.Scatter(x=x, y=y, mode="lines", **drawn)
