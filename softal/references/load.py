"""Makes a reference of a file, and says in one line what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softal.errors import SoftalError
from softal.references.readers import Table, read_table
from softal.references.reference import Reference
from softal.references.units import canonical, is_known, split_label

MIN_POINTS = 2  # a density at a few temperatures is one, too; a single point is a target
LARGEST = 1e150  # squares of larger numbers are infinite
MIN_REACH = 0.9  # a reference must reach over this part of the range that is asked for


def load_reference(
    array: str,
    path: Path,
    *,
    columns: tuple[str | int, str | int] | None = None,
    range: tuple[float, float] = (-np.inf, np.inf),
    weight: float = 1.0,
    unit: str = "",
    value_unit: str = "",
) -> Reference:
    """Read a reference from a table: CSV or columns between spaces, XVG, .npy of shape (k, 2+), .npz.

    Args:
        array: name of the observation's array that it is a reference for.
        path: the file.
        columns: grid and values, by name or number; None is the first column, and the one that is named as the array
            or the only one besides the grid and errors.
        range: part of the grid that counts, in the file's unit.
        weight: among several references.
        unit, value_unit: of the grid and of the values; empty is what the file says, if it says anything.

    Raises:
        SoftalError: naming the file, the line or value, and what is allowed.
    """
    try:
        table = read_table(path)
    except (OSError, ValueError) as error:
        raise SoftalError(f"{path} cannot be read as a table: {error}") from error
    try:
        first = table.find(0 if columns is None else columns[0])
        second = table.of_array(array) if columns is None else table.find(columns[1])
        grid, values = table.columns[first], table.columns[second]
        _check_numbers(table, grid, values, _label(table, first))
        _check_range(grid, values, range, _label(table, first))
        grid_unit = _unit(unit, table, first, table.units[0])
        units = grid_unit, _unit(value_unit, table, second, table.units[1], only_known=True)
    except ValueError as error:
        raise SoftalError(f"{path}: {error}") from error
    return Reference(array, grid, values, range, weight, *units, source=str(path))


def _label(table: Table, column: int) -> str:
    return (table.names[column] if table.labels else "") or "grid"


def _check_numbers(table: Table, grid: NDArray[np.float64], values: NDArray[np.float64], name: str) -> None:
    if grid.ndim != 1 or grid.shape != values.shape:
        raise ValueError(f"its columns have the shapes {grid.shape} and {values.shape}; the same (k,) is needed")
    for column in (grid, values):
        if not np.all(np.isfinite(column)):
            row = int(np.argmin(np.isfinite(column)))
            raise ValueError(f"{table.place(row)} holds {column[row]:g}; finite numbers are allowed")
    steps = np.diff(grid)
    if np.any(steps <= 0):
        row = int(np.argmax(steps <= 0)) + 1
        again = "again" if steps[row - 1] == 0 else f"after {grid[row - 1]:g}"
        raise ValueError(f"{table.place(row)} has {name} = {grid[row]:g} {again}; ascending {name} is allowed")


def _check_range(grid: NDArray[np.float64], values: NDArray[np.float64], range: tuple[float, float], name: str) -> None:
    inside = (grid >= range[0]) & (grid <= range[1])
    within = f" within {range[0]:g} to {range[1]:g}" if np.any(np.isfinite(range)) else ""
    if inside.sum() < MIN_POINTS:
        n = int(inside.sum())
        raise ValueError(
            f"it has {n} point{'s' * (n != 1)}{within}; at least {MIN_POINTS} are needed: a single number is a "
            "target, `{target: ..., tolerance: ...}`"
        )
    reached, wanted = grid[-1] - max(range[0], grid[0]), range[1] - max(range[0], grid[0])
    if np.isfinite(wanted) and reached < MIN_REACH * wanted:
        raise ValueError(f"its {name} ends at {grid[-1]:g}, but `range` goes to {range[1]:g} (in the same unit)")
    if not np.any(values[inside]):
        raise ValueError(f"it is zero everywhere{within}: a relative distance to it is not defined")
    if max(np.abs(grid).max(), np.abs(values[inside]).max()) > LARGEST:
        raise ValueError(f"it has numbers above {LARGEST:g}, of which no distance can be calculated")


def _unit(given: str, table: Table, column: int, said: str, *, only_known: bool = False) -> str:
    """Return the unit that is given, or else that which the file says; ValueError where they contradict each other.

    A bracket in a label of values need not be a unit: that of `g (r)` is the argument.
    """
    labelled = split_label(table.labels[column])[1] if table.labels else ""
    if only_known and not is_known(labelled):
        labelled = ""
    found = [canonical(unit) for unit in (given, said, labelled) if unit]
    if len(set(found)) > 1:
        label = f"its column {table.labels[column]!r}" if labelled else "its comment"
        raise ValueError(f"the unit {found[0]!r} contradicts {label}, which says {found[-1]!r}")
    return found[0] if found else ""
