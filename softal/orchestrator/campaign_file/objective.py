"""Reads the section `objective` of a campaign file, with the reference tables that it names."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from softal.errors import Problem, SoftalError
from softal.kinds.inputs import LOSSES, input_file
from softal.kinds.validation import join, problems_in, show, unknown
from softal.objective import MISMATCH, Objective, learn, match, maximize, minimize, several
from softal.objective.outcome import EXAMPLES, Outcome, outcome
from softal.orchestrator.campaign_file.own_targets import DIRECTIONS, OwnTargets, entries
from softal.orchestrator.campaign_file.settings import Number, Text
from softal.orchestrator.campaign_file.targets import arithmetic, is_number, meant, read_target, written
from softal.references import Reference, Target, load_reference
from softal.references.units import check_known, factor
from softal.simulators import Outputs

COMPONENT = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
OUTCOMES = "subject_to"
CURVE_TOLERANCE = 0.05  # chi that counts as one beside targets, where nobody says another
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
        description="path of a table with the grid and the values (CSV, XVG, .npy, .npz), relative to the campaign file"
    )
    range: Annotated[tuple[float, float], BeforeValidator(_range)] | None = Field(
        None, description="part of the grid that counts, `[low, high]`, in the table's unit; `null` is all of it"
    )
    weight: Annotated[Number, Field(gt=0)] = Field(1.0, description="of this array among several")
    tolerance: Annotated[Number, Field(gt=0)] | None = Field(
        None,
        description="the distance chi that counts as one; `null` is 0.05 beside targets, which `validate` says, and "
        "else 1; needed beside curves that have one",
    )
    columns: Annotated[tuple[str | int, str | int], BeforeValidator(_columns)] | None = Field(
        None,
        description="columns of the table, by name or number from 0: `[grid, value]`; `null` is the first, and the one "
        "named as the array, or the only other one",
    )
    unit: Text | None = Field(
        None,
        description="unit of the grid, such as `nm`, which is converted into the simulator's; `null` is what the file "
        "says, or else the simulator's",
    )
    value_unit: Text | None = Field(None, description="unit of the values, likewise")


@dataclass(frozen=True)
class _Files:
    """What reading references needs: where they are, the units wanted, if they are known, and a list for mistakes."""

    folder: Path
    outputs: Outputs
    known: bool
    problems: list[Problem]


def read_objective(
    data: object,
    folder: Path,
    problems: list[Problem],
    outputs: Outputs | None,
    own: OwnTargets,
) -> Objective | None:
    """Make the objective of the section; None where there are problems, which are added to the list.

    Args:
        data: what stands there.
        folder: of the campaign file.
        problems: grows.
        outputs: of the simulator, into whose units references are converted; None where it is not known what it
            returns, since something is wrong with it.
        own: what the simulator makes of mappings at `minimize` and `maximize`.
    """
    place, before = "objective", len(problems)
    known, outputs = outputs is not None, outputs or Outputs()
    if not isinstance(data, Mapping) or not data:
        allowed = "a mapping such as `{minimize: energy}` with minimize, maximize, match or learn"
        problems.append(Problem(place, f"{show(data)} is given; allowed: {allowed}"))
        return None
    parts: list[Objective] = []
    outcomes: list[Outcome] = []
    for key, entry in data.items():
        if key in VALUES:
            names = _names(join(place, key), entry, outputs, own, problems)
            parts += [VALUES[key](name) for name in names]
        elif key == OUTCOMES:
            outcomes = _outcomes(join(place, key), entry, outputs, problems) if known else []
        elif key == "match":
            parts += _match(join(place, key), entry, _Files(folder, outputs, known, problems))
        else:
            problems.append(Problem(join(place, key), _unknown(key, entry)))
    if "learn" in data and len(data.keys() - {OUTCOMES}) > 1:
        problems.append(Problem("objective.learn", "asks for a surrogate that is good everywhere; it stands alone"))
    if OUTCOMES in data and "learn" in data:
        problems.append(Problem(f"objective.{OUTCOMES}", "is given, but `learn` has no best point that it could bound"))
    if len(problems) > before:
        return None
    if not parts:
        message = "says what is allowed, and not what is better; add minimize, maximize or match"
        problems.append(Problem(f"objective.{OUTCOMES}", message))
        return None
    try:
        return replace(several(*parts), outcomes=tuple(outcomes))
    except SoftalError as error:
        problems.append(Problem(place, str(error)))
        return None


def _outcomes(place: str, entry: object, outputs: Outputs, problems: list[Problem]) -> list[Outcome]:
    """Return the outcome constraints that stand here: one, or a list of them."""
    found: list[Outcome] = []
    texts = entry if isinstance(entry, list) and entry else [entry]
    for i, text in enumerate(texts):
        where = join(place, str(i)) if texts is entry else place
        if not isinstance(text, str):
            problems.append(Problem(where, f"{show(text)} is given; allowed: inequalities of values, {EXAMPLES}"))
            continue
        try:
            found.append(outcome(text, outputs.value_units))
        except SoftalError as error:
            problems.append(Problem(where, str(error)))
    return found


def _unknown(key: object, entry: object) -> str:
    said = unknown(key, [*VALUES, "match", OUTCOMES])
    if "target" not in str(key).lower():
        return said
    given = entry.items() if isinstance(entry, Mapping) else ()
    name, number = next(((name, value) for name, value in given if is_number(value)), ("density", 0.76))
    return f"{said}; a value that shall be near a number is matched: `match: {{{written(name, number)[1:-1]}}}`"


def _names(place: str, entry: object, outputs: Outputs, own: OwnTargets, problems: list[Problem]) -> list[str]:
    """Return the names of values that stand here; a mapping is what the simulator makes of it, except for `learn`."""
    names, before = [], len(problems)
    takes_own = place.rpartition(".")[2] in DIRECTIONS
    for where, part in entries(entry):
        here = join(place, *where)
        if takes_own and isinstance(part, Mapping):
            meant = own.read[here]
            names += [meant] if isinstance(meant, str) else []
            problems += [] if isinstance(meant, str) else meant
        elif isinstance(part, str) and part.strip():
            said = arithmetic(part, outputs)
            problems += [Problem(here, said)] if said else []
            names += [] if said else [part]
        else:
            allowed = "the name of a value, or a list of names" + (f"; or {own.form}" if takes_own and own.form else "")
            problems.append(Problem(place, f"{show(entry)} is given; allowed: {allowed}"))
            break
    if not names and len(problems) == before:
        problems.append(Problem(place, f"{show(entry)} is given; allowed: the name of a value, or a list of names"))
    return names


def _match(place: str, entry: object, files: _Files) -> list[Objective]:
    """Return the component `mismatch` of the arrays and values that stand here, and one of each named group of them."""
    if not isinstance(entry, Mapping) or not entry:
        allowed = "`{array: table.csv}`, `{array: {reference: table.csv, range: [low, high]}}`, or for a value "
        allowed += "`{value: {target: 0.76, tolerance: 0.01}}`"
        files.problems.append(Problem(place, f"{show(entry)} is given; allowed: {allowed}"))
        return []
    groups = {name: part for name, part in entry.items() if _is_group(part)}
    arrays = {name: part for name, part in entry.items() if name not in groups}
    found = [_component(place, MISMATCH, arrays, files)] if arrays else []
    for name, part in groups.items():
        if not isinstance(name, str) or name == MISMATCH or not COMPONENT.fullmatch(name):
            taken = f"; `{MISMATCH}` is that of arrays outside groups" if name == MISMATCH else ""
            allowed = f"letters, digits, `_`, `.` and `-`, beginning with a letter{taken}"
            files.problems.append(Problem(join(place, name), f"{show(name)} is the group's name; allowed: {allowed}"))
        found.append(_component(join(place, name), str(name), part, files))
    return [component for component in found if component is not None]


def _is_group(part: object) -> bool:
    """Whether a mapping holds arrays and values by name, and not the settings of one of them."""
    if not isinstance(part, Mapping) or not part or meant(part):
        return False
    keys = [str(key) for key in part]
    return not set(keys) & set(MatchSettings.model_fields) and not difflib.get_close_matches("reference", keys, n=1)


def _component(place: str, name: str, entry: Mapping[str, Any], files: _Files) -> Objective | None:
    read = {str(part): _part(join(place, part), str(part), data, files) for part, data in entry.items()}
    curves = {part: one for part, one in read.items() if isinstance(one, Reference)}
    without = [part for part in entry if str(part) in curves and not _tolerant(entry[part])]
    if len(without) < len(curves):
        said = "is missing: beside other tolerances, it says which distance chi counts as one, such as 0.02"
        files.problems.extend(Problem(join(place, part, "tolerance"), said) for part in without)
    elif any(isinstance(part, Target) for part in read.values()):
        read |= {part: replace(one, tolerance=CURVE_TOLERANCE) for part, one in curves.items()}
    found = {part: one for part, one in read.items() if one is not None}
    return match(found, name) if len(found) == len(read) else None


def _tolerant(data: object) -> bool:
    return isinstance(data, Mapping) and data.get("tolerance") is not None


def _part(place: str, name: str, data: Any, files: _Files) -> Reference | Target | None:
    curve = name in files.outputs.arrays and not isinstance(data, Mapping)
    if meant(data) and not curve:
        return read_target(place, name, data, files.outputs if files.known else None, files.problems)
    return _reference(place, name, data, files)


def _reference(place: str, array: str, data: Any, files: _Files) -> Reference | None:
    filled = data if isinstance(data, Mapping) else {"reference": data}
    where = join(place, "reference") if isinstance(data, Mapping) else place
    try:
        settings = MatchSettings.model_validate(dict(filled))
    except ValidationError as error:
        found = problems_in(error, MatchSettings, filled, place)
        files.problems.extend(
            Problem(where if p.place == join(place, "reference") else p.place, p.message) for p in found
        )
        return None
    try:
        reference = _read(array, input_file(files.folder / settings.reference, LOSSES), settings)
    except (SoftalError, OSError, ValueError) as error:  # ValueError: a null byte in the path
        files.problems.append(Problem(where, str(error)))
        return None
    return _converted(place, where, reference, settings, files)


def _read(array: str, path: Path, settings: MatchSettings) -> Reference:
    if not path.is_file():
        raise SoftalError(f"{show(settings.reference)} is given, but there is no file {path}")
    found = load_reference(
        array,
        path,
        columns=settings.columns,
        range=settings.range or (-math.inf, math.inf),
        weight=settings.weight,
        unit=settings.unit or "",
        value_unit=settings.value_unit or "",
    )
    return replace(found, tolerance=settings.tolerance or 1.0)


def _converted(
    place: str, where: str, reference: Reference, settings: MatchSettings, files: _Files
) -> Reference | None:
    """Return the reference in the simulator's units; a unit that stands in the file is a problem of the file."""
    before = len(files.problems)
    for key, what, own, wanted in (
        ("unit", "grid", reference.grid_unit, files.outputs.grid_units.get(reference.array, "")),
        ("value_unit", "values", reference.value_unit, files.outputs.array_units.get(reference.array, "")),
    ):
        in_file = getattr(settings, key) is None
        said = f"{settings.reference}: its {what}: " if in_file else ""
        try:
            factor(own, wanted) if own and wanted else check_known(own)
        except SoftalError as error:
            files.problems.append(Problem(where if in_file else join(place, key), f"{said}{error}"))
    if len(files.problems) > before:
        return None
    units = files.outputs.grid_units, files.outputs.array_units
    return reference.converted(*(declared.get(reference.array, "") for declared in units))
