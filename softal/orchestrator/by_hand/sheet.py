"""Sheets (CSV) of trials that people do: softal writes points, people fill in results, and softal reads them.

    trial,T [not read],density,density_error,failed
    12,312.4837,0.76,0.01,
    13,305.1,,,spilled

A line without any result is still to be done, so that one sheet can be told again and again while it fills.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from softal.errors import SpaceError
from softal.kinds.validation import show, unknown
from softal.numeric import finite
from softal.objective import Objective
from softal.orchestrator.by_hand.telling import Result, wanted
from softal.orchestrator.trial_table import STANDARD_OUTPUT, write_lines
from softal.outputs import Outputs
from softal.reading import in_a_line
from softal.references.tables import Rows, read_rows
from softal.simulators.by_hand import ERROR, FAILED, TRIAL
from softal.space import Space
from softal.trial import Observation, Trial


def columns(objective: Objective, outputs: Outputs | None) -> list[str]:
    """Return the names of the values that a sheet has columns for: what the objective needs, then all others."""
    first = wanted(objective)
    return [*first, *sorted((outputs.values if outputs else frozenset()) - set(first))]


def refuse_existing(path: Path) -> None:
    """Raise SpaceError where a sheet is there already, which may have results in it."""
    if path != STANDARD_OUTPUT and path.exists():
        raise SpaceError(f"{path} is there already, and may have results in it; give another name to --csv")


def write_sheet(path: Path, trials: Sequence[Trial], space: Space, values: Iterable[str]) -> None:
    """Write trials as a sheet with empty columns for their results; `-` is the standard output.

    Raises:
        SpaceError: if it cannot be written.
    """
    told = [part for name in values for part in (name, f"{name}{ERROR}")]
    lines: list[list[object]] = [[TRIAL, *space.all_names, *told, FAILED]]
    empty = [""] * (len(told) + 1)
    lines += [[trial.id, *(trial.point[name] for name in space.all_names), *empty] for trial in trials]
    write_lines(lines, path, new=True)


def read_sheet(path: Path, space: Space, objective: Objective, outputs: Outputs | None) -> list[Result]:
    """Read the results that a sheet has by now.

    Raises:
        SpaceError: with the line, where it cannot be read, lacks a column, or a cell is no number.
    """
    try:
        rows = read_rows(path)
    except (OSError, ValueError) as error:
        raise SpaceError(f"{path} cannot be read: {in_a_line(error)}") from error
    _check_columns(path, rows, objective)
    values = [name for name in columns(objective, outputs) if name in rows.columns]
    if outputs is None:
        values += [name for name in _others(rows, space) if name not in values]
    found, problems = [], []
    for line, cells in zip(rows.lines, rows.cells, strict=True):
        place = f"{path}, line {line}"
        try:
            found += _result(place, cells, space, values)
        except SpaceError as error:
            problems.append(f"{place}: {error}")
    if problems:
        raise SpaceError("\n".join(problems))
    return found


def _others(rows: Rows, space: Space) -> list[str]:
    """Return the columns that may be values of a simulator that does not say what it returns: all with numbers."""
    kept = [name for name in rows.columns if name not in space.parameters and name not in (TRIAL, FAILED)]
    own = [name for name in kept if not (name.endswith(ERROR) and name.removesuffix(ERROR) in kept)]
    return [name for name in own if all(finite(cells[name]) is not None for cells in rows.cells if cells[name])]


def _check_columns(path: Path, rows: Rows, objective: Objective) -> None:
    for name in (TRIAL, *wanted(objective)):
        if name not in rows.columns:
            raise SpaceError(f"{path}: the column {name!r} is missing: {unknown(name, rows.columns, 'column')}")


def _result(place: str, cells: Mapping[str, str], space: Space, values: Sequence[str]) -> list[Result]:
    """Return what a line tells: one result, or none yet."""
    failed = cells.get(FAILED, "")
    told = {name: cells[name] for name in _told_names(cells, values)}
    if not (failed or told):
        return []
    trial, at = _trial(cells[TRIAL]), {name: cells[name] for name in space.parameters if cells.get(name)}
    if failed and told:
        raise SpaceError(f"trial {trial} has values, and says that it failed ({failed}); one of both is allowed")
    return [Result(trial, None if failed else observation_of(told), failed or None, at, place)]


def _told_names(cells: Mapping[str, str], values: Sequence[str]) -> list[str]:
    every = [part for name in values for part in (name, f"{name}{ERROR}")]
    return [name for name in every if cells.get(name)]


def _trial(text: str) -> int:
    if not text.isdecimal():
        raise SpaceError(f"{TRIAL}: {show(text)} is given; the number of a trial is allowed")
    return int(text)


def observation_of(told: Mapping[str, str]) -> Observation:
    """Return what texts say by the names of values, and of their standard errors as `<value>_error`.

    Raises:
        SpaceError: where one is no number, or an error is of no value.
    """
    numbers: dict[str, float] = {}
    for name, text in told.items():
        value = finite(text)
        if value is None:
            raise SpaceError(f"{name}: {show(text)} is given; a number with a decimal point is allowed")
        numbers[name] = value
    errors = {name: value for name, value in numbers.items() if name.endswith(ERROR)}
    for name in errors:
        if name.removesuffix(ERROR) not in numbers:
            raise SpaceError(f"{name} is given without {name.removesuffix(ERROR)}")
    values = {name: value for name, value in numbers.items() if name not in errors}
    return Observation(values, {name.removesuffix(ERROR): value for name, value in errors.items()})


def read_words(
    words: Sequence[str], space: Space, objective: Objective, outputs: Outputs | None
) -> tuple[Observation, dict[str, str]]:
    """Return what words such as `density=0.76` say of values, and of parameters that were others than asked for.

    Raises:
        SpaceError: where a word is none of them, or no number where one is wanted.
    """
    told: dict[str, str] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not (name and equals and text):
            raise SpaceError(f"{word!r} is given; NAME=NUMBER is allowed, such as {wanted(objective)[0]}=0.76")
        if name in told:
            raise SpaceError(f"{name} is given twice")
        told[name] = text
    values = columns(objective, outputs)
    every = [part for name in values for part in (name, f"{name}{ERROR}")]
    at = {name: text for name, text in told.items() if name not in every and name in space.parameters}
    for name in told:
        if name not in every and name not in at and outputs is not None:
            raise SpaceError(unknown(name, [*every, *space.all_names], "value or parameter"))
    return observation_of({name: text for name, text in told.items() if name not in at}), at
