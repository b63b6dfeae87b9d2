"""Figures with a dot for each simulated state: how well it was predicted, how long it took, how slow it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.scores import LOWEST, missing, score_axis
from softal.cards.theme import SYMBOLS
from softal.cards.view import View
from softal.numeric import number, with_error
from softal.surrogates.dynamics.table import Dynamics, State
from softal.theory.kob_andersen import SPECIES, mct_temperature
from softal.trial import Observation

HEIGHT = 620
ACTIVATED = 0.8  # T/T_mct below which the paper finds relaxation activated, and a network's reach small
Value = tuple[float, float | None]  # with its standard error, where that is known
Seen = Mapping[int, Observation]  # by trial


def figures(view: View, found: Dynamics) -> dict[str, go.Figure | None]:
    """Return the figures by name; None where a campaign has nothing for one."""
    seen = {trial.id: trial.observation for trial in view.done if trial.observation is not None}
    return {
        "R² and simulated time by state": _by_temperature(found, seen),
        "relaxation times": _relaxation(found, seen),
    }


def _value(seen: Seen, state: State, name: str) -> Value | None:
    """Return a positive value of a state's simulation; None where it was not found."""
    observation = seen.get(state.trial) if state.trial is not None else None
    value = observation.values.get(name) if observation else None
    if observation is None or value is None or not (np.isfinite(value) and value > 0):
        return None
    return float(value), observation.errors.get(name)


def _by_temperature(found: Dynamics, seen: Seen) -> go.Figure | None:
    """R2 of A and of B held out, with medians, and the simulated time, all over T/T_mct."""
    time = {id(state): value for state in found.states if (value := _value(seen, state, "simulated_time"))}
    scored = [state for state in found.states if np.isfinite(state.r2).any()]
    rows = len(SPECIES) * bool(scored) + bool(time)
    if not rows:
        return None
    made = _rows(rows)
    if scored:
        for row in range(1, len(SPECIES) + 1):
            _scores(made, found, scored, row)
    if time:
        _dots(made, found, rows, lambda s: s.scaled, lambda s: time.get(id(s)), "simulated [tau]")
        made.update_yaxes(title_text="simulated [tau]", **_log(time.values()), row=rows, col=1)
    made.add_vline(x=ACTIVATED, line={"color": theme.MUTED, "width": 1.2, "dash": "dash"})
    made.update_xaxes(**theme.log_axis(found.states[0].scaled, found.states[-1].scaled))
    made.update_xaxes(title_text="T / T<sub>mct</sub> (dashed: 0.8)", row=rows, col=1)
    return theme.style_axes(made)


def _log(values: Collection[Value]) -> dict[str, Any]:
    """Return a logarithmic axis for values; none to label without them."""
    found = [value for value, _ in values]
    return theme.log_axis(min(found), max(found)) if found else {}


def _rows(rows: int) -> go.Figure:
    made = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.05)
    made.update_layout(theme.figure(HEIGHT).layout)
    return made


def _scores(made: go.Figure, found: Dynamics, scored: Sequence[State], row: int) -> None:
    """R2 of one species on an axis of log (1 - R2); it ends at LOWEST, where states that are worse are triangles."""
    species = row - 1

    def shown(state: State) -> Value | None:
        score = float(state.r2[species])
        return (float(missing(score)), None) if np.isfinite(score) else None

    what = f"R² of {SPECIES[species]}"
    _dots(made, found, row, lambda s: s.scaled, shown, what, lambda s: float(s.r2[species]))
    x, y = found.medians(species)
    median = go.Scatter(
        x=x, y=missing(y), mode="lines", name="median", line={"color": theme.INK, "width": 1.8},
        legendgroup="median", showlegend=row == 1, hoverinfo="skip",
    )  # fmt: skip
    made.add_trace(median, row=row, col=1)
    made.update_yaxes(title_text=what, **score_axis([float(s.r2[species]) for s in scored]), row=row, col=1)


def _dots(
    made: go.Figure,
    found: Dynamics,
    row: int,
    place: Callable[[State], float],
    height: Callable[[State], Value | None],
    what: str,
    true: Callable[[State], float] | None = None,
) -> None:
    """A dot for each state, in a trace for each interaction; `true` is what is said of one that is not at its place."""
    for i, interaction in enumerate(found.interactions):
        pairs = [(s, value) for s in found.states if s.interaction == interaction and (value := height(s))]
        if not pairs:
            continue
        colour, symbol = theme.PROPOSERS[i % len(theme.PROPOSERS)], SYMBOLS[i % len(SYMBOLS)]
        pairs.sort(key=lambda pair: bool(pair[0].marked) or (true is not None and true(pair[0]) < LOWEST))
        below = [true is not None and true(s) < LOWEST for s, _ in pairs]
        symbols = ["triangle-down" if low else symbol for low in below]
        texts = [_text(s, what, (true(s), None) if true else value) for s, value in pairs]
        errors = [error or 0.0 for _, (_, error) in pairs]
        trace = go.Scatter(
            x=[place(s) for s, _ in pairs],
            y=[value for _, (value, _) in pairs],
            error_y={"array": errors, "thickness": 1, "width": 0, "color": colour} if any(errors) else None,
            mode="markers",
            name=theme.words(interaction),
            legendgroup=interaction,
            showlegend=row == 1,
            marker={
                "color": colour,
                "size": 8,
                "symbol": [f"{one}-open" if s.marked else one for one, (s, _) in zip(symbols, pairs, strict=True)],
                "line": {"width": 1.5, "color": colour},
            },
            cliponaxis=False,
            hovertext=texts,
            hoverinfo="text",
        )
        made.add_trace(trace, row=row, col=1)


def _text(state: State, what: str, value: Value) -> str:
    lines = [
        f"<b>{theme.words(state.interaction)}, T = {number(state.T, 3)}, ρ = {number(state.rho, 3)}</b>",
        f"T/T_mct = {state.scaled:.2f}",
        f"{what} = {with_error(*value)}",
        *[theme.words(state.marked)] * bool(state.marked),
    ]
    return "<br>".join(lines)


def _relaxation(found: Dynamics, seen: Seen) -> go.Figure | None:
    """Relaxation times of A and B over 1/T, or over T_mct/T where the states are of several densities."""
    times = {
        (id(state), row): value
        for state in found.states
        for row, species in enumerate(SPECIES, start=1)
        if (value := _value(seen, state, f"tau_{species}"))
    }
    if not times:
        return None
    densities = {state.rho for state in found.states}
    made = _rows(len(SPECIES))
    for row, species in enumerate(SPECIES, start=1):
        what = f"τ<sub>{species}</sub> [tau]"
        place: Callable[[State], float] = (lambda s: 1 / s.T) if len(densities) == 1 else (lambda s: 1 / s.scaled)
        _dots(made, found, row, place, lambda s, row=row: times.get((id(s), row)), what)  # type: ignore[misc]
        made.update_yaxes(title_text=what, **_log([v for (_, r), v in times.items() if r == row]), row=row, col=1)
    if len(densities) == 1:
        for i, interaction in enumerate(found.interactions):
            at = 1 / mct_temperature(interaction, min(densities))
            made.add_vline(
                x=at, line={"color": theme.PROPOSERS[i % len(theme.PROPOSERS)], "width": 1.2, "dash": "dash"}
            )
    title = "1/T [k<sub>B</sub>/epsilon] (dashed: 1/T<sub>mct</sub>)" if len(densities) == 1 else "T<sub>mct</sub>/T"
    made.update_xaxes(title_text=title, row=len(SPECIES), col=1)
    return theme.style_axes(made)
