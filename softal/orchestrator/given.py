"""Results that a campaign is given instead of simulating them: from a table (CSV), or from another campaign.

What is wrong with them is said at once, with the line or the trial. A point outside the campaign's ranges is left out
and counted, since older results often cover more than one asks for now.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from softal.errors import CampaignStateError, InvalidObservation, NotReturned, SpaceError
from softal.kinds.validation import show, unknown
from softal.numeric import finite
from softal.objective import Objective
from softal.orchestrator.points import complete_point
from softal.orchestrator.status import require_campaign
from softal.reading import in_a_line
from softal.references.tables import Rows, read_rows
from softal.space import Space
from softal.space.parameters import Integer, Real
from softal.tracking.database import DATABASE
from softal.trial import USER, Observation, Point, Trial, TrialState

ERROR = re.compile(r"(.+)_error")  # the standard error of the column without it
# What `softal trials --csv` writes besides points and values.
BOOKS = ("id", "state", "fidelity", "proposed_by", "seed", "started", "finished", "host", "reason")
Seen = Observation | Callable[[], Observation]  # a result, or what makes one of a line and may raise
SHOWN = 8  # problems that are told one by one


@dataclass(frozen=True)
class Given:
    """Results that are read, not yet a campaign's.

    Attributes:
        trials: done, evaluated by the campaign's objective; their numbers are of no meaning.
        outside: where each result outside the campaign's ranges stands, and why it is left out.
        unfinished: how many were no results, since their trials had failed or were not done.
        columns: of a table, those that are left out, since they hold no numbers.
    """

    trials: Sequence[Trial]
    outside: Sequence[str] = ()
    unfinished: int = 0
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Added:
    """What became of results.

    Attributes:
        trials: that are new in the campaign.
        given: all that were read.
    """

    trials: Sequence[Trial]
    given: Given

    @property
    def known(self) -> int:
        """How many were in the campaign already."""
        return len(self.given.trials) - len(self.trials)

    def to_json(self) -> dict[str, Any]:
        """Return it as `softal add --json` shows it."""
        left_out = {"outside": list(self.given.outside), "unfinished": self.given.unfinished}
        return {"trials": [one.id for one in self.trials], "known": self.known, **left_out}


@dataclass
class _Reading:
    """What comes of results, one by one."""

    space: Space
    objective: Objective
    trials: list[Trial] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, place: str, entry: Mapping[str, Any], seen: Seen, **more: Any) -> None:
        """Take a result in, or say why not."""
        if (point := self._point(place, {**self.space.defaults, **entry})) is None:
            return
        try:
            observation = seen if isinstance(seen, Observation) else seen()
            values, errors = self.objective.evaluate(observation)
            whole = self.objective.with_parts(observation)
        except (NotReturned, InvalidObservation, SpaceError) as error:
            self.problems.append(f"{place}: {error}")
            return
        now = time.time()  # took no time here, whatever it took elsewhere
        self.trials.append(
            Trial(
                0, point, proposed_by=USER, state=TrialState.DONE, observation=whole, objective=values,
                objective_errors=errors, proposed=now, started=now, finished=now, **more,
            )
        )  # fmt: skip

    def _point(self, place: str, entry: Mapping[str, Any]) -> Point | None:
        try:
            point = complete_point(self.space, entry)
        except SpaceError as error:
            (self.outside if _outside(self.space, entry) else self.problems).append(f"{place}: {error}")
            return None
        if self.space.feasible(self.space.to_unit([point])).all():
            return point
        self.outside.append(f"{place}: the point is outside of the constraints")
        return None

    def given(self, path: Path, unfinished: int, columns: Sequence[str] = ()) -> Given:
        if self.problems:
            more = len(self.problems) - SHOWN
            said = [*self.problems[:SHOWN], *([f"and {more} more like these"] if more > 0 else [])]
            raise SpaceError("\n".join(said))
        if not self.trials:
            why = f", and {len(self.outside)} outside of the ranges: {self.outside[0]}" if self.outside else ""
            raise SpaceError(f"{path} has no result for this campaign: {unfinished} are not done{why}")
        return Given(self.trials, self.outside, unfinished, columns)


def read_given(path: Path, space: Space, objective: Objective) -> Given:
    """Read results for a campaign.

    Args:
        path: a table (CSV) with a column for each free parameter and each value that the objective needs, standard
            errors as `<value>_error`, and `fidelity` where it is not 1; or the folder of another campaign.
        space, objective: of the campaign that they are for.

    Raises:
        SpaceError: with the line or trial, where a table cannot be read, lacks what is needed, or holds no numbers.
        CampaignStateError: if a folder holds no campaign.
    """
    if path.is_dir():
        return _of_campaign(path, space, objective)
    try:
        rows = read_rows(path)
    except (OSError, ValueError) as error:
        raise SpaceError(f"{path} cannot be read: {in_a_line(error)}") from error
    return _of_table(path, rows, space, objective)


def _of_campaign(folder: Path, space: Space, objective: Objective) -> Given:
    if not (folder / DATABASE).exists():
        raise CampaignStateError(f"{folder} holds no campaign (no {DATABASE} in it)")
    reading, unfinished = _Reading(space, objective), 0
    with require_campaign(folder) as journal:
        for trial in journal.read(arrays=True):
            if trial.state is not TrialState.DONE or trial.observation is None:
                unfinished += 1
                continue
            notes = {"file": str(folder), "trial": trial.id}
            entry = {name: value for name, value in trial.point.items() if name in space.parameters}
            reading.take(
                f"{folder}, trial {trial.id}", entry, trial.observation,
                seed=trial.seed, fidelity=trial.fidelity, host=trial.host, notes=notes,
            )  # fmt: skip
    return reading.given(folder, unfinished)


def _of_table(path: Path, rows: Rows, space: Space, objective: Objective) -> Given:
    for component in objective.components:
        if component.references:
            curve = component.references[0].array
            raise SpaceError(
                f"{path}: the objective matches the curve {curve!r}, which a table of values does not have; "
                "results with their curves come from the folder of another campaign"
            )
    if missing := [name for name in space.names if name not in rows.columns and name not in space.defaults]:
        near = unknown(missing[0], rows.columns, "column")
        raise SpaceError(f"{path}: the column {missing[0]!r} of a parameter is missing: {near}")
    if not rows.cells:
        raise SpaceError(f"{path} has no results below its header")
    others = [name for name in rows.columns if name not in space.parameters and name not in BOOKS]
    values = [name for name in others if _holds_numbers(rows, name)]
    if wrong := [_wrong_cell(path, rows, name) for name in _wanted(objective) if name in others and name not in values]:
        raise SpaceError(wrong[0])
    reading, unfinished = _Reading(space, objective), 0
    for line, cells in zip(rows.lines, rows.cells, strict=True):
        if cells.get("state", "done") != "done":
            unfinished += 1
            continue
        place = f"{path}, line {line}"
        try:
            fidelity, seed = _fidelity(cells.get("fidelity", "")), _seed(cells.get("seed", ""))
        except ValueError as error:
            reading.problems.append(f"{place}: {error}")
            continue
        entry = {name: cell for name, cell in cells.items() if cell and name in space.parameters}
        notes = {"file": path.name, "line": line}
        seen = partial(_observation, cells, values)
        reading.take(place, entry, seen, fidelity=fidelity, seed=seed, notes=notes)
    return reading.given(path, unfinished, [name for name in others if name not in values])


def _wanted(objective: Objective) -> list[str]:
    """Return the names of the values that the objective is made of."""
    parts = [target.value for one in objective.components for target in one.targets]
    return [*parts, *(one.name for one in objective.components if not one.matching)]


def _wrong_cell(path: Path, rows: Rows, name: str) -> str:
    cells = zip(rows.lines, (cells[name] for cells in rows.cells), strict=True)
    line, cell = next(((line, cell) for line, cell in cells if cell and finite(cell) is None), (rows.lines[0], ""))
    return f"{path}, line {line}: {name}: {show(cell)} is given; a number with a decimal point is allowed"


def _holds_numbers(rows: Rows, column: str) -> bool:
    found = [finite(cells[column]) for cells in rows.cells if cells[column]]
    return bool(found) and all(number is not None for number in found)


def _observation(cells: Mapping[str, str], names: Iterable[str]) -> Observation:
    """Return the values of a line with their standard errors; SpaceError where an error is none."""
    numbers = {name: float(cells[name]) for name in names if cells[name]}
    errors = {}
    for name, number in numbers.items():
        if (of := ERROR.fullmatch(name)) and of[1] in numbers:
            if not number >= 0:
                raise SpaceError(f"{name} is {number:g}; a standard error is 0 or larger")
            errors[of[1]] = number
    return Observation({name: number for name, number in numbers.items() if not _is_error(name, numbers)}, errors)


def _is_error(name: str, numbers: Mapping[str, float]) -> bool:
    of = ERROR.fullmatch(name)
    return of is not None and of[1] in numbers


def _fidelity(text: str) -> float:
    fidelity = 1.0 if not text else finite(text)
    if fidelity is None or not 0 < fidelity <= 1:
        raise ValueError(f"fidelity: {show(text)} is given; a number above 0, up to 1, is allowed")
    return fidelity


def _seed(text: str) -> int:
    if text and not text.isdecimal():
        raise ValueError(f"seed: {show(text)} is given; a whole number, 0 or larger, is allowed")
    return int(text or 0)


def _outside(space: Space, entry: Mapping[str, Any]) -> bool:
    """Whether a point has all free parameters, and numbers where they are wanted: it is a point of another space."""
    numbers = [name for name in space.names if isinstance(space.parameters[name], Real | Integer)]
    return all(name in entry for name in space.names) and all(finite(str(entry[name])) is not None for name in numbers)
