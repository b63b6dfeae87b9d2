"""What a campaign has found, from its folder of state: trials, best, answer, surrogate, report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softal.about import SURROGATE
from softal.answer import Answer
from softal.errors import CampaignStateError, SoftalError
from softal.kinds import registry
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.orchestrator.campaign_file.declared import NotDrawn
from softal.orchestrator.campaign_file.schema import CampaignSpec
from softal.orchestrator.changed_inputs import changed_since, listed
from softal.orchestrator.foreign import own
from softal.orchestrator.found import Found, found_in
from softal.orchestrator.status import Status, read_status, require_campaign
from softal.orchestrator.trial_table import flat
from softal.tracking.journal import Journal
from softal.tracking.lock import in_use
from softal.trial import Trial, TrialState

if TYPE_CHECKING:
    import pandas as pd

    from softal.cards import Source
    from softal.surrogates import Learner, Surrogate


class Results:
    """What can be seen of a campaign, whether or not it is running; `Campaign` runs it, too.

    Attributes:
        spec: what the campaign is.
        folder: of state.
    """

    spec: CampaignSpec
    folder: Path
    _unread: bool  # whether the modules of the campaign's author are not imported

    def status(self) -> Status:
        """Return how the campaign stands, running or not, with its answer."""
        with self.scored() as (journal, scores):
            best = None if scores.best is None else journal.trial(int(scores.ids[scores.best]))
            found = read_status(self.folder, journal, best, self.spec.workers.concurrent)
            return replace(found, answer=self._found(journal, scores).answer)

    def list_trials(self) -> list[Trial]:
        """Return all trials in the order of their ids, without arrays."""
        with require_campaign(self.folder) as journal:
            return journal.trials()

    @property
    def trials(self) -> pd.DataFrame:
        """All trials as a table: one row a trial, columns for the point, values, errors and objective."""
        import pandas as pd

        with require_campaign(self.folder) as journal:
            rows = [flat(trial.to_json()) for trial in journal.read()]
        return pd.DataFrame(rows).set_index("id") if rows else pd.DataFrame()

    @property
    def best(self) -> Trial | None:
        """The trial with the best observed objective, with its arrays; None where there is none."""
        with self.scored() as (journal, scores):
            return None if scores.best is None else journal.trial(int(scores.ids[scores.best]))

    @property
    def answer(self) -> Answer | None:
        """The best point by repeats, or by the surrogate, with its error; None where there is none."""
        with self.scored() as (journal, scores):
            return self._found(journal, scores).answer

    def _found(self, journal: Journal, scores: Scores) -> Found:
        return found_in(journal, self.spec.objective, self.spec.space, scores, lambda: self.latest_surrogate)

    @property
    def pareto_front(self) -> list[Trial]:
        """The trials that no other beats in every component of the objective."""
        with self.scored() as (journal, scores):
            return journal.some(scores.ids[scores.front].tolist())

    @contextmanager
    def scored(self, objective: Objective | None = None) -> Iterator[tuple[Journal, Scores]]:
        """Open the journal, with the results of all trials that count as arrays; by another objective than its own."""
        with require_campaign(self.folder) as journal:
            yield journal, journal.scores(objective or self.spec.objective)

    def unmet(self) -> str | None:
        """Say that no trial satisfies the outcome constraints, and which is nearest; None where one does."""
        with require_campaign(self.folder) as journal:
            return self.spec.objective.unmet(journal.read(TrialState.DONE)) if self.spec.objective.outcomes else None

    @property
    def versions(self) -> list[dict[str, Any]]:
        """The records of the surrogate's versions, oldest first: number, trials, RMSE, R2, coverage ..."""
        with Journal.open(self.folder) as journal:
            return journal.versions(of=SURROGATE)

    @property
    def surrogate(self) -> Surrogate:
        """The latest version of the surrogate; CampaignStateError if there is none yet."""
        from softal import surrogates
        from softal.surrogates.folders import latest_of

        latest = latest_of(self.folder, SURROGATE)
        if self.spec.surrogate is not None:
            self._refuse_own("surrogate", self.spec.surrogate.kind)
        if self.spec.surrogate is None or not latest.exists():
            raise CampaignStateError(f"{self.folder} has no surrogate yet: it is fitted once a few trials are done")
        return own(surrogates.load(latest, self.spec.surrogate.kind), latest, self.id)

    @property
    def latest_surrogate(self) -> Surrogate | None:
        """The latest version of the surrogate; None where there is none yet, or none wanted."""
        from softal.surrogates.belief import latest

        chosen = self.spec.surrogate
        if chosen is None or (self._unread and registry.is_own(chosen.kind)):
            return None
        return latest(self.folder, chosen.kind, self.id)

    @property
    def learner(self) -> Learner:
        """The latest version of the learner; CampaignStateError if there is none yet, or none wanted."""
        from softal import surrogates
        from softal.surrogates.folders import learner_folder

        if self.spec.learner is None:
            raise CampaignStateError(f"{self.folder} has no learner (there is no `learner` in its file)")
        self._refuse_own("learner", self.spec.learner.kind)
        folder = learner_folder(self.folder, self.spec.learner.found.kind)
        if folder is None:
            when = "the campaign ends" if self.spec.learner.found.trained == "at_end" else "a few trials are done"
            raise CampaignStateError(f"{self.folder} has no learner yet: it is trained once {when}")
        return own(surrogates.load_learner(folder, self.spec.learner.kind), folder, self.id)

    @property
    def latest_learner(self) -> Learner | None:
        """The latest version of the learner; None where there is none that can be loaded, or none wanted."""
        try:
            return self.learner
        except SoftalError:
            return None

    def report(self) -> Path:
        """Write the report and return its path."""
        from softal.surrogates.advice import advice
        from softal.tracking.report import write_report

        spec = self.spec
        with require_campaign(self.folder) as journal:
            files = changed_since(journal.info)
        return write_report(
            self.folder,
            space=spec.space,
            objective=spec.objective,
            workers=spec.workers.concurrent,
            advisor=advice(self.latest_surrogate, spec.space),
            sources=self._sources(),
            warnings=[f"{listed(files)}: what is shown is of what was there before."] if files else [],
        )

    def _sources(self) -> list[Source]:
        """Return those whose cards are shown: surrogate, learner, strategy and simulator."""
        learners = self.spec.build_surrogate(), self.spec.build_learner()
        drawn = [NotDrawn(kind) for kind in self.spec.declared.drawn] if self._unread else []
        return [*(one for one in learners if one is not None), self.spec.build_strategy(), self.spec.built, *drawn]

    @property
    def id(self) -> str | None:
        """What tells the campaign from all others; None where its journal does not say."""
        with require_campaign(self.folder) as journal:
            return journal.campaign

    @property
    def running(self) -> bool:
        """Whether a process is running the campaign."""
        return in_use(self.folder)

    def _refuse_own(self, what: str, kind: str) -> None:
        """Raise CampaignStateError where surrogate or learner is code that is not to be imported."""
        if self._unread and registry.is_own(kind):
            raise CampaignStateError(
                f"the {what} of {self.folder}, {kind!r}, is code of the campaign's author, which looking at a campaign "
                "does not run: give --own-code (in Python, Campaign.open(FOLDER, own_code=True)) where you trust it"
            )
