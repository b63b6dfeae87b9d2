"""Reads the sections of those who learn: `surrogate`, and `learner`.

In the first version of softal, a learner stood under `surrogate:`, and had Gaussian processes beside it for what
surrogates are asked. Such a file goes on to mean that.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from softal import surrogates
from softal.errors import Problem
from softal.kinds.validation import show
from softal.objective import Objective
from softal.orchestrator.campaign_file.kinds import Chosen, read_kind
from softal.orchestrator.campaign_file.settings import CampaignFile
from softal.surrogates import Learner, Surrogate

AUTO = "auto"  # the surrogate that suits the objective: by whether that is nothing but matches
NONE = "none"


class Learners(NamedTuple):
    """Who learns in a campaign.

    Attributes:
        surrogate, learner: kinds with their settings; None where the file says `none`, or is wrong.
        place: of the learner in the file.
    """

    surrogate: Chosen[Surrogate] | None
    learner: Chosen[Learner] | None
    place: str = "learner"


def read_learners(
    data: Mapping[str, Any], objective: Objective | None, folder: Path, problems: list[Problem]
) -> Learners:
    """Read both sections, or choose the surrogate that suits the objective."""
    surrogate, learner = data.get("surrogate", AUTO), data.get("learner", NONE)
    for key, entry in (("surrogate", surrogate), ("learner", learner)):
        if entry is None:
            default = CampaignFile.model_fields[key].default
            also = "" if default == NONE else ", or say `none`"
            problems.append(Problem(key, f"is empty; leave the line out for `{default}`{also}"))
    if surrogates.names_learner(kind := _kind_of(surrogate)):
        if "learner" in data and learner != surrogate:
            both = (
                f"{show(kind)} is a learner, and {show(_kind_of(learner))} is given as `learner`; there is one of each"
            )
            problems.append(Problem("surrogate", f"{both}: leave this line out for a `gp`"))
        beside = read_kind("surrogate", surrogates.BESIDE, surrogates.find, folder, problems)
        return Learners(beside, _read("surrogate", surrogate, surrogates.find_learner, folder, problems), "surrogate")
    if surrogate == AUTO:
        surrogate = "composite" if objective is not None and objective.matching else "gp"
    return Learners(
        _read("surrogate", surrogate, surrogates.find, folder, problems),
        _read("learner", learner, surrogates.find_learner, folder, problems),
    )


def _read(key: str, entry: Any, find: Any, folder: Path, problems: list[Problem]) -> Any:
    return None if entry in (None, NONE) else read_kind(key, entry, find, folder, problems)


def _kind_of(entry: object) -> object:
    return entry.get("kind") if isinstance(entry, Mapping) else entry
