"""What a classifier of phases has learned, from its table `classification`.

It holds the figures of held-out state points: the confusion matrix, the reliability of the probabilities (accuracy
against confidence), and the state points themselves; and the learning curves by epoch, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.answer import point_key
from softal.cards import theme
from softal.cards.card import Card, panel
from softal.cards.confusion import confusion
from softal.cards.curves import diagonal
from softal.cards.view import Examples, View
from softal.numeric import number
from softal.space import Choice
from softal.trial import Trial

TABLE = "classification"
FORMAT = 1
HEIGHT = 430
PARTS = {"training": "circle-open", "validation": "diamond-open", "test": "circle"}  # of the state points, with symbols
Found = Mapping[str, Any]


def cards(view: View) -> list[Card]:
    """Return the card; none where the campaign has trained no classifier."""
    found = _read(view)
    if found is None:
        return []
    if found.get("untrained"):
        return [Card("Phases", f"There is no classifier yet: {found['untrained']}")]
    figures = {
        "confusion matrix": confusion(found["phases"], found["confusion"], "true phase", "images"),
        "reliability": _reliability(found),
        "learning curves": _curves(found["curves"]),
        "state points": _state_points(view, found),
    }
    panels = [panel(f"Phases: {name}", figure) for name, figure in figures.items() if figure is not None]
    return [Card("Phases", _caption(found), panels)]


def _read(view: View) -> Found | None:
    found = view.table(TABLE)
    return found if found is not None and found.get("format") == FORMAT else None


def _caption(found: Found) -> str:
    points = [point for point in found["state_points"] if point["part"] == "test"]
    images = int(np.sum(found["confusion"]))
    return (
        f"The classifier on state points that it was not trained on: {found['accuracy']:.2%} of {images:,} images and "
        f"{found['accuracy_state_points']:.1%} of {len(points)} state points are right, and {found['unknown']:.1%} of "
        f"the images are taken for something unknown. Expected calibration error {number(found['ece'], 2)}. "
        "Filled dots are the held-out state points, open circles are trained on, diamonds stop the training; a cross "
        "means that another phase is more probable."
    )


def examples(view: View) -> Examples | None:
    """Return for each phase the trial that is most probably of it; None without a classifier."""
    best: dict[str, tuple[float, Trial]] = {}
    trials = {point_key(trial.point): trial for trial in view.done}
    found = _read(view) or {}
    for point in found.get("state_points", []):
        trial = trials.get(point_key(view.space.complete(point["point"])))
        probability = float(point["probability"][found["phases"].index(point["phase"])])
        if trial and probability > best.get(point["phase"], (-1.0, trial))[0]:
            best[point["phase"]] = probability, trial
    chosen = [(phase, best[phase][1]) for phase in found.get("phases", []) if phase in best]
    return Examples("For each phase the trial that is most probably of it", chosen) if chosen else None


def _reliability(found: Found) -> go.Figure:
    """Part that is right against the mean confidence, in bins; the larger the dot, the more images."""
    bins = found["reliability"]
    confidence, accuracy = ([one[name] for one in bins] for name in ("confidence", "accuracy"))
    images = np.array([one["images"] for one in bins], dtype=np.float64)
    made = theme.figure(HEIGHT, showlegend=False)
    low = min([0.9, *confidence, *accuracy]) - 0.04
    ends = [low, 1.02]
    made.add_trace(diagonal(ends))
    made.add_trace(
        go.Scatter(
            x=confidence,
            y=accuracy,
            mode="lines+markers",
            line={"color": theme.ACCENT, "width": 1.2},
            marker={"color": theme.ACCENT, "size": 7 + 19 * np.sqrt(images / max(1.0, images.max(initial=0)))},
            customdata=images,
            cliponaxis=False,
            hovertemplate="confidence %{x:.3f}<br>right %{y:.3f}<br>%{customdata:,} images<extra></extra>",
        )
    )
    made.update_xaxes(title_text="confidence", range=ends)
    made.update_yaxes(title_text="part that is right", range=ends)
    return theme.style_axes(made)


def _curves(curves: Mapping[str, Any]) -> go.Figure:
    """Loss of training and validation by epoch, the validation's accuracy below, and the epoch that was kept."""
    made = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.62, 0.38], vertical_spacing=0.06)
    made.update_layout(theme.figure(HEIGHT).layout)
    for row, name, label, colour in (
        (1, "loss", "training", theme.INITIAL),
        (1, "validation_loss", "validation", theme.ACCENT),
        (2, "validation_accuracy", "validation", theme.ACCENT),
    ):
        epochs = list(range(1, len(curves[name]) + 1))
        line = go.Scatter(
            x=epochs, y=curves[name], mode="lines", name=label, line={"color": colour, "width": 2}, showlegend=row == 1
        )
        made.add_trace(line, row=row, col=1)
    made.add_vline(x=curves["best"], line={"color": theme.MUTED, "width": 1.2, "dash": "dot"})
    made.update_yaxes(title_text="cross-entropy", type="log", nticks=5, row=1, col=1)
    made.update_yaxes(title_text="accuracy", row=2, col=1)
    made.update_xaxes(title_text="epoch (dotted: the one that is kept)", row=2, col=1)
    return theme.style_axes(made)


def _state_points(view: View, found: Found) -> go.Figure | None:
    """The state points in the plane of the first two parameters, coloured by phase."""
    free = [n for n in view.space.names if not isinstance(view.space.parameters[n], Choice)][:2]
    if len(free) < 2:
        return None
    made = theme.figure(HEIGHT)
    for i, phase in enumerate(found["phases"]):
        some = [point for point in found["state_points"] if point["phase"] == phase]
        colour = theme.PROPOSERS[i % len(theme.PROPOSERS)]
        symbols = [PARTS[point["part"]] for point in some]
        marker = {"color": colour, "size": 9, "symbol": symbols, "line": {"width": 1.6, "color": colour}}
        made.add_trace(_points(view, found, some, free, str(phase), marker))
    wrong = [p for p in found["state_points"] if found["phases"][int(np.argmax(p["probability"]))] != p["phase"]]
    if wrong:
        marker = {"color": theme.BAD, "size": 13, "symbol": "x-thin-open", "line": {"width": 2}}
        made.add_trace(_points(view, found, wrong, free, "wrong", marker))
    for name, update in zip(free, (made.update_xaxes, made.update_yaxes), strict=True):
        update(**theme.parameter_axis(view.space, name))
    return theme.style_axes(made)


def _points(
    view: View, found: Found, some: Sequence[Found], names: Sequence[str], label: str, marker: Mapping[str, Any]
) -> go.Scatter:
    return go.Scatter(
        x=[point["point"][names[0]] for point in some],
        y=[point["point"][names[1]] for point in some],
        mode="markers",
        name=theme.words(label),
        marker=marker,
        hovertext=[_hover(view, found, point) for point in some],
        hoverinfo="text",
    )


def _hover(view: View, found: Found, point: Found) -> str:
    probabilities = sorted(zip(point["probability"], found["phases"], strict=True), reverse=True)[:3]
    lines = [f"<b>{escape(str(point['phase']))}</b> · {escape(str(point['part']))}, {point['images']} images"]
    lines += [f"P({escape(str(phase))}) = {probability:.4f}" for probability, phase in probabilities]
    shown = [name for name in view.space.names if name in point["point"]]
    return "<br>".join([*lines, *(f"{escape(n)} = {escape(number(point['point'][n]))}" for n in shown)])
