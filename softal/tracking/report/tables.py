"""Facts and tables of the report, as plain strings: the template escapes them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.answer import edges
from softal.answer.optimum import Optimum, on_edges
from softal.cards.card import Table
from softal.cards.text import duration, is_finite, labelled, percent
from softal.cards.view import Opinion
from softal.numeric import number, with_error
from softal.space import Choice, Derived, Fixed, Integer, Real
from softal.tracking.report.data import CampaignData, question
from softal.tracking.report.statistics import failures
from softal.trial import Trial

MOST = 10
LONGEST_RANGE = 60  # characters of choices that are all named


@dataclass(frozen=True)
class Facts:
    """The head of the page."""

    name: str
    state: str
    question: str
    reason: str
    headline: str
    headline_label: str
    cards: list[tuple[str, str]]


def facts(data: CampaignData) -> Facts:
    """Return the head of the page."""
    per_hour = len(data.own) / data.active * 3600 if data.active > 0 else None
    cards = [
        ("trials done", f"{len(data.done):,}"),
        ("failed", f"{len(data.failed):,}"),
        *([("dropped", f"{len(data.dropped):,}")] if data.dropped else []),
        *([("violate a constraint", f"{len(data.violating):,}")] if data.objective.outcomes else []),
        ("running time", duration(data.active) if data.active else "–"),
        ("trials per hour", _rate(per_hour) if per_hour else "–"),
    ]
    if data.utilisation is not None:
        cards.append(("workers in use", percent(data.utilisation)))
    label, headline = _headline(data)
    return Facts(
        name=str(data.info.get("name", "campaign")),
        state=data.state,
        question=question(data.space, data.objective),
        reason=str(data.info.get("reason", "")) if data.state != "running" else "",
        headline=headline,
        headline_label=label,
        cards=cards,
    )


def _rate(per_hour: float) -> str:
    return f"{per_hour:,.0f}" if per_hour >= 100 else number(per_hour, 3)


def _headline(data: CampaignData) -> tuple[str, str]:
    if data.best is not None:
        name = data.objective.names[0]
        if data.answer:
            text = data.text(name, data.answer.value, data.answer.error)
            label = f"{name.replace('_', ' ')} · {data.answer.words}"
            single = f"; best single trial {data.best.id}: {data.scored(data.best, name)}"
            return label + (single if data.answer.origin != "trial" else ""), text
        return f"best {name.replace('_', ' ')} · trial {data.best.id}", data.scored(data.best, name)
    if data.front:
        return "trials on the Pareto front", str(len(data.front))
    if unmet := data.objective.unmet(data.trials):
        return unmet, "none"
    rmse = data.versions[-1].get("rmse", {}) if data.versions else {}
    known = {name: value for name, value in rmse.items() if is_finite(value)}
    if data.objective.learning and known:
        name, value = next(iter(known.items()))
        return f"surrogate's error of {name.replace('_', ' ')} (RMSE on unseen trials)", number(value, 3)
    return "no trial is done yet" if not data.done else "trials done", str(len(data.done))


def best_trials(data: CampaignData) -> tuple[str, Table] | None:
    """Return a title and a table: of the ten best trials, of the Pareto front, or of the last trials for `learn`."""
    if not data.done:
        return None
    if data.front:
        spread = data.front[:: max(1, -(-len(data.front) // MOST))]
        name, chosen = f"The Pareto front ({len(data.front)} trials)", spread[:MOST]
    elif data.objective.learning:
        name, chosen = "The last trials", data.done[-MOST:][::-1]
    else:
        losses = data.objective.losses(data.done)[:, 0]
        violates = np.array([not data.objective.satisfied(trial) for trial in data.done])
        order = np.lexsort((losses, violates))
        name, chosen = "The best trials", [data.done[i] for i in order[:MOST]]
    points = [n for n in data.space.all_names if not isinstance(data.space.parameters[n], Fixed)]
    head = ["trial", *(n.replace("_", " ") for n in data.objective.names)]
    head += ["violates"] if data.violating else []
    head += [labelled(n.replace("_", " "), data.space.units.get(n, "")) for n in points]
    rows = [_row(data, trial, points) for trial in chosen]
    numeric = [True] * (1 + len(data.objective.names)) + ([False] if data.violating else [])
    numeric += [not isinstance(data.space.parameters[n], Choice) for n in points]
    return name, Table([*head, "proposed by", "took"], rows, [*numeric, False, True])


def _row(data: CampaignData, trial: Trial, points: Sequence[str]) -> list[str]:
    objective = [data.scored(trial, n) for n in data.objective.names]
    objective += [data.objective.violations_text(trial) or "–"] if data.violating else []
    seconds = trial.finished - trial.started if trial.finished and trial.started else 0.0
    took = duration(seconds) if seconds else "–"  # a result that was given took no time here
    values = [number(trial.point.get(n, "–")) for n in points]
    return [str(trial.id), *objective, *values, trial.origin or "–", took]


def optimum_rows(data: CampaignData, opinion: Opinion) -> Table | None:
    """Return the shown point: each parameter, the best trial's, the optimum's by the surrogate, and the range."""
    if data.shown is None or data.objective.learning:
        return None
    columns = {data.label: data.shown.point}
    if data.best is not None and data.best.point != data.shown.point:
        columns[f"trial {data.best.id}"] = data.best.point
    rows = []
    for name in data.space.all_names:
        parameter = data.space.parameters[name]
        row = [labelled(name.replace("_", " "), parameter.unit)]
        row += [number(point.get(name, "–"), 5) for point in columns.values()]
        if opinion.optimum:
            row.append(_place(opinion.optimum, name, parameter))
            row += [_spread(left[name], parameter)] if (left := opinion.optimum.tolerated) else []
        rows.append([*row, _range(parameter)])
    columns |= {"optimum (surrogate)": {}} if opinion.optimum else {}
    columns |= {"tolerances leave": {}} if opinion.optimum and opinion.optimum.tolerated else {}
    return Table(["parameter", *columns, "searched"], rows, [False, *(True for _ in columns), False])


def optimum_line(data: CampaignData, opinion: Opinion) -> str:
    """Return how good the surrogate expects its optimum to be, and how that stands to the answer; or nothing."""
    if opinion.optimum is None or data.answer is None:
        return ""
    name, found = data.objective.names[0], opinion.optimum
    value = data.text(name, found.value, found.error)
    return f"At the optimum: {name.replace('_', ' ')} {value}, {found.beside(data.answer)}."


def edge_lines(data: CampaignData, opinion: Opinion) -> list[str]:
    """Return a line for each parameter that is on the edge of its range in the answer or in the optimum."""
    if data.answer is None:
        return []
    return edges.warnings(data.space, on_edges(data.space, data.answer, opinion.optimum))


def _place(optimum: Optimum, name: str, parameter: object) -> str:
    if name in optimum.edges and not isinstance(parameter, Fixed):
        return f"{number(optimum.place[name][0])}, at its {optimum.edges[name]} bound"
    return _spread(optimum.place[name], parameter)


def _spread(place: tuple[Any, float], parameter: object) -> str:
    if isinstance(parameter, Fixed):
        return "–"
    centre, spread = place
    if isinstance(parameter, Choice) or not is_finite(centre):
        return f"{centre} ({1 - spread:.0%})"
    return with_error(float(centre), float(spread))


def _range(parameter: object) -> str:
    if isinstance(parameter, Real | Integer):
        return f"{number(parameter.low)} to {number(parameter.high)}{' (log)' if parameter.log else ''}"
    if isinstance(parameter, Choice):
        choices = [str(choice) for choice in parameter.choices]
        few = ", ".join(choices)
        return few if len(few) <= LONGEST_RANGE else f"one of {len(choices)}, {choices[0]} to {choices[-1]}"
    return f"= {parameter.derived}" if isinstance(parameter, Derived) else "fixed"


def failure_rows(data: CampaignData) -> Table | None:
    """Return the failures by reason, with the first trial that each happened to."""
    found = failures(data.failed)
    if not found:
        return None
    rows = []
    for failure in found[:20]:
        point = ", ".join(f"{name} = {number(failure.example.point[name])}" for name in data.space.names[:8])
        rows.append([failure.reason[:300], f"{failure.count:,}", f"trial {failure.example.id}: {point}"])
    return Table(["reason", "trials", "first time"], rows, [False, True, False])


def versions(data: CampaignData) -> list[tuple[str, str]]:
    """Return where the results come from: software versions, commit, machine, seed, times."""
    info = data.info
    machine = info.get("machine") or {}
    rows = {
        "campaign": info.get("id"),
        "launched": _when(info.get("created")),
        "ended": _when(info.get("ended")),
        "seed": info.get("seed"),
        "host": info.get("host") or machine.get("host"),
        "system": machine.get("system"),
        "git commit": info.get("git"),
        **(info.get("versions") or {}),
    }
    return [(name, str(value)) for name, value in rows.items() if value not in (None, "")]


def _when(seconds: object) -> str | None:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(seconds))) if is_finite(seconds) else None  # type: ignore[arg-type]
