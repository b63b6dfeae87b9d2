"""Targets that name something and what was trained to tell it: `{phase: qc12, classifier: runs/hcss_phases}`.

Each is a value of a simulator that judges its configurations by a trained learner, whose folder is put into one of the
simulator's settings. Of the learner only `model.json` is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from softal.errors import Problem, SurrogateError
from softal.kinds.validation import show, unknown
from softal.simulators.target import Meaning, TargetContext


@dataclass(frozen=True)
class NamedTarget:
    """One kind of them.

    Attributes:
        key: of the name in the mapping.
        by: key of the folder in the mapping.
        setting: of the simulator that takes the folder.
        judge: what messages call the learner.
        example: of a mapping.
        known: folder, as it is called -> the names that it tells; SurrogateError in one line.
        value: name -> the simulator's value.
    """

    key: str
    by: str
    setting: str
    judge: str
    example: str
    known: Callable[[Path, str], Sequence[str]]
    value: Callable[[str], str]

    @property
    def form(self) -> str:
        """What is allowed, in words."""
        return f"{'an' if self.key[0] in 'aeiou' else 'a'} {self.key} such as `{self.example}`"

    def read(
        self,
        entry: Mapping[str, Any],
        context: TargetContext,
        model: type[BaseModel],
        fits: Callable[[Path, str], str | None] = lambda path, called: None,
    ) -> Meaning | list[Problem]:
        """Return the value that is meant, with the setting that follows, or what is wrong with the entry.

        Args:
            entry: what stands in the objective.
            context: of the simulator.
            model: of the simulator's settings.
            fits: folder, as it is called -> why its learner cannot judge here, in one line; None where it can.
        """
        if problems := self._wrong(entry):
            return problems
        if self.setting not in model.model_fields:
            said = f"the simulator {context.kind!r} returns no configurations that a {self.judge} could judge"
            return [Problem("", said)]
        name, called = entry[self.key], entry[self.by]
        path, given = context.find(called), context.settings.get(self.setting)
        try:
            known = self.known(path, called)
        except SurrogateError as error:
            return [Problem(self.by, str(error))]
        if name not in known:
            return [Problem(self.key, unknown(name, known, f"{self.key} of the {self.judge} {called}"))]
        if reason := fits(path, called):
            return [Problem(self.by, reason)]
        if given is not None and Path(given).resolve() != path:
            elsewhere = f"{show(called)} is given, and {Path(given).resolve()} elsewhere"
            return [Problem(self.by, f"{elsewhere}; a simulator judges by one {self.judge}")]
        return Meaning(self.value(name), {self.setting: str(path)})

    def _wrong(self, entry: Mapping[str, Any]) -> list[Problem]:
        """Return what is wrong with the writing of the entry."""
        keys = {self.key: f"a {self.key} that the {self.judge} knows", self.by: f"folder of a trained {self.judge}"}
        problems = [Problem(str(key), unknown(key, tuple(keys))) for key in entry if key not in keys]
        for key, meaning in keys.items():
            value = entry.get(key)
            if key not in entry:
                problems.append(Problem(key, f"is missing: {meaning}, as in `{self.example}`"))
            elif not isinstance(value, str) or not value.strip() or "\0" in value:
                problems.append(Problem(key, f"{show(value)} is given; allowed: the name of {meaning}"))
        return problems
