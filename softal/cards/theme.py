"""The look that all figures share. Colours in `var(--…)` are the page's, which differ between light and dark."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

import plotly.graph_objects as go

from softal.cards.text import labelled
from softal.numeric import number, with_error
from softal.space import Integer, Real, Space
from softal.trial import MEMBER, Trial

INK, MUTED, GRID, SURFACE = "var(--ink)", "var(--muted)", "var(--grid)", "var(--surface)"
ACCENT, BAND = "#3d6fe0", "rgba(61,111,224,0.18)"
BAD = "#d1495b"
GOOD = "#1f9d8a"
PROPOSERS = ["#3d6fe0", "#e08a3c", "#1f9d8a", "#9a5fc9", "#c9a227", "#5fa8d3", "#b5651d"]
SYMBOLS = ("circle", "diamond", "square")  # of kinds; "-open" where one is marked
INITIAL = "#97a1b3"  # points that are spread over the space without looking at results
MAX_DECADES = 8  # labelled on a logarithmic axis one by one
PLAIN = 4  # powers of ten up to this one are written out
# From worst to best; both ends stand out from a light and from a dark page.
SCALE = [(0.0, "#6d4bb8"), (0.25, "#3d6fe0"), (0.5, "#1f9d8a"), (0.75, "#a9c23f"), (1.0, "#f2b134")]


def shade(at: float) -> str:
    """Return the colour of SCALE at a place in [0, 1]."""
    place = bisect.bisect_left([stop for stop, _ in SCALE], at, 1, len(SCALE) - 1)
    (low, first), (high, second) = SCALE[place - 1], SCALE[place]
    part = min(1.0, max(0.0, (at - low) / (high - low)))
    channels = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in channels)


def translucent(colour: str, alpha: float = 0.18) -> str:
    """Return a colour of six hexadecimal digits as `rgba`."""
    return f"rgba({','.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))},{alpha})"


def figure(height: int, **layout: Any) -> go.Figure:
    """Return an empty figure in the report's look."""
    made = go.Figure()
    made.update_layout(
        template="none",
        height=height,
        margin={"l": 64, "r": 20, "t": 24, "b": 52},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", "size": 13, "color": INK},
        hoverlabel={"bgcolor": SURFACE, "bordercolor": GRID, "font": {"color": INK, "size": 12}, "align": "left"},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": MUTED}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": GRID, "activecolor": ACCENT},
        hovermode="closest",
        **layout,
    )
    return made


def legend_title(text: str) -> dict[str, Any]:
    """Return the title of a legend, which stands left of it."""
    return {"text": words(text), "font": {"size": 13, "color": INK}}


def style_axes(made: go.Figure) -> go.Figure:
    """Give every axis of a figure the report's look."""
    look = {
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": GRID,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": GRID,
        "tickfont": {"color": MUTED, "size": 12},
        "title": {"font": {"size": 13}, "standoff": 10},
        "automargin": True,
        "exponentformat": "power",
    }
    made.update_xaxes(**look)
    made.update_yaxes(**look)
    made.update_annotations(font={"size": 13, "color": INK})
    return made


def parameter_axis(space: Space, name: str) -> dict[str, Any]:
    """Return the settings of an axis of a free parameter that is a number: title, and ticks that stay readable."""
    parameter = space.parameters[name]
    look: dict[str, Any] = {"title_text": labelled(words(name), escape(space.units[name]))}
    if not isinstance(parameter, Real | Integer) or not parameter.log:
        return look
    return {**look, **log_axis(parameter.low, parameter.high)}


def log_range(low: float, high: float) -> dict[str, Any]:
    """Return the settings of a logarithmic axis that ends a little beyond `low` and `high`."""
    first, last = math.log10(low), math.log10(high)
    margin = 0.06 * (last - first) + 0.02
    return {**log_axis(low, high), "range": [first - margin, last + margin]}


def log_axis(low: float, high: float) -> dict[str, Any]:
    """Return the settings of a logarithmic axis that shows what lies from `low` to `high`."""
    # Plotly labels a log axis of about one decade with lone digits: 5, 6, 7 ... 10, 2, 3.
    ratio = high / low
    if ratio < 2:
        values = _even(low, high)
        return {"type": "log", "tickvals": values, "ticktext": [number(value) for value in values]}
    digits = (1, 2, 3, 5, 7) if ratio < 30 else (1, 3) if ratio < 1e4 else (1,)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    exponents = range(first, last + 1, max(1, (last - first) // MAX_DECADES))
    ticks = [(digit, exponent) for exponent in exponents for digit in digits]
    texts = [_tick(digit, exponent) for digit, exponent in ticks]
    return {"type": "log", "tickvals": [digit * 10.0**exponent for digit, exponent in ticks], "ticktext": texts}


def _even(low: float, high: float) -> list[float]:
    """Return some round numbers around those from `low` to `high`, in even steps."""
    rough = max(high - low, 0.01 * high) / 3
    step = next(s for s in (10.0 ** math.floor(math.log10(rough)) * digit for digit in (1, 2, 5, 10)) if s >= rough)
    return [i * step for i in range(max(1, math.floor(low / step)), math.ceil(high / step) + 1)]


def _tick(digit: int, exponent: int) -> str:
    if -PLAIN <= exponent <= PLAIN:
        return f"{digit * 10.0**exponent:,g}"
    power = f"10<sup>{exponent}</sup>".replace("-", "−")
    return power if digit == 1 else f"{digit}·{power}"


def proposer_colours(trials: Iterable[Trial]) -> dict[str, str]:
    """Return proposer -> colour: grey for those that look at no results, whose proposals have no notes; the palette."""
    noted: dict[str, bool] = {}
    for trial in trials:
        name = trial.proposed_by or "unknown"
        noted[name] = noted.get(name, False) or bool(trial.notes.keys() - {MEMBER})
    names = sorted(noted)
    spread = [name for name in names if not noted[name]]
    others = [name for name in names if name not in spread]
    colours = {name: PROPOSERS[i % len(PROPOSERS)] for i, name in enumerate(others)}
    return dict.fromkeys(spread, INITIAL) | colours


def hover(trial: Trial, units: Mapping[str, str], violates: str = "") -> str:
    """Return what is shown when the pointer is on a trial."""
    lines = [f"<b>trial {trial.id}</b> · {escape(trial.origin or 'unknown')}"]
    for name, value in trial.objective.items():
        lines.append(f"{escape(name)} = {with_error(value, trial.objective_errors.get(name))}")
    if trial.fidelity != 1:
        lines.append(f"fidelity {trial.fidelity:g}")
    if trial.reason:
        lines.append(escape(trial.reason[:120]))
    if violates:
        lines.append(f"violates {escape(violates[:120])}")
    lines += [f"{escape(labelled(name, units.get(name, '')))} = {escape(number(v))}" for name, v in trial.point.items()]
    return "<br>".join(lines[:24])


def words(name: str) -> str:
    """Return a name as a label: escaped, underscores as spaces."""
    return escape(name.replace("_", " "))
