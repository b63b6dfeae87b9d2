"""What campaigns of colloids in ideal polymer show: the binodal, and a cut through colloids and depletion layers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, Table, panel
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import Floats, number, with_error
from softal.simulators.asakura_oosawa.measures import USUAL
from softal.theory.many_body.depletion import radius
from softal.trial import Trial

HEIGHT, SQUARE = 400, 560  # of figures [px]
ANGLES = 60  # of a circle: every 6 degrees
MOST = 4000  # colloids of a configuration that is drawn
FEWEST = 2  # states of a binodal
ALIKE = 2.0  # standard errors of the difference, up to which gas and liquid are one phase
PHASES = {"gas": theme.ACCENT, "liquid": theme.GOOD}


def binodal(view: View) -> Card | None:
    """Return what gas and liquid are at each state; None of too few states."""
    trials = sorted((trial for trial in view.done if trial.observation), key=lambda trial: _eta_p(view, trial))
    if len(trials) < FEWEST:
        return None
    text = (
        "Packing fractions of the colloids in gas and liquid, with standard errors, by that of the polymers in the "
        "reservoir. Open circles are states where they differ by less than two standard errors, or not at all: one "
        "phase. Where there is a drift of 3 and more, a run was too short."
    )
    keys = [Key(name, [colour]) for name, colour in PHASES.items()]
    return Card("Gas and liquid", text, [panel("binodal", _diagram(view, trials))], keys, tables=[_table(view, trials)])


def _eta_p(view: View, trial: Trial) -> float:
    return float(view.space.complete(trial.point)["eta_p"])


def one_phase(trial: Trial) -> bool:
    """Return whether gas and liquid of a trial are alike."""
    assert trial.observation is not None
    values, errors = trial.observation.values, trial.observation.errors
    return values["difference"] <= ALIKE * errors.get("difference", 0.0)


def _diagram(view: View, trials: Sequence[Trial]) -> go.Figure:
    made = theme.figure(HEIGHT)
    for name, colour in PHASES.items():
        seen = [trial.observation for trial in trials if trial.observation]
        symbols = ["circle-open" if one_phase(trial) else "circle" for trial in trials]
        errors = [one.errors.get(name, 0.0) for one in seen]
        made.add_trace(
            go.Scatter(
                x=[one.values[name] for one in seen], y=[_eta_p(view, trial) for trial in trials], mode="markers",
                name=name, marker={"color": colour, "size": 9, "symbol": symbols},
                error_x={"array": errors, "color": colour, "thickness": 1.5},
                text=[f"trial {trial.id}" for trial in trials],
                hovertemplate=f"%{{text}}<br>{name}: %{{x:.4g}}<br>eta_p = %{{y:.4g}}<extra></extra>",
            )
        )  # fmt: skip
    made.update_xaxes(title_text="eta_c", rangemode="tozero")
    made.update_yaxes(title_text="eta_p")
    return theme.style_axes(made)


def _table(view: View, trials: Sequence[Trial]) -> Table:
    rows = []
    for trial in trials:
        assert trial.observation is not None
        values, errors = trial.observation.values, trial.observation.errors
        phases = [with_error(values[name], errors.get(name, 0.0)) for name in PHASES]
        rows.append([number(_eta_p(view, trial), 4), *phases, number(values["drift"], 2)])
    return Table(["eta_p", *PHASES, "drift"], rows, [True] * 4)


def cut(view: View) -> Card | None:
    """Return a cut through the last configuration of the best trial, or the one that is shown; None without it."""
    trial = view.best or view.shown
    found = view.with_arrays([trial]) if trial else []
    seen = found[0].observation if found else None
    if seen is None or not {"configurations", "boxes"} <= seen.arrays.keys():
        return None
    x, box = (seen.arrays[name].values[-1] for name in ("configurations", "boxes"))
    if len(x) > MOST:
        return None
    text = (
        f"The last configuration of trial {found[0].id}, cut through its middle. No polymer's centre comes into a "
        "colloid's depletion layer, the light ring around its dark core; where layers overlap, polymers gain room."
    )
    figure = _drawn(x, box, radius(float(view.space.complete(found[0].point).get("q", USUAL))))
    return Card("Depletion layers", text, [panel("depletion layers", figure)], wide=False)


def _drawn(x: Floats, box: Floats, R: float) -> go.Figure:
    made = theme.figure(SQUARE, showlegend=False)
    for sphere, fill in ((R, theme.BAND), (0.5, theme.translucent(theme.ACCENT, 0.7))):
        made.add_trace(_polygons(circles(x, box, sphere), fill))
    for axis, edge in ((made.update_xaxes, box[0]), (made.update_yaxes, box[1])):
        axis(range=[0, float(edge)], showgrid=False)
    made.update_xaxes(title_text=labelled("x", "sigma"))
    made.update_yaxes(title_text=labelled("y", "sigma"), scaleanchor="x")
    return theme.style_axes(made)


def circles(x: Floats, box: Floats, sphere: float) -> Floats:
    """Return where spheres, and their images, meet the plane z = box / 2: polygons (n, ANGLES + 1, 2) [sigma].

    Args:
        x: centres (N, 3) [sigma].
        box: (3,) [sigma].
        sphere: their radius [sigma].
    """
    height = x[:, 2] - box[2] / 2
    met = np.abs(height) < sphere
    centres, radii = x[met, :2], np.sqrt(sphere**2 - height[met] ** 2)
    images = np.concatenate([centres + np.array(way) * box[:2] for way in itertools.product((-1, 0, 1), repeat=2)])
    radii = np.tile(radii, 9)
    inside = np.all((images > -radii[:, None]) & (images < box[:2] + radii[:, None]), axis=1)
    angles = np.linspace(0, 2 * np.pi, ANGLES + 1)
    unit = np.column_stack([np.cos(angles), np.sin(angles)])
    return np.asarray(images[inside, None] + radii[inside, None, None] * unit)


def _polygons(corners: Floats, fill: str) -> go.Scatter:
    """Return polygons (n, k, 2) as one trace, a gap between two."""
    gap = np.full((len(corners), 1, 2), np.nan)
    x, y = np.concatenate([corners, gap], axis=1).reshape(-1, 2).round(4).T
    line = {"color": theme.ACCENT, "width": 1}
    return go.Scatter(x=x, y=y, mode="lines", fill="toself", fillcolor=fill, line=line, hoverinfo="skip")
