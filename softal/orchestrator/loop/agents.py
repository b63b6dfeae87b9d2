"""The three agents beside the loop: strategist, trainer, tracker.

Each is a Ray actor on the driver's machine that follows the journal and is rebuilt from it: Ray restarts an actor that
dies, its constructor replays the journal, and the simulations run on meanwhile. None of them writes the journal. They
are made from the packed brief, or from the brief itself where they live in the caller's process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from softal import strategies, surrogates
from softal.about import LEARNER, SURROGATE
from softal.answer import Answer
from softal.objective.scores import Scores
from softal.orchestrator.found import find, found_in, noted, stamp
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.courses import Course, published
from softal.orchestrator.workers.pickling import unpack
from softal.temporary import sweep
from softal.tracking.changes import began
from softal.tracking.journal import Journal
from softal.trial import USER, Proposal, Trial

NICENESS = 10  # agents give way to simulations that share their cores
STRATEGY_STREAM = 0x73747261  # keeps the seeds of later strategies apart from others
PREPARE_AFTER = 2.0  # seconds from the first proposals, while workers start, until the strategy imports its libraries


class Reply(NamedTuple):
    """What the strategist says.

    Attributes:
        proposals: as many as were asked for, or fewer.
        exhausted: why there are no more points; None where more may come after results.
        foreseen: how many further points no result can change; None is any number.
    """

    proposals: list[Proposal]
    exhausted: str | None
    foreseen: int | None


class Mirrored(NamedTuple):
    """How MLflow's mirror stands.

    Attributes:
        behind: finished trials that MLflow does not have yet.
        up_to_date: whether it has everything.
        error: why MLflow does not answer.
        refused: what MLflow will never take, in words: the first of it.
    """

    behind: int
    up_to_date: bool
    error: str | None
    refused: str | None


class Strategist:
    """Owns the strategy: brings it up to date from the journal and asks it.

    What earlier strategies of the campaign have proposed it knows as results of others.
    """

    def __init__(self, parcel: bytes | Brief) -> None:
        brief = _settle(parcel)
        kind, settings = brief.strategy
        self.journal = Journal.open(brief.folder)
        first, earlier = began(self.journal.info)
        self.strategy = strategies.build(kind, brief.space, brief.objective, _seed(brief.seed, earlier), settings)
        self._first = first  # trial of this strategy: those before are others'
        trials = [self._seen(trial) for trial in self.journal.read(arrays=self.strategy.wants_arrays)]
        self.known = max((trial.told for trial in trials if trial.told), default=0)
        self.strategy.restore(trials)
        self._prepared = isinstance(parcel, Brief)  # in the caller's process no thread is to import anything

    def ask(self, n: int, upto: int, pending: list[Trial]) -> Reply:
        """Return up to n proposals.

        Args:
            n: how many.
            upto: the journal's sequence number up to which results are to be known: with it, what is proposed does
                not depend on when this call happens to run.
            pending: trials that are proposed or running.
        """
        if upto > self.known:
            told = self.journal.told(self.known, upto, arrays=self.strategy.wants_arrays)
            self.strategy.tell([self._seen(trial) for trial in told])
            self.known = upto
        pending = [self._seen(trial) for trial in pending]
        proposals = self.strategy.ask(n, pending)
        if not self._prepared:
            self._prepared = True
            timer = threading.Timer(PREPARE_AFTER, self.strategy.prepare)
            timer.daemon = True
            timer.start()
        new = [Trial(-1, proposal.point, notes=proposal.notes) for proposal in proposals]
        exhausted = None if proposals or pending else self.strategy.exhausted_because
        return Reply(proposals, exhausted, self.strategy.foreseen([*pending, *new]))

    def _seen(self, trial: Trial) -> Trial:
        """Return a trial as the strategy sees it: one of an earlier strategy as if a user had proposed it."""
        return trial if trial.id >= self._first else replace(trial, proposed_by=USER, notes={})

    def process(self) -> int:
        """Return the actor's process id."""
        return os.getpid()


class Trained(NamedTuple):
    """What the trainer has done.

    Attributes:
        records: of the versions that it has published.
        failed: why something could not be trained, with the error's name.
    """

    records: list[dict[str, Any]]
    failed: list[str]


class Trainer:
    """Fits surrogate and learner again as results come in, and publishes numbered versions in the campaign's folder."""

    def __init__(self, parcel: bytes | Brief) -> None:
        self.brief = brief = _settle(parcel)
        self.journal = journal = Journal.open(brief.folder)
        chosen = {SURROGATE: brief.surrogate, LEARNER: brief.learner}
        self.courses = [Course(what, *kind, brief, journal) for what, kind in chosen.items() if kind]
        known = [record["version"] for record in journal.versions()]
        self.version = max([0, *known, *(number for what in chosen for number in published(brief.folder / what))])

    def step(self, *, final: bool = False) -> Trained:
        """Fit and publish versions where there are enough new trials.

        Args:
            final: fit even for a single new trial, and what is trained at the end alone, and note in the last version's
                record what the campaign has found.
        """
        done = Trained([], [])
        for course in self.courses:
            try:
                record = course.step(self.version + 1, final=final)
            except Exception as error:  # anybody's code: the other one is trained all the same
                done.failed.append(f"{type(error).__name__}: {error}")
                continue
            if record is not None:
                self.version += 1
                done.records.append(record)
        if final and (last := [*self.journal.versions(), *done.records][-1:]):
            done.records[-1:] = [self._with_found(last[0])]
        return done

    def _with_found(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the record of the latest version with what the campaign has found."""
        from softal.surrogates.belief import latest

        brief, known = self.brief, stamp(self.journal)
        surrogate = latest(brief.folder, brief.surrogate[0], self.journal.campaign) if brief.surrogate else None
        found = find(brief.objective, brief.space, self.journal.scores(brief.objective), surrogate)
        return record | noted(found, known)

    def process(self) -> int:
        """Return the actor's process id."""
        return os.getpid()


def train(brief: Brief, journal: Journal, *, final: bool = True) -> Trained:
    """Train without a loop, as `Trainer.step` does, and write the versions into the journal."""
    trainer = Trainer(brief)
    try:
        trained = trainer.step(final=final)
    finally:
        trainer.journal.close()
    for record in trained.records:
        journal.add_version(record)
    return trained


class Tracker:
    """Mirrors the journal into MLflow, a bit at a time."""

    def __init__(self, parcel: bytes | Brief) -> None:
        brief = _settle(parcel)
        from softal.tracking.mlflow import Mirror  # takes seconds, in which simulations go first

        assert brief.mlflow is not None
        sweep()  # the folder of a tracker that was killed
        self.journal = Journal.open(brief.folder)
        self.brief = brief
        self.mirror = Mirror(
            self.journal, brief.mlflow, brief.experiment, brief.objective,
            answer=self._answer, files=self._files, picture=brief.simulator.picture if brief.simulator else None,
            outputs=brief.simulator.outputs if brief.simulator else None,
        )  # fmt: skip

    def step(self, max_trials: int) -> Mirrored:
        """Mirror up to `max_trials` trials and what else is new; return how it stands."""
        self.mirror.step(max_trials=max_trials)
        return self._mirrored()

    def _mirrored(self) -> Mirrored:
        refused = next(iter(self.mirror.refused), None)
        return Mirrored(self.mirror.behind, self.mirror.up_to_date, self.mirror.last_error, refused)

    def _files(self, record: Mapping[str, Any]) -> list[Path]:
        """Return the files of a version that people look at: its tables."""
        folder = self.brief.folder / record.get("of", SURROGATE) / f"version-{record['version']}"
        return [path for name in record.get("tables", []) if (path := folder / f"{name}.json").exists()]

    def _pages(self) -> list[tuple[str, Path]]:
        """Write the cards of surrogate and learner as pages, and return these, each with whose it is.

        A page has Plotly in it, 5 MB: so it is made when the campaign ends, as the report is, not for each version.
        """
        from softal.cards.page import file_name, write_page
        from softal.cards.view import cards_of
        from softal.tracking.report.data import read

        brief = self.brief
        chosen = {SURROGATE: brief.surrogate, LEARNER: brief.learner}
        shown = {
            what: surrogates.build_any(kind[0], brief.space, brief.objective.names, kind[1], brief.objective)
            for what, kind in chosen.items()
            if kind and surrogates.find_any(kind[0]).cards is not surrogates.Learner.cards
        }
        if not shown:
            return []
        view = read(brief.folder, brief.space, brief.objective)
        return [
            (what, write_page([card], card.title, brief.folder / what / file_name(card.title)))
            for what, source in shown.items()
            for card in cards_of(view, [source])
        ]

    def _answer(self, scores: Scores) -> Answer | None:
        """Return the answer by the latest surrogate, as everywhere else, with the edges that its optimum is on, too."""
        from softal.answer.optimum import on_edges
        from softal.surrogates.belief import latest

        brief, kind = self.brief, self.brief.surrogate
        surrogate = partial(latest, brief.folder, kind[0], self.journal.campaign) if kind else lambda: None
        found = found_in(self.journal, brief.objective, brief.space, scores, surrogate)
        if found.answer is None:
            return None
        return replace(found.answer, edges=on_edges(brief.space, found.answer, found.optimum))

    def finish(self, report: Path | None) -> Mirrored:
        """Close the campaign's run in MLflow with the journal's state, and attach the report and pages of cards."""
        if report is not None:
            self.mirror.log_artifact(report)
        for what, page in self._pages():
            self.mirror.log_artifact(page, what)
        self.mirror.finish(self.journal.info["state"])
        return self._mirrored()

    def process(self) -> int:
        """Return the actor's process id."""
        return os.getpid()


def _seed(seed: int, earlier: int) -> int:
    """Return the seed of a campaign's strategy, which is another one after each strategy before it."""
    return int(np.random.SeedSequence([seed, STRATEGY_STREAM, earlier]).generate_state(1)[0]) if earlier else seed


def _settle(parcel: bytes | Brief) -> Brief:
    """Begin life as an agent in a process of its own, or with the brief itself in the caller's.

    A process of its own gives way to simulations that share the cores; Ray has set one thread for it.
    """
    if isinstance(parcel, Brief):
        return parcel
    os.nice(NICENESS)
    brief: Brief = unpack(parcel)
    return brief
