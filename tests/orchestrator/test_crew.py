"""The crew gives its tasks names that people read, no more than Ray can bear, and counts those that run."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from softal.orchestrator.workers import crew
from softal.orchestrator.workers.job import Job, Outcome
from softal.trial import Observation, Trial, TrialState


def test_the_number_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names: list[str] = []
    monkeypatch.setattr(crew, "NAMED", 3)
    job = Job("id", tmp_path, tmp_path, ("function", {}), None)
    executor: Any = SimpleNamespace(
        slots=8, here=8, exclusive=False, serve=lambda job, memory: None,
        submit=lambda name, tasks: names.append(name) or len(names),
    )  # fmt: skip
    made = crew.Crew("argon", job, executor, 1, None, 0, 0.0)
    assert len(made.launch(deque(Trial(i, {"x": 0.5}, proposed_by="random") for i in range(6)))) == 6
    first = [f"argon: trial {i} by random" for i in range(3)]
    assert names == [*first, *["argon: trials by random"] * 3]


def test_what_waits_for_a_worker_does_not_run(tmp_path: Path) -> None:
    """100 were said to run, and to keep all workers busy, while 25 workers had started."""
    job = Job("id", tmp_path, tmp_path, ("function", {}), None)
    handles = iter(range(1000))
    executor: Any = SimpleNamespace(
        slots=100, here=0, exclusive=True, serve=lambda job, memory: None, submit=lambda name, tasks: next(handles),
        cancel=lambda handles: None,
        outcomes=lambda handle: [Outcome(TrialState.DONE, 5.0, 5.01, "node1", Observation())],
    )  # fmt: skip
    made = crew.Crew("sleep", job, executor, 1, None, 0, 0.0)
    made.launch(deque(Trial(i, {"x": 0.5}) for i in range(100)))
    assert (len(made.running), made.begun, made.busy_seconds()) == (100, 0, 0.0)
    executor.here = 25
    made.look()
    assert made.begun == 25
    finished, _ = made.take([0, 1])
    assert ([trial.id for trial in finished], made.begun) == ([0, 1], 25)
    assert made.cancel()
    assert made.begun == 0


def test_short_trials_that_are_queued_for_two_workers_do_not_run(tmp_path: Path) -> None:
    """5 were said to run on 2 workers: Ray has up to four short ones for each in its hands."""
    job = Job("id", tmp_path, tmp_path, ("function", {}), None)
    handles = iter(range(1000))
    executor: Any = SimpleNamespace(
        slots=2, here=2, exclusive=True, serve=lambda job, memory: None, submit=lambda name, tasks: next(handles)
    )
    made = crew.Crew("short", job, executor, 1, None, 0, 0.0)
    made.durations.append(0.001)
    made.launch(deque(Trial(i, {"x": 0.5}) for i in range(100)))
    assert (len(made.running), made.begun) == (2 * crew.QUEUE, 2)
