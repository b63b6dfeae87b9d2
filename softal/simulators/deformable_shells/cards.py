"""What a campaign of deformable shells shows: states with their order, and shells as they are deformed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from softal.cards import theme
from softal.cards.card import Card, Key, Panel, Table, panel
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import Floats, number, with_error
from softal.simulators.deformable_shells import equation, freezing
from softal.theory.many_body.shells import CORE, outlines
from softal.trial import Array, Trial

HEIGHT, SQUARE = 400, 560  # of figures [px]
ANGLES = 90  # of an outline: every 4 degrees
MOST = 1024  # shells that are drawn
ORDER = "chi_6"
FEWEST = 3
SHOWN = 9  # stiffnesses at which the line of freezing is given


def cards(view: View, snapshots: Sequence[Card]) -> list[Card]:
    """Return the cards; those of states where there are some, shells where there is a configuration."""
    found = [_states(view), _frozen(view), _shells(view)]
    return [card for card in found if card is not None] + list(snapshots)


def _states(view: View) -> Card | None:
    trials = [trial for trial in view.done if trial.observation and ORDER in trial.observation.values]
    if len(trials) < FEWEST:
        return None
    stiff, density, order = (np.array(column) for column in zip(*(_row(view, trial) for trial in trials), strict=True))
    panels = [panel("states", _diagram(trials, stiff, density, order))]
    text = "Every trial by stiffness and density, coloured by the order of each particle's own neighbours, chi_6"
    if all("P" in view.space.complete(trial.point) for trial in trials):
        pressure = np.array([float(view.space.complete(trial.point)["P"]) for trial in trials])
        text += "; and its density at the pressure that was set, with standard errors"
        pairs = equation.pairs_of(view, trials)
        if pairs:
            return _compared(text, panels, pairs)
        panels.append(panel("equation of state", _equation(trials, pressure, stiff, density, order)))
    return Card("States", text + ".", panels, [_order_key()])


def _compared(text: str, panels: list[Panel], pairs: Sequence[equation.Pair]) -> Card:
    """Return the card of a campaign that has states with the exact and with the learned energy."""
    text += (
        ", where both the exact and the learned energy were simulated with. The table says how far they are apart, "
        f"learned - exact, in joint standard errors: {equation.summary(pairs)}."
    )
    keys = [_order_key(), *(Key(way, [colour]) for way, colour in equation.COLOURS.items())]
    figures = [*panels, panel("equation of state", equation.figure(pairs, HEIGHT))]
    return Card("States", text, figures, keys, tables=[equation.table(pairs)])


def _order_key() -> Key:
    return Key("chi_6", [colour for _, colour in theme.SCALE], "0: fluid", "1: hexagonal")


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


def _frozen(view: View) -> Card | None:
    """The line of freezing of runs at constant pressure, with what became of each start."""
    trials = [trial for trial in view.done if "P" in view.space.complete(trial.point)]
    if len(trials) < 2 * freezing.FEWEST:
        return None
    points = [view.space.complete(trial.point) for trial in trials]
    stiff, pressure = (np.array([float(point[name]) for point in points]) for name in ("beta_K", "P"))
    density, order = (
        np.array([trial.observation.values[name] if trial.observation else np.nan for trial in trials])
        for name in ("density", "psi_6")
    )
    shown = np.geomspace(stiff.min(), stiff.max(), SHOWN)
    found = freezing.freezing(stiff, pressure, density, order, shown)
    if found is None:
        return None
    text = (
        "Densities of fluid and hexagonal crystal at the pressure where both are as probable, with standard errors "
        "from resampled trials; between them they coexist. A trial counts as hexagonal from "
        f"psi_6 = {freezing.SOLID:g} on."
    )
    tables, starts = [_line_table(found)], [str(point["start"]) for point in points if "start" in point]
    if len(starts) == len(points):
        tables.append(_starts_table(starts, order > freezing.SOLID))
    figure = _phase_diagram(trials, stiff, density, order, found)
    return Card("Freezing", text, [panel("phase diagram", figure)], tables=tables)


def _phase_diagram(
    trials: Sequence[Trial], stiff: Floats, density: Floats, order: Floats, found: freezing.Freezing
) -> go.Figure:
    made = theme.figure(HEIGHT, showlegend=True)
    for name, side, error, fill in (("fluid", found.fluid, 1, None), ("hexagonal", found.solid, 2, "tonexty")):
        made.add_trace(
            go.Scatter(
                x=found.stiffness, y=side, name=f"{name} at freezing", mode="lines", fill=fill,
                fillcolor="rgba(140,150,170,0.3)", line={"color": theme.MUTED, "width": 1.5},
                error_y={"array": found.errors[error], "color": theme.MUTED, "thickness": 1},
            )
        )  # fmt: skip
    for name, chosen, colour in (
        ("fluid", order <= freezing.SOLID, theme.ACCENT),
        ("hexagonal", order > freezing.SOLID, theme.GOOD),
    ):
        texts = [f"trial {trial.id}" for trial, one in zip(trials, chosen, strict=True) if one]
        marker = {"color": colour, "size": 6}
        made.add_trace(
            go.Scatter(x=stiff[chosen], y=density[chosen], name=name, mode="markers", marker=marker, text=texts)
        )
    made.update_xaxes(title_text="beta K", type="log")
    made.update_yaxes(title_text=labelled("density", "1/sigma^2"))
    return theme.style_axes(made)


def _line_table(found: freezing.Freezing) -> Table:
    rows = [
        [number(stiff, 3), *(with_error(value, error) for value, error in zip(values, errors, strict=True))]
        for stiff, *values, errors in zip(
            found.stiffness, found.pressure, found.fluid, found.solid, found.errors.T, strict=True
        )
    ]
    return Table(["beta K", "beta P [1/sigma^2]", "fluid [1/sigma^2]", "hexagonal [1/sigma^2]"], rows, [True] * 4)


def _starts_table(starts: Sequence[str], solid: NDArray[np.bool_]) -> Table:
    """What became of each start."""
    rows = []
    for start in sorted(set(starts)):
        ends = [bool(one) for one, name in zip(solid, starts, strict=True) if name == start]
        rows.append([start, str(len(ends) - sum(ends)), str(sum(ends))])
    return Table(["start", "became fluid", "became hexagonal"], rows, [False, True, True])


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
