"""What the user has changed since the launch, and the trials that were dropped, as cards of the report."""

from __future__ import annotations

import time

from softal.cards.card import Card, Table
from softal.cards.text import labelled
from softal.numeric import number
from softal.tracking.changes import Change, changes_in
from softal.tracking.report.data import CampaignData


def changes_card(data: CampaignData) -> Card | None:
    """Return the card of all changes; None where there were none."""
    found = changes_in(data.info)
    if not found:
        return None
    said = "What was changed since the launch, with the number that the next trial had then."
    if data.outside:
        said += (
            f" {_some(len(data.outside))} outside of the ranges as they are now: models learn from them, and none of "
        )
        said += "them is the best."
    if any(change.anew for change in found):
        said += " Where strategy or space changed, a new strategy began, which knew all results."
    rows = [[_when(one), str(one.trial), one.what, one.values, one.why or "–"] for one in found]
    table = Table(["when", "at trial", "what", "from -> to", "why"], rows, [False, True, False, False, False])
    return Card("Changes", said, tables=(table,))


def dropped_card(data: CampaignData) -> Card | None:
    """Return the card of the trials that do not count; None where there are none."""
    if not data.dropped:
        return None
    names, units = data.space.names[:8], data.space.units
    head = ["trial", *data.objective.names, *(labelled(name.replace("_", " "), units.get(name, "")) for name in names)]
    rows = []
    for trial in data.dropped:
        values = [data.scored(trial, name) if name in trial.objective else "–" for name in data.objective.names]
        point = [number(trial.point.get(name, "–")) for name in names]
        rows.append([str(trial.id), *values, *point, (trial.why or "")[:300]])
    numeric = [True] * (len(head)) + [False]
    said = f"{_some(len(data.dropped))} kept to be seen, and used for nothing: not by models, and not for the answer."
    return Card("Dropped trials", said, tables=(Table([*head, "why"], rows, numeric),))


def _some(count: int) -> str:
    return f"{count:,} trial{'s are' if count > 1 else ' is'}"


def _when(change: Change) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(change.at))
