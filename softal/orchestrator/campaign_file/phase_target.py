"""Reads what an objective says of a phase: `maximize: {phase: qc12, classifier: runs/hcss_phases}`.

It is the value `P_qc12` of a simulator that judges its configurations by a trained classifier, which is put into the
simulator's setting `classifier`. Of the classifier only `model.json` is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softal.errors import Problem, SurrogateError
from softal.kinds.validation import join, show, unknown
from softal.simulators import Simulator
from softal.surrogates.base import read_description

SETTING = "classifier"
KEYS = ("phase", SETTING)
DIRECTIONS = ("minimize", "maximize")
EXAMPLE = "`{phase: qc12, classifier: runs/hcss_phases}`"


@dataclass(frozen=True)
class PhaseTarget:
    """One phase that is wanted, or not wanted.

    Attributes:
        place: in the file.
        direction: minimize or maximize.
        phase: its name.
        classifier: as in the file.
        path: where that is, or would be.
    """

    place: str
    direction: str
    phase: str
    classifier: str
    path: Path

    @property
    def value(self) -> str:
        """Name of the simulator's value."""
        return f"P_{self.phase}"


@dataclass(frozen=True)
class Classifier:
    """What `model.json` of a trained classifier says: the phases it knows, and the dimension of space."""

    phases: tuple[str, ...]
    dimension: int


def phase_targets(objective: object, looked_in: Sequence[Path]) -> list[PhaseTarget]:
    """Return the phases of a section `objective`, as far as they are written as they should be.

    Args:
        objective: the section.
        looked_in: folders in which a relative path is looked up, in this order.
    """
    if not isinstance(objective, Mapping):
        return []
    found = [
        (join("objective", direction, *where), direction, entry)
        for direction in DIRECTIONS
        for where, entry in entries(objective.get(direction))
        if isinstance(entry, Mapping) and not wrong_target("", entry)
    ]
    return [
        PhaseTarget(place, direction, entry["phase"], entry[SETTING], _found(Path(entry[SETTING]), looked_in))
        for place, direction, entry in found
    ]


def entries(section: object) -> list[tuple[tuple[int, ...], object]]:
    """Return what stands at a direction of the objective, each with its place within."""
    return [((i,), entry) for i, entry in enumerate(section)] if isinstance(section, list) else [((), section)]


def wrong_target(place: str, entry: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the writing of a phase."""
    problems = [Problem(join(place, key), unknown(key, KEYS)) for key in entry if key not in KEYS]
    for key, meaning in (("phase", "a phase that the classifier knows"), (SETTING, "folder of a trained classifier")):
        value = entry.get(key)
        if key not in entry:
            problems.append(Problem(join(place, key), f"is missing: {meaning}, as in {EXAMPLE}"))
        elif not isinstance(value, str) or not value.strip() or "\0" in value:
            problems.append(Problem(join(place, key), f"{show(value)} is given; allowed: the name of {meaning}"))
    return problems


def _found(path: Path, looked_in: Sequence[Path]) -> Path:
    return next((base / path for base in looked_in if _is_folder(base / path)), looked_in[0] / path).resolve()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def with_classifier(entry: object, targets: Sequence[PhaseTarget]) -> object:
    """Return the section `simulator` with the targets' classifier among its settings."""
    settings = dict(entry) if isinstance(entry, Mapping) else {"kind": entry}
    return {**settings, SETTING: str(targets[0].path)}


def check_targets(
    targets: Sequence[PhaseTarget], kind: str, found: type[Simulator], settings: object, problems: list[Problem]
) -> None:
    """Hold the phases against the simulator and against what their classifier knows.

    Args:
        targets: of the objective.
        kind, found, settings: of the simulator; settings None where they are wrong.
        problems: grows.
    """
    if SETTING not in found.Settings.model_fields:
        message = f"the simulator {kind!r} returns no configurations that a classifier could judge"
        problems += [Problem(target.place, message) for target in targets]
        return
    given = getattr(settings, SETTING, None)
    used = targets[0].path if given is None else Path(given).resolve()
    for target in targets:
        if problem := _check_phase(target, kind, found):
            problems.append(problem)
        elif target.path != used:
            said = f"{show(target.classifier)} is given, and {used} elsewhere; a simulator judges by one classifier"
            problems.append(Problem(join(target.place, SETTING), said))


def _check_phase(target: PhaseTarget, kind: str, found: type[Simulator]) -> Problem | None:
    try:
        classifier = read_classifier(target)
    except SurrogateError as error:
        return Problem(join(target.place, SETTING), str(error))
    if target.phase not in classifier.phases:
        message = unknown(target.phase, classifier.phases, f"phase of the classifier {target.classifier}")
        return Problem(join(target.place, "phase"), message)
    dimension = getattr(found, "dimension", classifier.dimension)
    if dimension != classifier.dimension:
        message = (
            f"{show(target.classifier)} is given, which was trained in {classifier.dimension} dimensions; "
            f"the simulator {kind!r} has {dimension}"
        )
        return Problem(join(target.place, SETTING), message)
    return None


def read_classifier(target: PhaseTarget) -> Classifier:
    """Return what the target's classifier knows; SurrogateError, in one line, where there is none."""
    from softal.surrogates.phases.classifier import classifier_folder  # SciPy, which other campaigns need not wait for

    state = read_description(classifier_folder(target.path, target.classifier))["state"]
    return Classifier(tuple(state["phases"]), state["dimension"])
