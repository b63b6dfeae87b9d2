"""What a classifier of particles shows, from its table `particle_phases`: how often it is right, what it confuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, Panel, Table, panel
from softal.cards.confusion import confusion
from softal.cards.view import View
from softal.numeric import number

TABLE = "particle_phases"
TITLES = ("Particles told apart", "Particles that are confused")
HEIGHT = 420
TESTS = {  # side -> what it is called, its colour
    "same": ("held-out runs at points that were learned from", theme.ACCENT),
    "other": ("at other points", "#e08a3c"),
}
LEARNED = ("learned from", theme.MUTED)
Found = Mapping[str, Any]


def cards(view: View) -> list[Card]:
    """Return the cards; none where the campaign has no such learner."""
    found = view.table(TABLE)
    if found is None:
        return []
    if found["untrained"]:
        return [Card(TITLES[0], f"Nothing has been learned yet: {found['untrained']}")]
    if not found["tests"]:
        return [Card(TITLES[0], f"{_learned(found)} No run was held out, so that nothing is known of its accuracy.")]
    keys = [Key(TESTS[side][0], [TESTS[side][1]]) for side in found["tests"]]
    panels = [panel("Accuracy by label", _bars(found)), panel("Accuracy by density", _by_density(found))]
    matrices = [_matrix(found, side) for side in found["tests"]]
    return [
        Card(TITLES[0], _headline(found), panels, keys=[*keys, Key(LEARNED[0], [LEARNED[1]])], tables=[_table(found)]),
        Card(TITLES[1], "Particles of runs that were not learned from, by their true label.", matrices),
    ]


def _learned(found: Found) -> str:
    fit = found["fit"]
    ended = "" if fit["converged"] else ", which were not enough: raise `iterations`"
    return (
        f"{len(found['labels'])} labels by {len(found['inputs'])} bond order parameters, learned from "
        f"{found['environments']['learned']:,} particles of {found['trials']['learned']} runs in {fit['iterations']} "
        f"iterations{ended}."
    )


def _headline(found: Found) -> str:
    """Say how often it is right."""
    said = [_learned(found)]
    for side, one in found["tests"].items():
        worst = found["labels"][one["accuracy"].index(one["worst"])]
        said.append(
            f"Of {sum(one['particles']):,} particles of {found['trials'][side]} {TESTS[side][0]}, {one['overall']:.2%} "
            f"are told rightly, of {worst} {one['worst']:.2%}; {one['unknown']:.2%} are taken for something unknown."
        )
    return " ".join(said)


def _bars(found: Found) -> go.Figure:
    """Accuracy of each label, on both kinds of held-out runs."""
    made = theme.figure(HEIGHT, showlegend=False, barmode="group")
    names = [theme.words(str(label)) for label in found["labels"]]
    lowest = min(one["worst"] for one in found["tests"].values())
    for side, one in found["tests"].items():
        made.add_trace(
            go.Bar(
                x=names,
                y=one["accuracy"],
                marker={"color": TESTS[side][1]},
                customdata=one["particles"],
                hovertemplate=f"%{{x}}, {TESTS[side][0]}<br>%{{y:.3%}} of %{{customdata}} particles<extra></extra>",
            )
        )
    made.update_xaxes(type="category")
    made.update_yaxes(title_text="accuracy", tickformat=".4~p", range=[max(0.0, 1 - 1.3 * max(1 - lowest, 0.004)), 1.0])
    return theme.style_axes(made)


def _by_density(found: Found) -> go.Figure:
    """Accuracy of each label in each run, over the run's density."""
    made = theme.figure(HEIGHT, showlegend=False)
    for side, (text, colour) in {"learned": LEARNED, **TESTS}.items():
        rows = [
            (run["density"], part, f"trial {run['trial']}: {found['labels'][int(label)]}")
            for run in found["runs"]
            if run["side"] == side
            for label, part in run["accuracy"].items()
        ]
        made.add_trace(
            go.Scatter(
                x=[row[0] for row in rows],
                y=[row[1] for row in rows],
                mode="markers",
                marker={"color": colour, "size": 7},
                customdata=[escape(row[2]) for row in rows],
                hovertemplate=f"%{{customdata}}<br>{text}<br>density %{{x:.4g}}: %{{y:.3%}}<extra></extra>",
            )
        )
    made.update_xaxes(title_text="density [1/sigma<sup>3</sup>]")
    made.update_yaxes(title_text="accuracy of a label in a run", tickformat=".4~p")
    return theme.style_axes(made)


def _matrix(found: Found, side: str) -> Panel:
    made = confusion(found["labels"], found["tests"][side]["confusion"], "true label", "particles")
    return panel(f"Confusion, {TESTS[side][0]}", made)


def _table(found: Found) -> Table:
    head, columns = ["label"], []
    for side, one in found["tests"].items():
        head += [f"{name}, {TESTS[side][0]}" for name in ("particles", "accuracy", "unknown")]
        columns += [
            [str(n) for n in one["particles"]],
            [_percent(part) for part in one["accuracy"]],
            [_percent(part) for part in one["unknown_by_label"]],
        ]
    rows: list[Sequence[str]] = [
        (str(label), *(column[i] for column in columns)) for i, label in enumerate(found["labels"])
    ]
    return Table(head, rows, (False, *[True] * len(columns)))


def _percent(part: float | None) -> str:
    return "" if part is None else f"{number(100 * part, 5)} %"
