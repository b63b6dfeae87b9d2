"""Artifacts that travel: a worker that does not see the campaign's folder sends their contents along."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from softal.orchestrator.workers.job import Outcome
from softal.trial import Trial


def with_contents(outcome: Outcome, workdir: Path) -> Outcome:
    """Take the artifacts' contents along, and say where they lie in the trial's folder."""
    if outcome.observation is None:
        return outcome
    there = {name: path for name, path in outcome.observation.artifacts.items() if path.is_file()}
    contents = {name: path.read_bytes() for name, path in there.items()}
    places = outcome.observation.artifacts | {name: _within(path, workdir) for name, path in there.items()}
    return replace(outcome, files=contents, observation=replace(outcome.observation, artifacts=places))


def _within(path: Path, workdir: Path) -> Path:
    try:
        return Path(os.path.normpath(path)).relative_to(workdir)
    except ValueError:  # it lies elsewhere
        return Path(path.name)


def written(outcome: Outcome, trial: Trial, folder: Path) -> Trial:
    """Write the contents that came along into a trial's folder; return the trial with the places where they are now."""
    if not outcome.files or trial.observation is None:
        return trial
    places = places_of({name: trial.observation.artifacts[name] for name in outcome.files})
    artifacts = {name: folder / place for name, place in places.items()}
    for name, content in outcome.files.items():
        artifacts[name].parent.mkdir(parents=True, exist_ok=True)
        artifacts[name].write_bytes(content)
    return replace(trial, observation=replace(trial.observation, artifacts=artifacts))


def places_of(wanted: Mapping[str, Path]) -> dict[str, PurePosixPath]:
    """Return a place in a folder for each file, by the place that it wants: none leads out of it, and no two are one.

    Two files of one place, or one in the place of another one's folder, get numbers: `out-2.txt`.
    """
    places: dict[str, PurePosixPath] = {}
    for name, path in wanted.items():
        parts = [part for part in path.as_posix().split("/") if part not in ("", ".", "..")] or ["file"]
        place, number = PurePosixPath(*parts), 1
        first = place
        while any(_collide(place, other) for other in places.values()):
            number += 1
            place = PurePosixPath(f"{first.stem}-{number}{first.suffix}")
        places[name] = place
    return places


def _collide(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one == other or one in other.parents or other in one.parents
