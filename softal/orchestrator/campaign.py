"""A campaign, from Python: the same words as in the file and on the command line, which is a thin layer on this.

campaign = Campaign.from_yaml("campaigns/argon.yaml")
campaign.launch()
campaign.best, campaign.trials, campaign.surrogate.predict([{"epsilon": 120, "sigma": 3.4, "n": 12}])
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from softal.about import LEARNER, SURROGATE, command
from softal.errors import CampaignFileError, CampaignStateError, JournalError, Problem, SoftalError
from softal.kinds import inputs
from softal.orchestrator import provenance
from softal.orchestrator.budget import Budget
from softal.orchestrator.campaign_file.schema import CampaignSpec, load_campaign_file, parse_campaign
from softal.orchestrator.changed import Changed, as_launched, changed, with_options
from softal.orchestrator.changed_inputs import INPUTS, changed_since, recompute, refuse_changed, trials_text
from softal.orchestrator.described import described
from softal.orchestrator.foreign import refuse_changes, refuse_leftovers
from softal.orchestrator.opening import extended, in_python, launched, moved, renamed
from softal.orchestrator.results import Results
from softal.orchestrator.status import Status, require_campaign
from softal.orchestrator.workers.job import batch_of
from softal.passwords import complete, keep
from softal.simulators.base import Simulator
from softal.simulators.by_hand import ByHand
from softal.tracking.changes import changes_in
from softal.tracking.database import DATABASE
from softal.tracking.journal import Journal
from softal.tracking.sqlite_address import address_of
from softal.trial import Trial, TrialState

if TYPE_CHECKING:
    from softal.orchestrator.by_hand.asking import Asked
    from softal.orchestrator.by_hand.catching_up import CaughtUp
    from softal.orchestrator.by_hand.telling import Result, Told
    from softal.orchestrator.given import Added, Given
    from softal.orchestrator.loop.brief import Brief
    from softal.orchestrator.loop.loop import Listener, Plan
    from softal.orchestrator.loop.session import Ending
    from softal.orchestrator.workers.job import Job

RUNS = Path("runs")


class Campaign(Results):
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
        if self._own is None:
            self.spec = parse_campaign({**data, "simulator": simulator}, Path(folder))
        else:
            self.spec = in_python(self._own, data, Path(folder))
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
            spec = renamed(spec, name)
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
        campaign = cls._of(launched(folder, info, own_code), folder)
        campaign._unread = not own_code
        return campaign

    def _import_own(self) -> None:
        """Import the modules of the campaign's author, where it was opened without, for what runs."""
        if self._unread:
            with require_campaign(self.folder) as journal:
                spec = launched(self.folder, journal.info, own_code=True)
            self.spec, self._unread = replace(spec, budget=self.spec.budget), False

    @property
    def budget(self) -> Budget:
        """When the campaign is over."""
        return self.budget_with()

    def budget_with(self, **more: float | None) -> Budget:
        """When it is over with other limits of trials, hours or target, as for `resume`; None keeps a limit."""
        changes = {key: value for key, value in more.items() if value is not None}
        chosen = self.spec.strategy
        highest = chosen.found.highest_fidelity(chosen.settings)
        return Budget(self.spec.objective, **extended(self.spec.budget, changes).model_dump(), fidelity=highest)

    def with_changes(self, changes: Sequence[str]) -> Campaign:
        """Return the campaign as it would be with changes, of which nothing is written; see `resume`."""
        if not changes:
            return self
        with require_campaign(self.folder) as journal:
            info = journal.info
        now = as_launched(self.spec, self.folder, info)
        return self._of(changed(now, self.folder, info, changes).spec, self.folder)

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
        self._refuse_here(self.spec.cluster.address, **hooks)
        with self._created(listener or Silent()) as journal:
            return self._run(journal, listener, **hooks)

    @contextmanager
    def _created(self, listener: Listener) -> Iterator[Journal]:
        """Make the folder of state and begin its journal, with the results that the campaign starts from."""
        given = self.given()
        with Journal.create(self.folder, self.spec.text, self._info()) as journal:
            (self.folder / "campaign.yaml").write_text(self.spec.text, encoding="utf-8")
            keep(self.spec.tracking.mlflow, self.folder)
            inputs.keep(self.spec.inputs, self.folder)
            self._include(journal, given, listener)
            yield journal

    def given(self) -> dict[str, Given]:
        """Return the results that the campaign starts from, by what the file says.

        Raises:
            CampaignFileError: where they cannot be read, or lack what the objective needs, with the line.
        """
        from softal.orchestrator.given import read_given

        found, problems = {}, []
        for number, said in enumerate(self.spec.start_from):
            beside = self.spec.folder / said
            try:
                path = beside if beside.exists() else Path(said)
                found[said] = read_given(path, self.spec.space, self.spec.objective)
            except SoftalError as error:
                problems += [Problem(f"start_from.{number}", line) for line in str(error).splitlines()]
        if problems:
            raise CampaignFileError(problems)
        return found

    def _include(self, journal: Journal, given: Mapping[str, Given], listener: Listener) -> None:
        from softal.orchestrator.added import include

        for said, found in given.items():
            new = len(include(journal, found.trials))
            outside = f"; {len(found.outside)} others are outside of its ranges" if found.outside else ""
            listener.message(f"The campaign is given {new} result{'s' * (new != 1)} of {said}{outside}.")

    def resume(
        self,
        listener: Listener | None = None,
        *,
        trials: int | None = None,
        hours: float | None = None,
        target: float | None = None,
        address: str | None = None,
        retry_failed: bool = False,
        accept_changes: bool = False,
        changes: Sequence[str] = (),
        **hooks: Any,
    ) -> Ending:
        """Go on where the campaign stopped; trials that were running run again.

        Args:
            listener: hears what happens.
            trials, hours, target: instead of those in the file's budget.
            address: of another Ray than the file's `cluster.address`, for this and later sessions.
            retry_failed: run failed trials again, at their points and with their seeds; their first results are
                forgotten.
            accept_changes: go on where files that the campaign is made of have changed: by changed references the
                losses of all trials are computed anew, and changed programs run new trials.
            changes: `place=value`, such as `space.x.high=2`, of the campaign from now on; see `orchestrator.changed`.
            hooks: passed on to the session.

        Raises:
            CampaignStateError: if there is no such campaign, if it is running, or if its file, or one that it
                names, has changed.
            CampaignFileError: if the address is none, or a change leads to a campaign that cannot be, or is of what
                cannot change.
        """
        with require_campaign(self.folder) as journal:
            info = journal.info
        more = {"trials": trials, "hours": hours, "target": target}
        limits = {key: value for key, value in more.items() if value is not None}
        before = self.spec
        try:
            wanted = self._wanted(info, changes)
            kept = {} if wanted else info.get("cluster", {})
            there = kept if address is None else {"address": address}
            cluster = moved(self.spec.cluster, there)
            self._refuse_here(cluster.address, resumed=True, **hooks)
            journal = Journal.open(self.folder, read_only=False)
            try:
                if not accept_changes:
                    refuse_changed(changed_since(info), self.folder, journal.counts()[TrialState.DONE])
                self._go_on(journal, wanted, limits, there)
                self._take_changed(journal, listener or Silent(), accept_changes, anew=wanted is not None)
            except BaseException:
                journal.close()
                raise
        except BaseException:
            self.spec = before
            raise
        with journal:
            self.spec = replace(self.spec, cluster=cluster)
            for change in changes_in(journal.info)[len(changes_in(info)) :]:
                (listener or Silent()).message(f"Changed: {change.words}")
            if retry_failed:
                self._retry_failed(journal, listener or Silent())
            return self._run(journal, listener, **hooks)

    def _take_changed(
        self, journal: Journal, listener: Listener, accept: bool, verb: str = "resume", *, anew: bool = False
    ) -> None:
        """Go by the files that the campaign is made of as they are now, where some have changed and a user wants that.

        They are kept anew, too, where the campaign names others now. CampaignStateError where some have changed, and
        nobody has said so.
        """
        info = journal.info
        files = changed_since(info)
        if not accept:
            refuse_changed(files, self.folder, journal.counts()[TrialState.DONE], verb)
        if inputs.LOSSES in files.values():
            now = self.spec if self._own else launched(self.folder, info, own_code=True, changed=True)
            self.spec = replace(self.spec, objective=now.objective)
            declared = self.spec.declared.outputs
            count = recompute(journal, now.objective, sorted(declared.values) if declared else ())
            listener.message(f"Losses computed anew: those of {trials_text(count)}.")
        if anew or files or INPUTS not in info:
            inputs.keep(self.spec.inputs, self.folder)
            journal.set_info(inputs=inputs.described(self.spec.inputs, self.spec.folder))

    def _wanted(self, info: Mapping[str, Any], changes: Sequence[str]) -> Changed | None:
        """Become what the campaign is by its journal and by changes, of which nothing is written yet; return these."""
        self._import_own()
        refuse_changes(self.folder, self.spec.text, info)
        self._become(info)
        if not changes:
            return None
        wanted = changed(self.spec, self.folder, info, changes)
        self.spec = wanted.spec
        return wanted if wanted.changes else None

    def _become(self, info: Mapping[str, Any]) -> None:
        """Become what the campaign is by its journal, where it has changed since its file was written."""
        if "launched_with" in info:
            self.spec = as_launched(self.spec, self.folder, info)

    def _go_on(
        self, journal: Journal, wanted: Changed | None, limits: Mapping[str, Any], there: Mapping[str, Any]
    ) -> None:
        """Write changes, new limits of the budget, and which Ray it is."""
        if wanted is not None:
            wanted.write(journal)
        info = journal.info
        refuse_changes(self.folder, self.spec.text, info)
        earlier = info.get("budget", {})
        was = extended(self.spec.budget, earlier)
        self.spec = replace(self.spec, budget=extended(was, limits))
        journal.set_info(
            budget={**earlier, **limits},
            cluster=there,
            declared=self.spec.declared.to_json(),
            changes=with_options(journal, was, limits, moved(self.spec.cluster, info.get("cluster", {})), there),
        )
        keep(self.spec.tracking.mlflow, self.folder)

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
        return complete(uri, self.folder) if uri else address_of(self.folder.resolve() / "mlflow.db")

    def _refuse_here(self, address: str | None, *, resumed: bool = False, executor: Any = None, **others: Any) -> None:
        """Raise what stands in the way of running here, before anything is written."""
        self.mlflow()
        if problems := self.check():
            raise CampaignFileError([Problem("simulator", problem) for problem in problems])
        if executor is None:
            from softal.orchestrator.cluster.probe import refuse

            refuse(address, self.spec.workers.concurrent, resumed=resumed)

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
        from softal.orchestrator import plans

        self._import_own()
        return plans.brief(self.spec, self.folder, mlflow)

    def job(self, campaign_id: str, folder: Path) -> Job:
        """Return what a worker must know to evaluate points as the campaign does, in a folder of files."""
        from softal.orchestrator import plans

        self._import_own()
        return plans.job(self.spec, self._own, campaign_id, folder)

    def _plan(self, campaign_id: str) -> Plan:
        from softal.orchestrator import plans

        brief = self.brief(self.mlflow())
        return plans.plan(self.spec, brief, self.job(campaign_id, brief.folder), self.budget, self.batch)

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
            "described": described(self.spec),
            INPUTS: inputs.described(self.spec.inputs, self.spec.folder),
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

    def add_results(self, path: Path | str) -> Added:
        """Take in results of a table (CSV) or of another campaign's folder, as trials proposed by `user`.

        They do not count for the budget. What learns from them does so when the campaign goes on, or by `retrain`.

        Args:
            path: as of `given.read_given`.

        Raises:
            CampaignStateError: if the campaign is running.
            SpaceError: with the line, where the results cannot be read or lack what the objective needs.
        """
        from softal.orchestrator.added import add_all
        from softal.orchestrator.given import Added, read_given

        found = read_given(Path(path), self.spec.space, self.spec.objective)
        return Added(add_all(self.folder, found.trials), found)

    def repeat(self, trial: int, times: int = 1) -> list[Trial]:
        """Ask for a trial to be run again, at its point and fidelity, each time with a seed of its own; return those.

        They run when the campaign is resumed, before anything else, and take nothing of its budget.

        Raises:
            CampaignStateError: if the campaign is running, or there is no such trial.
        """
        from softal.orchestrator.added import repeat

        return repeat(self.folder, trial, times, self.spec.seed)

    def drop(self, *trials: int, why: str = "", undo: bool = False) -> list[Trial]:
        """Drop trials that are wrong, or let them count again; return them as they are now.

        A dropped trial stays in the journal with the reason. Nothing learns from it, it is neither the best nor in the
        answer, and its place in the budget is free again. Surrogate and learner are gone then until `retrain`, or until
        the campaign goes on.

        Args:
            trials: their numbers.
            why: for people who look at the campaign later; needed where they are dropped.
            undo: let dropped trials count again.

        Raises:
            CampaignStateError: if the campaign is running, there is no such trial, or it cannot be dropped.
        """
        from softal.orchestrator.dropped import drop, take_back

        return take_back(self.folder, trials) if undo else drop(self.folder, trials, why)

    def retrain(self) -> list[dict[str, Any]]:
        """Let surrogate and learner learn from all trials, and return the records of the versions that are new.

        Raises:
            CampaignStateError: if the campaign is running, or one of them cannot be trained.
        """
        from softal.orchestrator.added import retrain

        return retrain(self.brief())

    def relearn(self) -> list[str]:
        """Let surrogate and learner, as far as there are any, learn from all trials; return which of them have.

        Raises:
            CampaignStateError: as of `retrain`.
        """
        from softal.surrogates.folders import latest_of

        if self.brief().learners and self.status().done:
            self.retrain()
        return [what for what in (SURROGATE, LEARNER) if latest_of(self.folder, what).exists()]

    # By hand.

    def ask(
        self,
        n: int = 1,
        *,
        trials: int | None = None,
        hours: float | None = None,
        target: float | None = None,
        accept_changes: bool = False,
    ) -> Asked:
        """Hand out up to n trials for people to do, or for a program of one's own; the campaign begins with the first.

        Trials that wait come first, such as those of `repeat`, then what the strategy proposes, which knows all that
        was told. They are open until they are told.

        Args:
            n: how many.
            trials, hours, target: instead of those in the file's budget, from now on.
            accept_changes: as of `resume`.

        Returns:
            The trials; fewer than n, or none, where `why` says why.

        Raises:
            CampaignStateError: if the campaign is running, or its file, or one that it names, has changed.
        """
        from softal.orchestrator.by_hand.asking import ask

        self.mlflow()
        more = {"trials": trials, "hours": hours, "target": target}
        changes = {key: value for key, value in more.items() if value is not None}
        with self._opened_or_created() as journal:
            refuse_changes(self.folder, self.spec.text, journal.info)
            self._become(journal.info)
            self._take_changed(journal, Silent(), accept_changes, verb="ask")
            before = journal.info.get("budget", {})
            if changes:
                extended(self.spec.budget, {**before, **changes})  # refused where they are none
                journal.set_info(budget={**before, **changes})
            return ask(journal, self.brief(), *self._limits(journal), n)

    def tell(
        self,
        trial: int | Trial,
        results: Any = None,
        *,
        failed: str | None = None,
        at: Mapping[str, Any] | None = None,
        correct: bool = False,
    ) -> Trial:
        """Tell the result of a trial that was asked for, and return the trial; `catch_up` learns from it.

        Args:
            trial: its number, or the trial itself.
            results: name -> value, (value, standard error), or whatever else a simulator may return; see
                `softal.simulators.results`.
            failed: why there is no result.
            at: parameters as they were, where they were others than asked for.
            correct: whether a trial that was told before is told anew.

        Raises:
            CampaignStateError: if the campaign is running.
            SpaceError: if the trial was not asked for or is told already, or a value is missing or no number.
        """
        from softal.orchestrator.by_hand.telling import Result, seen

        number = trial.id if isinstance(trial, Trial) else trial
        return self._tell([Result(number, seen(results, failed), failed, at or {})], correct).trials[0]

    def tell_sheet(self, path: Path | str, *, correct: bool = False) -> Told:
        """Tell what a table (CSV) has of results by now, a line a trial with its number in the column `trial`.

        Raises:
            CampaignStateError: if the campaign is running.
            SpaceError: with a line for each that cannot be taken; none is taken then.
        """
        from softal.orchestrator.by_hand.sheet import read_sheet

        spec = self.spec
        return self._tell(read_sheet(Path(path), spec.space, spec.objective, spec.built.outputs), correct)

    def catch_up(self, listener: Listener | None = None) -> CaughtUp:
        """Let surrogate and learner learn from what was told, write the report, and bring MLflow up to date.

        Raises:
            CampaignStateError: if the campaign is running.
        """
        from softal.orchestrator.by_hand.catching_up import catch_up
        from softal.orchestrator.opened import opened

        with opened(self.folder) as journal:
            return catch_up(journal, self.brief(self.mlflow()), self.report, listener or Silent())

    def _tell(self, results: Sequence[Result], correct: bool) -> Told:
        from softal.orchestrator.by_hand.standing import note_state
        from softal.orchestrator.by_hand.telling import tell
        from softal.orchestrator.opened import opened

        with opened(self.folder) as journal:
            self._become(journal.info)
            spec = self.spec
            told = tell(journal, self.brief().space, spec.objective, spec.built.outputs, results, correct=correct)
            if told.trials:
                note_state(journal, *self._limits(journal))
            return told

    @contextmanager
    def _opened_or_created(self) -> Iterator[Journal]:
        from softal.orchestrator.opened import opened

        if (self.folder / DATABASE).exists():
            with opened(self.folder) as journal:
                yield journal
            return
        refuse_leftovers(self.folder)
        with self._created(Silent()) as journal:
            yield journal

    def _limits(self, journal: Journal) -> tuple[Budget, float | None]:
        """Return the budget of trials by hand, and since when its hours count."""
        info = journal.info
        self.spec = replace(self.spec, budget=extended(self.spec.budget, info.get("budget", {})))
        return self.budget, float(info["created"]) if isinstance(self.spec.built, ByHand) else None


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
