"""Puts the report together: figures, tables and text into one HTML page that needs nothing but itself."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from softal.cards.card import Card, card
from softal.cards.page import assets, template
from softal.cards.text import percent
from softal.cards.view import Advisor, Opinion, Source, cards_of
from softal.objective import Objective
from softal.passwords import redacted
from softal.space import Space
from softal.tracking.changes import changes_in
from softal.tracking.report import changed, known, observed, progress, trials
from softal.tracking.report.curves import matched
from softal.tracking.report.data import CampaignData, read
from softal.tracking.report.loss import loss_rows
from softal.tracking.report.tables import (
    best_trials,
    edge_lines,
    facts,
    failure_rows,
    optimum_line,
    optimum_rows,
    versions,
)

FILE_NAME = "report.html"


def write_report(
    folder: Path,
    *,
    space: Space,
    objective: Objective,
    workers: int | None = None,
    advisor: Advisor | None = None,
    sources: Sequence[Source] = (),
    warnings: Sequence[str] = (),
    path: Path | None = None,
) -> Path:
    """Write the report of the campaign in a folder, whether it is finished or not.

    Args:
        folder: of the campaign, with its journal and its saved surrogate.
        space, objective: of the campaign.
        workers: number of workers, against which their use is shown.
        advisor: the surrogate.
        sources: surrogate, strategy and simulator of the campaign, whose own cards are shown.
        warnings: lines that stand at its head.
        path: of the page; `report.html` in the folder unless it is given.

    Returns:
        The path of the page.

    Raises:
        CampaignStateError: if there is no campaign in the folder.
    """
    data = read(folder, space, objective, advisor=advisor, workers=workers, sources=sources)
    path = path or folder / FILE_NAME
    draft = path.with_name(f".{path.name}.new")
    page = render(data, advisor.opinion(data) if advisor else Opinion(), warnings)
    draft.write_text(page, encoding="utf-8", errors="backslashreplace")  # a choice may hold half of a surrogate pair
    draft.replace(path)
    return path


def render(data: CampaignData, opinion: Opinion, warnings: Sequence[str] = ()) -> str:
    """Return the page."""
    return template(files("softal.tracking.report") / "page.html.j2").render(
        data=data,
        warnings=warnings,
        facts=facts(data),
        best=best_trials(data),
        opinion=opinion,
        optimum=optimum_rows(data, opinion),
        loss=loss_rows(data, opinion),
        expected=optimum_line(data, opinion),
        edges=edge_lines(data, opinion),
        failures=failure_rows(data),
        versions=versions(data),
        cards=cards(data, opinion),
        text=redacted(str(data.info.get("text", ""))).strip(),
        written=time.strftime("%Y-%m-%d %H:%M %Z"),
        **assets(),
    )


def cards(data: CampaignData, opinion: Opinion) -> list[Card]:
    """Return the figures that this campaign has, in the order of the page."""
    own = cards_of(data, data.sources)
    learning = data.objective.learning
    found = [
        card(
            "Values against trials" if learning else "Best against trials",
            "Each finished trial is a dot with its standard error"
            + ("." if learning else "; the line is the best so far.")
            + (" Hollow dots are of lower fidelity." if progress.fidelities_differ(data) else "")
            + (f" Crosses {_crosses(data)}." if data.violating else "")
            + (" Dotted lines: changes." if changes_in(data.info) else ""),
            progress.best_against_trials(data),
        ),
        changed.changes_card(data),
        changed.dropped_card(data),
        card("Pareto front", "No other trial beats these in every objective.", progress.pareto(data)),
        *own,
        *_matches(data, opinion),
        _observed(data, own),
        card(
            "Parameters",
            "Each line is a trial, from its parameters to its "
            + ("values" if learning else "objective: yellow is good, violet is bad")
            + ("." if data.best is None else ", and the thick line is the best."),
            trials.parallel(data),
        ),
        *opinion.cards,
        card(
            "Surrogate over time",
            "How well each version predicted trials that it had not seen: 1 is perfect, 0 no better than the mean.",
            progress.surrogate_versions(data),
            wide=False,
        ),
        card("What proposals knew", known.sentence(data), known.figure(data), wide=False),
        card("Workers over time", _use(data), progress.utilisation(data)),
    ]
    return [one for one in found if one is not None]


def _crosses(data: CampaignData) -> str:
    """Return what crosses are."""
    said = ["violate a constraint"] * bool(data.objective.outcomes) + ["are outside of the ranges"] * bool(data.outside)
    return " or ".join(said)


def _observed(data: CampaignData, own: Sequence[Card]) -> Card | None:
    panels = observed.panels(data, data.outputs.pictured.union(*(one.arrays for one in own)))
    return Card("Observed", f"Other arrays of {data.label}, with their 95 % bands.", panels) if panels else None


def _matches(data: CampaignData, opinion: Opinion) -> list[Card | None]:
    prediction = " and the surrogate's prediction there (dashed), each"
    return [
        card(
            f"Match: {one.array.replace('_', ' ')}",
            f"{data.label.capitalize()}{prediction if one.predicted else ''} with its 95 % band against the reference "
            f"(circles); the difference, simulation minus reference, is below. Relative distance χ = {one.chi}.",
            one.figure,
        )
        for one in matched(data, opinion)
    ]


def _use(data: CampaignData) -> str:
    busy = data.utilisation
    return "When simulations ran." + (
        f" Workers spent {percent(busy)} of the time in them." if busy is not None else ""
    )
