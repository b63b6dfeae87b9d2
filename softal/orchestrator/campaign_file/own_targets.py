"""Asks the simulator what mappings at `minimize` and `maximize` mean: targets of its own, such as a phase."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from softal.errors import Problem, SoftalError
from softal.kinds.validation import join, show
from softal.orchestrator.campaign_file.kinds import Chosen
from softal.simulators import Meaning, Simulator, TargetContext

DIRECTIONS = ("minimize", "maximize")


@dataclass(frozen=True)
class OwnTargets:
    """What the simulator made of the mappings.

    Attributes:
        form: what a mapping may be, in words; empty where the simulator takes none.
        read: place in the file -> the value that is meant, or what is wrong.
        settings: of the simulator that follow from those that are right.
    """

    form: str = ""
    read: Mapping[str, str | list[Problem]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether all are understood."""
        return all(isinstance(value, str) for value in self.read.values())


def entries(section: object) -> list[tuple[tuple[int, ...], object]]:
    """Return what stands at a direction of the objective, each with its place within."""
    return [((i,), entry) for i, entry in enumerate(section)] if isinstance(section, list) else [((), section)]


def own_targets(objective: object, chosen: Chosen[Simulator] | None, looked_in: Sequence[Path]) -> OwnTargets:
    """Return what the mappings of a section `objective` mean.

    Args:
        objective: the section.
        chosen: the simulator; None where it is not known, and so nothing of the mappings.
        looked_in: folders in which a relative path is looked up, in this order.
    """
    mappings = {
        join("objective", direction, *where): entry
        for direction in (DIRECTIONS if isinstance(objective, Mapping) else ())
        for where, entry in entries(objective.get(direction))  # type: ignore[attr-defined]
        if isinstance(entry, Mapping)
    }
    if chosen is None:
        return OwnTargets(read=dict.fromkeys(mappings, "not known"))
    read: dict[str, str | list[Problem]] = {}
    given: dict[str, Any] = dict(chosen.settings or ())
    follow: dict[str, Any] = {}
    for place, entry in mappings.items():
        context = TargetContext(chosen.kind, {**given, **follow}, tuple(looked_in))
        found = _asked(chosen.found, entry, context)
        if isinstance(found, Meaning):
            read[place] = found.value
            follow |= found.settings
        else:
            read[place] = [Problem(join(place, problem.place), problem.message) for problem in found]
    return OwnTargets(chosen.found.target_form(), read, follow)


def _asked(found: type[Simulator], entry: Mapping[str, Any], context: TargetContext) -> Meaning | list[Problem]:
    try:
        meaning: Any = found.target(entry, context)
    except Exception as error:  # a user's own class can raise anything
        said = str(error) if isinstance(error, SoftalError) else f"{type(error).__name__}: {error}"
        return [Problem("", f"the simulator {context.kind!r} cannot read {show(dict(entry))}: {said}")]
    if isinstance(meaning, Meaning) and isinstance(meaning.value, str):
        return meaning
    if isinstance(meaning, list) and meaning and all(isinstance(problem, Problem) for problem in meaning):
        return meaning
    message = (
        f"the simulator {context.kind!r} read it as {show(meaning)}, which is neither a Meaning nor a list of Problems"
    )
    return [Problem("", message)]


def with_settings(entry: object, settings: Mapping[str, Any]) -> object:
    """Return the section `simulator` with more settings, which replace those there."""
    return {**(dict(entry) if isinstance(entry, Mapping) else {"kind": entry}), **settings}
