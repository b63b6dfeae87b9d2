"""What follows from results that people told: surrogate and learner learn, the report is written, MLflow catches up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from softal.orchestrator.loop.agents import Mirrored, Tracker, train
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.loop import Listener, say_doing
from softal.tracking.journal import Journal
from softal.tracking.standing import OPEN
from softal.trial import TrialState

MIRRORED_AT_ONCE = 500  # changes


@dataclass(frozen=True)
class CaughtUp:
    """What was done.

    Attributes:
        report: the page; None where it could not be written.
        mirror_behind: finished trials that MLflow does not hold, since it did not answer.
    """

    report: Path | None
    mirror_behind: int = 0


def catch_up(journal: Journal, brief: Brief, report: Callable[[], Path], listener: Listener) -> CaughtUp:
    """Bring up to date what is made of a journal; what fails is said, and done the next time.

    Args:
        journal: of the campaign, open for writing.
        brief: of the campaign, with MLflow's tracking URI.
        report: writes the report.
        listener: hears what is done.
    """
    over, done = journal.info["state"] != OPEN, journal.counts()[TrialState.DONE]
    if brief.learners and done:
        say_doing(listener, f"Training {brief.learners} on {done} trial{'s' * (done != 1)} ...")
        for reason in train(brief, journal, final=over).failed:
            listener.message(f"the trainer failed: {reason}.")
    say_doing(listener, "Writing the report ...")
    page = None
    try:
        page = report()
    except Exception as error:  # the results are safe
        listener.message(f"The report could not be written: {type(error).__name__}: {error}")
    if not brief.mlflow:
        return CaughtUp(page)
    say_doing(listener, "Bringing MLflow up to date ...")
    mirrored = _mirror(brief, page, over=over)
    if mirrored.error:
        listener.message(f"MLflow does not answer ({mirrored.error}); what it lacks goes there with the next results.")
    if mirrored.refused:
        listener.message(f"MLflow does not take {mirrored.refused}. The journal has all.")
    return CaughtUp(page, mirrored.behind)


def _mirror(brief: Brief, page: Path | None, *, over: bool) -> Mirrored:
    """Let MLflow catch up as long as it answers; where the campaign is over, close its run there."""
    tracker = Tracker(brief)
    try:
        if page is not None and not over:
            tracker.mirror.log_artifact(page.resolve())
        found = tracker.step(MIRRORED_AT_ONCE)
        while not (found.up_to_date or found.error):
            found = tracker.step(MIRRORED_AT_ONCE)
        return tracker.finish(page and page.resolve()) if over and not found.error else found
    finally:
        tracker.journal.close()
