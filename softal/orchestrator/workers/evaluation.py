"""What a sandbox's child does with trials: one by the simulator's `run`, several at once by its `run_batch`."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from softal.about import FOLDER
from softal.errors import NotReturned, SimulationError
from softal.orchestrator.workers.job import Job, Task
from softal.simulators.base import Context, Simulator, seed_generators, validate_observation
from softal.trial import Observation

OURS = f"{FOLDER}{os.sep}"  # where our code is; the user's may lie in a folder of that name, too
# "done" with (observation, values, errors), or "error" with (reason, details); NotReturned is "lacks" with the same
Answer = tuple[str, Any]


class LazyContext(Context):
    """A context whose folder is made when it is asked for: thousands of cheap trials need none."""

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name == "workdir":
            value.mkdir(parents=True, exist_ok=True)
        return value


def run_one(simulator: Simulator, job: Job, task: Task, workdir: Path) -> Answer:
    """Simulate at one point; whatever a user's simulation raises is a failed trial, SystemExit included."""
    seed_generators(task.seed)  # a plain function may draw from them
    try:
        return _judged(simulator, job, simulator.run(dict(task.point), _context(Context, job, task, workdir)))
    except BaseException as error:
        return failed(error)
    finally:
        _flush()


def run_together(simulator: Simulator, job: Job, tasks: Sequence[Task], workdirs: Sequence[Path]) -> Answer:
    """Simulate at several points at once.

    Returns:
        "done" with a tuple of one answer a task, or "error" where `run_batch` itself failed, which says nothing of any
        single point.
    """
    contexts = [_context(LazyContext, job, task, folder) for task, folder in zip(tasks, workdirs, strict=True)]
    seed_generators(tasks[0].seed)
    try:
        results = simulator.run_batch([dict(task.point) for task in tasks], contexts)
        if len(results) != len(tasks):
            raise SimulationError(f"run_batch returned {len(results)} results for {len(tasks)} points")
        return "done", (tuple(_judged(simulator, job, result) for result in results),)
    except BaseException as error:
        return failed(error)
    finally:
        _flush()


def failed(error: BaseException) -> Answer:
    """Return the answer of a trial that an error has ended: the reason in one line, and the traceback."""
    reason = str(error) if isinstance(error, SimulationError) else describe(error)
    kind = "lacks" if isinstance(error, NotReturned) else "error"
    return kind, (_encodable(reason), _encodable("".join(traceback.format_exception(error))))


def _encodable(text: str) -> str:
    """Return a text that files and databases can hold: a file name that is no UTF-8 is not one, in Python."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def describe(error: BaseException) -> str:
    """Return the error in one line with the place in the user's code."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(OURS)]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"


def _context(kind: type[Context], job: Job, task: Task, workdir: Path) -> Context:
    return kind(workdir, task.seed, task.fidelity, task.trial, job.cpus, job.gpus, job.walltime, job.output)


def _judged(simulator: Simulator, job: Job, result: Observation | Exception) -> Answer:
    """Return the answer for what the simulator made of one point."""
    try:
        if isinstance(result, Exception):
            raise result
        observation = validate_observation(result, simulator.outputs)
        if job.objective is None:
            return "done", (observation, {}, {})
        values, errors = job.objective.evaluate(observation)
        return "done", (job.objective.with_parts(observation), values, errors)
    except Exception as error:
        return failed(error)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
