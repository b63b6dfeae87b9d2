"""The crew gives its tasks names that people read, and no more of them than Ray can bear."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from softal.orchestrator.workers import crew
from softal.orchestrator.workers.job import Job
from softal.trial import Trial


def test_the_number_of_names_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names: list[str] = []
    monkeypatch.setattr(crew, "NAMED", 3)
    job = Job("id", tmp_path, tmp_path, ("function", {}), None)
    executor: Any = SimpleNamespace(
        slots=8, exclusive=False, serve=lambda job, memory: None,
        submit=lambda name, tasks: names.append(name) or len(names),
    )  # fmt: skip
    made = crew.Crew("argon", job, executor, 1, None, 0, 0.0)
    assert len(made.launch(deque(Trial(i, {"x": 0.5}, proposed_by="random") for i in range(6)))) == 6
    first = [f"argon: trial {i} by random" for i in range(3)]
    assert names == [*first, *["argon: trials by random"] * 3]
