"""Facts and tables of the report, as plain strings: the template escapes them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from softal.space import Choice, Derived, Fixed, Integer, Real
from softal.tracking.report.data import CampaignData, duration, is_finite, labelled, number, question, with_error
from softal.tracking.report.learned import Learned
from softal.tracking.report.statistics import failures
from softal.trial import Trial

MOST = 10
LONGEST_RANGE = 60  # characters of choices that are all named


@dataclass(frozen=True)
class Table:
    """A table: its head, and its rows; `numeric` says which columns are set to the right."""

    head: list[str]
    rows: list[list[str]]
    numeric: list[bool]


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
    per_hour = len(data.finished) / data.active * 3600 if data.active > 0 else None
    cards = [
        ("trials done", f"{len(data.done):,}"),
        ("failed", f"{len(data.failed):,}"),
        ("running time", duration(data.active) if data.active else "–"),
        ("trials per hour", _rate(per_hour) if per_hour else "–"),
    ]
    if data.utilisation is not None:
        cards.append(("workers in use", f"{data.utilisation:.1%}"))
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
        if data.answer and data.answer.repeats > 1:
            return f"{name.replace('_', ' ')} · {data.answer.origin}", data.text(
                name, data.answer.value, data.answer.error
            )
        return f"best {name.replace('_', ' ')} · trial {data.best.id}", data.scored(data.best, name)
    if data.front:
        return "trials on the Pareto front", str(len(data.front))
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
        order = data.objective.losses(data.done)[:, 0].argsort()
        name, chosen = "The best trials", [data.done[i] for i in order[:MOST]]
    points = [n for n in data.space.all_names if not isinstance(data.space.parameters[n], Fixed)]
    head = ["trial", *(n.replace("_", " ") for n in data.objective.names)]
    head += [labelled(n.replace("_", " "), data.space.units.get(n, "")) for n in points]
    rows = [_row(data, trial, points) for trial in chosen]
    numeric = [True] * (1 + len(data.objective.names))
    numeric += [not isinstance(data.space.parameters[n], Choice) for n in points]
    return name, Table([*head, "proposed by", "took"], rows, [*numeric, False, True])


def _row(data: CampaignData, trial: Trial, points: Sequence[str]) -> list[str]:
    objective = [data.scored(trial, n) for n in data.objective.names]
    took = duration(trial.finished - trial.started) if trial.finished and trial.started else "–"
    values = [number(trial.point.get(n, "–")) for n in points]
    return [str(trial.id), *objective, *values, trial.origin or "–", took]


def optimum_rows(data: CampaignData, learned: Learned) -> Table | None:
    """Return the shown point: each parameter, the optimum's place after the surrogate, and the range."""
    if data.shown is None or data.objective.learning:
        return None
    rows = []
    for name in data.space.all_names:
        parameter = data.space.parameters[name]
        row = [labelled(name.replace("_", " "), parameter.unit), number(data.shown.point.get(name, "–"), 5)]
        if learned.optimum:
            row.append(_place(learned.optimum.get(name), parameter))
        rows.append([*row, _range(parameter)])
    optimum = ["optimum (surrogate)"] if learned.optimum else []
    head = ["parameter", data.label, *optimum, "searched"]
    return Table(head, rows, [False, True, *(True for _ in optimum), False])


def _place(place: tuple[Any, float] | None, parameter: object) -> str:
    if place is None or isinstance(parameter, Fixed):
        return "–"
    centre, spread = place
    if isinstance(parameter, Choice) or not is_finite(centre):
        return f"{centre} ({1 - spread:.0%})"
    text = with_error(float(centre), float(spread))
    if isinstance(parameter, Real | Integer):
        edge = 0.01 * (parameter.high - parameter.low)
        if centre <= parameter.low + edge or centre >= parameter.high - edge:
            return f"{text}, at the edge"  # a wider range may hold a better one
    return text


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
