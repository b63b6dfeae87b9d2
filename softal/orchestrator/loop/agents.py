"""The three agents beside the loop: strategist, trainer, tracker.

Each is a Ray actor on the driver's machine that follows the journal and is rebuilt from it: Ray restarts an actor that
dies, its constructor replays the journal, and the simulations run on meanwhile. None of them writes the journal. They
are made from the packed brief, or from the brief itself where they live in the caller's process.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from softal import strategies, surrogates
from softal.about import __version__
from softal.answer import Answer
from softal.errors import SurrogateError
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.orchestrator.found import find, found_in, noted, stamp
from softal.orchestrator.workers.pickling import unpack
from softal.simulators import Simulator
from softal.space import Space
from softal.surrogates.belief import FOLDER
from softal.surrogates.data import TrainingData
from softal.tracking.journal import Journal
from softal.trial import Proposal, Trial, TrialState

NICENESS = 10  # agents give way to simulations that share their cores
PREPARE_AFTER = 2.0  # seconds from the first proposals, while workers start, until the strategy imports its libraries
REFIT_GROWTH = 0.05  # a surrogate is fitted again when the finished trials have grown by this part
FOLLOWED = 5000  # trials that are read from the journal at once


@dataclass(frozen=True)
class Brief:
    """What an agent must know of its campaign."""

    name: str
    folder: Path
    source: Path
    space: Space
    objective: Objective
    seed: int
    strategy: tuple[str, Any]
    surrogate: tuple[str, Any] | None
    mlflow: str | None
    experiment: str
    simulator: Simulator | None = None
    described: Mapping[str, Any] = field(default_factory=dict)  # the simulator's kind and settings, as JSON has them


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
    """Owns the strategy: brings it up to date from the journal and asks it."""

    def __init__(self, parcel: bytes | Brief) -> None:
        brief = _settle(parcel)
        kind, settings = brief.strategy
        self.strategy = strategies.build(kind, brief.space, brief.objective, brief.seed, settings)
        self.journal = Journal.open(brief.folder)
        trials = self.journal.trials(arrays=self.strategy.wants_arrays)
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
            self.strategy.tell(list(self.journal.told(self.known, upto, arrays=self.strategy.wants_arrays)))
            self.known = upto
        proposals = self.strategy.ask(n, pending)
        if not self._prepared:
            self._prepared = True
            timer = threading.Timer(PREPARE_AFTER, self.strategy.prepare)
            timer.daemon = True
            timer.start()
        new = [Trial(-1, proposal.point, notes=proposal.notes) for proposal in proposals]
        exhausted = None if proposals or pending else self.strategy.exhausted_because
        return Reply(proposals, exhausted, self.strategy.foreseen([*pending, *new]))

    def process(self) -> int:
        """Return the actor's process id."""
        return os.getpid()


class Trainer:
    """Fits the surrogate again as results come in, and publishes numbered versions in the campaign's folder."""

    def __init__(self, parcel: bytes | Brief) -> None:
        self.brief = _settle(parcel)
        self.journal = Journal.open(self.brief.folder)
        self.folder = self.brief.folder / FOLDER
        versions = self.journal.versions()
        self.version = max([0, *published(self.folder), *(record["version"] for record in versions)])
        self.fitted = versions[-1]["trials"] if versions else 0
        self.known = 0
        self.kind = surrogates.find(self.brief.surrogate[0]) if self.brief.surrogate else None
        # What learns from values alone needs no trials: of 100,000 these arrays take 5 MB, and trials 200 MB.
        self.by_values = self.kind is not None and self.kind.fit is surrogates.Surrogate.fit
        self.data = TrainingData(self.brief.space, self.brief.objective.names)
        self.trials: list[Trial] = []

    def step(self, *, final: bool = False) -> dict[str, Any] | None:
        """Fit and publish a version where there are enough new trials; return its record, or None.

        Args:
            final: fit even for a single new trial, and note in the last version's record what the campaign has found.
        """
        if self.kind is None or self.brief.surrogate is None:
            return None
        record = self._step(self.kind, *self.brief.surrogate, final=final)
        if not final:
            return record
        versions = self.journal.versions()
        return self._with_found(record or versions[-1]) if record or versions else None

    def _with_found(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return the record of the latest version with what the campaign has found."""
        from softal.surrogates.belief import latest

        brief, known = self.brief, stamp(self.journal)
        surrogate = latest(brief.folder, brief.surrogate[0]) if brief.surrogate else None
        found = find(brief.objective, brief.space, self.journal.scores(brief.objective), surrogate)
        return record | noted(found, known)

    def _step(
        self, kind: type[surrogates.Surrogate], name: str, settings: Any, *, final: bool
    ) -> dict[str, Any] | None:
        self._follow()
        done = self.data.n if self.by_values else len(self.trials)
        enough = 1 if final else max(1, int(REFIT_GROWTH * self.fitted))
        if done - self.fitted < enough:
            return None
        began = time.perf_counter()
        if not final and kind.fit_targets is not surrogates.Surrogate.fit_targets:
            return None  # its fit is long
        objective = self.brief.objective
        surrogate = surrogates.build(name, self.brief.space, objective.names, settings, objective)
        surrogate.provenance = {
            "campaign": self.brief.name,
            "simulator": dict(self.brief.described),
            "softal": __version__,
        }
        try:
            if self.by_values:
                surrogate.fit_arrays(*self.data.arrays())
            else:
                surrogate.fit(self.trials)
        except SurrogateError:  # too few trials for this kind
            return None
        self.fitted = done
        diagnostics = surrogate.diagnostics()
        return self._publish(surrogate, diagnostics, done, time.perf_counter() - began)

    def _follow(self) -> None:
        upto = self.journal.seq
        assert self.kind is not None
        told = self.journal.told(self.known, upto, arrays=self.kind.wants_arrays)
        while some := list(islice(told, FOLLOWED)):
            if self.by_values:
                self.data.add(some)
            else:
                self.trials += [trial for trial in some if trial.state is TrialState.DONE]
        self.known = upto

    def _publish(
        self, surrogate: surrogates.Surrogate, diagnostics: Any, trials: int, seconds: float
    ) -> dict[str, Any]:
        self.version += 1
        draft = self.folder / f"version-{self.version}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        surrogate.save(draft)
        publish(draft, self.version)
        return {
            "version": self.version,
            "kind": self.brief.surrogate[0] if self.brief.surrogate else "",
            "trials": trials,
            "seconds": seconds,
            "created": time.time(),
            "method": diagnostics.method,
            "rmse": diagnostics.rmse,
            "r2": diagnostics.r2,
            "coverage": diagnostics.coverage,
            "metrics": surrogate.metrics(),
            "tables": sorted(surrogate.tables()),
        }

    def process(self) -> int:
        """Return the actor's process id."""
        return os.getpid()


class Tracker:
    """Mirrors the journal into MLflow, a bit at a time."""

    def __init__(self, parcel: bytes | Brief) -> None:
        brief = _settle(parcel)
        from softal.tracking.mlflow import Mirror  # takes seconds, in which simulations go first

        assert brief.mlflow is not None
        self.folder = brief.folder / FOLDER
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
        """Return the files of a version that people look at: its tables, and a page of its cards."""
        folder = self.folder / f"version-{record['version']}"
        tables = [path for name in record.get("tables", []) if (path := folder / f"{name}.json").exists()]
        return [*tables, *self._pages()] if tables else []

    def _pages(self) -> list[Path]:
        """Write the cards of the surrogate as pages, and return these."""
        from softal.cards.page import file_name, write_page
        from softal.cards.view import cards_of
        from softal.tracking.report.data import read

        brief = self.brief
        if brief.surrogate is None:
            return []
        kind, settings = brief.surrogate
        source = surrogates.build(kind, brief.space, brief.objective.names, settings, brief.objective)
        made = cards_of(read(brief.folder, brief.space, brief.objective), [source])
        return [write_page([card], card.title, self.folder / file_name(card.title)) for card in made]

    def _answer(self, scores: Scores) -> Answer | None:
        """Return the answer by the latest surrogate, as everywhere else, with the edges that its optimum is on, too."""
        from softal.answer.optimum import on_edges
        from softal.surrogates.belief import latest

        brief, kind = self.brief, self.brief.surrogate
        surrogate = partial(latest, brief.folder, kind[0]) if kind else lambda: None
        found = found_in(self.journal, brief.objective, brief.space, scores, surrogate)
        if found.answer is None:
            return None
        return replace(found.answer, edges=on_edges(brief.space, found.answer, found.optimum))

    def finish(self, report: Path | None) -> Mirrored:
        """Close the campaign's run in MLflow with the journal's state, and attach the report."""
        if report is not None:
            self.mirror.log_artifact(report)
        self.mirror.finish(self.journal.info["state"])
        return self._mirrored()

    def process(self) -> int:
        """Return the actor's process id."""
        return os.getpid()


def published(folder: Path) -> list[int]:
    """Return the numbers of the versions in the surrogate's folder, in their order."""
    names = (path.name.removeprefix("version-") for path in folder.glob("version-*"))
    return sorted(int(name) for name in names if name.isdecimal())


def publish(draft: Path, version: int) -> None:
    """Give a version's complete folder its name, and let `latest` mean it from one instant to the next.

    The version before stays, for whoever is reading it.
    """
    folder, latest = draft.parent, draft.parent / "latest"
    target = folder / f"version-{version}"
    draft.rename(target)
    if latest.is_dir() and not latest.is_symlink():  # as the first campaigns had it
        latest.rename(folder / f"version-{version - 1}")
    link = folder / "latest.new"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(latest)
    for older in published(folder)[:-2]:
        shutil.rmtree(folder / f"version-{older}", ignore_errors=True)
    shutil.rmtree(folder / "previous", ignore_errors=True)


def _settle(parcel: bytes | Brief) -> Brief:
    """Begin life as an agent in a process of its own, or with the brief itself in the caller's.

    A process of its own gives way to simulations that share the cores; Ray has set one thread for it.
    """
    if isinstance(parcel, Brief):
        return parcel
    os.nice(NICENESS)
    brief: Brief = unpack(parcel)
    return brief
