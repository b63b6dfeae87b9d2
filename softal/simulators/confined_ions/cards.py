"""What a campaign of ions between planes shows: density profiles of both kinds, of some of its trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, panel
from softal.cards.statistics import thin
from softal.cards.text import labelled
from softal.cards.view import View
from softal.numeric import number
from softal.trial import Array, Trial

KINDS = {"p": "positive", "n": "negative"}
MOST = 6  # profiles in one figure
HEIGHT = 420
CAPTION = (
    "Densities over the slab between the planes, z/h from -1/2 to 1/2, with one standard error: trials in the order of "
    "their contact density of positive ions, from the lowest to the highest."
)


def cards(view: View) -> list[Card]:
    """Return the card; none where no trial has profiles."""
    ordered = sorted(
        (trial for trial in view.done if trial.observation and "contact_p" in trial.observation.values),
        key=lambda trial: trial.observation.values["contact_p"] if trial.observation else 0.0,
    )
    chosen = view.with_arrays([ordered[i] for i in thin(len(ordered), MOST)])
    names = {kind: f"density_{kind}" for kind in KINDS}
    found = [one for one in chosen if one.observation and all(n in one.observation.arrays for n in names.values())]
    if not found:
        return []
    panels = [
        panel(f"Density profiles of {word} ions", _profiles(view, found, names[kind])) for kind, word in KINDS.items()
    ]
    shown = frozenset(f"density_{kind}{which}" for kind in KINDS for which in ("", "_folded"))
    return [Card("Density profiles", CAPTION, panels, arrays=shown)]


def _profiles(view: View, trials: Sequence[Trial], name: str) -> go.Figure:
    made = theme.figure(HEIGHT, showlegend=True)
    for i, trial in enumerate(trials):
        assert trial.observation
        colour = theme.shade(i / max(1, len(trials) - 1))
        for trace in _traces(trial.observation.arrays[name], _label(view, trial), colour):
            made.add_trace(trace)
    made.update_xaxes(title_text="z/h", range=[-0.5, 0.5])
    made.update_yaxes(title_text=labelled("density", "mol/l"), rangemode="tozero")
    return theme.style_axes(made)


def _traces(array: Array, label: str, colour: str) -> list[go.Scatter]:
    z, rho = array.grid, array.values
    line = go.Scatter(
        x=z, y=rho, mode="lines", name=label, legendgroup=label, line={"color": colour, "width": 1.8},
        hovertemplate=f"{label}<br>z/h = %{{x:.3f}}<br>%{{y:.4g}} mol/l<extra></extra>",
    )  # fmt: skip
    if array.errors is None or z is None:
        return [line]
    band = go.Scatter(
        x=np.concatenate([z, z[::-1]]), y=np.concatenate([rho + array.errors, (rho - array.errors)[::-1]]),
        fill="toself", mode="lines", line={"width": 0}, fillcolor=theme.translucent(colour), legendgroup=label,
        showlegend=False, hoverinfo="skip",
    )  # fmt: skip
    return [band, line]


def _label(view: View, trial: Trial) -> str:
    point = ", ".join(f"{name} = {number(trial.point[name], 3)}" for name in view.space.names if name in trial.point)
    return f"trial {trial.id}: {point}"
