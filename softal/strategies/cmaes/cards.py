"""The search distribution of an evolution strategy, generation by generation.

A trial belongs to a generation where its notes say so (`softal.strategies.cmaes.cmaes` does):

    generation        number of updates of the distribution before it was proposed
    run               number of the restart, 0 where it is not given
    member            of a mixture of strategies, which proposed it: each has runs of its own
    mean, covariance  of the distribution, (d,) and (d, d) in the coordinates of the unit cube

In the plane of two parameters the ellipse is one standard deviation, m + L (cos t, sin t) with L L^T the covariance's
2 x 2 block, taken from unit coordinates to the parameters; det C is of the whole covariance.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from softal.cards import theme
from softal.cards.card import Card, Key, panel
from softal.cards.statistics import thin
from softal.cards.view import Examples, View
from softal.numeric import Floats, number
from softal.space import Integer, Real, Space
from softal.space.coordinates import start_and_width
from softal.strategies.cmaes.generations import Generation, ends, history, is_log, values_of
from softal.trial import Trial, TrialState

MAX_PARAMETERS = 3
MAX_ELLIPSES = 24
MAX_EXAMPLES = 8
MAX_DOTS = 900
MAX_MEANS = 60  # with a mark each
CORNERS = 73  # of an ellipse
HEIGHT = 440
DULLEST = 0.05  # quantile of the values below which all dots are alike: one very bad trial would make all others equal
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross")  # of the runs' means


def generations(view: View) -> list[Generation]:
    """Return the generations of the finished trials, by run and number; none where notes do not tell them."""
    groups: dict[tuple[str, int, int], list[Trial]] = {}
    for trial in view.finished:
        if _distribution(trial, view.space.dimension) is not None:
            place = str(trial.notes.get("member", "")), trial.notes.get("run", 0), trial.notes["generation"]
            groups.setdefault(place, []).append(trial)
    runs = sorted({(member, run) for member, run, _ in groups})
    found = []
    for (member, run, generation), trials in sorted(groups.items()):
        latest = max(trials, key=lambda trial: trial.id)  # before its first update, a strategy may still move its start
        distribution = _distribution(latest, view.space.dimension)
        assert distribution is not None
        found.append(Generation(runs.index((member, run)), generation, *distribution, tuple(trials)))
    return found


def _distribution(trial: Trial, d: int) -> tuple[Floats, Floats] | None:
    """Return mean and covariance from a trial's notes, which are anybody's; None where they are not what we know."""
    try:
        mean = np.array(trial.notes["mean"], dtype=np.float64)
        covariance = np.array(trial.notes["covariance"], dtype=np.float64)
        whole = all(type(number) is int for number in (trial.notes["generation"], trial.notes.get("run", 0)))
    except (KeyError, TypeError, ValueError):
        return None
    fits = mean.shape == (d,) and covariance.shape == (d, d) and np.isfinite(mean).all()
    return (mean, covariance) if whole and fits and np.isfinite(covariance).all() else None


def cards(view: View) -> list[Card]:
    """Return the card: planes of parameters, and the objective and det C by generation."""
    found = generations(view)
    if not found or not view.objective.single or view.objective.learning:
        return []
    columns = _columns(view.space, found)
    planes = [_plane(view, found, pair) for pair in itertools.combinations(columns, 2)]
    names = [" and ".join(view.space.names[i] for i in pair) for pair in itertools.combinations(columns, 2)]
    panels = [panel(f"Generations: {name}", plane) for name, plane in zip(names, planes, strict=True)]
    log = is_log(view, values_of(view, found))
    several = " Each restart has its own symbol." if found[-1].run else ""
    return [
        Card(
            "Generations",
            "Mean and one standard deviation (ellipse) of the distribution from which each generation's trials were "
            "drawn; dots are trials, the stronger, the better." + several + " The bars are the standard deviation of a "
            f"generation's values{' (of their logarithms)' * log} about their mean; "
            "det C, of the covariance in units of each range, falls as it converges.",
            (*panels, panel("Generations: objective and det C", history(view, found))),
            keys=_keys(view, found),
        )
    ]


def _columns(space: Space, found: Sequence[Generation]) -> list[int]:
    """Return the columns that are drawn: of more than three numbers, those in which the mean moved farthest."""
    numbers = [i for i, name in enumerate(space.names) if isinstance(space.parameters[name], Real | Integer)]
    moved = np.ptp([generation.mean for generation in found], axis=0)
    return sorted(sorted(numbers, key=lambda i: -moved[i])[:MAX_PARAMETERS])


def _natural(space: Space, column: int, u: Floats) -> Floats:
    """Return the parameter's values at unit coordinates u, any shape, not rounded to whole numbers."""
    parameter = space.parameters[space.names[column]]
    start, width = start_and_width(parameter)
    x = start + np.clip(u, 0.0, 1.0) * width
    return np.exp(x) if isinstance(parameter, Real | Integer) and parameter.log else x


def ellipse(mean: Floats, covariance: Floats) -> Floats:
    """Return points (corners, 2) at one standard deviation from the mean (2,), closed."""
    values, vectors = np.linalg.eigh(covariance)  # unlike Cholesky's, it takes a covariance that has lost a direction
    t = np.linspace(0.0, 2 * np.pi, CORNERS)
    circle = np.column_stack([np.cos(t), np.sin(t)])
    return np.asarray(mean + circle @ (vectors * np.sqrt(np.maximum(values, 0.0))).T)


def _plane(view: View, found: Sequence[Generation], pair: tuple[int, int]) -> go.Figure:
    made = theme.figure(HEIGHT, showlegend=bool(found[-1].run))
    made.add_trace(_dots(view, found, pair))
    last_of_run = [i for i, one in enumerate(found) if i + 1 == len(found) or found[i + 1].run != one.run]
    for i in thin(len(found), MAX_ELLIPSES, last_of_run):
        made.add_trace(_ellipse(view.space, found[i], pair, _shade(i, found)))
    for run in sorted({generation.run for generation in found}):
        made.add_trace(_path(view.space, found, run, pair))
    for column, update in zip(pair, (made.update_xaxes, made.update_yaxes), strict=True):
        update(**theme.parameter_axis(view.space, view.space.names[column]))
    return theme.style_axes(made)


def _shade(i: int, found: Sequence[Generation]) -> str:
    return theme.shade(i / max(1, len(found) - 1))


def _dots(view: View, found: Sequence[Generation], pair: tuple[int, int]) -> go.Scatter:
    trials = [trial for generation in found for trial in generation.trials if trial.state is TrialState.DONE]
    trials = [trials[i] for i in thin(len(trials), MAX_DOTS)]
    names = [view.space.names[i] for i in pair]
    good = _goodness(view, found, trials)
    return go.Scatter(
        x=[trial.point[names[0]] for trial in trials],
        y=[trial.point[names[1]] for trial in trials],
        mode="markers",
        showlegend=False,
        marker={
            "color": good,
            "colorscale": [(0.0, theme.GRID), (1.0, theme.INK)],
            "cmin": float(np.quantile(good, DULLEST)) if trials else 0.0,
            "cmax": float(good.max()) if trials else 1.0,
            "size": 5,
            "line": {"width": 0.6, "color": theme.MUTED},
        },
        hovertext=[theme.hover(trial, view.space.units) for trial in trials],
        hoverinfo="text",
    )


def _goodness(view: View, found: Sequence[Generation], trials: Sequence[Trial]) -> Floats:
    """Return how good trials are, larger is better: values that span decades count by their logarithm."""
    losses = view.objective.losses(trials)[:, 0] if trials else np.zeros(0)
    return -np.sign(losses) * np.log(np.abs(losses)) if is_log(view, values_of(view, found)) else -losses


def _ellipse(space: Space, generation: Generation, pair: tuple[int, int], colour: str) -> go.Scatter:
    at = list(pair)
    line = ellipse(generation.mean[at], generation.covariance[np.ix_(at, at)])
    return go.Scatter(
        x=_natural(space, pair[0], line[:, 0]),
        y=_natural(space, pair[1], line[:, 1]),
        mode="lines",
        line={"color": colour, "width": 1.8},
        showlegend=False,
        hoverinfo="skip",
    )


def _path(space: Space, found: Sequence[Generation], run: int, pair: tuple[int, int]) -> go.Scatter:
    """Return the means of a run, joined."""
    some = [(i, generation) for i, generation in enumerate(found) if generation.run == run]
    some = [some[k] for k in thin(len(some), MAX_MEANS)]
    x, y = (_natural(space, column, np.array([g.mean[column] for _, g in some])) for column in pair)
    names = [escape(space.names[column]) for column in pair]
    text = [
        f"<b>{g.name}</b><br>{names[0]} = {number(float(a))}<br>{names[1]} = {number(float(b))}"
        for (_, g), a, b in zip(some, x, y, strict=True)
    ]
    marker = {"size": 8, "symbol": SYMBOLS[run % len(SYMBOLS)], "line": {"width": 1, "color": theme.SURFACE}}
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        name=f"run {run + 1}",
        line={"color": theme.MUTED, "width": 1.2},
        marker={**marker, "color": [_shade(i, found) for i, _ in some]},
        hovertext=text,
        hoverinfo="text",
    )


def _keys(view: View, found: Sequence[Generation]) -> list[Key]:
    last = f"{found[-1].number} of run {found[-1].run + 1}" if found[-1].run else str(found[-1].number)
    keys = [Key("generation", [colour for _, colour in theme.SCALE], str(found[0].number), last)]
    values = values_of(view, found)
    if values.size:
        worst, best = ends(view, values)
        name = view.objective.names[0]
        texts = [view.text(name, end, None) for end in (worst, best)]
        keys.append(Key(name.replace("_", " "), [theme.GRID, theme.INK], *texts))
    return keys


def examples(view: View) -> Examples | None:
    """Return the best trial of generations that are evenly spread, the last and the best one included."""
    if not view.objective.single or view.objective.learning:
        return None
    found = [(one.name, best) for one in generations(view) if (best := view.objective.best(list(one.trials)))]
    spread = [found[i] for i in thin(len(found), MAX_EXAMPLES)]
    missing = [pair for pair in found if view.best is not None and pair[1].id == view.best.id and pair not in spread]
    if missing and len(spread) == MAX_EXAMPLES:
        middle = range(1, MAX_EXAMPLES - 1)
        spread.pop(min(middle, key=lambda i: abs(found.index(spread[i]) - found.index(missing[0]))))
    chosen = sorted([*spread, *missing], key=found.index)
    return Examples("The best trial of each generation shown", chosen) if chosen else None
