"""What a learner of environments shows, from its table `environments`: clusters, their number, what makes them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, Table, panel
from softal.cards.text import percent
from softal.cards.view import View
from softal.numeric import number

TABLE = "environments"
TITLES = ("Environments", "How many environments there are", "Environments by trial")
HEIGHT = 420
BARS = (theme.ACCENT, "#e08a3c", theme.GOOD)
Found = Mapping[str, Any]


def cards(view: View) -> list[Card]:
    """Return the cards; none where the campaign has no such learner."""
    found = view.table(TABLE)
    if found is None:
        return []
    if found["untrained"]:
        return [Card(TITLES[0], f"Nothing has been learned yet: {found['untrained']}")]
    keys = [Key(f"{i + 1}: {percent(part)}", [colour(i)]) for i, part in enumerate(found["weights"])]
    first = [panel("Clusters in the plane of the autoencoder", _plane(found)), panel("Importance", _importance(found))]
    second = [
        panel("Variance explained", _explained(found)),
        panel("BIC of the mixture", _bic(found)),
        panel("Entropy of the clusters", _entropy(found)),
    ]
    third = [panel("Environments by trial", _by_trial(found)), panel("Novelty by trial", _novelty(found))]
    return [
        Card(TITLES[0], _headline(found), first, keys=keys, tables=[_centres(found)]),
        Card(TITLES[1], _how_many(found), second),
        Card(TITLES[2], _trials(found), third, keys=keys),
    ]


def colour(cluster: int) -> str:
    """Return the colour of a cluster, from 0."""
    return theme.PROPOSERS[cluster % len(theme.PROPOSERS)]


def _headline(found: Found) -> str:
    """Say what was found, and how sure it is."""
    said = (
        f"{found['clusters']} local environment{'s' * (found['clusters'] != 1)}, found without labels in "
        f"{found['particles']:,} particles of {found['trials']} trials: bond order parameters, an autoencoder of "
        f"{found['bottleneck']} coordinate{'s' * (found['bottleneck'] != 1)}, a mixture of {found['components']} "
        f"Gaussian{'s' * (found['components'] != 1)}. {percent(found['undecided'])} of the particles belong to none of "
        "them by 90 % or more. Importance: by how much the reconstruction gets worse when noise of 10 or 50 % is added "
        "to an input, or its mean stands for it."
    )
    if found["agreement"] is None:
        return said
    table = np.array(found["agreement"])
    mean = float(table[~np.eye(len(table), dtype=bool)].mean())
    others = len(table) - 1
    return (
        f"{said} Fits by {others} other seed{'s' * (others != 1)} agree by an adjusted Rand index of {number(mean, 3)} "
        "(1: the same clusters, 0: by chance)."
    )


def _how_many(found: Found) -> str:
    return (
        f"{found['bottleneck']} coordinate{'s' * (found['bottleneck'] != 1)} explain {percent(found['explained'])} of "
        f"the variance; {found['components']} components have the lowest BIC of those tried. The two clusters that "
        f"overlap most are merged, one pair after the other, until {found['clusters']} are left. Stars mark what "
        "is used."
    )


def _trials(found: Found) -> str:
    return (
        "Mean membership of each trial's particles, and the part of them that is far from all that was learned from: "
        f"less probable than all but 1 of 1,000 particles held out, of which {percent(found['far_held_out'])} are."
    )


def _plane(found: Found) -> go.Figure:
    """Particles in the first two coordinates, coloured by cluster; the paler, the less decided."""
    made, shown = theme.figure(HEIGHT, showlegend=False), found["map"]
    cluster, sure = np.array(shown["cluster"]), np.array(shown["membership"])
    for i in range(found["clusters"]):
        some = np.flatnonzero(cluster == i)
        made.add_trace(
            go.Scatter(
                x=np.array(shown["first"])[some],
                y=np.array(shown["second"])[some],
                mode="markers",
                marker={"color": colour(i), "size": 4, "opacity": (2 * sure[some] - 1).clip(0.15, 0.9)},
                customdata=np.column_stack([np.array(shown["trial"])[some], sure[some]]),
                hovertemplate=f"cluster {i + 1}, trial %{{customdata[0]}}<br>membership %{{customdata[1]:.2f}}"
                "<extra></extra>",
            )
        )
    made.update_xaxes(title_text="first coordinate")
    made.update_yaxes(title_text="second coordinate" if found["bottleneck"] > 1 else "")
    return theme.style_axes(made)


def _importance(found: Found) -> go.Figure:
    """Relative importance of the inputs by each method."""
    made = theme.figure(HEIGHT, barmode="group")
    for (name, parts), shade in zip(found["importance"].items(), BARS, strict=True):
        hover = f"%{{x}}: %{{y:.1%}}<extra>{name}</extra>"
        made.add_trace(go.Bar(x=found["inputs"], y=parts, name=name, marker_color=shade, hovertemplate=hover))
    made.update_xaxes(type="category")
    made.update_yaxes(title_text="relative importance", tickformat=".0%", rangemode="tozero")
    return theme.style_axes(made)


def _explained(found: Found) -> go.Figure:
    y = found["explained_by"]
    made = _line(list(range(1, len(y) + 1)), y, found["bottleneck"])
    made.update_xaxes(title_text="coordinates")
    made.update_yaxes(title_text="fraction of variance explained")
    return theme.style_axes(made)


def _bic(found: Found) -> go.Figure:
    made = _line(found["tried"], np.subtract(found["bic"], min(found["bic"])).tolist(), found["components"])
    made.update_xaxes(title_text="components")
    made.update_yaxes(title_text="BIC above the lowest")
    return theme.style_axes(made)


def _entropy(found: Found) -> go.Figure:
    y = found["entropies"]
    made = _line(list(range(1, len(y) + 1)), y, found["clusters"])
    made.update_xaxes(title_text="clusters")
    made.update_yaxes(title_text="entropy of a particle", rangemode="tozero")
    return theme.style_axes(made)


def _line(x: Sequence[int], y: Sequence[float], used: int) -> go.Figure:
    """Return a curve with a star at what is used."""
    made = theme.figure(HEIGHT, showlegend=False)
    mine = [i == used for i in x]
    marker = {"size": [13 if one else 6 for one in mine], "symbol": ["star" if one else "circle" for one in mine]}
    line = {"color": theme.ACCENT, "width": 1.6}
    hover = "%{x}: %{y:.4g}<extra></extra>"
    made.add_trace(go.Scatter(x=x, y=y, mode="lines+markers", line=line, marker=marker, hovertemplate=hover))
    return made


def _by_trial(found: Found) -> go.Figure:
    """Fractions of each trial, stacked."""
    made = theme.figure(HEIGHT, barmode="stack", showlegend=False)
    trials = [str(run["trial"]) for run in found["runs"]]
    for i in range(found["clusters"]):
        parts = [run["fractions"][i] for run in found["runs"]]
        hover = f"trial %{{x}}: %{{y:.1%}}<extra>cluster {i + 1}</extra>"
        made.add_trace(go.Bar(x=trials, y=parts, marker_color=colour(i), hovertemplate=hover))
    made.update_xaxes(title_text="trial", type="category")
    made.update_yaxes(title_text="fraction of particles", range=[0, 1])
    return theme.style_axes(made)


def _novelty(found: Found) -> go.Figure:
    made = theme.figure(HEIGHT, showlegend=False)
    hover = "trial %{x}: %{y:.2%}<extra></extra>"
    trials, parts = [str(run["trial"]) for run in found["runs"]], [run["novelty"] for run in found["runs"]]
    made.add_trace(go.Bar(x=trials, y=parts, marker_color=theme.BAD, hovertemplate=hover))
    made.update_xaxes(title_text="trial", type="category")
    made.update_yaxes(title_text="novelty", tickformat=".2~%", rangemode="tozero")
    return theme.style_axes(made)


def _centres(found: Found) -> Table:
    """Mean descriptors of the clusters."""
    head = ("cluster", "particles", *found["inputs"])
    rows = [
        (str(i + 1), percent(part), *(number(value, 3) for value in centre))
        for i, (part, centre) in enumerate(zip(found["weights"], found["centres"], strict=True))
    ]
    return Table(head, rows, (False, *[True] * (len(head) - 1)))
