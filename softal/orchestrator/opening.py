"""What a campaign is, by the words of a program, or by the journal of one that was launched before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from softal.errors import CampaignFileError, JournalError, Problem
from softal.kinds import registry
from softal.kinds.inputs import kept_in
from softal.kinds.validation import problems_in
from softal.orchestrator.campaign_file.declared import Declared
from softal.orchestrator.campaign_file.schema import CampaignSpec, parse_campaign, parse_text
from softal.orchestrator.campaign_file.settings import BudgetSettings, ClusterSettings, wrong_name
from softal.simulators.base import Simulator
from softal.simulators.function import simulator_class
from softal.tracking.database import DATABASE

S = TypeVar("S", bound=BaseModel)
IN_PYTHON = "softal.orchestrator.campaign_file.in_python:InPython"


def in_python(own: Simulator | Callable[..., Any], data: Mapping[str, Any], folder: Path) -> CampaignSpec:
    """Return the specification of a campaign whose simulator is an object of the user's program, not a kind."""
    simulator = {"kind": IN_PYTHON, "what": _name_of(own)}
    return replace(parse_campaign({**data, "simulator": simulator}, folder), built=_made_of(own))


def renamed(spec: CampaignSpec, name: str) -> CampaignSpec:
    """Return the same campaign under another name; CampaignFileError where it cannot be one."""
    if wrong := wrong_name(name):
        raise CampaignFileError([Problem("name", wrong)])
    return replace(spec, name=name)


def launched(folder: Path, info: Mapping[str, Any], own_code: bool, *, changed: bool = False) -> CampaignSpec:
    """Return what a campaign was launched with, and what `resume` was given since.

    References are as they were, too; to look at a campaign, all files that it is made of.

    Args:
        folder: of state.
        info: of the journal.
        own_code: whether its author's modules are imported.
        changed: whether references are as they are now.
    """
    source, where = Path(info["source"]), f"{folder / DATABASE}"
    launched_in = Path(info.get("launched_in", info["source"]))
    declared = Declared.from_json(info["declared"], where) if "declared" in info else Declared()
    copies = nullcontext() if changed else kept_in(folder.resolve(), only_losses=own_code)
    with copies, nullcontext() if own_code else registry.unread():
        spec = parse_text(info["text"], source, info["name"], launched_in, None if own_code else declared)
    try:
        budget = extended(spec.budget, info.get("budget", {}))
        cluster = moved(spec.cluster, info.get("cluster", {}))
    except CampaignFileError as error:
        raise JournalError(f"{where} is damaged: its {error}") from error
    return replace(spec, name=info["name"], budget=budget, cluster=cluster)


def extended(budget: BudgetSettings, changes: Mapping[str, Any]) -> BudgetSettings:
    """Return a budget with other limits; CampaignFileError where they are none."""
    return _changed(budget, changes, "budget")


def moved(cluster: ClusterSettings, changes: Mapping[str, Any]) -> ClusterSettings:
    """Return which Ray a campaign runs on that was moved to another one; CampaignFileError where that is none."""
    return _changed(cluster, changes, "cluster")


def _changed(settings: S, changes: Mapping[str, Any], where: str) -> S:
    data = {**settings.model_dump(), **changes}
    try:
        return type(settings).model_validate(data)
    except ValidationError as error:
        raise CampaignFileError(problems_in(error, type(settings), data, where)) from error


def _made_of(own: Any) -> Simulator:
    return own if isinstance(own, Simulator) else simulator_class(own)()


def _name_of(own: Any) -> str:
    return str(getattr(own, "__qualname__", type(own).__qualname__))
