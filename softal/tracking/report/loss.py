"""What the loss of a match is made of: each curve and each target with its deviation and its share."""

from __future__ import annotations

import numpy as np

from softal.answer import mean_of_runs
from softal.cards.card import Table
from softal.cards.text import labelled
from softal.cards.view import Opinion
from softal.numeric import number, with_error
from softal.objective import Part, Target
from softal.objective.component import name_of
from softal.tracking.report.data import CampaignData


def loss_rows(data: CampaignData, opinion: Opinion) -> Table | None:
    """Return a row for each part of each match at the shown point; None where no match has several parts or targets."""
    if data.shown is None or not data.objective.parts:
        return None
    rows = [_row(data, part, opinion) for part in data.objective.parts]
    several = not data.objective.single
    head = [
        *(["match"] if several else []),
        "part",
        "target",
        data.label,
        "deviation / tolerance",
        "share of the loss²",
    ]
    head += ["surrogate's prediction"] if opinion.properties else []
    return Table(head, rows, [*([False] if several else []), False, *[True] * (len(head) - 1 - several)])


def _row(data: CampaignData, part: Part, opinion: Opinion) -> list[str]:
    x, error = _mean(data, part.value)
    tolerance = part.of.tolerance
    row = [part.component.replace("_", " ")] if not data.objective.single else []
    if isinstance(part.of, Target):
        deviation, own = (x, error), _mean(data, part.of.value)
        target = f"{number(part.of.target, 6)} ± {number(tolerance)}"
        row += [labelled(part.of.value.replace("_", " "), part.of.unit), target]
    else:
        deviation, own = (x / tolerance, error / tolerance), (x, error)
        row += [f"χ of {name_of(part.of).replace('_', ' ')}", f"0 ± {number(tolerance)}"]
    row += [with_error(*own), with_error(*deviation), _share(data, part)]
    if opinion.properties:
        found = opinion.properties.get(name_of(part.of)) if isinstance(part.of, Target) else None
        row.append(with_error(*found) if found else "–")
    return row


def _mean(data: CampaignData, value: str) -> tuple[float, float]:
    """Return the mean of a value, and its standard error, over the runs of what is shown."""
    ids = data.answer.trials if data.answer else (data.shown.id,) if data.shown else ()
    runs = [trial.observation for trial in data.trials if trial.id in ids and trial.observation is not None]
    values = [run.values[value] for run in runs if value in run.values]
    errors = [run.errors.get(value, np.nan) for run in runs if value in run.values]
    return mean_of_runs(values, errors) if values else (np.nan, np.nan)


def _share(data: CampaignData, part: Part) -> str:
    """Return w x^2 of the part over the sum of all parts of its match."""
    squares = {}
    for one in data.objective.parts:
        if one.component == part.component:
            squares[one.value] = one.weight * one.deviation({one.value: _mean(data, one.value)[0]}) ** 2
    total = sum(squares.values())
    return f"{squares[part.value] / total:.0%}" if total > 0 else "–"
