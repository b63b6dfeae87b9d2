"""Phases as targets: `maximize: {phase: qc12, classifier: runs/hcss_phases}` is the value `P_qc12`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from softal.errors import Problem
from softal.kinds.validation import show
from softal.simulators.named_target import NamedTarget
from softal.simulators.target import Meaning, TargetContext
from softal.surrogates.learner import read_description

SETTING = "classifier"


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

    def fits(path: Path, called: str) -> str | None:
        trained = _state(path, called)["dimension"]
        if dimension in (None, trained):
            return None
        return (
            f"{show(called)} is given, which was trained in {trained} dimensions; "
            f"the simulator {context.kind!r} has {dimension}"
        )

    return PHASE.read(entry, context, model, fits)


def _phases(folder: Path, called: str) -> list[str]:
    return list(_state(folder, called)["phases"])


def _state(folder: Path, called: str) -> Mapping[str, Any]:
    """Return what `model.json` says of the classifier; SurrogateError, in one line, where there is none."""
    from softal.surrogates.phases.classifier import classifier_folder  # SciPy, which other campaigns need not wait for

    state: Mapping[str, Any] = read_description(classifier_folder(folder, called))["state"]
    return state


EXAMPLE = "{phase: qc12, classifier: runs/hcss_phases}"
PHASE = NamedTarget("phase", SETTING, SETTING, SETTING, EXAMPLE, _phases, lambda phase: f"P_{phase}")
FORM = PHASE.form
