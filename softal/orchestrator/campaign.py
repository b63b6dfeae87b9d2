"""A campaign, from Python: the same words as in the file and on the command line, which is a thin layer on this.

campaign = Campaign.from_yaml("campaigns/argon.yaml")
campaign.launch()
campaign.best, campaign.trials, campaign.surrogate.predict([{"epsilon": 120, "sigma": 3.4, "n": 12}])
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softal.about import SURROGATE, command
from softal.answer import Answer
from softal.errors import CampaignFileError, CampaignStateError, JournalError, Problem, SoftalError
from softal.kinds import registry
from softal.objective import Objective
from softal.objective.scores import Scores
from softal.orchestrator import provenance
from softal.orchestrator.budget import Budget
from softal.orchestrator.campaign_file.checks import searched
from softal.orchestrator.campaign_file.declared import Declared, NotDrawn
from softal.orchestrator.campaign_file.schema import (
    CampaignSpec,
    differences,
    load_campaign_file,
    parse_campaign,
    parse_text,
)
from softal.orchestrator.campaign_file.settings import BudgetSettings, wrong_name
from softal.orchestrator.foreign import own, refuse_leftovers
from softal.orchestrator.found import Found, found_in
from softal.orchestrator.status import Status, read_status, require_campaign
from softal.orchestrator.workers.job import batch_of
from softal.passwords import complete, keep, redacted
from softal.reading import boundary
from softal.simulators.base import Simulator
from softal.simulators.function import simulator_class
from softal.space import Space
from softal.tracking.journal import DATABASE, Journal, in_use
from softal.trial import Trial, TrialState

if TYPE_CHECKING:
    import pandas as pd

    from softal.cards import Source
    from softal.orchestrator.loop.brief import Brief
    from softal.orchestrator.loop.loop import Listener, Plan
    from softal.orchestrator.loop.session import Ending
    from softal.orchestrator.workers.job import Job
    from softal.surrogates import Learner, Surrogate

RUNS = Path("runs")
IN_PYTHON = "softal.orchestrator.campaign_file.in_python:InPython"


class Campaign:
    """One campaign and its folder of state.

    Args:
        simulator: a kind with its settings as in the file, or a Simulator or function point -> dict of your own.
        space, objective, strategy, surrogate, learner, budget, workers, cluster, tracking, constraints, seed, name: as
            in the file.
        runs: folder in which the campaign has its folder of state.
        folder: what relative paths are relative to.

    Raises:
        CampaignFileError: with every mistake at once.
    """

    def __init__(
        self,
        *,
        simulator: str | Mapping[str, Any] | Simulator | Callable[..., Any],
        space: Mapping[str, Any],
        objective: Mapping[str, Any],
        budget: Mapping[str, Any],
        name: str = "campaign",
        runs: Path | str = RUNS,
        folder: Path | str = ".",
        **sections: Any,
    ) -> None:
        self._own = None if isinstance(simulator, str | Mapping) else simulator
        data = {"name": name, "space": space, "objective": objective, "budget": budget, **sections}
        data["simulator"] = simulator if self._own is None else {"kind": IN_PYTHON, "what": _name_of(self._own)}
        spec = parse_campaign(data, Path(folder))
        self.spec = spec if self._own is None else replace(spec, built=_made_of(self._own))
        self.folder = Path(runs) / self.spec.name
        self._unread = False

    @classmethod
    def _of(cls, spec: CampaignSpec, folder: Path) -> Campaign:
        campaign = cls.__new__(cls)
        campaign._own, campaign.spec, campaign.folder, campaign._unread = None, spec, folder, False
        return campaign

    @classmethod
    def from_yaml(
        cls, path: Path | str, *, runs: Path | str = RUNS, name: str | None = None, changes: Sequence[str] = ()
    ) -> Campaign:
        """Read a campaign file; CampaignFileError has every mistake at once.

        Args:
            path: the file.
            runs: folder in which the campaign has its folder of state.
            name: instead of the file's.
            changes: `place=value`, such as `budget.trials=20`.
        """
        spec = load_campaign_file(Path(path), changes)
        if name is not None:
            spec = replace(spec, name=_checked_name(name))
        return cls._of(spec, Path(runs) / spec.name)

    @classmethod
    def open(cls, folder: Path | str, *, own_code: bool = False) -> Campaign:
        """Open a campaign that was launched before, from its folder of state; CampaignStateError if there is none.

        To look at it, none of its author's modules is imported; what runs imports them then.

        Args:
            folder: of state.
            own_code: import them at once, which a surrogate, a learner or cards of one's own need.
        """
        folder = Path(folder)
        with require_campaign(folder) as journal:
            info = journal.info
        if missing := [name for name in ("text", "source", "name") if name not in info]:
            raise JournalError(f"{folder / DATABASE} is damaged: it lacks the campaign's {missing[0]}")
        campaign = cls._of(_launched(folder, info, own_code), folder)
        campaign._unread = not own_code
        return campaign

    def _import_own(self) -> None:
        """Import the modules of the campaign's author, where it was opened without, for what runs."""
        if self._unread:
            with require_campaign(self.folder) as journal:
                spec = _launched(self.folder, journal.info, own_code=True)
            self.spec, self._unread = replace(spec, budget=self.spec.budget), False

    def _refuse_own(self, what: str, kind: str) -> None:
        """Raise CampaignStateError where surrogate or learner is code that is not to be imported."""
        if self._unread and registry.is_own(kind):
            raise CampaignStateError(
                f"the {what} of {self.folder}, {kind!r}, is code of the campaign's author, which looking at a campaign "
                "does not run: give --own-code (in Python, Campaign.open(FOLDER, own_code=True)) where you trust it"
            )

    @property
    def budget(self) -> Budget:
        """When the campaign is over."""
        return self.budget_with()

    def budget_with(self, **more: float | None) -> Budget:
        """When it is over with other limits of trials, hours or target, as for `resume`; None keeps a limit."""
        changes = {key: value for key, value in more.items() if value is not None}
        chosen = self.spec.strategy
        highest = chosen.found.highest_fidelity(chosen.settings)
        return Budget(self.spec.objective, **_extended(self.spec.budget, changes).model_dump(), fidelity=highest)

    # Running.

    def check(self) -> list[str]:
        """Return what stands in the way of running here; empty where nothing does."""
        self._import_own()
        simulator = self.spec.built
        try:
            batch_of(simulator)
        except SoftalError as error:
            return [str(error)]
        return simulator.check()

    @property
    def batch(self) -> int:
        """How many points the simulator evaluates at once."""
        self._import_own()
        return batch_of(self.spec.built)

    def launch(self, listener: Listener | None = None, **hooks: Any) -> Ending:
        """Run the campaign until its budget is used up; CampaignStateError if its folder holds one already."""
        self.refuse_existing()
        self._refuse_here(**hooks)
        with Journal.create(self.folder, self.spec.text, self._info()) as journal:
            (self.folder / "campaign.yaml").write_text(self.spec.text, encoding="utf-8")
            keep(self.spec.tracking.mlflow, self.folder)
            return self._run(journal, listener, **hooks)

    def resume(
        self,
        listener: Listener | None = None,
        *,
        trials: int | None = None,
        hours: float | None = None,
        target: float | None = None,
        retry_failed: bool = False,
        **hooks: Any,
    ) -> Ending:
        """Go on where the campaign stopped; trials that were running run again.

        Args:
            listener: hears what happens.
            trials, hours, target: instead of those in the file's budget.
            retry_failed: run failed trials again, at their points and with their seeds; their first results are
                forgotten.
            hooks: passed on to the session.

        Raises:
            CampaignStateError: if there is no such campaign, if it is running, or if its file has changed.
        """
        require_campaign(self.folder).close()
        more = {"trials": trials, "hours": hours, "target": target}
        changes = {key: value for key, value in more.items() if value is not None}
        self._refuse_here(**hooks)
        with Journal.open(self.folder, read_only=False) as journal:
            info = journal.info
            self._refuse_changes(info)
            changes = {**info.get("budget", {}), **changes}
            self.spec = replace(self.spec, budget=_extended(self.spec.budget, changes))
            journal.set_info(budget=changes, declared=self.spec.declared.to_json())
            keep(self.spec.tracking.mlflow, self.folder)
            if retry_failed:
                self._retry_failed(journal, listener or Silent())
            return self._run(journal, listener, **hooks)

    def _retry_failed(self, journal: Journal, listener: Listener) -> None:
        """Let failed trials wait again, before any agent reads the journal: none is told their first results then."""
        from softal.orchestrator.loop.stock import waiting

        failed = journal.write(waiting(trial) for trial in journal.trials(TrialState.FAILED))
        if failed:
            journal.set_info(retried=time.time())
        noun = "trial" if len(failed) == 1 else "trials"
        listener.message(f"Running {len(failed)} failed {noun} again." if failed else "No trial has failed.")

    def mlflow(self) -> str | None:
        """Return MLflow's tracking URI, with its password; None where the campaign goes without MLflow.

        Raises:
            CampaignStateError: if the password is neither in the environment nor in the campaign's folder.
        """
        uri = self.spec.tracking.mlflow
        if uri == "off":
            return None
        return complete(uri, self.folder) if uri else f"sqlite:///{self.folder.resolve() / 'mlflow.db'}"

    def _refuse_here(self, *, executor: Any = None, **others: Any) -> None:
        """Raise what stands in the way of running here, before anything is written."""
        self.mlflow()
        if problems := self.check():
            raise CampaignFileError([Problem("simulator", problem) for problem in problems])
        if executor is None:
            from softal.orchestrator.cluster.probe import refuse

            refuse(self.spec.cluster.address, self.spec.workers.concurrent)

    def _run(self, journal: Journal, listener: Listener | None, **hooks: Any) -> Ending:
        from softal.orchestrator.loop import session

        return session.run(
            self._plan(journal.info["id"]),
            journal,
            listener or Silent(),
            cluster=self.spec.cluster,
            workers=self.spec.workers,
            report=self.report,
            **hooks,
        )

    def brief(self, mlflow: str | None = None) -> Brief:
        """Return what agents must know of the campaign; where they mirror it, with MLflow's tracking URI."""
        from softal.orchestrator.loop.brief import Brief

        self._import_own()
        spec, folder = self.spec, self.folder.resolve()
        return Brief(
            name=spec.name,
            folder=folder,
            source=spec.folder,
            space=self._searched(),
            objective=spec.objective,
            seed=spec.seed,
            strategy=(spec.strategy.kind, spec.strategy.settings),
            surrogate=(spec.surrogate.kind, spec.surrogate.settings) if spec.surrogate else None,
            mlflow=mlflow,
            experiment=spec.tracking.experiment,
            simulator=self.spec.built,
            described=self._described(),
            learner=(spec.learner.kind, spec.learner.settings) if spec.learner else None,
        )

    def job(self, campaign_id: str, folder: Path) -> Job:
        """Return what a worker must know to evaluate points as the campaign does, in a folder of files."""
        from softal.orchestrator.workers.job import Job

        self._import_own()
        spec, workers = self.spec, self.spec.workers
        simulator: Any = self._own or (spec.simulator.kind, spec.simulator.settings)
        return Job(
            campaign_id, folder, spec.folder, simulator, spec.objective, workers.cpus, workers.gpus, workers.walltime
        )

    def _plan(self, campaign_id: str) -> Plan:
        from softal.orchestrator.loop.loop import Plan

        brief, workers = self.brief(self.mlflow()), self.spec.workers
        job = self.job(campaign_id, brief.folder)
        ahead = None if workers.ahead == "auto" else workers.ahead
        return Plan(
            brief, job, self.budget, self.batch, workers.memory, workers.retries, workers.grace, ahead, workers.share
        )

    def _described(self) -> dict[str, Any]:
        """Return the simulator's kind and settings, as JSON has them."""
        chosen = self.spec.simulator
        return {"kind": chosen.kind, **(chosen.settings.model_dump(mode="json") if chosen.settings else {})}

    def _searched(self) -> Space:
        """Return the space without the points of which the simulator knows that they cannot be simulated."""
        return searched(self.spec.space, self.spec.built)

    def _info(self) -> dict[str, Any]:
        return {
            "id": uuid.uuid4().hex,
            "name": self.spec.name,
            "source": str(self.spec.folder),
            "launched_in": str(Path.cwd()),
            "created": time.time(),
            "seed": self.spec.seed,
            "state": "running",
            "declared": self.spec.declared.to_json(),
            **provenance.describe(self.spec.folder),
        }

    def refuse_existing(self) -> None:
        """Raise CampaignStateError if the folder of state holds a campaign already, saying what to do."""
        if not (self.folder / DATABASE).exists():
            refuse_leftovers(self.folder)
            return
        status = self.status()
        running = f"; it is running: {command('status', self.folder)}" if status.state == "running" else ""
        go_on = "" if running else f" Go on with it: {command('resume', self.folder)}."
        raise CampaignStateError(
            f"{self.folder} holds a campaign already ({status.done} done, {status.failed} failed){running}."
            f"{go_on} Start another one beside it: softal launch FILE --name OTHER."
        )

    def _refuse_changes(self, info: Mapping[str, Any]) -> None:
        changed = differences(redacted(info["text"]), redacted(self.spec.text))
        copy = self.folder / "campaign.yaml"
        if not changed and copy.exists():
            changed = differences(redacted(info["text"]), redacted(copy.read_text(encoding="utf-8")))
        if changed:
            listed, again = "\n".join(f"  {line}" for line in changed), command("resume", self.folder)
            raise CampaignStateError(
                f"the campaign file differs from the one that {self.folder} was launched with:\n{listed}\n"
                f"Go on with the file as it was: {again}. With more budget: {again} --trials N. "
                "For anything else start another campaign: softal launch FILE --name OTHER."
            )

    # Between sessions.

    def add(self, trial: Trial) -> Trial:
        """Take in what was simulated beside the campaign as one of its trials, proposed by `user`; return it.

        The same point with the same seed and fidelity is taken in once. What learns from it is trained by `retrain`.

        Args:
            trial: done, evaluated as the campaign's `job` says; its number does not matter.

        Raises:
            CampaignStateError: if the campaign is running, or the trial is not done.
            SpaceError: if its point is not of the space.
        """
        from softal.orchestrator.added import add

        return add(self.folder, self.spec.space, trial)

    def retrain(self) -> list[dict[str, Any]]:
        """Let surrogate and learner learn from all trials, and return the records of the versions that are new.

        Raises:
            CampaignStateError: if the campaign is running, or one of them cannot be trained.
        """
        from softal.orchestrator.added import retrain

        return retrain(self.brief())

    # Looking.

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
            rows = [_flat(trial.to_json()) for trial in journal.read()]
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
        from softal.about import SURROGATE
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
        return write_report(
            self.folder,
            space=spec.space,
            objective=spec.objective,
            workers=spec.workers.concurrent,
            advisor=advice(self.latest_surrogate, spec.space),
            sources=self._sources(),
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


class Silent:
    """A listener that says nothing."""

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        """Say nothing."""

    def tick(self, status: Status) -> None:
        """Say nothing."""

    def message(self, text: str) -> None:
        """Say nothing."""

    def doing(self, text: str) -> None:
        """Say nothing."""


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a trial's record as one row of a table."""
    row: dict[str, Any] = {"id": record["id"], "state": record["state"], **record["point"]}
    for values, errors in (("objective", "objective_errors"), ("values", "errors")):
        row |= record[values] | {f"{name}_error": error for name, error in record[errors].items()}
    return row | {name: record[name] for name in ("proposed_by", "seed", "started", "finished", "host", "reason")}


def _launched(folder: Path, info: Mapping[str, Any], own_code: bool) -> CampaignSpec:
    """Return what a campaign was launched with, and its budget; without its author's modules unless asked for."""
    source, where = Path(info["source"]), f"{folder / DATABASE}"
    launched_in = Path(info.get("launched_in", info["source"]))
    declared = Declared.from_json(info["declared"], where) if "declared" in info else Declared()
    with nullcontext() if own_code else registry.unread():
        spec = parse_text(info["text"], source, info["name"], launched_in, None if own_code else declared)
    with boundary(JournalError, f"{where} is damaged: its budget"):
        return replace(spec, name=info["name"], budget=_extended(spec.budget, info.get("budget", {})))


def _extended(budget: BudgetSettings, changes: Mapping[str, Any]) -> BudgetSettings:
    return BudgetSettings.model_validate({**budget.model_dump(), **json.loads(json.dumps(dict(changes)))})


def _checked_name(name: str) -> str:
    if wrong := wrong_name(name):
        raise CampaignFileError([Problem("name", wrong)])
    return name


def _made_of(own: Any) -> Simulator:
    return own if isinstance(own, Simulator) else simulator_class(own)()


def _name_of(own: Any) -> str:
    return str(getattr(own, "__qualname__", type(own).__qualname__))
