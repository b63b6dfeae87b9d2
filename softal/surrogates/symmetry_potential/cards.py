"""What a learned potential shows, from its table `symmetry_potential`: how good, how many functions, and which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, Table, panel
from softal.cards.curves import diagonal
from softal.cards.text import labelled, percent
from softal.cards.view import View
from softal.numeric import NORMAL_95, number

TABLE = "symmetry_potential"
TITLES = ("The learned potential", "How many symmetry functions are enough", "The chosen symmetry functions")
HEIGHT = 420
ERROR = "rgba(61,111,224,0.35)"
SIDES = {False: ("learned from", theme.MUTED), True: ("held out", theme.ACCENT)}
Found = Mapping[str, Any]


def cards(view: View) -> list[Card]:
    """Return the cards; none where the campaign has no such learner."""
    found = view.table(TABLE)
    if found is None:
        return []
    if found["untrained"]:
        return [Card(TITLES[0], f"Nothing has been learned yet: {found['untrained']}")]
    keys = [Key(text, [colour]) for text, colour in SIDES.values()]
    panels = [
        panel("Energies of held-out runs", _parity(found)),
        panel("Errors of held-out energies", _wrong(found)),
        panel("Errors by density", _by_density(found)),
    ]
    return [
        Card(TITLES[0], _headline(found), panels, keys=keys),
        Card(TITLES[1], _enough(found), [panel(TITLES[1], _curve(found))], keys=keys),
        Card(TITLES[2], _what_they_are(found), tables=[_functions(found)]),
    ]


def _energy(found: Found, value: float) -> str:
    return f"{number(value, 3)} {found['unit']}".strip()


def _headline(found: Found) -> str:
    """Say how good it is, and how far its errors are to be believed."""
    part = np.sqrt(max(0.0, 1 - found["r2_held_out"]))
    raw, calibrated = found["coverage_outer"]
    held = found["held_out"]
    return (
        f"Energies of runs that it has not seen are wrong by {_energy(found, found['rmse_held_out'])} (RMSE), "
        f"{percent(part)} of how much they differ; on runs that it learned from by {_energy(found, found['rmse'])}. "
        f"{found['functions']} symmetry functions, {found['environments']} environments of "
        f"{found['trials'] - len(held)} runs; {len(held)} run{'s' * (len(held) != 1)} held out. "
        f"{percent(found['coverage'])} of the held-out energies lie within their 95 % intervals, which are calibrated "
        "on runs left out in turn of those learned from; of the tenth that is farthest from what was learned "
        f"{percent(calibrated)}, and {percent(raw)} by the equations of a linear fit alone. An environment is called "
        f"far, and its energy unknown, beyond what 99.9 % of those that are known stay within."
    )


def _enough(found: Found) -> str:
    """Say where the curve bends."""
    text = (
        "The RMSE of fits by the first 1, 2, ... functions as they were chosen, each the one that says most of what is "
        f"left. The potential has {found['functions']}, from a pool of {found['pool']}."
    )
    if found["knees"] is None:
        return text + " The curve is too short to have knees."
    first, second = found["knees"]
    return (
        f"{text} The knees (dashed) are after {first} and after {second}: up to the first each function says much, up "
        "to the second a little, then hardly anything. They are the bends of the broken line of three pieces that is "
        "closest to the logarithm of the RMSE on held-out runs."
    )


def _what_they_are(found: Found) -> str:
    text = (
        "In the order in which they were chosen. `spread`: by how much a function alone makes energies differ (its "
        "standard deviation times its coefficient); large ones that cancel are worse known than their sum."
    )
    if found["intercept"] is None:
        return text + " A particle without neighbours has the energy 0."
    return f"{text} A particle without neighbours has {_energy(found, found['intercept'])}."


def _parity(found: Found) -> go.Figure:
    """Predicted energies over those of the exact model."""
    made, parity = theme.figure(HEIGHT, showlegend=False), found["parity"]
    made.add_trace(diagonal([min(parity["energy"]), max(parity["energy"])]))
    made.add_trace(_dots(found, parity["predicted"]))
    made.update_yaxes(title_text=labelled("predicted", escape(found["unit"])))
    return _over_energies(made, found)


def _wrong(found: Found) -> go.Figure:
    """What predictions are wrong by, over the exact energy, with 95 % intervals."""
    made, parity = theme.figure(HEIGHT, showlegend=False), found["parity"]
    wrong = np.subtract(parity["predicted"], parity["energy"])
    dots = _dots(found, wrong)
    dots.error_y = {"array": NORMAL_95 * np.array(parity["sd"]), "thickness": 1, "width": 0, "color": ERROR}
    made.add_trace(dots)
    made.add_hline(y=0, line={"color": theme.MUTED, "width": 1.2, "dash": "dot"})
    made.update_yaxes(title_text=labelled("predicted - exact", escape(found["unit"])))
    return _over_energies(made, found)


def _dots(found: Found, y: Sequence[float]) -> go.Scatter:
    parity = found["parity"]
    return go.Scatter(
        x=parity["energy"],
        y=y,
        mode="markers",
        marker={"color": theme.ACCENT, "size": 4},
        customdata=np.column_stack([parity["trial"], np.subtract(parity["predicted"], parity["energy"])]),
        hovertemplate="trial %{customdata[0]}: %{x:.5g}<br>wrong by %{customdata[1]:.2g}<extra></extra>",
    )


def _over_energies(made: go.Figure, found: Found) -> go.Figure:
    made.update_xaxes(title_text=labelled("energy of a particle, exact", escape(found["unit"])))
    return theme.style_axes(made)


def _by_density(found: Found) -> go.Figure:
    """RMSE of each run over its density."""
    made = theme.figure(HEIGHT, showlegend=False)
    for side, (name, colour) in SIDES.items():
        runs = [run for run in found["runs"] if run["held_out"] is side]
        made.add_trace(
            go.Scatter(
                x=[run["density"] for run in runs],
                y=[run["rmse"] for run in runs],
                mode="markers",
                marker={"color": colour, "size": 7},
                customdata=[[run["trial"], run["bias"]] for run in runs],
                hovertemplate=f"trial %{{customdata[0]}}, {name}<br>density %{{x:.4g}}, RMSE %{{y:.3g}}<br>"
                "mean error %{customdata[1]:.2g}<extra></extra>",
            )
        )
    made.update_xaxes(title_text=f"density [1/sigma<sup>{found['dimension']}</sup>]")
    made.update_yaxes(title_text=labelled("RMSE of a run", escape(found["unit"])), rangemode="tozero")
    return theme.style_axes(made)


def _curve(found: Found) -> go.Figure:
    """RMSE over the number of functions, of both sides, with the knees and the number that is used."""
    made = theme.figure(HEIGHT, showlegend=False)
    values = []
    for side, name in ((False, "rmse"), (True, "rmse_held_out")):
        y = found["curve"][name]
        values += [value for value in y if value > 0]
        x, mine = list(range(1, len(y) + 1)), found["functions"]
        symbols = ["star" if m == mine else "circle" for m in x]
        made.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines+markers",
                line={"color": SIDES[side][1], "width": 1.6},
                marker={"size": [13 if m == mine else 6 for m in x], "symbol": symbols},
                hovertemplate=f"%{{x}} functions, {SIDES[side][0]}: %{{y:.3g}}<extra></extra>",
            )
        )
    for knee in found["knees"] or ():
        made.add_vline(x=knee, line={"color": theme.MUTED, "width": 1.2, "dash": "dash"})
    made.update_xaxes(title_text="symmetry functions (star: the potential's)")
    axis = theme.log_range(min(values), max(values)) if values and max(values) > min(values) else {}
    made.update_yaxes(title_text=labelled("RMSE", escape(found["unit"])), **axis)
    return theme.style_axes(made)


def _functions(found: Found) -> Table:
    head = (
        "",
        "kind",
        "eta [1/sigma²]",
        "R_s [sigma]",
        "xi",
        "lambda",
        labelled("coefficient", found["unit"]),
        "spread",
        "RMSE, held out",
    )
    rows = [
        (
            str(i),
            one["kind"],
            number(one["eta"], 3),
            number(one["R_s"], 3) if "R_s" in one else "",
            str(one.get("xi", "")),
            str(one.get("lambda", "")),
            number(one["coefficient"], 4),
            number(one["spread"], 3),
            number(rmse, 3),
        )
        for i, (one, rmse) in enumerate(zip(found["chosen"], found["curve"]["rmse_held_out"], strict=False), start=1)
    ]
    return Table(head, rows, (True, False, *[True] * 7))
