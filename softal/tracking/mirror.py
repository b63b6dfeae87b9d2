"""The follower that keeps a mirror of the journal up to date. It knows the journal; `mlflow.py` knows MLflow.

The mirror has no memory of its own. When it connects, it reads which runs the store holds, compares them with the
journal from its first change on, and sets right what differs: runs that are missing are added, half-written ones
completed, doubled ones removed. Whatever goes wrong, it drops the connection, waits, and does that again. So a kill at
any moment, or a server that vanishes in the middle of a call, leaves nothing double and nothing out.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from softal.about import SURROGATE
from softal.answer import Answer
from softal.answer import answer as of_trials
from softal.cards.card import Picture
from softal.errors import SoftalError
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.outputs import Outputs
from softal.passwords import redacted
from softal.reading import first_line
from softal.temporary import temporary_folder
from softal.tracking.attachments import PlotBudget, copy_artifacts, plot_arrays, write_arrays
from softal.tracking.journal import Journal
from softal.tracking.records import (
    CAMPAIGN_STATUS,
    MAX_TEXT,
    RECOMPUTED_TAG,
    REFUSED_TAG,
    RETRIED_TAG,
    VERSION_METRIC,
    CampaignRecord,
    Convergence,
    Held,
    Keys,
    KnownRun,
    Metric,
    RunRecord,
    answer_record,
    campaign_record,
    key,
    milliseconds,
    trial_record,
    version_metrics,
)
from softal.trial import Array, Trial, TrialState

FinishedRun = tuple[RunRecord, Path | None]  # the run of a finished trial, and the folder of its files

log = logging.getLogger(__name__)

SHOW_AFTER = 2.0  # s; a trial that runs longer gets its run while it runs, shorter ones when they are finished
QUICK = 0.1  # s; of trials that take less than this only the first, and each new best, have their arrays as files
FIRST_FILES = 1000  # so many of them
PICTURE = "snapshot.png"  # of a trial, as its simulator draws it
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # s between attempts while the store cannot be reached


class RejectedError(SoftalError):
    """The store can be reached, and says that it will never take this."""


@dataclass(frozen=True)
class Plot:
    """A plot that is still to be drawn: what is in it, and the folder of the trial's files."""

    trial: Trial
    arrays: Mapping[str, Array]
    folder: Path


class Store(Protocol):
    """Where a campaign is mirrored. Every method may raise; after that `open` is called again before any other."""

    def open(self, campaign: CampaignRecord) -> Held:
        """Find or make the campaign's parent run; return what is held of the campaign."""

    def add(self, runs: Sequence[FinishedRun]) -> None:
        """Add runs of finished trials, each with the files in its folder, if it has one."""

    def create(self, record: RunRecord) -> KnownRun:
        """Add the run of a trial and leave it running."""

    def complete(self, run: KnownRun, record: RunRecord, files: Path | None) -> None:
        """Write all of the record to a run that is running, add the files in a folder, and end it."""

    def remove(self, run: KnownRun) -> None:
        """Take a run away."""

    def log_campaign(self, metrics: Sequence[Metric] = (), tags: Mapping[str, str] | None = None) -> None:
        """Log to the parent run."""

    def attach_campaign(self, path: Path, folder: str | None) -> None:
        """Add a file to the parent run."""

    def close_campaign(self, status: str, end: int) -> None:
        """End the parent run."""


class Follower:
    """Mirrors a journal into a store: call `step` again and again, `finish` at the end.

    Args:
        journal: what is mirrored; a reader's connection is enough.
        store: where to.
        objective: of the campaign, which says what the best trial is.
        answer: scores of all trials -> the campaign's answer; that of the trials alone unless it is given.
        files: the record of a version of surrogate or learner -> its files that people look at; none unless given.
        picture: arrays of a trial and title -> their picture; none unless it is given.
        outputs: what the simulator declares of its arrays.
        show_after: a trial that runs longer than this is shown while it runs [s].
        clock: the time [s since 1970].
    """

    def __init__(
        self,
        journal: Journal,
        store: Store,
        objective: Objective,
        *,
        answer: Callable[[Scores], Answer | None] | None = None,
        files: Callable[[Mapping[str, Any]], Sequence[Path]] | None = None,
        picture: Callable[[Mapping[str, Array], str], Picture | None] | None = None,
        outputs: Outputs | None = None,
        show_after: float = SHOW_AFTER,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.journal, self.objective = journal, objective
        self.last_error: str | None = None
        self.refused: list[str] = []  # what the store will never take, each in words
        self._store, self._show_after, self._clock = store, show_after, clock
        self._answer = answer or partial(of_trials, objective)
        self._files = files or (lambda record: ())
        self._outputs = outputs or Outputs()
        self._picture = picture or (lambda arrays, title: None)
        self._campaign = campaign_record(journal.info, objective)
        self._connected = False
        self._wait, self._retry_at = FIRST_WAIT, 0.0
        self._plots = PlotBudget()
        self._plot_of_best: Plot | None = None
        self._queue: list[tuple[Path, str | None]] = []  # files that the parent is to have, and their folders there
        self._written = 0
        self._forget()

    def _forget(self) -> None:
        self._since = 0
        self._held = 0
        self._known: dict[int, KnownRun] = {}
        self._running: dict[int, Trial] = {}
        self._state = ""
        self._version = 0  # of surrogate or learner, the last one that is mirrored
        # Up to this step, the metrics tell of failures that were run again since, or of other losses: logged anew.
        self._stale = 0
        self._anew = False  # runs that are held have losses that were computed anew since: they are replaced
        self._keys = Keys()
        self._checked = False

    @property
    def behind(self) -> int:
        """How many finished trials the mirror does not hold yet, as far as it knows."""
        return self.journal.run - self._held

    @property
    def up_to_date(self) -> bool:
        """Whether all that the journal holds, and all files that were added, are mirrored."""
        return (
            self._connected
            and not self._queue
            and self._since >= self.journal.seq
            and not self.journal.versions(self._version)
        )

    def step(self, max_trials: int = 500) -> int:
        """Mirror what changed since the last time, at most so many trials; return how many finished ones were written.

        Raises nothing where the store cannot be reached: `last_error` says why, and later calls catch up.
        """
        if time.monotonic() < self._retry_at:
            return 0
        self._written = 0
        try:
            if not self._connected:
                self._connect()
            self._follow(max_trials)
            self._wait, self.last_error = FIRST_WAIT, None
        except Exception as error:  # whatever a server, a network or a full disk may do
            self._failed(error)
        return self._written

    def finish(self, state: str, timeout: float = 30.0) -> bool:
        """Catch up for at most `timeout` seconds and end the parent run; return whether all is mirrored.

        A trial that is still running or waiting then has no run any more: it gets one when it is run again.
        """
        deadline = time.monotonic() + timeout
        while True:
            self._retry_at = 0.0
            self.step()
            if self._connected and self.up_to_date and self._close(state):
                return True
            if time.monotonic() + self._wait > deadline:
                return False
            if not self._connected:
                time.sleep(self._wait)

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Add a file, such as the report, to the parent run."""
        self._queue.append((path, folder))

    # One step.

    def _connect(self) -> None:
        self._forget()
        held = self._store.open(self._campaign)
        self._known, self._version = held.runs, held.version
        self._anew = held.recomputed != self._campaign.recomputed
        self._stale = held.step if self._anew or held.retried != self._campaign.retried else 0
        since = self._campaign.changed if self._stale else 0
        self._convergence = Convergence(self.objective, 0 if self._stale else held.step, since)
        self._connected = True

    def _failed(self, error: Exception) -> None:
        if self._connected or self.last_error is None:
            log.warning("mirror: %s; will catch up", _first_line(error))
        log.debug("mirror", exc_info=error)
        self.last_error = _first_line(error)
        self._connected = False
        self._retry_at = time.monotonic() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT)

    def _follow(self, limit: int) -> None:
        self._follow_state()
        changed, since = self.journal.changes(self._since, limit)
        with temporary_folder() as folder:
            self._take(changed, folder)
        self._since = since
        self._show_running()
        if len(changed) < limit and not self._checked:
            self._remove_orphans()
        if metrics := self._convergence.flush():
            self._store.log_campaign(metrics)
        if self._stale and self._convergence.step >= self._stale:
            tags = {RETRIED_TAG: self._campaign.retried, RECOMPUTED_TAG: self._campaign.recomputed}
            self._store.log_campaign(tags={tag: value for tag, value in tags.items() if value})
            self._stale = 0
        for record in self.journal.versions(self._version):
            self._log_version(record)
            self._version = record["version"]
        while self._queue:
            self._attach(*self._queue[0])
            self._queue.pop(0)

    def _log_version(self, record: Mapping[str, Any]) -> None:
        """Log metrics (RMSE, R2, coverage ...) of a version of surrogate or learner, at the trials that it has seen."""
        now, what = milliseconds(self._clock()) or 0, record.get("of", SURROGATE)
        for path in self._files(record):
            self._attach(path, what)
        named = {f"{what}/{name}": value for name, value in version_metrics(record).items()}
        named[VERSION_METRIC] = float(record["version"])  # says that this one is mirrored
        known: list[Metric] = [
            (key(name), float(value), now, record["trials"]) for name, value in named.items() if math.isfinite(value)
        ]
        try:
            self._store.log_campaign(known)
        except RejectedError as error:
            self._refuse(f"version {record['version']} of the {what}", error)

    def _attach(self, path: Path, folder: str | None) -> None:
        try:
            self._store.attach_campaign(path, folder)
        except (RejectedError, FileNotFoundError) as error:
            self._refuse(path.name, error)

    def _refuse(self, what: str, error: Exception) -> None:
        """Go on without what the store will never take, and say so once, on the campaign's run, too."""
        said = f"{what}: {_first_line(error)}"
        if said in self.refused:
            return
        self.refused.append(said)
        if len(self.refused) == 1:
            log.warning("mirror: MLflow does not take %s", said)
        more = f" and {len(self.refused) - 1} more" if len(self.refused) > 1 else ""
        self._store.log_campaign(tags={REFUSED_TAG: f"{self.refused[0][: MAX_TEXT // 2]}{more}"})

    def _take(self, changed: Sequence[Trial], folder: Path) -> None:
        """Bring the store up to date with trials that have changed, in a folder for the files on their way."""
        added: list[FinishedRun] = []
        self._plot_of_best = None
        for trial in changed:
            if trial.told is not None:
                self._finished(trial, added, folder / str(trial.id))
            else:
                self._unfinished(trial)
        if self._plot_of_best:
            self._plot(self._plot_of_best)
        self._add(added)

    def _follow_state(self) -> None:
        state = str(self.journal.info.get("state", ""))
        if state != self._state:
            self._store.log_campaign(tags={"state": state})
            self._state = state

    def _unfinished(self, trial: Trial) -> None:
        """A trial waits, runs, or waits again after its worker was lost: only the run of this attempt may stay."""
        running = trial.state is TrialState.RUNNING
        known = self._known.get(trial.id)
        if known and not (running and known.status == "RUNNING" and known.attempts == trial.attempts):
            self._store.remove(self._known.pop(trial.id))
        if running:
            self._running[trial.id] = trial
        else:
            self._running.pop(trial.id, None)

    def _finished(self, trial: Trial, added: list[FinishedRun], folder: Path) -> None:
        """Bring the run of a finished trial up to date, or put it on the list of those that are added at once."""
        self._running.pop(trial.id, None)
        best = self._convergence.add(trial)
        record = trial_record(trial, self._campaign.id, self.objective, self._keys)
        known = self._known.pop(trial.id, None)
        if known and (known.status, known.end) == (record.status, record.end) and not self._anew:
            self._held += 1
            return
        if known and (known.status, known.attempts) != ("RUNNING", record.attempts):
            self._store.remove(known)
            known = None
        files = folder if self._write_files(trial, best, folder, later=known is None) else None
        if known:
            self._complete(known, record, files)
        else:
            added.append((record, files))

    def _write_files(self, trial: Trial, best: bool, folder: Path, *, later: bool) -> bool:
        """Write the files that MLflow is to have of a trial into a folder; return whether there are any.

        Args:
            later: whether the plot of a quick trial may wait until it is known that no better one follows at once.
        """
        quick = _seconds(trial) < QUICK
        wanted = trial.observation is not None and (best or not quick or trial.id < FIRST_FILES)
        arrays = self.journal.arrays(trial.id) if wanted else {}
        artifacts = trial.observation.artifacts if trial.observation else {}
        if arrays:
            write_arrays(arrays, folder / "arrays")
            plot = Plot(trial, arrays, folder)
            if best and quick and later:
                self._plot_of_best = plot
            elif self._plots.allows(best):
                self._plot(plot)
        copy_artifacts(artifacts, folder / "artifacts")
        return folder.exists()

    def _complete(self, known: KnownRun, record: RunRecord, files: Path | None) -> None:
        try:
            self._store.complete(known, record, files)
        except RejectedError as error:
            self._refuse(f"trial {record.trial}", error)
        self._held += 1
        self._written += 1

    def _plot(self, plot: Plot) -> None:
        begun = time.monotonic()
        scores = ", ".join(f"{name} = {value:.4g}" for name, value in plot.trial.objective.items())
        title = f"trial {plot.trial.id}: {scores}"
        picture = self._pictured(plot.arrays, title)
        if picture is not None:
            plot.folder.mkdir(parents=True, exist_ok=True)
            (plot.folder / PICTURE).write_bytes(picture.png)
        pictured = self._outputs.pictured | (picture.arrays if picture else frozenset())
        plot_arrays(plot.arrays, self.objective, title, plot.folder / "arrays" / "arrays.png", pictured, self._outputs)
        self._plots.spent(begun)

    def _pictured(self, arrays: Mapping[str, Array], title: str) -> Picture | None:
        try:
            return self._picture(arrays, title)
        except Exception as error:  # a simulator may be anybody's code: a trial is held without its picture
            log.warning("mirror: no picture of %s: %s", title, _first_line(error))
            return None

    def _add(self, runs: Sequence[FinishedRun]) -> None:
        try:
            if runs:
                self._store.add(runs)
        except RejectedError as error:
            if len(runs) == 1:
                self._refuse(f"trial {runs[0][0].trial}", error)
            else:
                self._add(runs[: len(runs) // 2])
                self._add(runs[len(runs) // 2 :])
                return
        self._held += len(runs)
        self._written += len(runs)

    def _show_running(self) -> None:
        now, running = self._clock(), sorted(self._running.values(), key=lambda trial: (trial.started or 0.0, trial.id))
        begun = self.journal.info.get("running", len(running))  # the others wait for their workers
        for trial in running[:begun]:
            if trial.id not in self._known and trial.started is not None and now - trial.started > self._show_after:
                self._known[trial.id] = self._store.create(
                    trial_record(trial, self._campaign.id, self.objective, self._keys)
                )

    def _remove_orphans(self) -> None:
        """Remove runs of trials that the journal does not know: it was put back to an earlier state."""
        for trial in self._known.keys() - self._running.keys():
            self._store.remove(self._known.pop(trial))
        self._checked = True

    def _close(self, state: str) -> bool:
        try:
            for trial in list(self._known):
                self._store.remove(self._known.pop(trial))
            reason = str(self.journal.info.get("reason") or "-")
            now = milliseconds(self._clock()) or 0
            scores = self.journal.scores(self.objective)
            step = self._convergence.step
            metrics, tags = answer_record(self.objective, self._answer(scores), step, now)
            self._store.log_campaign(metrics, {"state": state, "reason": reason[:MAX_TEXT], **tags})
            self._store.close_campaign(CAMPAIGN_STATUS.get(state, "KILLED"), now)
        except Exception as error:
            self._failed(error)
            return False
        self._connected = False  # a `step` after this opens the parent run again
        return True


def _seconds(trial: Trial) -> float:
    """Return how long a finished trial took [s]; infinity where that is not known."""
    return math.inf if trial.started is None or trial.finished is None else trial.finished - trial.started


def _first_line(error: BaseException) -> str:
    return redacted(first_line(error))[:300]
