"""The simulations that the page runs: one at a time, in a sandbox on this machine, as the campaign runs its own.

Their store is a journal of its own in the campaign's folder, `simulated/`: what was run once with the same point, seed
and fidelity is not run again. While one page simulates for a campaign, no other page of it can: the journal has one
writer.

    idle ──► running ──► done | failed | cancelled ──► running ...
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from softal.errors import CampaignStateError, SpaceError
from softal.kinds.own_modules import importable
from softal.orchestrator import added
from softal.orchestrator.added import same_run
from softal.orchestrator.workers.in_process import InProcess, in_a_child
from softal.orchestrator.workers.job import Task, WorkerLost
from softal.tracking.database import DATABASE
from softal.tracking.journal import Journal
from softal.trial import USER, Point, Trial, TrialState

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign

FOLDER = "simulated"  # in the campaign's folder
OF = "simulated_for"  # in the store's journal, the campaign's id
AGAIN = 0.3  # seconds between attempts to stop what was cancelled
LARGEST_SEED = 2**31 - 1  # engines take signed integers


@dataclass(frozen=True)
class Run:
    """The simulation that runs, or that ran last.

    Attributes:
        state: of the run.
        trial: its number in the store, once it is there.
        expected: how long it is expected to take [s]; None where nothing is known.
        stored: whether it came from the store.
        added: which of the campaign's trials it is, since it was added here.
        reason: why it has failed.
    """

    state: Literal["idle", "running", "done", "failed", "cancelled"]
    point: Point | None = None
    seed: int = 0
    fidelity: float = 1.0
    trial: int | None = None
    began: float = 0.0
    expected: float | None = None
    stored: bool = False
    added: int | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data; of one that runs, with the time since it began [s]."""
        return {**vars(self), "elapsed": time.time() - self.began if self.state == "running" else None}


class Simulations:
    """See the module.

    Args:
        campaign: whose simulator and objective.
        changed: is called whenever something has changed, from any thread.
    """

    def __init__(self, campaign: Campaign, changed: Callable[[], object] = lambda: None) -> None:
        self.campaign, self._changed = campaign, changed
        self.folder = campaign.folder / FOLDER
        self.run = Run("idle")
        self.training: str | None = None  # what is being done, or why it failed
        self.trained = True  # whether the last training went well
        self._executor: InProcess | None = None
        self._journal: Journal | None = None
        self._handle: Any = None
        self._cancelled = threading.Event()
        self._lock = threading.RLock()
        self._trainer: subprocess.Popen[bytes] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return how it stands."""
        return {"run": self.run.to_json(), "training": self.training, "trained": self.trained}

    # The store.

    def kept(self, number: int) -> Trial:
        """Return a simulation of the store with its arrays; SpaceError where there is no such."""
        if (self.folder / DATABASE).exists():
            with Journal.open(self.folder) as journal:
                if (found := journal.trial(number)) is not None:
                    return found
        raise SpaceError(f"simulation: {number} is given; there is none of this number")

    def found(self, point: Point, seed: int, fidelity: float) -> Trial | None:
        """Return what was simulated at a point with this seed and fidelity, without arrays; None if nothing was."""
        if not (self.folder / DATABASE).exists():
            return None
        with Journal.open(self.folder) as journal:
            done = journal.read(TrialState.DONE)
            return next((trial for trial in done if same_run(trial, point, seed, fidelity)), None)

    # Running.

    def start(self, point: Point, seed: int, fidelity: float, expected: float | None = None) -> Run:
        """Simulate at a point, unless the store has it; return at once.

        Raises:
            CampaignStateError: if one is running, here or by another page, or the simulator cannot run here.
            SpaceError: if fidelity or seed is out of range, or the simulator refuses the point.
        """
        _check(seed, fidelity)
        if reason := self.campaign.spec.built.refuses(point):
            raise SpaceError(reason)
        with self._lock:
            if self.run.state == "running":
                raise CampaignStateError("one simulation is running: wait for it, or cancel it")
            if (known := self.found(point, seed, fidelity)) is not None:
                with Journal.open(self.campaign.folder) as campaign:
                    joined = added.find(campaign, point, seed, fidelity)
                number = None if joined is None else joined.id
                self._set(Run("done", point, seed, fidelity, known.id, stored=True, added=number))
                return self.run
            executor, journal = self._ready()
            number = sum(journal.counts().values())
            self._cancelled.clear()
            self._set(Run("running", point, seed, fidelity, began=time.time(), expected=expected))
            self._handle = executor.submit("page", [Task(number, point, seed, fidelity)])
            trial = Trial(number, point, seed, fidelity, USER, proposed=time.time(), attempts=1)
            threading.Thread(target=self._wait, args=(executor, journal, trial), daemon=True).start()
            return self.run

    def cancel(self) -> Run:
        """Stop the simulation that runs; nothing of it is kept."""
        with self._lock:
            if self.run.state == "running" and self._executor is not None:
                self._cancelled.set()
                self._executor.cancel([self._handle])
            return self.run

    def _ready(self) -> tuple[InProcess, Journal]:
        """Return what runs simulations and where they are kept, made when the first one is asked for."""
        if self._executor is None or self._journal is None:
            with importable(self.campaign.spec.folder, self.campaign.spec.simulator.kind):
                if problems := self.campaign.check():
                    raise CampaignStateError(f"the simulator cannot run here: {'; '.join(problems)}")
            self._journal = self._opened()
            self._executor = InProcess(1, in_a_child)
            self._executor.serve(self.campaign.job(self._journal.info["id"], self.folder.resolve()))
        return self._executor, self._journal

    def _opened(self) -> Journal:
        with Journal.open(self.campaign.folder) as journal:
            info = journal.info
        text, campaign = info.pop("text"), info.get("id")
        if (self.folder / DATABASE).exists():
            with Journal.open(self.folder) as journal:
                if journal.info.get(OF, campaign) != campaign:
                    raise CampaignStateError(f"{self.folder} is of another campaign: move it away, and begin again")
            return Journal.open(self.folder, read_only=False)
        return Journal.create(self.folder, text, {**info, OF: campaign, "id": uuid.uuid4().hex, "state": "finished"})

    def _wait(self, executor: InProcess, journal: Journal, trial: Trial) -> None:
        while not executor.wait([self._handle], AGAIN):
            if self._cancelled.is_set():  # its process may just have been about to start
                executor.cancel([self._handle])
        try:
            [outcome] = executor.outcomes(self._handle)
        except WorkerLost as lost:
            self._end("failed", reason=str(lost))
            return
        except BaseException as error:  # a task that was taken back before it began
            self._end("failed", reason=f"{type(error).__name__}: {error}")
            return
        if self._cancelled.is_set():
            self._end("cancelled")
            return
        with self._lock:
            journal.write([outcome.applied_to(trial)])
            journal.sync()
        done = outcome.state is TrialState.DONE
        self._end("done" if done else "failed", trial=trial.id, reason=outcome.reason)

    def _end(self, state: Literal["done", "failed"] | str, **more: Any) -> None:
        state = "cancelled" if self._cancelled.is_set() else state
        self._set(replace(self.run, state=state, **({} if state == "cancelled" else more)))  # type: ignore[arg-type]

    def _set(self, run: Run) -> None:
        self.run = run
        self._changed()

    # The campaign.

    def add(self, number: int) -> Trial:
        """Make a simulation of the store a trial of the campaign, and begin to train surrogate and learner again.

        Raises:
            CampaignStateError: if the campaign is running, or is being trained.
        """
        with self._lock:
            if self._trainer is not None:
                raise CampaignStateError("surrogate and learner are being trained: add it when that has ended")
            trial = self.campaign.add(self.kept(number))
            command = [
                sys.executable,
                "-P",
                "-m",
                "softal.orchestrator.retraining",
                str(self.campaign.folder.resolve()),
            ]
            self._trainer = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
            if self.run.trial == number:
                self.run = replace(self.run, added=trial.id)
            self.training, self.trained = f"Learning from trial {trial.id} ...", True
            threading.Thread(target=self._follow_training, args=(trial.id,), daemon=True).start()
        self._changed()
        return trial

    def _follow_training(self, number: int) -> None:
        assert self._trainer is not None
        _, said = self._trainer.communicate()
        with self._lock:
            self.trained = self._trainer.returncode == 0
            last = said.decode(errors="replace").strip().splitlines()[-1:]
            self.training = None if self.trained else f"Trial {number} is added, but not learned from: {''.join(last)}"
            self._trainer = None
        self._changed()

    def close(self) -> None:
        """End what runs."""
        with self._lock:
            trainer = self._trainer
        if trainer is not None:
            trainer.terminate()
        self.cancel()
        if self._executor is not None:
            self._executor.close()
        if self._journal is not None:
            self._journal.close()


def _check(seed: int, fidelity: float) -> None:
    if not 0 < fidelity <= 1:
        raise SpaceError(f"fidelity: {fidelity:g} is given; a number above 0 and up to 1 is allowed")
    if not 0 <= seed <= LARGEST_SEED:
        raise SpaceError(f"seed: {seed} is given; a whole number from 0 to {LARGEST_SEED} is allowed")


def read_run(fidelity: Any, seed: Any) -> tuple[float, int]:
    """Return fidelity and seed from what a page sent; SpaceError where they are no such numbers."""
    try:
        number = float(fidelity)
    except (TypeError, ValueError):
        raise SpaceError(f"fidelity: {fidelity!r} is given; a number above 0 and up to 1 is allowed") from None
    try:
        whole = float(seed)
        if not whole.is_integer():
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise SpaceError(f"seed: {seed!r} is given; a whole number from 0 to {LARGEST_SEED} is allowed") from None
    _check(int(whole), number)
    return number, int(whole)
