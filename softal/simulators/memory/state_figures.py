"""How good fits of memory functions are: a dot for each state and each number of stretched exponentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.scores import missing, score_axis
from softal.cards.text import is_finite
from softal.cards.theme import SYMBOLS
from softal.cards.view import View
from softal.trial import Trial

HEIGHT = 400


def figure_by_state(view: View, name: str) -> go.Figure | None:
    """R2 or mean squared difference over temperature, or over states where T is not known, coloured by N_exp."""
    trials = [t for t in view.done if t.observation and is_finite(t.observation.values.get(name))]
    if not trials:
        return None
    trials.sort(key=lambda trial: (temperature_of(trial) or 0.0, str(trial.point["state"])))
    known, prefix = all(temperature_of(trial) is not None for trial in trials), prefix_of(view)
    made = theme.figure(HEIGHT)
    values: list[float] = []
    for i, modes in enumerate(sorted(set(map(modes_of, trials)))):
        some = [trial for trial in trials if modes_of(trial) == modes]
        look = {"color": theme.PROPOSERS[i % len(theme.PROPOSERS)], "symbol": SYMBOLS[i % len(SYMBOLS)], "size": 8}
        made.add_trace(_by_state(some, name, f"N<sub>exp</sub> = {modes:g}" if modes else "fits", look, known, prefix))
        values += _values(some, name)
    if name == "error" and (noise := _values(trials, "noise")):
        look = {"color": theme.MUTED, "symbol": "line-ew-open", "size": 9}
        made.add_trace(_by_state(trials, "noise", "noise of the reference", look, known, prefix))
        values += noise
    _state_axes(made, trials, name, values, known)
    return theme.style_axes(made)


def _values(trials: Sequence[Trial], name: str) -> list[float]:
    found = [trial.observation.values.get(name) for trial in trials if trial.observation]
    return [value for value in found if value is not None and is_finite(value)]


def _by_state(
    some: Sequence[Trial], name: str, label: str, look: Mapping[str, Any], known: bool, prefix: str
) -> go.Scatter:
    values = [trial.observation.values.get(name, np.nan) if trial.observation else np.nan for trial in some]
    return go.Scatter(
        x=[temperature_of(trial) if known else name_of(trial, prefix) for trial in some],
        y=missing(values) if name == "r2" else values,
        mode="markers",
        name=label,
        marker=look,
        hovertext=[f"{name_of(t, '')}, {label}<br>{name} = {v:.6g}" for t, v in zip(some, values, strict=True)],
        hoverinfo="text",
    )


def _state_axes(made: go.Figure, trials: Sequence[Trial], name: str, values: Sequence[float], known: bool) -> None:
    positive = [value for value in values if value > 0]
    if name == "r2":
        made.update_yaxes(title_text="R²", **score_axis(values))
    else:
        axis = theme.log_range(min(positive), max(positive)) if positive else {}
        made.update_yaxes(title_text="mean squared difference", **axis)
    temperatures = [T for trial in trials if (T := temperature_of(trial)) and T > 0]
    if known and temperatures:
        made.update_xaxes(**theme.log_axis(min(temperatures), max(temperatures)))
    title = ("T / T<sub>mct</sub>" if _values(trials, "T_over_Tmct") else "T") if known else "state"
    made.update_xaxes(title_text=title)


def modes_of(trial: Trial) -> float:
    """Return N_exp of a fit; 0 where it is no parameter."""
    modes = trial.point.get("modes")
    return float(modes) if isinstance(modes, int | float) else 0.0


def temperature_of(trial: Trial) -> float | None:
    """Return T/T_mct, or T, of the state that a trial fits, as its simulator says; None where it does not."""
    values = trial.observation.values if trial.observation else {}
    return next((values[name] for name in ("T_over_Tmct", "T") if is_finite(values.get(name))), None)


def prefix_of(view: View) -> str:
    """Return what the names of all states begin with, up to an underscore."""
    names = {str(trial.point["state"]) for trial in view.done}
    if len(names) < 2:
        return ""
    first, last = min(names), max(names)
    differ = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind("_", 0, differ) + 1]


def name_of(trial: Trial, prefix: str) -> str:
    """Return a state's name as a label, without what it begins with."""
    return theme.words(str(trial.point["state"]).removeprefix(prefix))
