"""What the trainer trains: the surrogate, and a learner beside it. Each has seen some trials, and has versions.

Versions of both are numbered together, `surrogate/version-7`, `learner/version-8`: a number says how far a reader of
the journal has come.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from softal import surrogates
from softal.about import LEARNER, SURROGATE, __version__
from softal.errors import SurrogateError
from softal.orchestrator.loop.brief import Brief
from softal.surrogates import Learner, Surrogate
from softal.surrogates.data import TrainingData
from softal.surrogates.folders import latest_of, learner_folder
from softal.surrogates.learner import CAMPAIGN_ID
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

FOLLOWED = 5000  # trials that are read from the journal at once
REFIT_GROWTH = 0.05  # it is fitted again when the finished trials have grown by this part


class Course:
    """The training of one of them.

    Args:
        what: `surrogate` or `learner`, by which its folder is called and its records are told apart.
        kind, settings: of it.
        brief: of the campaign.
        journal: of the campaign.
    """

    def __init__(self, what: str, kind: str, settings: Any, brief: Brief, journal: Journal) -> None:
        self.what, self.kind, self.settings, self.brief, self.journal = what, kind, settings, brief, journal
        self.folder = brief.folder / what
        self.found = surrogates.find_any(kind)
        info = journal.info
        # Of results before that it knows others, or none: they were told anew, or their losses computed anew.
        anew = max(info.get("retried", 0.0), info.get("recomputed", 0.0) if what == SURROGATE else 0.0)
        records = [one for one in journal.versions() if self._is_mine(one) and one.get("created", anew) >= anew]
        # What was withdrawn, or is gone, is learned anew.
        self.fitted = records[-1]["trials"] if records and latest_of(brief.folder, what).exists() else 0
        # What learns from values alone needs no trials: of 100,000 these arrays take 5 MB, and trials 200 MB.
        self.values: TrainingData | None = None
        if issubclass(self.found, Surrogate) and self.found.learns_values():
            self.values = TrainingData(brief.space, brief.objective.names)
        self.trials: list[Trial] = []
        self.known = 0
        if what == LEARNER:
            adopt(brief.folder, self.found.kind)

    def _is_mine(self, record: dict[str, Any]) -> bool:
        """Whether a record is of a version of this one; those of the first version of softal are of both."""
        unsaid = self.what if record.get("kind") == self.kind else SURROGATE
        return bool(record.get("of", unsaid) == self.what)

    def step(self, version: int, *, final: bool) -> dict[str, Any] | None:
        """Fit and publish a version with this number where there are enough new trials; return its record, or None."""
        if self.found.trained == "at_end" and not final:
            return None
        self._follow()
        done = len(self.trials) if self.values is None else self.values.n
        enough = 1 if final else max(1, int(REFIT_GROWTH * self.fitted))
        if done - self.fitted < enough:
            return None
        began, brief = time.perf_counter(), self.brief
        learner = surrogates.build_any(self.kind, brief.space, brief.objective.names, self.settings, brief.objective)
        learner.provenance = {"campaign": brief.name, "simulator": dict(brief.described), "softal": __version__}
        learner.provenance |= {CAMPAIGN_ID: self.journal.campaign} if self.journal.campaign else {}
        try:
            if self.values is None:
                learner.fit(self.trials)
            else:
                assert isinstance(learner, Surrogate)
                learner.fit_arrays(*self.values.arrays())
        except SurrogateError:  # too few trials for this kind
            return None
        self.fitted = done
        record = {"version": version, "of": self.what, "kind": self.kind, "trials": done, "created": time.time()}
        record |= self._quality(learner) | {"metrics": learner.metrics(), "tables": sorted(learner.tables())}
        record["seconds"] = time.perf_counter() - began
        self._publish(learner, version)
        return record

    def _follow(self) -> None:
        upto = self.journal.seq
        told = self.journal.told(self.known, upto, arrays=self.found.wants_arrays)
        while some := list(islice(told, FOLLOWED)):
            done = [trial for trial in some if trial.state is TrialState.DONE]
            lessons = self.brief.objective.lessons(done) if self.what == SURROGATE else done
            if self.values is None:
                self.trials += lessons
            else:
                self.values.add(lessons)
        self.known = upto

    def _quality(self, learner: Learner) -> dict[str, Any]:
        """Return how good a surrogate is: method, and target -> RMSE, R2 and coverage; nothing for other learners."""
        if not isinstance(learner, Surrogate):
            return {}
        found = asdict(learner.diagnostics())
        return {name: found[name] for name in ("method", "rmse", "r2", "coverage")}

    def _publish(self, learner: Learner, version: int) -> None:
        draft = self.folder / f"version-{version}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        learner.save(draft)
        publish(draft, version)


def adopt(campaign: Path, kind: str) -> None:
    """Let a learner that the first version of softal has kept in the surrogate's folder be the campaign's learner."""
    kept = learner_folder(campaign, kind)
    if kept == latest_of(campaign, SURROGATE):
        draft = campaign / LEARNER / "version-0.new"
        shutil.copytree(kept.resolve(), draft, dirs_exist_ok=True)
        publish(draft, 0)


def withdraw(campaign: Path, what: str) -> None:
    """Let a campaign have no surrogate, or no learner, until it has learned anew: what it knows does not hold."""
    latest = latest_of(campaign, what)
    if latest.is_dir() and not latest.is_symlink():  # as the first campaigns had it
        shutil.rmtree(latest)
    else:
        latest.unlink(missing_ok=True)


def published(folder: Path) -> list[int]:
    """Return the numbers of the versions in a surrogate's or learner's folder, in their order."""
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
