"""One session of a campaign, from launch or resume to its end: Ray, signals, the loop, and what is done afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from softal import temporary
from softal.errors import ExecutorGone, NoRoomForJournal, SoftalError
from softal.orchestrator.campaign_file.settings import ClusterSettings, WorkersSettings
from softal.orchestrator.loop.actors import StoppedAtOnce
from softal.orchestrator.loop.loop import Listener, Loop, Plan, say_doing, waiting_text
from softal.orchestrator.workers.executor import Executor
from softal.simulators.engines import shared_memory
from softal.tracking.journal import Journal

STOP_SIGNALS = {
    signal.SIGINT: "Ctrl-C",
    signal.SIGTERM: "SIGTERM",
    signal.SIGHUP: "SIGHUP: the terminal was closed",
}


@dataclass(frozen=True)
class Ending:
    """How a session ended.

    Attributes:
        state: finished, stopped (by the user) or failed.
        reason: in words.
        signal: that stopped it, if one did.
        report: the page, if it was written.
        mirror_behind: trials that MLflow does not hold, since it did not answer.
    """

    state: str
    reason: str
    signal: int | None = None
    report: Path | None = None
    mirror_behind: int = 0

    @property
    def exit_code(self) -> int:
        """0 for a finished campaign, 128 + signal for a stopped one, 1 for a failed one."""
        if self.signal is not None:
            return 128 + self.signal
        return 0 if self.state == "finished" else 1

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        link = "" if self.report is None else f' <a href="{escape(quote(str(self.report)))}" target="_blank">Report</a>'
        return f"<b>{escape(self.state.capitalize())}</b>: {escape(self.reason)}.{link}"


def run(
    plan: Plan,
    journal: Journal,
    listener: Listener,
    *,
    cluster: ClusterSettings,
    workers: WorkersSettings,
    report: Callable[[], Path],
    announce: Callable[[str | None, int], None] = lambda dashboard, slots: None,
    executor: Callable[..., AbstractContextManager[Executor]] | None = None,
) -> Ending:
    """Run the campaign in `journal` until it ends, and write the ending into the journal.

    Args:
        report: writes the report and returns its path.
        announce: is told the dashboard's address and the number of workers, once Ray is there.
        executor: takes the arguments of `softal.orchestrator.cluster.connection.connect`, and gives what runs
            simulations and agents; None is Ray.

    Raises:
        SoftalError: if Ray cannot be had or is lost, or an agent fails for good; the journal says `failed` then.
    """
    temporary.sweep()
    shared_memory.sweep()
    stops = _Stops(listener, workers.grace)
    journal.set_info(state="running", resumed=time.time(), pid=os.getpid(), host=os.uname().nodename)
    ending = Ending("failed", "softal itself failed; its traceback was shown")
    own = cluster.address in (None, "local")
    say_doing(listener, "Starting Ray ..." if own else f"Joining Ray at {cluster.address} ...")
    try:
        with (
            stops,
            (executor or _on_ray)(
                address=cluster.address,
                concurrent=workers.concurrent,
                cpus=workers.cpus,
                gpus=workers.gpus,
                memory=workers.memory,
                namespace=f"softal-{uuid.uuid4().hex}",  # agents of an earlier session may still be ending
                dashboard_port=cluster.dashboard_port,
            ) as workers_and_agents,
        ):
            stops.listen()  # a Ray that was imported before softal has put its handler in the place of that of SIGTERM
            journal.set_info(dashboard=workers_and_agents.dashboard)
            announce(workers_and_agents.dashboard, workers_and_agents.slots)
            say_doing(listener, "Starting the first simulations ...")
            loop = Loop(plan, journal, workers_and_agents, listener)
            stops.loop = loop
            try:
                ending = _run_loop(loop, journal, stops, listener, report)
            finally:
                loop.agents.close()
    except SoftalError as error:
        # Nobody has waited for room; and what breaks off Ray's start may come out of it as an error of its own.
        if not (stops.signal and (stops.loop is None or isinstance(error, NoRoomForJournal))):
            ending = Ending("failed", str(error))
            raise
        ending = _stopped(stops)
    except (StoppedAtOnce, SystemError):  # SystemError: a signal while Ray starts reached it inside its compiled part
        if stops.signal is None:
            raise
        ending = _stopped(stops)
    finally:
        with contextlib.suppress(NoRoomForJournal):
            journal.set_info(state=ending.state, reason=ending.reason, ended=time.time())
            journal.sync()
    return ending


def _on_ray(**wanted: Any) -> AbstractContextManager[Executor]:
    from softal.orchestrator.cluster.ray_executor import on_ray  # Ray, which others do without

    return on_ray(**wanted)


def _run_loop(loop: Loop, journal: Journal, stops: _Stops, listener: Listener, report: Callable[[], Path]) -> Ending:
    try:
        reason = loop.run()
    except NoRoomForJournal:  # nor is there for anything else
        raise
    except SoftalError as error:  # Ray or the strategist is gone for good: nothing may stay RUNNING, here or in MLflow
        loop.stock.put_back(loop.crew.cancel())
        journal.set_info(state="failed", reason=str(error), ended=time.time())
        if not isinstance(error, ExecutorGone):
            loop.finish_mirror(None)
        raise
    ending = _stopped(stops) if stops.signal else _ended(loop, reason)
    journal.set_info(state=ending.state, reason=ending.reason, ended=time.time())
    return ending if loop.agents.hurry else _finish(loop, listener, report, ending)


def _ended(loop: Loop, reason: str) -> Ending:
    """Return how a campaign ended by itself: without one good trial it has failed, whatever ended it."""
    if loop.hopeless:
        return Ending("failed", loop.hopeless)
    if not loop.progress.done:
        return Ending("failed", loop.failures.without_result(reason, loop.plan.brief.folder))
    return Ending("finished", reason)


def _finish(loop: Loop, listener: Listener, report: Callable[[], Path], ending: Ending) -> Ending:
    """Train on all trials, write the report, let MLflow catch up, beside each other as far as that goes."""
    if loop.begin_finish():
        say_doing(listener, f"Training {loop.plan.brief.learners} on {loop.progress.done} trials ...")
    import softal.tracking.report  # noqa: F401  which takes a second, while the trainer trains

    loop.finish_training()
    say_doing(listener, "Writing the report ...")
    page: Path | None = None
    try:
        page = report()
    except Exception as error:  # the campaign's results are safe; a broken page must not make it fail
        listener.message(f"The report could not be written: {type(error).__name__}: {error}")
    if loop.plan.brief.mlflow:
        say_doing(listener, "Bringing MLflow up to date ...")
    behind = loop.finish_mirror(page and page.resolve())  # agents may work in another folder
    return Ending(ending.state, ending.reason, ending.signal, page, behind)


def _stopped(stops: _Stops) -> Ending:
    assert stops.signal is not None
    return Ending("stopped", STOP_SIGNALS[stops.signal], int(stops.signal))


def _heard(number: signal.Signals) -> bool:
    """Whether a signal stops the campaign: under nohup, the end of the terminal does not."""
    return number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN


class _Stops:
    """Turns the first signal into a gentle stop, and the second into one at once."""

    def __init__(self, listener: Listener, grace: float) -> None:
        self.loop: Loop | None = None
        self.signal: signal.Signals | None = None
        self._listener, self._grace = listener, grace
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> _Stops:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python takes no signals
            self._before = {number: signal.getsignal(number) for number in STOP_SIGNALS if _heard(number)}
        self.listen()
        return self

    def listen(self) -> None:
        """Take the signals, also from whoever has taken them since."""
        for number in self._before:
            signal.signal(number, self._handle)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again = self.signal is not None
        self.signal = signal.Signals(number)
        if self.loop is None:
            raise StoppedAtOnce  # nothing runs yet
        if again:
            # Raised here, an exception would surface inside Ray's compiled code; the loop looks twice a second.
            self.loop.stop(STOP_SIGNALS[self.signal], at_once=True)
            self.loop.agents.hurry = True
            return
        self._listener.message(waiting_text(self._grace, len(self.loop.crew.running)))
        self.loop.stop(STOP_SIGNALS[self.signal])
