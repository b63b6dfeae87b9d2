"""The figure of a refinement: the losses of the local phase and of the repeats, and the trust region's radius."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.card import Card, card
from softal.cards.view import View
from softal.numeric import number
from softal.strategies.bayesian.refinement import LOCAL, REPEATS
from softal.trial import Trial, TrialState

MAX_TICKS = 4
PHASES = (LOCAL, REPEATS)
ROLES = {  # role -> legend, colour, symbol
    "incumbent": ("good point of the search", theme.INITIAL, "circle"),
    "step": ("step", theme.ACCENT, "circle"),
    "repeat": ("repeat", theme.GOOD, "diamond"),
}


def cards(view: View) -> list[Card]:
    """Return the card; none where nothing was refined."""
    line = "The line is the answer with its standard error. " if view.answer and view.answer.origin == "repeats" else ""
    text = (
        "The local phase and the repeats: each trial with its standard error, and what the model predicted. "
        f"{line}Below, how far each step might go, in units of each range."
    )
    found = card("Refinement", text, figure(view))
    return [found] if found else []


def figure(view: View) -> go.Figure | None:
    """Each trial of the local phase with its error, what the model predicted, the answer's band; the radius below."""
    refined = [trial for trial in view.finished if trial.notes.get("phase") in PHASES]
    if not refined or not view.objective.single:
        return None
    made = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.72, 0.28], vertical_spacing=0.05)
    made.update_layout(theme.figure(460).layout)
    for role in ROLES:
        some = [t for t in refined if t.notes.get("role") == role and t.state is TrialState.DONE]
        if some:
            made.add_trace(_dots(view, some, role), row=1, col=1)
    made.add_trace(_predicted(view, refined), row=1, col=1)
    if failed := [trial for trial in refined if trial.state is TrialState.FAILED]:
        made.add_trace(_failed(view, failed, refined), row=1, col=1)
    made.add_trace(_radius(refined), row=2, col=1)
    _answer(made, view)
    made.update_yaxes(title_text=theme.words(view.objective.names[0]), row=1, col=1)
    radii = sorted({trial.notes["radius"] for trial in refined if trial.notes.get("role") == "step"})
    ticks = radii[:: max(1, len(radii) // MAX_TICKS)]
    labels = [number(radius, 2) for radius in ticks]
    made.update_yaxes(title_text="radius", type="log", tickvals=ticks, ticktext=labels, row=2, col=1)
    ids = [trial.id for trial in refined]
    made.update_xaxes(range=[min(ids) - 0.7, max(ids) + 0.7])
    made.update_xaxes(title_text="trial", row=2, col=1)
    return theme.style_axes(made)


def _answer(made: go.Figure, view: View) -> None:
    found = view.answer
    if found is None or found.origin != "repeats":
        return
    made.add_hline(y=found.value, line={"color": theme.INK, "width": 1.2}, layer="below", row=1, col=1)
    if np.isfinite(found.error):
        edges = {"y0": found.value - found.error, "y1": found.value + found.error}
        made.add_hrect(**edges, fillcolor=theme.INK, opacity=0.12, line_width=0, layer="below", row=1, col=1)


def _dots(view: View, some: Sequence[Trial], role: str) -> go.Scatter:
    name, (legend, colour, symbol) = view.objective.names[0], ROLES[role]
    errors = np.nan_to_num([trial.objective_errors.get(name, np.nan) for trial in some])
    return go.Scatter(
        x=[trial.id for trial in some],
        y=[trial.objective[name] for trial in some],
        error_y={"array": errors, "thickness": 1.2, "width": 0, "color": colour} if errors.any() else None,
        mode="markers",
        name=legend,
        marker={"color": colour, "size": 9, "symbol": symbol, "line": {"width": 0}},
        **_hover(view, some),
    )


def _predicted(view: View, refined: Sequence[Trial]) -> go.Scatter:
    sign = float(view.objective.signs[0])
    some = [trial for trial in refined if "predicted" in trial.notes]
    return go.Scatter(
        x=[trial.id for trial in some],
        y=[sign * trial.notes["predicted"] for trial in some],
        mode="markers",
        name="predicted by the model",
        marker={"color": theme.INK, "size": 12, "symbol": "line-ew-open", "line": {"width": 1.6}},
        hovertemplate="predicted %{y:.4g}<extra></extra>",
    )


def _failed(view: View, failed: Sequence[Trial], refined: Sequence[Trial]) -> go.Scatter:
    """Failed trials have no value: they stand at the bad edge of the values."""
    name, sign = view.objective.names[0], float(view.objective.signs[0])
    losses = [sign * trial.objective[name] for trial in refined if name in trial.objective]
    losses += [trial.notes["predicted"] for trial in refined if "predicted" in trial.notes]
    return go.Scatter(
        x=[trial.id for trial in failed],
        y=[sign * max(losses, default=1.0)] * len(failed),
        mode="markers",
        name="failed (no value)",
        marker={"color": theme.BAD, "symbol": "x-thin-open", "size": 8, "line": {"width": 1.8}},
        **_hover(view, failed),
    )


def _hover(view: View, some: Sequence[Trial]) -> dict[str, Any]:
    return {"hovertext": [theme.hover(trial, view.space.units) for trial in some], "hoverinfo": "text"}


def _radius(refined: Sequence[Trial]) -> go.Scatter:
    steps = [trial for trial in refined if trial.notes.get("role") == "step"]
    return go.Scatter(
        x=[trial.id for trial in steps],
        y=[trial.notes["radius"] for trial in steps],
        mode="markers",
        showlegend=False,
        marker={"color": theme.ACCENT, "size": 14, "symbol": "line-ew-open", "line": {"width": 2.5}},
        hovertemplate="radius %{y:.3g}<extra></extra>",
    )
