"""An executor without Ray: a thread for each worker, and one for each agent.

A thread's tasks run in its `Sandbox`, a child process, or `Here`, in the thread itself: then nothing can be killed, a
crash takes the whole process along, walltimes are not kept, and trials that run at the same time share numpy's global
random state. That is for tests, where a child process would take longer than what is tested.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol, cast

from softal.orchestrator.status import Status
from softal.orchestrator.workers.evaluation import run_one, run_together
from softal.orchestrator.workers.executor import AgentFailed, Handle
from softal.orchestrator.workers.job import Job, Outcome, Task, WorkerFailed, WorkerLost, trial_folder
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox, kept, outcome_of, remove, surrounded
from softal.trial import Trial

KILLS = 0.2  # seconds between attempts to end what still runs


class Evaluator(Protocol):
    """What evaluates one worker's tasks; `Sandbox` is one."""

    def evaluate_together(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Evaluate tasks at once; WorkerLost if the worker was lost."""

    def kill(self) -> None:
        """Stop what it evaluates, from another thread."""

    def discard(self) -> None:
        """Free what it has."""


class Here:
    """Evaluates in the thread that asks."""

    def __init__(self, job: Job) -> None:
        self._job, self._simulator = job, job.build()

    def evaluate_together(self, tasks: Sequence[Task]) -> list[Outcome]:
        """Evaluate by the simulator's `run`, or several by its `run_batch`; one by one where that fails as a whole."""
        with surrounded(self._job.folder):
            return [kept(outcome, self._job, task) for outcome, task in zip(self._evaluate(tasks), tasks, strict=True)]

    def _evaluate(self, tasks: Sequence[Task]) -> list[Outcome]:
        if len(tasks) == 1:
            return [self._alone(tasks[0])]
        folders, started = [self._folder(task) for task in tasks], time.time()
        kind, content = run_together(self._simulator, self._job, tasks, folders)
        if kind != "done":
            return [self._alone(task, apart=content[0]) for task in tasks]
        share = (time.time() - started) / len(tasks)
        times = [(started + i * share, started + (i + 1) * share) for i in range(len(tasks))]
        answers = zip(content[0], folders, times, strict=True)
        return [outcome_of(answer, folder, *when, os.uname().nodename) for answer, folder, when in answers]

    def _alone(self, task: Task, apart: str | None = None) -> Outcome:
        folder, started = self._folder(task), time.time()
        folder.mkdir(parents=True, exist_ok=True)
        answer = run_one(self._simulator, self._job, task, folder)
        outcome = outcome_of(answer, folder, started, time.time(), os.uname().nodename)
        remove(folder, only_empty=True)
        return replace(outcome, apart=apart)

    def _folder(self, task: Task) -> Path:
        return trial_folder(self._job.folder, task.trial, task.attempt)

    def kill(self) -> None:
        """Do nothing: a thread cannot be stopped."""

    def discard(self) -> None:
        """Do nothing: there is nothing to free."""


def in_a_child(job: Job) -> Sandbox:
    """Return a sandbox of the job."""
    return Sandbox(job, pack(job, job.source))


class InProcess:
    """Threads of this process; see the module and `Executor`.

    Args:
        slots: number of workers.
        evaluator: job -> what evaluates a worker's tasks: `Here`, or `in_a_child`.
    """

    dashboard: str | None = None
    exclusive = True

    def __init__(self, slots: int, evaluator: Callable[[Job], Evaluator] = Here) -> None:
        self.slots = slots
        self._make = evaluator
        self._pool = ThreadPoolExecutor(slots, "softal-worker")
        self._evaluators: list[Evaluator] = []
        self._idle: SimpleQueue[Evaluator] = SimpleQueue()
        self._places: dict[Future[Any], list[Evaluator]] = {}  # where tasks are evaluated just now
        self._agents: list[ThreadAgent] = []

    @property
    def here(self) -> int:
        """All of them: threads need no time to start."""
        return self.slots

    def serve(self, job: Job, memory: int | None = None) -> None:
        """Make an evaluator for each worker."""
        self._evaluators = [self._make(job) for _ in range(self.slots)]
        for evaluator in self._evaluators:
            self._idle.put(evaluator)

    def submit(self, name: str, tasks: Sequence[Task]) -> Handle:
        """Let the next free worker evaluate tasks."""
        place: list[Evaluator] = []
        future = self._pool.submit(self._evaluate, place, tasks)
        self._places[future] = place
        return future

    def _evaluate(self, place: list[Evaluator], tasks: Sequence[Task]) -> list[Outcome]:
        evaluator = self._idle.get()
        place.append(evaluator)
        try:
            return evaluator.evaluate_together(tasks)
        finally:
            place.clear()
            self._idle.put(evaluator)

    def wait(self, handles: Sequence[Handle], timeout: float | None) -> list[Handle]:
        """Wait until one has ended, and return all that have."""
        done = wait(cast("Sequence[Future[Any]]", handles), timeout, FIRST_COMPLETED).done
        return [handle for handle in handles if handle in done]

    def outcomes(self, handle: Handle) -> list[Outcome]:
        """Return what became of tasks; WorkerLost where they did not run to their end."""
        future = cast("Future[Any]", handle)
        self._places.pop(future, None)
        try:
            found: list[Outcome] = future.result()
        except WorkerLost:
            raise
        except Exception as error:
            raise WorkerFailed(f"{type(error).__name__}: {error}") from error
        return found

    def cancel(self, handles: Sequence[Handle]) -> None:
        """Take back tasks that wait, and kill what others run in, where that can be killed."""
        for handle in handles:
            future = cast("Future[Any]", handle)
            future.cancel()
            for evaluator in list(self._places.get(future, ())):
                evaluator.kill()

    def agent(self, name: str, kind: type, brief: Any) -> ThreadAgent:
        """Start an agent in a thread of its own."""
        self._agents.append(ThreadAgent(name, kind, brief))
        return self._agents[-1]

    def answer(self, handle: Handle) -> Any:
        """Return the answer of a call; AgentFailed where it raised an error."""
        try:
            return cast("Future[Any]", handle).result()
        except Exception as error:
            raise AgentFailed(f"failed: {type(error).__name__}: {error}") from error

    def figures(self, campaign: str) -> NoFigures:
        """Return figures that nobody sees."""
        return NoFigures()

    def refresh(self) -> None:
        """Keep the slots: threads do not come and go."""

    def close(self) -> None:
        """End workers and agents; what cannot be killed is waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        while running := [future for future in self._places if not future.done()]:
            self.cancel(running)
            wait(running, KILLS)
        self._pool.shutdown()
        for evaluator in self._evaluators:
            evaluator.discard()
        for agent in self._agents:
            agent.end()


class ThreadAgent:
    """An agent in a thread of its own, in which it is made, too: its journal may be used in one thread alone."""

    def __init__(self, name: str, kind: type, brief: Any) -> None:
        self._pool = ThreadPoolExecutor(1, name)
        self._made: Future[Any] = self._pool.submit(kind, brief)
        self._ended = False

    def call(self, method: str, *arguments: Any, **named: Any) -> Handle:
        """Begin a call."""
        return self._pool.submit(lambda: getattr(self._made.result(), method)(*arguments, **named))

    def end(self) -> None:
        """Close the agent's journal, in its thread, once the call under way has ended."""
        if not self._ended:
            self._ended = True
            self._pool.submit(lambda: self._made.result().journal.close())
            self._pool.shutdown()


class NoFigures:
    """Figures that nobody sees."""

    def trial(self, trial: Trial) -> None:
        """Do nothing."""

    def status(self, status: Status) -> None:
        """Do nothing."""

    def surrogate(self, record: dict[str, Any]) -> None:
        """Do nothing."""


@contextmanager
def in_process(*, concurrent: int, **others: Any) -> Iterator[InProcess]:
    """Give a session workers in this process instead of Ray's: `campaign.launch(executor=in_process)`.

    Args:
        concurrent: number of workers.
        others: what Ray would have to know.
    """
    executor = InProcess(concurrent)
    try:
        yield executor
    finally:
        executor.close()
