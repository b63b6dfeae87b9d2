"""Campaigns side by side: what each found after how many trials, and in what they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from softal.answer import Answer
from softal.cards.card import Card, Table, card
from softal.cards.page import write_page
from softal.cards.text import duration
from softal.errors import CampaignStateError
from softal.numeric import Floats, with_error
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.described import described
from softal.tracking.report.statistics import running_best
from softal.trial import USER, Trial, TrialState

if TYPE_CHECKING:
    import plotly.graph_objects as go

ALWAYS = ("strategy",)  # what is shown of campaigns also where it is the same
MAX_CAMPAIGNS = 20  # whose lines can be told apart
DASHES = ("solid", "dash", "dashdot")


@dataclass(frozen=True)
class Course:
    """How a campaign went.

    Attributes:
        name: of the campaign; its folder where two have the same.
        described: what it is, as of `described`.
        best: shape (trials,), the best value after 1, 2, ... trials that its strategy proposed; NaN before the first.
        done, failed: trials that its strategy proposed.
        given: those of its user.
        trial: the best trial; None where there is none.
        answer: None where there is none.
        active: time of running [s].
    """

    name: str
    described: dict[str, str]
    best: Floats
    done: int
    failed: int
    given: int
    trial: Trial | None
    answer: Answer | None
    active: float

    def reaches(self, value: float, sign: float) -> int | None:
        """Return after how many trials the best was as good as a value; None where it never was."""
        good = np.flatnonzero(sign * self.best <= sign * value)
        return int(good[0]) + 1 if len(good) else None


@dataclass(frozen=True)
class Comparison:
    """Campaigns with one objective.

    Attributes:
        objective: its name.
        sign: 1 where it is minimised, -1 where it is maximised.
        courses: of the campaigns.
    """

    objective: str
    sign: float
    courses: Sequence[Course]

    @property
    def common(self) -> float | None:
        """The value that every campaign has reached: the worst of the best; None where one has none."""
        bests = [course.best[-1] if len(course.best) else np.nan for course in self.courses]
        return None if not np.isfinite(bests).all() else float(self.sign * max(self.sign * np.array(bests)))

    @property
    def differences(self) -> dict[str, list[str]]:
        """What the campaigns differ in -> how each has it, empty where it says nothing."""
        names = dict.fromkeys(name for course in self.courses for name in course.described)
        found = {name: [course.described.get(name, "") for course in self.courses] for name in names}
        return {name: texts for name, texts in found.items() if name in ALWAYS or len(set(texts)) > 1}

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each campaign, as `softal compare --json` shows them."""
        return [self._row(course) for course in self.courses]

    def _row(self, course: Course) -> dict[str, Any]:
        answer, common = course.answer, self.common
        return {
            "campaign": course.name,
            "strategy": course.described.get("strategy", ""),
            "done": course.done,
            "failed": course.failed,
            "given": course.given,
            "best": course.trial.objective[self.objective] if course.trial else None,
            "best_error": course.trial.objective_errors.get(self.objective) if course.trial else None,
            "answer": answer.value if answer else None,
            "answer_error": answer.error if answer else None,
            "common": common,
            "trials_to_common": None if common is None else course.reaches(common, self.sign),
            "hours": course.active / 3600,
        }

    def table(self) -> Table:
        """Return the same as people read it."""
        common = self.common
        reached = [] if common is None else [f"trials to {common:.4g}"]
        head = ["campaign", "strategy", "trials", f"best {self.objective}", "answer", *reached, "running time"]
        rows = []
        for course, row in zip(self.courses, self.rows(), strict=True):
            more = [f"{row['failed']} failed"] * (course.failed > 0) + [f"{course.given} by user"] * (course.given > 0)
            rows.append(
                [
                    course.name,
                    row["strategy"],
                    str(course.done + course.failed) + (f" ({', '.join(more)})" if more else ""),
                    "" if row["best"] is None else with_error(row["best"], row["best_error"]),
                    "" if row["answer"] is None else with_error(row["answer"], row["answer_error"]),
                    *(["" if row["trials_to_common"] is None else str(row["trials_to_common"])] * len(reached)),
                    duration(course.active),
                ]
            )
        return Table(head, rows, [name not in ("campaign", "strategy") for name in head])

    def apart(self) -> Table:
        """Return in what they differ as people read it."""
        head = ["", *(course.name for course in self.courses)]
        return Table(head, [[name, *texts] for name, texts in self.differences.items()], [False] * len(head))

    def cards(self) -> list[Card]:
        """Return what the page shows."""
        common = self.common
        text = (
            "The best value so far against the trials that a strategy proposed, those that failed included; results "
            "of the user count for the next of them."
        )
        dotted = "" if common is None else " Dotted: what all have reached."
        answers = "The answer is the best point by repeats or by the surrogate."
        found = [
            card("Best against trials", text + dotted, self._figure()),
            Card("What was found", answers, tables=(self.table(),)),
            Card("In what they differ", "As the campaign files say.", tables=(self.apart(),)),
        ]
        return [one for one in found if one is not None]

    def _figure(self) -> go.Figure | None:
        import plotly.graph_objects as go

        from softal.cards import theme
        from softal.cards.statistics import axis_type, main_range

        seen = np.concatenate([course.best[np.isfinite(course.best)] for course in self.courses])
        if not len(seen):
            return None
        made = theme.figure(440)
        for i, course in enumerate(self.courses):
            dash = DASHES[i // len(theme.PROPOSERS) % len(DASHES)]
            made.add_trace(
                go.Scatter(
                    x=np.arange(1, len(course.best) + 1),
                    y=course.best,
                    mode="lines",
                    name=theme.words(course.name),
                    line={
                        "color": theme.PROPOSERS[i % len(theme.PROPOSERS)], "width": 2, "shape": "hv", "dash": dash,
                    },
                )
            )  # fmt: skip
        if self.common is not None:
            made.add_hline(self.common, line={"color": theme.MUTED, "width": 1, "dash": "dot"})
        made.update_xaxes(title_text="number of trials", rangemode="tozero")
        log = axis_type(seen) == "log"
        axis = theme.log_range(*main_range(seen, self.sign)) if log else {"type": "linear"}
        made.update_yaxes(title_text=theme.words(self.objective), **axis)
        return theme.style_axes(made)

    def write(self, path: Path) -> Path:
        """Write the page."""
        names = ", ".join(course.name for course in self.courses)
        return write_page(self.cards(), f"Campaigns beside each other: {names}", path)


def compare(campaigns: Sequence[Campaign]) -> Comparison:
    """Return campaigns side by side.

    Raises:
        CampaignStateError: if they do not have one objective in common, the same for all, or are too many.
    """
    if not 2 <= len(campaigns) <= MAX_CAMPAIGNS:
        raise CampaignStateError(f"{len(campaigns)} campaigns are given; 2 to {MAX_CAMPAIGNS} are compared")
    objectives = [(campaign.spec.objective, campaign.folder) for campaign in campaigns]
    for objective, folder in objectives:
        if not objective.single or objective.learning:
            raise CampaignStateError(f"{folder} has no single best value ({'; '.join(objective.goals)})")
    first, where = objectives[0]
    for objective, folder in objectives[1:]:
        if (objective.names, objective.signs[0]) != (first.names, first.signs[0]):
            goals = f"{where}: {'; '.join(first.goals)}, {folder}: {'; '.join(objective.goals)}"
            raise CampaignStateError(f"the campaigns have different objectives ({goals})")
    names = [campaign.spec.name for campaign in campaigns]
    alike = len(set(names)) < len(names)
    courses = [_course(one, str(one.folder) if alike else name) for one, name in zip(campaigns, names, strict=True)]
    return Comparison(first.names[0], float(first.signs[0]), courses)


def _course(campaign: Campaign, name: str) -> Course:
    status, objective = campaign.status(), campaign.spec.objective
    finished = sorted((t for t in campaign.list_trials() if t.state.finished), key=lambda t: (t.told or 0, t.id))
    losses = [scored[0] if (scored := objective.scored(trial)) is not None else np.nan for trial in finished]
    best, _ = running_best(np.array(losses, dtype=float))
    values = objective.signs[0] * best[[trial.proposed_by != USER for trial in finished]]
    own = [trial for trial in finished if trial.proposed_by != USER]
    done = sum(trial.state is TrialState.DONE for trial in own)
    what = described(campaign.spec) | {"seed": str(campaign.spec.seed)}
    return Course(
        name, what, values, done, len(own) - done, len(finished) - len(own), status.best,
        status.answer, status.active,
    )  # fmt: skip
