"""Figures of the campaign's progress: best against trials, Pareto front, workers, the surrogate's versions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.statistics import axis_type, main_range, thin
from softal.cards.text import is_finite
from softal.objective import Component
from softal.tracking.changes import changes_in
from softal.tracking.report.data import CampaignData
from softal.tracking.report.statistics import concurrency, lanes, running_best
from softal.trial import Trial, TrialState, is_whole

MAX_DOTS = 2000
MAX_BARS = 600
MAX_LANES = 64
MAX_COMPONENTS = 4


def best_against_trials(data: CampaignData) -> go.Figure | None:
    """Each finished trial as a dot, and the best so far as a line; one panel for each component of the objective."""
    components = data.objective.components[:MAX_COMPONENTS]
    if not data.finished:
        return None
    made = make_subplots(rows=len(components), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    made.update_layout(theme.figure(140 + 300 * len(components)).layout)
    for row, component in enumerate(components, start=1):
        _progress_panel(made, data, component, row)
    for trial in sorted({change.trial for change in changes_in(data.info)}):
        made.add_vline(x=trial - 0.5, line={"color": theme.MUTED, "width": 1, "dash": "dot"})
    first, last = data.numbered[0].id, data.numbered[-1].id
    margin = 0.5 + 0.02 * (last - first)
    made.update_xaxes(range=[first - margin, last + margin])
    made.update_xaxes(title_text="trial", row=len(components), col=1)
    return theme.style_axes(made).update_xaxes(tickformat=",")


def fidelities_differ(data: CampaignData) -> bool:
    """Return whether the trials are of more than one fidelity."""
    return len({trial.fidelity for trial in data.numbered}) > 1


def _progress_panel(made: go.Figure, data: CampaignData, component: Component, row: int) -> None:
    values = np.array([trial.objective.get(component.name, np.nan) for trial in data.numbered])
    allowed = [data.objective.satisfied(trial) for trial in data.numbered]
    best, improved = running_best(np.where(allowed, component.sign * values, np.nan))
    shown = thin(len(values), MAX_DOTS, np.flatnonzero(improved))
    colours = theme.proposer_colours(data.numbered)
    for name, colour in colours.items():
        picked = [i for i in shown if (data.numbered[i].proposed_by or "unknown") == name and np.isfinite(values[i])]
        if picked:
            made.add_trace(_dots(data, component, picked, values, name, colour, legend=row == 1), row=row, col=1)
    failed = [i for i in shown if data.numbered[i].state is TrialState.FAILED]
    finite = values[np.isfinite(values)]
    if failed:
        made.add_trace(_failed(data, failed, finite, component.sign, legend=row == 1), row=row, col=1)
    if component.direction != "learn" and np.isfinite(best).any():
        steps = np.flatnonzero(np.isfinite(best))
        steps = np.unique(np.r_[steps[0], steps[improved[steps]], steps[-1]])
        line = go.Scatter(
            x=[data.numbered[i].id for i in steps],
            y=component.sign * best[steps],
            mode="lines",
            name="best so far",
            line={"color": theme.INK, "width": 2, "shape": "hv"},
            hoverinfo="skip",
            showlegend=row == 1,
        )
        made.add_trace(line, row=row, col=1)
    log = component.name not in data.fractions and axis_type(finite) == "log"
    axis = theme.log_range(*main_range(finite, component.sign)) if log else {"type": "linear"}
    made.update_yaxes(title_text=theme.words(component.name), **axis, row=row, col=1)


def _dots(
    data: CampaignData,
    component: Component,
    picked: Sequence[int],
    values: np.ndarray[Any, Any],
    name: str,
    colour: str,
    legend: bool,
) -> go.Scatter:
    trials = [data.numbered[i] for i in picked]
    errors = np.array([trial.objective_errors.get(component.name, np.nan) for trial in trials])
    bars = np.isfinite(errors).any() and len(picked) <= 500
    highest = max(trial.fidelity for trial in data.numbered)
    whole = [is_whole(trial, highest) for trial in trials]
    held = [data.objective.satisfied(trial) for trial in trials]
    symbols = [
        "x-thin-open" if not ok else "circle" if full else "circle-open" for full, ok in zip(whole, held, strict=True)
    ]
    return go.Scatter(
        x=[trial.id for trial in trials],
        y=values[list(picked)],
        error_y={"array": np.nan_to_num(errors), "thickness": 1, "width": 0, "color": colour} if bars else None,
        mode="markers",
        name=theme.words(name),
        legendgroup=name,
        showlegend=legend,
        marker={
            "color": colour,
            "size": 7 if len(picked) < 400 else 4,
            "opacity": 0.85,
            "symbol": "circle" if all(whole) and all(held) else symbols,
            "line": {"width": 0 if all(whole) and all(held) else 1.5, "color": colour},
        },
        hovertext=[theme.hover(trial, data.space.units, data.objective.violations_text(trial)) for trial in trials],
        hoverinfo="text",
    )


def _failed(
    data: CampaignData, failed: Sequence[int], finite: np.ndarray[Any, Any], sign: float, legend: bool
) -> go.Scatter:
    """Failed trials have no value: they stand at the bad edge of the values."""
    edge = (finite.max() if sign > 0 else finite.min()) if finite.size else 1.0
    return go.Scatter(
        x=[data.numbered[i].id for i in failed],
        y=[edge] * len(failed),
        mode="markers",
        name="failed (no value)",
        legendgroup="failed",
        showlegend=legend,
        marker={"color": theme.BAD, "symbol": "x-thin-open", "size": 7, "line": {"width": 1.6}},
        hovertext=[theme.hover(data.numbered[i], data.space.units) for i in failed],
        hoverinfo="text",
    )


def pareto(data: CampaignData) -> go.Figure | None:
    """All trials in the plane of each pair of objectives, those of the front joined."""
    names = data.objective.names
    if data.objective.single or data.objective.learning or not data.done:
        return None
    pairs = list(itertools.combinations(names[:3], 2))
    made = make_subplots(rows=1, cols=len(pairs), horizontal_spacing=0.1)
    made.update_layout(theme.figure(440).layout)
    front = {trial.id for trial in data.front}
    others = [trial for trial in data.done if trial.id not in front]
    others = [others[i] for i in thin(len(others), MAX_DOTS)]
    violating = [trial for trial in others if not data.objective.satisfied(trial)]
    others = [trial for trial in others if data.objective.satisfied(trial)]
    for column, (x, y) in enumerate(pairs, start=1):
        ordered = sorted(data.front, key=lambda trial: trial.objective[x])
        joined = "lines+markers" if len(names) == 2 else "markers"
        for name, trials, colour, mode in (
            *([("violates a constraint", violating, theme.BAD, "markers")] if violating else []),
            ("dominated", others, theme.INITIAL, "markers"),
            ("Pareto front", ordered, theme.ACCENT, joined),
        ):
            made.add_trace(_plane(data, name, trials, (x, y), colour, mode, column), row=1, col=column)
        made.update_xaxes(title_text=_wish(data, x), row=1, col=column)
        made.update_yaxes(title_text=_wish(data, y), row=1, col=column)
    return theme.style_axes(made)


def _plane(
    data: CampaignData, name: str, trials: Sequence[Trial], axes: tuple[str, str], colour: str, mode: str, column: int
) -> go.Scatter:
    x, y = axes
    return go.Scatter(
        x=[trial.objective[x] for trial in trials],
        y=[trial.objective[y] for trial in trials],
        mode=mode,
        name=name,
        legendgroup=name,
        showlegend=column == 1,
        marker={"color": colour, "size": 9 if colour == theme.ACCENT else 6, "opacity": 0.9},
        line={"color": colour, "width": 1.5},
        hovertext=[theme.hover(trial, data.space.units) for trial in trials],
        hoverinfo="text",
    )


def _wish(data: CampaignData, name: str) -> str:
    component = next(part for part in data.objective.components if part.name == name)
    return f"{theme.words(name)} ({component.direction})"


def utilisation(data: CampaignData) -> go.Figure | None:
    """Which simulation ran where and when; for many trials, how many ran at a time."""
    bars, names = lanes(data.ran) if len(data.ran) <= MAX_BARS else ([], [])
    names = [escape(name) for name in names]
    if not bars or len(names) > MAX_LANES:
        return _concurrency(data)
    unit, factor = time_unit(max(bar.end for bar in bars))
    made = theme.figure(110 + 26 * len(names), barmode="overlay", bargap=0.25)
    for state, colour in ((TrialState.DONE, theme.ACCENT), (TrialState.FAILED, theme.BAD)):
        some = [bar for bar in bars if bar.trial.state is state]
        if some:
            made.add_trace(
                go.Bar(
                    y=[names[bar.lane] for bar in some],
                    x=[(bar.end - bar.start) / factor for bar in some],
                    base=[bar.start / factor for bar in some],
                    orientation="h",
                    name=str(state),
                    marker={"color": colour, "opacity": 0.85, "line": {"color": theme.SURFACE, "width": 1}},
                    hovertext=[theme.hover(bar.trial, data.space.units) for bar in some],
                    hoverinfo="text",
                )
            )
    made.update_xaxes(title_text=f"time since the first start [{unit}]", rangemode="tozero")
    made.update_yaxes(categoryorder="array", categoryarray=names, autorange="reversed")
    return theme.style_axes(made)


def _concurrency(data: CampaignData) -> go.Figure | None:
    times, running = concurrency(data.ran)
    if not len(times):
        return None
    unit, factor = time_unit(float(times[-1]))
    made = theme.figure(300)
    made.add_trace(
        go.Scatter(
            x=times / factor,
            y=running,
            mode="lines",
            name="simulations running",
            line={"color": theme.ACCENT, "width": 1.5, "shape": "hvh"},
            fill="tozeroy",
            fillcolor=theme.BAND,
            hovertemplate="%{y:.1f} running<extra></extra>",
        )
    )
    if data.workers:
        made.add_hline(y=data.workers, line={"color": theme.MUTED, "dash": "dot", "width": 1.2})
        made.add_annotation(
            x=1, xref="paper", y=data.workers, text="workers", showarrow=False, yshift=9, xanchor="right"
        )
    made.update_xaxes(title_text=f"time since the first start [{unit}]", rangemode="tozero")
    made.update_yaxes(title_text="simulations running", rangemode="tozero")
    return theme.style_axes(made)


def time_unit(seconds: float) -> tuple[str, float]:
    """Return a unit that suits a span of time, and its length [s]."""
    return next((u, f) for u, f in (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3)) if seconds > 2 * f or f < 1)


def surrogate_versions(data: CampaignData) -> go.Figure | None:
    """How well each version of the surrogate predicted trials that it had not seen."""
    targets = sorted({target for record in data.versions for target in record.get("rmse", {})})
    if len(data.versions) < 2 or not targets:
        return None
    made = theme.figure(320)
    for i, target in enumerate(targets[:6]):
        points = [(r["trials"], r["r2"].get(target)) for r in data.versions if is_finite(r.get("r2", {}).get(target))]
        if points:
            x, y = zip(*points, strict=True)
            colour = theme.PROPOSERS[i % len(theme.PROPOSERS)]
            label = theme.words(target)
            made.add_trace(
                go.Scatter(x=x, y=np.clip(y, -1, 1), name=label, mode="lines+markers", line={"color": colour})
            )
    if not made.data:
        return None
    made.update_layout(showlegend=len(made.data) > 1)
    made.update_xaxes(title_text="trials learned from")
    made.update_yaxes(
        title_text="R² on unseen trials", range=[-0.1 if min(min(t.y) for t in made.data) >= 0 else -1.05, 1.05]
    )
    return theme.style_axes(made)
