"""Reads the section `objective` of a campaign file, with the reference tables that it names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from softal.errors import Problem, SoftalError
from softal.objective import Objective, Reference, learn, load_reference, match, maximize, minimize, several
from softal.orchestrator.settings import Number, Text
from softal.validation import join, problems_in, show, unknown

VALUES = {"minimize": minimize, "maximize": maximize, "learn": learn}


def _range(value: object) -> object:
    numbers = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    real = [n for n in numbers if isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < math.inf]
    if len(real) != 2 or len(numbers) != 2 or real[0] >= real[1]:
        raise ValueError(f"{show(value)} is given; two numbers [low, high] with low < high are allowed")
    return [float(n) for n in real]


def _columns(value: object) -> object:
    wanted = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    good = [c for c in wanted if isinstance(c, str) or (isinstance(c, int) and not isinstance(c, bool) and c >= 0)]
    if len(good) != 2 or len(wanted) != 2:
        raise ValueError(f"{show(value)} is given; two names or numbers (from 0) of columns are allowed: [grid, value]")
    return good


class MatchSettings(BaseModel):
    """One array of `match`; a bare path is the same as `{reference: path}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: Text = Field(
        description="path of a table with the grid and the values (CSV or .npy), relative to the campaign file"
    )
    range: Annotated[tuple[float, float], BeforeValidator(_range)] | None = Field(
        None, description="part of the grid that counts, `[low, high]`, in the table's unit; `null` is all of it"
    )
    weight: Annotated[Number, Field(gt=0)] = Field(1.0, description="of this array among several")
    columns: Annotated[tuple[str | int, str | int], BeforeValidator(_columns)] = Field(
        (0, 1), description="columns of the table, by name or number from 0: `[grid, value]`"
    )


def read_objective(data: object, folder: Path, problems: list[Problem]) -> Objective | None:
    """Make the objective of the section; None where there are problems, which are added to the list."""
    place, before = "objective", len(problems)
    if not isinstance(data, Mapping) or not data:
        allowed = "a mapping such as `{minimize: energy}` with minimize, maximize, match or learn"
        problems.append(Problem(place, f"{show(data)} is given; allowed: {allowed}"))
        return None
    parts: list[Objective] = []
    for key, entry in data.items():
        if key in VALUES:
            parts += [VALUES[key](name) for name in _names(join(place, key), entry, problems)]
        elif key == "match":
            parts += _match(join(place, key), entry, folder, problems)
        else:
            problems.append(Problem(join(place, key), unknown(key, [*VALUES, "match"])))
    if "learn" in data and len(data) > 1:
        problems.append(Problem("objective.learn", "asks for a surrogate that is good everywhere; it stands alone"))
    if len(problems) > before:
        return None
    try:
        return several(*parts)
    except SoftalError as error:
        problems.append(Problem(place, str(error)))
        return None


def _names(place: str, entry: object, problems: list[Problem]) -> list[str]:
    names = entry if isinstance(entry, list) else [entry]
    good = [name for name in names if isinstance(name, str) and name.strip()]
    if len(good) < len(names) or not names:
        problems.append(Problem(place, f"{show(entry)} is given; allowed: the name of a value, or a list of names"))
    return good


def _match(place: str, entry: object, folder: Path, problems: list[Problem]) -> list[Objective]:
    if not isinstance(entry, Mapping) or not entry:
        allowed = "`{array: table.csv}`, or `{array: {reference: table.csv, range: [low, high]}}`"
        problems.append(Problem(place, f"{show(entry)} is given; allowed: {allowed}"))
        return []
    read = {str(name): _reference(join(place, name), str(name), part, folder, problems) for name, part in entry.items()}
    found = {name: reference for name, reference in read.items() if reference is not None}
    return [match(found)] if len(found) == len(read) else []


def _reference(place: str, array: str, data: Any, folder: Path, problems: list[Problem]) -> Reference | None:
    filled = data if isinstance(data, Mapping) else {"reference": data}
    where = join(place, "reference") if isinstance(data, Mapping) else place
    try:
        settings = MatchSettings.model_validate(dict(filled))
    except ValidationError as error:
        found = problems_in(error, MatchSettings, filled, place)
        problems += [Problem(where if p.place == join(place, "reference") else p.place, p.message) for p in found]
        return None
    try:
        path = folder / settings.reference
        if not path.is_file():
            raise SoftalError(f"{show(settings.reference)} is given, but there is no file {path}")
        return load_reference(
            array,
            path,
            columns=settings.columns,
            range=settings.range or (-math.inf, math.inf),
            weight=settings.weight,
        )
    except (SoftalError, OSError, ValueError) as error:  # ValueError: a null byte in the path
        problems.append(Problem(where, str(error)))
        return None
