"""A campaign in a notebook: how it goes while it runs, and what it found, as HTML that a cell shows."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from softal.cards.text import labelled
from softal.numeric import with_error
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.orchestrator.budget import Budget
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.status import Status, read_status
from softal.space import Space
from softal.terminal.console import objective_text, point_text, status_text, value_text
from softal.terminal.output import harmless, plain
from softal.tracking.database import DATABASE
from softal.tracking.journal import Journal
from softal.tracking.report.page import FILE_NAME
from softal.trial import Trial, TrialState

if TYPE_CHECKING:
    from jinja2 import Template

ROWS = 5  # trials that are shown
MESSAGES = 5  # the last ones that are shown


@dataclass(frozen=True)
class Shown:
    """What a cell shows of a campaign, in words; the template escapes them.

    Attributes:
        part: of the budget's trials that are finished, 0 to 1; None where that is not to be shown.
        report: address of the report.
        head, rows: a small table of trials.
    """

    name: str
    state: str
    goal: str
    line: str = ""
    part: float | None = None
    reason: str = ""
    best: str = ""
    report: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    messages: Sequence[str] = ()

    def html(self) -> str:
        """Return it as HTML."""
        return _template().render(shown=self)


@cache
def _template() -> Template:
    from jinja2 import Environment

    text = files("softal.terminal").joinpath("notebook.html.j2").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)


def in_notebook() -> bool:
    """Return whether this is a program in a notebook, whose cells show HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def show_campaign(campaign: Campaign) -> Shown:
    """Return what a cell shows of a campaign, launched or not; no surrogate is loaded for it."""
    spec = campaign.spec
    goal = f"{', '.join(spec.objective.goals)} over {', '.join(spec.space.names)}"
    if not (campaign.folder / DATABASE).exists():
        return Shown(spec.name, "not launched", goal)
    with campaign.scored() as (journal, scores):
        best = None if scores.best is None else journal.trial(int(scores.ids[scores.best]))
        status = read_status(campaign.folder, journal, best, spec.workers.concurrent)
        trials = _some(journal, scores, spec.objective)
    shown = _standing(status, goal, spec.space)
    report = campaign.folder / FILE_NAME
    address = quote(str(_relative(report))) if report.exists() else ""
    head, rows = _table(trials, spec.space, spec.objective)
    return replace(shown, report=address, head=head, rows=rows)


def _standing(status: Status, goal: str, space: Space) -> Shown:
    best = "" if status.best is None else _best(status.best, space)
    line = status_text(replace(status, best=None))
    return Shown(status.name, status.state, goal, line, reason=status.reason, best=best)


def _best(trial: Trial, space: Space) -> str:
    return f"{objective_text(trial)} at {point_text(trial, space.names)} (trial {trial.id})"


def _some(journal: Journal, scores: Scores, objective: Objective) -> list[Trial]:
    """Return the best trials, some of the Pareto front, or the last ones of `learn`."""
    if objective.learning:
        return journal.latest(TrialState.DONE, ROWS)[::-1]
    order = np.argsort(scores.losses[:, 0], kind="stable") if objective.single else scores.front
    return journal.some(scores.ids[order][:ROWS].tolist())


def _table(trials: Iterable[Trial], space: Space, objective: Objective) -> tuple[list[str], list[list[str]]]:
    head = ["trial", *objective.names, *(labelled(name, space.units[name]) for name in space.names), "proposed by"]
    rows = [
        [
            str(trial.id),
            *(with_error(trial.objective[name], trial.objective_errors.get(name)) for name in objective.names),
            *(value_text(trial.point[name]) for name in space.names),
            trial.origin,
        ]
        for trial in trials
    ]
    return head, rows


def _relative(path: Path) -> Path:
    """Return a path as the notebook's page takes it: relative to where the notebook is, if it lies below."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        return path.resolve()


class NotebookDisplay:
    """Shows a running campaign in a cell, and what it found when it has ended; never raises."""

    def __init__(self, campaign: Campaign, budget: Budget) -> None:
        from IPython import display

        self._campaign, self._budget = campaign, budget
        page: Any = display  # which has no types
        self._html = page.HTML
        self._shown = show_campaign(campaign)
        self._cell = page.display(self._html(self._shown.html()), display_id=True)

    def __enter__(self) -> NotebookDisplay:
        return self

    @harmless
    def __exit__(self, *_: object) -> None:
        self._show(replace(show_campaign(self._campaign), messages=self._shown.messages))

    @harmless
    def trial_finished(self, trial: Trial, improved: bool) -> None:
        """Show nothing: `tick` follows soon."""

    @harmless
    def tick(self, status: Status) -> None:
        """Show how the campaign stands."""
        shown = _standing(status, self._shown.goal, self._campaign.spec.space)
        finished = status.done + status.failed - status.given
        part = min(1.0, finished / self._budget.trials) if self._budget.trials else None
        self._show(replace(shown, part=part, messages=self._shown.messages))

    @harmless
    def message(self, text: str) -> None:
        """Show something that the user should know."""
        said = [*self._shown.messages, plain(text, lines=True)]
        self._show(replace(self._shown, messages=said[-MESSAGES:]))

    @harmless
    def doing(self, text: str) -> None:
        """Show what is done now."""
        self._show(replace(self._shown, line=plain(text)))

    def _show(self, shown: Shown) -> None:
        if shown != self._shown:
            self._shown = shown
            self._cell.update(self._html(shown.html()))
