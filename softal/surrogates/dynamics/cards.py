"""What a network of dynamics has learned, from its table `dynamics`: structure in, relaxation out.

S(k) and F_s(k_p, t) of some states from cold to hot, as simulated, as predicted by a network that had not seen the
state, and after mode-coupling theory; then what all states are worth, in `state_figures`.
"""

from __future__ import annotations

import math

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from softal.cards import theme
from softal.cards.card import Card, Key, Panel, panel
from softal.cards.curves import band
from softal.cards.view import View
from softal.numeric import number
from softal.surrogates.dynamics import state_figures
from softal.surrogates.dynamics.table import Dynamics, State, parse
from softal.theory.kob_andersen import PAIR_NAMES, SPECIES

TABLE = "dynamics"
MOST_STATES = 5  # of an interaction, whose curves are drawn
HEIGHT_S, HEIGHT_F = 560, 620
# Marks in the key, as CSS backgrounds of a small square.
DOT = "radial-gradient(circle, var(--muted) 34%, transparent 38%)"
LINE = "linear-gradient(transparent 42%, var(--muted) 42% 58%, transparent 58%)"
DOTTED = "radial-gradient(circle, var(--muted) 40%, transparent 50%) 0 / 4px 3px repeat-x"


def cards(view: View) -> list[Card]:
    """Return the card; none where the campaign has trained no such network."""
    raw = view.table(TABLE)
    found = parse(raw) if raw is not None else None
    if found is None:
        return []
    if not found.states:
        return [Card("Dynamics", f"There is no network yet: {found.untrained}")]
    return [Card("Dynamics", _caption(found), _panels(view, found), keys=_keys(found))]


def _panels(view: View, found: Dynamics) -> list[Panel]:
    figures: dict[str, go.Figure | None] = {}
    for draw, name in ((_structure, "structure factors"), (_scattering, "self-intermediate scattering")):
        for interaction in found.interactions:
            figures[f"{name}, {interaction}"] = draw(found, interaction)
    figures |= state_figures.figures(view, found)
    return [panel(f"Dynamics: {name}", figure) for name, figure in figures.items() if figure is not None]


def _caption(found: Dynamics) -> str:
    text = f"{len(found.states)} simulated states"
    if math.isfinite(found.simulated_time):
        text += f", {found.simulated_time:,.0f} tau in all"
    left_out = len(found.states) - len(found.counted)
    if left_out:
        text += f"; {left_out} crystallized or did not equilibrate: drawn hollow, and left out of all figures of merit"
    text += ". "
    scores = [found.pooled_r2(species) for species in range(len(SPECIES))]
    if all(map(math.isfinite, scores)):
        text += (
            f"The network on states that it was not trained on{f' ({found.method})' if found.method else ''}: "
            f"R² = {scores[0]:.4f} for A and {scores[1]:.4f} for B over all times of all states. "
        )
    if math.isfinite(found.coverage):
        text += f"{found.coverage:.0%} of what was simulated lies in its 95 % bands. "
    text += "Mode-coupling theory has only the simulated S(k), and nothing to fit. " if _has_theory(found) else ""
    return text + (
        "Left of the dashed line, at 0.8 T_mct, relaxation is activated; the paper's network stayed good right of it, "
        "also at temperatures that it was not trained at."
    )


def _has_theory(found: Dynamics) -> bool:
    return any(state.mct is not None for state in found.states)


def _keys(found: Dynamics) -> list[Key]:
    ends = found.states[0].scaled, found.states[-1].scaled
    return [
        Key("T / T_mct", [colour for _, colour in theme.SCALE], *(f"{end:.2f}" for end in ends)),
        Key("simulated, with standard errors", [DOT]),
        Key("network that has not seen the state, with its 95 % band", [LINE]),
        *[Key("mode-coupling theory", [DOTTED])] * _has_theory(found),
    ]


def colour(found: Dynamics, state: State) -> str:
    """Return a state's colour: of its T_mct/T among all states, in which those that are drawn are even."""
    cold, hot = (1 / found.states[i].scaled for i in (0, -1))
    return theme.shade((cold - 1 / state.scaled) / ((cold - hot) or 1.0))


def name(found: Dynamics, state: State) -> str:
    """Return what a state is called in legends: its temperature, and its density where there are several."""
    several = len({one.rho for one in found.states}) > 1
    return number(state.T, 3) + f" (ρ = {number(state.rho, 3)})" * several


def _stacked(rows: int, height: int, title: str) -> go.Figure:
    made = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.035)
    made.update_layout(theme.figure(height).layout)
    made.update_layout(legend_title=theme.legend_title(f"{title}, T ="))
    return made


def _structure(found: Dynamics, interaction: str) -> go.Figure | None:
    """S_AA, S_AB and S_BB of some states over k."""
    some = [state for state in found.spread(interaction, MOST_STATES) if state.S is not None and state.k.size]
    if not some:
        return None
    made = _stacked(len(PAIR_NAMES), HEIGHT_S, interaction)
    for state in some:
        assert state.S is not None
        for row, pair in enumerate(PAIR_NAMES, start=1):
            line = {"color": colour(found, state), "width": 1.7}
            label = name(found, state)
            trace = go.Scatter(
                x=state.k, y=state.S[row - 1], mode="lines", name=label, legendgroup=label, line=line,
                showlegend=row == 1, hovertemplate=f"T = {label}<br>S_{pair}(%{{x:.2f}}) = %{{y:.3f}}<extra></extra>",
            )  # fmt: skip
            made.add_trace(trace, row=row, col=1)
            made.update_yaxes(title_text=f"S<sub>{pair}</sub>(k)", nticks=5, row=row, col=1)
    made.update_xaxes(title_text="k [1/sigma]", row=len(PAIR_NAMES), col=1)
    return theme.style_axes(made)


def _scattering(found: Dynamics, interaction: str) -> go.Figure:
    """F_s of A and B at k_p of some states over log t: simulated, predicted, after mode-coupling theory."""
    made = _stacked(len(SPECIES), HEIGHT_F, interaction)
    some = found.spread(interaction, MOST_STATES)
    for state in some:
        for row in range(1, len(SPECIES) + 1):
            for trace in _curves(found, state, row - 1):
                made.add_trace(trace, row=row, col=1)
    for row, species in enumerate(SPECIES, start=1):
        title = f"F<sub>s</sub><sup>{species}</sup>(k<sub>p</sub>, t)"
        made.update_yaxes(title_text=title, range=[-0.06, 1.06], row=row, col=1)
    times = [state.t[state.t > 0] for state in some if np.any(state.t > 0)]
    made.update_xaxes(**theme.log_axis(min(t.min() for t in times), max(t.max() for t in times)))
    made.update_xaxes(title_text="t [tau]", row=len(SPECIES), col=1)
    return theme.style_axes(made)


def _curves(found: Dynamics, state: State, species: int) -> list[go.Scatter]:
    """Return the traces of one species in one state; a click in the legend takes them away together."""
    label, shade = name(found, state), colour(found, state)
    common = {"legendgroup": label, "name": label, "showlegend": False}
    traces: list[go.Scatter] = []
    at = state.t > 0
    t = state.t[at]
    if state.predicted is not None:
        mean = state.predicted[species][at]
        errors = None if state.std is None else np.nan_to_num(state.std[species][at])
        traces += [trace.update(legendgroup=label) for trace in band(t, mean, errors, theme.translucent(shade))]
        traces.append(go.Scatter(x=t, y=mean, mode="lines", line={"color": shade, "width": 2}, **common))
    if state.mct is not None:
        line = {"color": shade, "width": 1.6, "dash": "dot"}
        traces.append(go.Scatter(x=t, y=state.mct[species][at], mode="lines", line=line, **common))
    return [*traces, _dots(state, species, shade, common)]


def _dots(state: State, species: int, shade: str, common: dict[str, object]) -> go.Scatter:
    at = state.t > 0
    errors = None if state.F_error is None else np.nan_to_num(state.F_error[species][at])
    symbol = "circle-open" if state.marked else "circle"
    return go.Scatter(
        x=state.t[at],
        y=state.F[species][at],
        error_y=None if errors is None else {"array": errors, "thickness": 1, "width": 0, "color": shade},
        mode="markers",
        marker={"color": shade, "size": 5, "symbol": symbol, "line": {"width": 1, "color": shade}},
        hovertemplate=f"T = {common['name']}<br>t = %{{x:.3g}}<br>F_s = %{{y:.4f}}<extra></extra>",
        **{**common, "showlegend": species == 0},
    )
