"""Structures of particles as targets: `maximize: {environment: fcc, learner: runs/binary_crystals}`, `fraction_fcc`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from softal.errors import Problem
from softal.simulators.named_target import NamedTarget
from softal.simulators.target import Meaning, TargetContext
from softal.surrogates.learner import read_description
from softal.surrogates.particles import NAMES, UNKNOWN, particle_folder

KEY, SETTING = "environment", "environments"


def value_of(name: str) -> str:
    """Return the value that is the fraction of a structure."""
    return "fraction_" + re.sub(r"\W+", "_", name).strip("_")


def known(folder: Path, called: str | None = None) -> list[str]:
    """Return the structures that a learner of particles tells, then `unknown`; SurrogateError where there is none."""
    return [*read_description(particle_folder(folder, called))["state"][NAMES], UNKNOWN]


def read_environment(
    entry: Mapping[str, Any], context: TargetContext, model: type[BaseModel]
) -> Meaning | list[Problem]:
    """Return the value that is the fraction of a structure, or what is wrong with the entry of the objective."""
    return ENVIRONMENT.read(entry, context, model)


EXAMPLE = "{environment: fcc, learner: runs/binary_crystals}"
ENVIRONMENT = NamedTarget(KEY, "learner", SETTING, "learner of particles", EXAMPLE, known, value_of)
FORM = ENVIRONMENT.form
