"""Phases as targets: `maximize: {phase: qc12, classifier: runs/hcss_phases}`.

This is the value `P_qc12` of a simulator that judges its configurations by a trained classifier, which is put into the
simulator's setting `classifier`. Of the classifier only `model.json` is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from softal.errors import Problem, SurrogateError
from softal.kinds.validation import show, unknown
from softal.simulators.target import Meaning, TargetContext
from softal.surrogates.learner import read_description

SETTING = "classifier"
KEYS = ("phase", SETTING)
EXAMPLE = "`{phase: qc12, classifier: runs/hcss_phases}`"
FORM = f"a phase such as {EXAMPLE}"


def read_phase(
    entry: Mapping[str, Any], context: TargetContext, model: type[BaseModel], dimension: int | None
) -> Meaning | list[Problem]:
    """Return the value that is the phase's probability, with the setting `classifier`, or what is wrong with the entry.

    Args:
        entry: what stands in the objective.
        context: of the simulator.
        model: of the simulator's settings.
        dimension: of the simulator's space; None is any.
    """
    if problems := _wrong(entry):
        return problems
    if SETTING not in model.model_fields:
        return [Problem("", f"the simulator {context.kind!r} returns no configurations that a classifier could judge")]
    phase, called = entry["phase"], entry[SETTING]
    path, given = context.find(called), context.settings.get(SETTING)
    try:
        state = _state(path, called)
    except SurrogateError as error:
        return [Problem(SETTING, str(error))]
    if phase not in state["phases"]:
        return [Problem("phase", unknown(phase, state["phases"], f"phase of the classifier {called}"))]
    if dimension not in (None, state["dimension"]):
        message = (
            f"{show(called)} is given, which was trained in {state['dimension']} dimensions; "
            f"the simulator {context.kind!r} has {dimension}"
        )
        return [Problem(SETTING, message)]
    if given is not None and Path(given).resolve() != path:
        said = f"{show(called)} is given, and {Path(given).resolve()} elsewhere; a simulator judges by one classifier"
        return [Problem(SETTING, said)]
    return Meaning(f"P_{phase}", {SETTING: str(path)})


def _wrong(entry: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with the writing of a phase."""
    problems = [Problem(str(key), unknown(key, KEYS)) for key in entry if key not in KEYS]
    for key, meaning in (("phase", "a phase that the classifier knows"), (SETTING, "folder of a trained classifier")):
        value = entry.get(key)
        if key not in entry:
            problems.append(Problem(key, f"is missing: {meaning}, as in {EXAMPLE}"))
        elif not isinstance(value, str) or not value.strip() or "\0" in value:
            problems.append(Problem(key, f"{show(value)} is given; allowed: the name of {meaning}"))
    return problems


def _state(folder: Path, called: str) -> Mapping[str, Any]:
    """Return what `model.json` says of the classifier; SurrogateError, in one line, where there is none."""
    from softal.surrogates.phases.classifier import classifier_folder  # SciPy, which other campaigns need not wait for

    state: Mapping[str, Any] = read_description(classifier_folder(folder, called))["state"]
    return state
