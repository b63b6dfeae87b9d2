"""Whether a campaign fails for one reason everywhere, and is stopped before it has spent its budget on that.

What counts are the first trials of a session, from launch or resume on: what was mended since the last one is not held
against it. Where earlier sessions had good trials, only a reason that none of theirs had stops this one: simulations
that fail alike in a part of the space are what strategies learn from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from softal.about import command
from softal.orchestrator.workers.job import trial_folder
from softal.trial import Trial, TrialState

# What differs between failures for one reason: names of temporary folders, addresses and ids, numbers.
VARYING = re.compile(
    r"softal-\d+-\w+|\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
)
QUOTED = 500  # characters of a reason that the user is shown


class Failures:
    """The failures of a session's first trials.

    Args:
        limit: so many that are alike end the campaign; None never.
        earlier: the campaign's trials of earlier sessions, in the order of telling.
    """

    def __init__(self, limit: int | None, earlier: Iterable[Trial] = ()) -> None:
        self.limit = limit
        self._good = False
        self._known: set[str] = set()
        self._first: Trial | None = None
        self._last: Trial | None = None
        for trial in earlier:
            if trial.state.finished:
                self._good = self._good or trial.state is TrialState.DONE
                self._last = trial
            if trial.state is TrialState.FAILED:
                self._known.add(kind_of(trial))
        self._known = self._known if self._good else set()
        self._alike: int | None = 0  # None once the first trials differ
        self._lacking: Trial | None = None

    def add(self, trial: Trial, *, lacking: bool = False) -> None:
        """Take in a finished trial.

        Args:
            trial: done or failed.
            lacking: whether it did not return what the objective needs.
        """
        self._last = trial
        if trial.state is TrialState.DONE:
            self._good, self._alike, self._lacking = True, None, None
            return
        if lacking and not self._good:
            self._lacking = self._lacking or trial
        self._first = self._first or trial
        if self._alike is not None:
            self._alike = self._alike + 1 if kind_of(trial) == kind_of(self._first) else None

    def hopeless(self, folder: Path) -> str | None:
        """Return why nothing more shall be run, in words, with what to do in the campaign's folder; None where it may.

        A result that lacks what the objective needs says at once what all others will say.
        """
        if self._lacking is not None:
            return (
                f"trial {self._lacking.id} ran, but {_quoted(self._lacking)}. Mend what the simulation returns, then: "
                f"{_again(folder)}. Or mend the campaign file, then: softal launch FILE --name OTHER"
            )
        if self.limit is None or self._alike is None or self._first is None or self._alike < self.limit:
            return None
        if kind_of(self._first) in self._known:
            return None
        number = f"the first {self._alike} trials all failed" if self._alike > 1 else "the first trial failed"
        alike = ", for one reason" if self._alike > 1 else ""
        return f"{number}{alike}: {_quoted(self._first)}. {_what_to_do(self._first, folder)}"

    def without_result(self, reason: str, folder: Path) -> str:
        """Return why a campaign that ended for `reason` without one good trial has failed, with what to do."""
        if self._last is None:
            return f"{reason}, and no trial is finished"
        return f"{reason}, and not one is good. Trial {self._last.id} failed: {_quoted(self._last)}. " + _what_to_do(
            self._last, folder
        )


def kind_of(trial: Trial) -> str:
    """Return the reason of a failed trial without what differs from trial to trial: its point, numbers, folders."""
    text = trial.reason or ""
    for word in sorted({value for value in trial.point.values() if isinstance(value, str) and value}, key=len):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", "#", text)
    return VARYING.sub("#", text)


def shown(folder: Path) -> Path:
    """Return a folder as the user would type it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _quoted(trial: Trial) -> str:
    text = " ".join((trial.reason or "").split()).rstrip(".")
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 3]}..."


def _what_to_do(trial: Trial, folder: Path) -> str:
    output = trial_folder(folder, trial.id, trial.attempts)
    where = f"Its output is in {shown(output)}. " if output.is_dir() else ""
    return f"{where}Mend the cause, then: {_again(folder)}"


def _again(folder: Path) -> str:
    return command("resume", shown(folder), "--retry-failed")
