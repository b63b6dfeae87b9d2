"""Memory functions that were fitted to relaxation: M(t), and the F_s(t) that it gives beside the reference.

A trial has a fit where its observation has the arrays `memory`, `F_s` and `F_s_reference` on one grid of times, or the
same with `_A` and `_B` behind each name. A campaign that fits one curve by many trials shows its best one; one whose
parameters are `state` and, perhaps, `modes` (N_exp), in which a trial is a whole fit, shows how good the fits are over
temperature for each N_exp, as the paper's figure 7, and curves of some states with the most modes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.card import Card, Panel, panel
from softal.cards.curves import MAX_GRID
from softal.cards.statistics import LOG_RATIO, thin
from softal.cards.text import is_finite, labelled
from softal.cards.view import View
from softal.numeric import Floats
from softal.simulators.memory.state_figures import figure_by_state, modes_of, name_of, prefix_of, temperature_of
from softal.trial import Array, Trial

NAMES = ("memory", "F_s", "F_s_reference")
SPECIES = ("", "_A", "_B")
MOST_STATES = 5
HEIGHT = 520
SMALLEST = 1e-6  # of the largest |M|: what is smaller is not drawn on a logarithmic axis


@dataclass(frozen=True)
class Fit:
    """One fit: what it is called, its colour, its arrays by name without the species."""

    label: str
    colour: str
    arrays: Mapping[str, Array]


def _species(found: Mapping[str, Array]) -> list[str]:
    """Return the endings of the names of which there are all three arrays, on one grid."""
    return [species for species in SPECIES if _fits([found.get(f"{name}{species}") for name in NAMES])]


def _fits(three: Sequence[Array | None]) -> bool:
    known = [array for array in three if array is not None and array.grid is not None and array.values.ndim == 1]
    return len(known) == len(NAMES) and len({array.values.shape for array in known}) == 1


def cards(view: View) -> list[Card]:
    """Return the card; none where no memory function was fitted."""
    endings = _species(view.arrays)
    if not endings:
        return []
    by_state = "state" in view.space.all_names
    panels: list[Panel] = []
    for label, name in (("R²", "r2"), ("error", "error")) if by_state else ():
        if figure := figure_by_state(view, name):
            panels.append(panel(f"Memory function: {label} by state", figure))
    for ending in endings:
        fits = _of_states(view, ending) if by_state else _of_shown(view, ending)
        states = prefix_of(view).strip("_") if by_state else ""
        of = f" of {ending[1:]}" if ending else ""
        panels += [
            panel(f"Memory function{of}: F_s", _scattering(fits, of, states)),
            panel(f"Memory function{of}", _memory(fits, of, states)),
        ]
    drawn = frozenset(f"{name}{species}" for species in endings for name in NAMES)
    return [Card("Memory function", _caption(view, by_state), panels, arrays=drawn)]


def _caption(view: View, by_state: bool) -> str:
    what = "Some states from cold to hot, with the most modes" if by_state else view.label.capitalize()
    text = (
        f"{what}: the memory function M(t), and the F_s(t) that it gives (lines) beside the reference (dots with "
        "standard errors); what is left is below. Where M is negative, -M is dashed."
    )
    if by_state:
        return text + " R² and mean squared difference of each fit, by number of stretched exponentials."
    values = view.shown.observation.values if view.shown and view.shown.observation else {}
    formats = {"error": "Mean squared difference {:.3g}.", "r2": "R² = {:.7f}."}
    known = [form.format(values[name]) for name, form in formats.items() if is_finite(values.get(name))]
    return " ".join([text, *known])


def _of_shown(view: View, ending: str) -> list[Fit]:
    return [Fit(view.label, theme.ACCENT, _some(view.arrays, ending))]


def _some(found: Mapping[str, Array], ending: str) -> dict[str, Array]:
    return {name: found[f"{name}{ending}"] for name in NAMES}


def _of_states(view: View, ending: str) -> list[Fit]:
    """Return fits of some states, with the most modes each, from cold to hot."""
    best: dict[Any, Trial] = {}
    for trial in view.done:
        other = best.setdefault(trial.point["state"], trial)
        if modes_of(trial) > modes_of(other):
            best[trial.point["state"]] = trial
    ordered = sorted(best.values(), key=lambda trial: (temperature_of(trial) or 0.0, str(trial.point["state"])))
    chosen = view.with_arrays([ordered[i] for i in thin(len(ordered), MOST_STATES)])
    found = [trial for trial in chosen if trial.observation and ending in _species(trial.observation.arrays)]
    prefix = prefix_of(view)
    shades = [theme.shade(i / max(1, len(found) - 1)) for i in range(len(found))]
    return [
        Fit(name_of(trial, prefix), shade, _some(trial.observation.arrays, ending))
        for trial, shade in zip(found, shades, strict=True)
        if trial.observation
    ]


def _points(fit: Fit) -> tuple[NDArray[np.int_], Floats]:
    """Return the positive times, ascending and not too many: where they stand in the arrays, and what they are."""
    grid = fit.arrays["F_s"].grid
    assert grid is not None
    order = np.argsort(grid)
    order = order[grid[order] > 0]
    order = order[thin(len(order), MAX_GRID)]
    return order, grid[order]


def _scattering(fits: Sequence[Fit], of: str, states: str) -> go.Figure:
    """F_s of the fits beside their references, and the difference below."""
    made = make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.05)
    made.update_layout(theme.figure(HEIGHT, showlegend=len(fits) > 1, legend_title=theme.legend_title(states)).layout)
    for fit in fits:
        at, t = _points(fit)
        F, reference = fit.arrays["F_s"].values[at], fit.arrays["F_s_reference"]
        errors = None if reference.errors is None else np.nan_to_num(reference.errors[at])
        made.add_trace(_dots(fit, t, reference.values[at], errors), row=1, col=1)
        made.add_trace(_dots(fit, t, reference.values[at] - F, errors), row=2, col=1)
        made.add_trace(_line(fit, t, F), row=1, col=1)
    made.add_hline(y=0, line={"color": theme.MUTED, "width": 1}, row=2, col=1)
    _time_axis(made, fits, row=2, col=1)
    made.update_yaxes(title_text=f"F<sub>s</sub>(k<sub>p</sub>, t){of}", row=1, col=1)
    made.update_yaxes(title_text="difference", nticks=4, row=2, col=1)
    return theme.style_axes(made)


def _line(fit: Fit, t: Floats, y: Floats, dash: str | None = None) -> go.Scatter:
    return go.Scatter(
        x=t, y=y, mode="lines", name=fit.label, legendgroup=fit.label, showlegend=dash is None,
        line={"color": fit.colour, "width": 1.8, "dash": dash},
        hovertemplate=f"{fit.label}<br>t = %{{x:.3g}}<br>%{{y:.4g}}<extra></extra>",
    )  # fmt: skip


def _dots(fit: Fit, t: Floats, y: Floats, errors: Floats | None) -> go.Scatter:
    bars = None if errors is None else {"array": errors, "thickness": 1, "width": 0, "color": fit.colour}
    marker = {"color": fit.colour, "size": 4.5, "opacity": 0.75}
    return go.Scatter(
        x=t, y=y, error_y=bars, mode="markers", marker=marker, legendgroup=fit.label, showlegend=False,
        hovertemplate=f"{fit.label}<br>t = %{{x:.3g}}<br>%{{y:.4g}}<extra></extra>",
    )  # fmt: skip


def _memory(fits: Sequence[Fit], of: str, states: str) -> go.Figure:
    """M(t); on logarithmic axes where it spans an order of magnitude, and then -M is dashed where M is negative."""
    made = theme.figure(HEIGHT, showlegend=len(fits) > 1, legend_title=theme.legend_title(states))
    curves = [(fit, t, fit.arrays["memory"].values[at]) for fit in fits for at, t in [_points(fit)]]
    sizes = np.abs(np.concatenate([np.zeros(0), *(M for _, _, M in curves)]))
    sizes = sizes[np.isfinite(sizes) & (sizes > SMALLEST * np.nanmax(sizes, initial=0.0))]
    log = bool(sizes.size) and sizes.max() > LOG_RATIO * sizes.min()
    for fit, t, M in curves:
        made.add_trace(_line(fit, t, np.where(M > 0, M, np.nan) if log else M))
        if log and np.any(M < 0):
            made.add_trace(_line(fit, t, np.where(M < 0, -M, np.nan), dash="dash"))
    if log:
        low, high = float(sizes.min()), float(sizes.max())
        made.update_yaxes(**theme.log_axis(low, high), range=[np.log10(low) - 0.2, np.log10(high) + 0.2])
    _time_axis(made, fits)
    unit = fits[0].arrays["memory"].unit if fits else ""
    made.update_yaxes(title_text=labelled(f"M(t){of}", theme.words(unit)))
    return theme.style_axes(made)


def _time_axis(made: go.Figure, fits: Sequence[Fit], **place: int) -> None:
    times = [t for _, t in map(_points, fits) if t.size]
    if times:
        made.update_xaxes(**theme.log_axis(min(t[0] for t in times), max(t[-1] for t in times)))
        made.update_xaxes(title_text=labelled("t", theme.words(fits[0].arrays["F_s"].grid_unit)), **place)
