"""The loop: hands proposals to workers, writes what comes back to the journal, and keeps the agents busy.

    strategist ──► stock ──► crew ──► journal ──► strategist, trainer, tracker

The loop never waits for one thing: each turn waits for whatever comes first of outcomes and agents' answers. It keeps
nothing about finished trials but counts, so that memory stays flat.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from softal.about import SURROGATE, command
from softal.errors import JournalError
from softal.orchestrator.budget import Budget, Progress
from softal.orchestrator.loop.actors import Agents
from softal.orchestrator.loop.agents import Mirrored, Trained
from softal.orchestrator.loop.brief import Brief
from softal.orchestrator.loop.failures import Failures, shown
from softal.orchestrator.loop.pause import Pause
from softal.orchestrator.loop.stock import Demand, Stock
from softal.orchestrator.status import Status
from softal.orchestrator.workers.crew import Crew
from softal.orchestrator.workers.executor import AgentFailed, Executor, Handle
from softal.orchestrator.workers.job import Job
from softal.tracking.journal import Journal
from softal.tracking.standing import utilisation
from softal.trial import USER, Trial

TICK = 0.5  # seconds between looks at budget, signals and the journal's sync, when nothing else happens
TRAINER_SHARE = 0.33  # part of its time that the trainer may compute, since it shares the cores with simulations
MIRROR_BATCHES = (50, 2000)  # fewest and most changes that the tracker mirrors in one call
MIRROR_CALL = 1.0  # seconds that such a call may take; many trials at once cost less each
MIRROR_AFTER = 1.0  # seconds after the first trial's start in which the tracker is not started: its imports take longer
MIRROR_PAUSE = 0.25  # seconds between the tracker's looks at the journal when it is up to date


class Listener(Protocol):
    """Hears what happens; the command line's progress display is one."""

    def trial_finished(self, trial: Trial, improved: bool) -> None:
        """A trial is done or failed; `improved` where it is a new best."""

    def tick(self, status: Status) -> None:
        """How the campaign stands, every half second."""

    def message(self, text: str) -> None:
        """Something that the user should know."""

    def doing(self, text: str) -> None:
        """What is done now, where no simulation runs meanwhile; a listener need not have this."""


@dataclass(frozen=True)
class Plan:
    """How the loop runs a campaign.

    Attributes:
        brief: what the agents must know.
        job: what the workers must know.
        budget: when it is over.
        batch: how many trials the simulator evaluates at once.
        memory: of one trial, or of several that are evaluated at once [bytes].
        retries: how often a trial whose simulation was killed is run again.
        grace: how long running simulations may go on when the campaign is stopped [s].
        ahead: proposals kept ready beyond free workers; None is as `softal.orchestrator.loop.stock` says.
        freshness: share of the known results that a proposal may lack.
    """

    brief: Brief
    job: Job
    budget: Budget
    batch: int = 1
    memory: int | None = None
    retries: int = 2
    grace: float = 10.0
    ahead: int | None = None
    freshness: float = 0.0


class Loop:
    """Runs one campaign until its budget is used up, its strategy has no more points, or somebody stops it."""

    def __init__(self, plan: Plan, journal: Journal, executor: Executor, listener: Listener) -> None:
        self.plan, self.journal, self.executor, self.listener = plan, journal, executor, listener
        name = plan.brief.name
        self.progress = Progress(plan.brief.objective, fidelity=plan.budget.fidelity)
        self.failures = Failures(plan.budget.failures, self._earlier())
        self.agents = Agents(plan.brief, executor)
        self.stock = Stock(journal, self.agents, plan.brief.seed, executor, plan.batch, plan.ahead, plan.freshness)
        busy = journal.busy_seconds()
        self.crew = Crew(name, plan.job, executor, plan.batch, plan.memory, plan.retries, busy)
        self.pause = Pause(plan.brief.folder, listener.message, self._hurried)
        journal.without_room = self.crew.without_room = self.pause.wait
        self._figures = executor.figures(name)
        self._active_before = float(journal.info.get("active", 0.0))
        self._began = time.time()
        self._ended: float | None = None
        self._last_tick = 0.0
        self._first_launch = math.inf
        self._stop_reason: str | None = None
        self._stop_deadline = math.inf
        self._untrained = bool(self.progress.done)
        self._fits_all = False  # whether the trainer's call under way is the last
        self._mirrored = False  # whether MLflow had everything when it was last looked at
        self._mirror_behind = 0
        self._mirror_batch = MIRROR_BATCHES[0]
        self._mirror_error: str | None = None
        self._complaints: set[str] = set()
        self._unavailable: set[str] = set()  # values of which it was said

    def _earlier(self) -> Iterator[Trial]:
        """Give the trials of earlier sessions in the order of telling, counted; few of them are in memory at a time."""
        for trial in self.journal.told(0, self.journal.seq):
            if trial.state.finished:  # others were dropped since
                self.progress.add(trial)
            yield trial

    def run(self) -> str:
        """Run until the end and return why it ended; the caller says so in the journal.

        Raises:
            JournalError: if the journal was taken away meanwhile; what ran is in it all the same.
        """
        while True:
            over = self._over()
            if over and not self.crew.tasks:
                self._ended = time.time()
                self._tick(at_once=True)
                if self.journal.displaced:
                    raise JournalError(self.journal.displaced)
                return over
            if not over:
                self._launch()
                self.stock.ask(self._demand())
            elif time.time() >= self._stop_deadline:
                self.stock.put_back(self.crew.cancel())
            self._train()
            self._mirror()
            self._wait()
            self._tick()

    def stop(self, reason: str, *, at_once: bool = False) -> None:
        """Stop proposing; give running simulations the plan's grace, or none, then put them back into the stock.

        A later call gives no more time: a second signal may come in the middle of the answer to the first.
        """
        self._stop_reason = reason
        self._stop_deadline = min(self._stop_deadline, time.time() + (0.0 if at_once else self.plan.grace))

    @property
    def active(self) -> float:
        """Time of running over all resumptions, until nothing is run any more [s]."""
        return self._active_before + (self._ended or time.time()) - self._began

    def status(self) -> Status:
        """Return how the campaign stands."""
        return Status(
            name=self.plan.brief.name,
            state="running",
            reason="",
            done=self.progress.done,
            running=self.crew.begun,
            failed=self.progress.failed,
            given=self.progress.given,
            waiting=len(self.stock.ready) + len(self.crew.running) - self.crew.begun,
            best=self.progress.best,
            utilisation=utilisation(self.crew.busy_seconds(), self.executor.slots, self.active),
            trials_per_hour=self.progress.run / self.active * 3600,
            active=self.active,
            mirror_behind=self._mirror_behind,
            mirror_error=self._mirror_error,
        )

    def _over(self) -> str | None:
        """Return why nothing new is started any more; None while the campaign goes on."""
        if self._stop_reason is not None:
            return self._stop_reason
        reason = self.journal.displaced or self.hopeless or (None if self._asked_for() else self._spent)
        if reason is None and self.stock.exhausted and not self.stock.ready and not self.crew.tasks:
            reason = self.stock.exhausted
        if reason is None:
            self._stop_deadline = math.inf  # a good result came while the campaign seemed hopeless
        elif self._stop_deadline == math.inf:
            self._stop_deadline = time.time() + self.plan.grace
            if (self.journal.displaced or self.hopeless) and self.crew.tasks:
                self.listener.message(waiting_text(self.plan.grace, len(self.crew.running)))
        return reason

    @property
    def _spent(self) -> str | None:
        """Why the budget is used up; None while it is not."""
        return self.plan.budget.exhausted(self.progress, self.active)

    def _asked_for(self) -> bool:
        """Whether trials wait or run that the user asked for, which take nothing of the budget."""
        return any(trial.proposed_by == USER for trial in (*self.stock.ready, *self.crew.running))

    def _demand(self) -> Demand:
        """Return how the campaign stands, for the stock."""
        crew, running, known = self.crew, self.crew.running, self.progress.finished
        asked = [trial for trial in (*running, *self.stock.ready) if trial.proposed_by != USER]
        left = 0 if self._spent else self.plan.budget.left(self.progress.run + len(asked))
        return Demand(running, crew.free, crew.room, left, known, crew.durations)

    @property
    def hopeless(self) -> str | None:
        """Why nothing more is run: all failed for one reason, or a trial can be run nowhere; None where not."""
        folder = self.plan.brief.folder
        if self.crew.stuck:
            return f"{self.crew.stuck}. Mend the cause, then: {command('resume', shown(folder))}"
        return self.failures.hopeless(folder)

    def _hurried(self) -> bool:
        """Whether nobody wants to wait any longer."""
        return self.agents.hurry or (self._stop_reason is not None and time.time() >= self._stop_deadline)

    def _hand_over(self) -> list[Trial]:
        ready, more = self.stock.ready, self.pause.more()
        if self._spent is None:
            launched = self.crew.launch(ready, more)
        else:
            asked = deque(trial for trial in ready if trial.proposed_by == USER)
            launched = self.crew.launch(asked, more)
            taken = {trial.id for trial in launched}
            self.stock.ready = deque(trial for trial in ready if trial.id not in taken)
        if launched:
            self.pause.handed()
        return launched

    def _launch(self) -> None:
        launched = self.journal.write(self._hand_over())
        if launched:
            self._first_launch = min(self._first_launch, time.monotonic())

    def _wait(self) -> None:
        """Wait for whatever comes first, and take all that has come."""
        calls = self.agents.waiting()
        handles = [*self.crew.tasks, *calls]
        if not handles:
            time.sleep(TICK / 10)
            return
        ready = self.executor.wait(handles, TICK)
        self._take_outcomes([handle for handle in ready if handle in self.crew.tasks])
        for handle in ready:
            if handle in calls:
                self._take_answer(calls[handle])

    def _take_outcomes(self, handles: list[Handle]) -> None:
        if not handles:
            return
        finished, again = self.crew.take(handles)
        if self.crew.full:
            self.pause.begin(self.crew.full)
            self.crew.full = None
        if again:
            self.stock.put_back(again)
        # The freed workers first, then the books; a budget that these trials use up counts them as running still.
        launched = self._hand_over() if self._over() is None else []
        for trial in self.journal.write([*finished, *launched])[: len(finished)]:
            improved = self.progress.add(trial)
            self.failures.add(trial, lacking=trial.id in self.crew.lacking)
            self._figures.trial(trial)
            self.pause.finished(trial.started)
            self.listener.trial_finished(trial, improved)
            self._say_missing(trial)
        self._untrained = self._untrained or bool(finished)
        self.crew.lacking.clear()
        for reason in self.crew.apart:
            self._complain(f"Trials that were evaluated at once failed together ({reason}) and ran one by one.")
        self.crew.apart.clear()

    def _say_missing(self, trial: Trial) -> None:
        """Say once of each value that some trial has none."""
        for name, what in (trial.observation.missing if trial.observation else {}).items():
            if name not in self._unavailable:
                self._unavailable.add(name)
                self.listener.message(
                    f"{name!r} is {what} in trial {trial.id}: such trials are done, without this value."
                )

    def _complain(self, text: str) -> None:
        """Say something once."""
        if text not in self._complaints:
            self._complaints.add(text)
            self.listener.message(text)

    def _take_answer(self, agent: str) -> bool:
        """Take an agent's answer, and return whether there was one.

        Without the strategist there is no campaign, without the others there is.
        """
        try:
            answer = self.agents.answer(agent)
        except AgentFailed as error:
            if agent == "strategist":
                raise
            self._complain(f"{error}. The campaign goes on.")
            return False
        if agent == "strategist":
            self.stock.take(*answer)
        elif agent == "trainer":
            self._take_versions(answer)
        elif agent == "tracker":
            self._take_mirror(answer)
        return True

    # The surrogate and the mirror.

    def _train(self) -> None:
        if self._untrained and self.plan.brief.learners and self.agents.rested("trainer", TRAINER_SHARE):
            self._untrained = False
            self.agents.call("trainer", "step")

    def _take_versions(self, trained: Trained) -> None:
        for record in trained.records:
            self.journal.add_version(record)
            if record.get("of", SURROGATE) == SURROGATE:
                self._figures.surrogate(record)
        for reason in trained.failed:
            self._complain(f"the trainer failed: {reason}. The campaign goes on.")

    def _mirror(self) -> None:
        keeps_up = self._mirror_behind < self._mirror_batch or self._mirror_error
        if time.monotonic() - self._first_launch < MIRROR_AFTER:
            return
        if self.plan.brief.mlflow and self.agents.rested("tracker", 1.0, MIRROR_PAUSE if keeps_up else 0.0):
            self._call_tracker()

    def _call_tracker(self) -> None:
        self.agents.call("tracker", "step", self._mirror_batch)

    def _take_mirror(self, found: Mirrored) -> None:
        was = self._mirror_error
        self._mirror_behind, self._mirror_error, self._mirrored = found.behind, found.error, found.up_to_date
        if found.refused:
            self._complain(f"MLflow does not take {found.refused}. The campaign goes on; the journal has all.")
        longer = self.agents.took("tracker") < MIRROR_CALL / 2 and self._mirror_behind > self._mirror_batch
        shorter = self.agents.took("tracker") > MIRROR_CALL
        change = 2.0 if longer else 0.5 if shorter else 1.0
        self._mirror_batch = int(np.clip(change * self._mirror_batch, *MIRROR_BATCHES))
        if self._mirror_error and not was:
            self.listener.message(
                f"MLflow does not answer ({self._mirror_error}). The campaign goes on; its trials are mirrored later."
            )
        elif was and not self._mirror_error:
            self.listener.message("MLflow answers again; the mirror catches up.")

    def begin_finish(self) -> bool:
        """Let the mirror catch up and who learns be fitted to all trials; return whether there is anyone to fit."""
        if self.plan.brief.mlflow and not self.agents.busy("tracker"):
            self._call_tracker()
        fits = bool(self.plan.brief.learners and self.progress.done)
        self._fits_all = fits and not self.agents.busy("trainer")
        if self._fits_all:
            self.agents.call("trainer", "step", final=True)
        return fits

    def finish_training(self) -> None:
        """Wait for the fit to all trials."""
        if self.agents.busy("trainer"):
            self._wait_for("trainer")
        if not self._fits_all and self.begin_finish():
            self._wait_for("trainer")

    def finish_mirror(self, report: Path | None) -> int:
        """Let MLflow catch up as long as it answers, close the campaign's run there; return what it still lacks."""
        if not self.plan.brief.mlflow:
            return 0
        while True:
            if not self.agents.busy("tracker"):
                self._call_tracker()
            answered = self._wait_for("tracker")
            self.listener.tick(self.status())
            if not answered or self._mirror_error or self._mirrored:
                break
        self.agents.call("tracker", "finish", report)
        self._wait_for("tracker")
        return self._mirror_behind

    def _wait_for(self, agent: str) -> bool:
        """Wait for an agent's answer and take it; return whether it came."""
        self.agents.wait(agent)
        return self._take_answer(agent)

    def _tick(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if now - self._last_tick < TICK and not at_once:
            return
        self._last_tick = now
        self.executor.refresh()
        self.crew.look()
        status, busy, slots = self.status(), self.crew.busy_seconds(), self.executor.slots
        self.journal.set_info(
            active=status.active, active_at=time.time(), busy=busy, slots=slots, running=status.running
        )
        self.journal.sync()
        self._figures.status(status)
        self.listener.tick(status)


def waiting_text(grace: float, running: int) -> str:
    """Return what a stop waits for, in words."""
    waits = f"up to {grace:g} s for {running} running simulations" if running else "for the books"
    return f"Stopping: waiting {waits}. Ctrl-C again stops at once."


def say_doing(listener: Listener, text: str) -> None:
    """Tell a listener what is done now, if it wants to know."""
    doing: Any = getattr(listener, "doing", None)
    if doing is not None:
        doing(text)
