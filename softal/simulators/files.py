"""Results in files that programs write, as they come: values from series, arrays from columns.

```yaml
outputs:
  density: {file: energy.xvg, column: Density}       # a value: the mean of a series without its warm-up, and its error
  energy: {file: log.lammps, column: pe, take: last}
  g_r: {file: rdf.dat, columns: [2, 3]}              # an array: grid and values, counted from 1 as gnuplot does
  S_k: sk.csv                                        # an array: value; grid, value; or grid, value, error
```

The readers are those of references (softal.references.readers).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from softal.errors import InvalidObservation, SimulationError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.reading import read_bytes, read_npy
from softal.references.readers import Table, read_table
from softal.references.readers.table import ERROR
from softal.references.units import is_known
from softal.simulators.statistics import equilibrated, mean_and_error
from softal.trial import Array, Observation

# Formats of others that could be meant; whatever else is there is read as text.
UNREADABLE = {
    ".h5", ".hdf5", ".nc", ".xlsx", ".xls", ".ods", ".xtc", ".trr", ".edr", ".tpr", ".dcd", ".pkl", ".json", ".mat",
    ".parquet", ".png", ".pdf", ".svg", ".zip", ".tar",
}  # fmt: skip
FIRST = 1  # number of the first column


class FromFile(Settings):
    """Where in a file a value or an array stands."""

    file: str = Field(
        description="in the working folder; text in columns, .xvg, .gsd, .npy, logs and averages of LAMMPS"
    )
    column: str | int | None = Field(
        None, description="of a value: the series' column, by its name or its number from 1"
    )
    columns: tuple[str | int, ...] | None = Field(
        None, description="of an array: values; grid, values; or grid, values, errors, by names or numbers from 1"
    )
    take: Literal["mean", "last"] = Field(
        "mean", description="the mean over times, or over repeated blocks, with its error; or what was written last"
    )
    warmup: Literal["auto"] | Annotated[float, Field(ge=0, lt=1)] = Field(
        "auto", description="part of a series that is left out at its beginning; `auto` finds it, and is 0 for arrays"
    )

    @model_validator(mode="before")
    @classmethod
    def _named_only(cls, data: Any) -> Any:
        return {"file": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (suffix := Path(self.file).suffix.lower()) in UNREADABLE:
            raise ValueError(
                f"file: no reader takes {suffix}; allowed: text in columns, .xvg, .gsd, .npy, .npz, what LAMMPS writes"
            )
        if self.column is not None and self.columns is not None:
            raise ValueError("`column` is of a value and `columns` of an array; one of them is allowed")
        if self.columns is not None and not 1 <= len(self.columns) <= 3:
            raise ValueError(
                f"columns: {len(self.columns)} are given; allowed: values; grid, values; grid, values, errors"
            )
        for column in [self.column, *(self.columns or ())]:
            if isinstance(column, int) and column < FIRST:
                raise ValueError(f"column {column} is given; columns are counted from {FIRST}")
        return self

    @property
    def is_value(self) -> bool:
        """Whether a value is meant, and no array."""
        return self.column is not None


def read_into(
    observation: Observation, results: Mapping[str, FromFile], workdir: Path, program: str = "the command"
) -> None:
    """Add the values and arrays that stand in files.

    Args:
        observation: what they are added to.
        results: where they stand, by name.
        workdir: where the files are.
        program: what should have written them, in words.

    Raises:
        InvalidObservation: naming the file and what is wrong with it.
    """
    table_in = lru_cache(maxsize=None)(_table)  # several values may stand in one log
    for name, result in results.items():
        path = workdir / result.file
        if not path.is_file():
            raise InvalidObservation(f"{program} did not write {result.file}")
        try:
            if result.is_value:
                _add_value(observation, name, result, table_in(path))
            else:
                shaped = _as_it_is(path)
                observation.arrays[name] = shaped or _array(name, result, table_in(path))
        except (ValueError, OSError, SimulationError) as error:
            raise InvalidObservation(f"{name!r} in {result.file}: {error}") from error


def _table(path: Path) -> Table:
    try:
        return read_table(path)
    except ValueError as error:
        raise ValueError(f"it is no table of numbers: {error}") from error


def _as_it_is(path: Path) -> Array | None:
    """Return the values in a .npy that is no table; None for others."""
    if path.suffix.lower() != ".npy":
        return None
    values = read_npy(read_bytes(path))
    return None if values.ndim == 2 else Array.of(values)


def _add_value(observation: Observation, name: str, result: FromFile, table: Table) -> None:
    assert result.column is not None
    if table.blocks is not None:
        raise ValueError(
            "it has repeated blocks of rows, of which no value can be taken; `columns` makes an array of it"
        )
    series = table.columns[table.find(result.column, FIRST)]
    if series.ndim != 1 or not len(series):
        raise ValueError(f"column {result.column!r} has the shape {series.shape}; a series is needed")
    if result.take == "last":
        if np.isfinite(series[-1]):
            observation.values[name] = float(series[-1])
        else:
            observation.missing[name] = f"{series[-1]:g}"
        return
    bad = np.flatnonzero(~np.isfinite(series))
    if len(bad):
        raise ValueError(f"{table.place(int(bad[0]))} has {series[bad[0]]:g} in column {result.column!r}")
    start = equilibrated(series) if result.warmup == "auto" else int(result.warmup * len(series))
    mean, error = mean_and_error(series[start:])
    observation.values[name] = float(mean)
    if np.isfinite(error):
        observation.errors[name] = float(error)


def _array(name: str, result: FromFile, table: Table) -> Array:
    vectors = [one for column in result.columns or (name,) if (one := table.vector(column)) is not None]
    if vectors and len(vectors) == len(result.columns or (name,)):
        return _of_vectors(result, vectors)
    chosen = _chosen(name, table) if result.columns is None else [table.find(one, FIRST) for one in result.columns]
    at = chosen[min(1, len(chosen) - 1)]
    grid = chosen[0] if len(chosen) > 1 else None
    values, errors = _averaged(table, at, result.take)
    if len(chosen) == 3:
        errors = table.columns[chosen[2]]
    units = {"unit": _unit(table, at), "grid_unit": "" if grid is None else _unit(table, grid)}
    if grid is not None and table.blocks is None:
        _check_grid(table, grid)
    return Array.of(values, errors, None if grid is None else table.columns[grid], **units)


def _of_vectors(result: FromFile, vectors: list[Floats]) -> Array:
    """Return the mean in time of an array of a log, with its grid, if two are given."""
    *grids, values = vectors
    start = 0 if result.warmup == "auto" else int(result.warmup * len(values))
    for grid in grids:
        if len(grids) > 1 or np.any(grid != grid[0]):
            raise ValueError("`columns` of arrays in a log are values; or grid, values, with the same grid each time")
    mean, error = (values[-1], None) if result.take == "last" else mean_and_error(values[start:])
    known = error is not None and len(values) > start + 1
    return Array.of(mean, error if known else None, grids[0][0] if grids else None)


def _chosen(name: str, table: Table) -> list[int]:
    """Return the columns of an array where none are given: those of its name, or all of them in their order."""
    width = len(table.columns)
    if name in table.names[1:] and width > 3:
        own = [i for i, label in enumerate(table.names) if label in (f"{name}_error", f"{name}_err", f"{name}_std")]
        return [0, table.of_array(name), *own[:1]]
    if width == 3 and table.labels and not ERROR.search(table.labels[2]):
        raise ValueError(f"its columns are {', '.join(table.labels)}, of which the third is no error; {_SAY}")
    if not 1 <= width <= 3:
        named = f" ({', '.join(table.labels)})" if table.labels else ""
        raise ValueError(f"it has {width} columns{named}; allowed are value; grid, value; grid, value, error; {_SAY}")
    return list(range(width))


_SAY = "`{file: ..., columns: [grid, value]}` names others"


def _averaged(table: Table, column: int, take: str) -> tuple[Floats, Floats | None]:
    """Return a column and its errors: over repeated blocks, where there are some."""
    if table.blocks is None:
        return table.columns[column], None
    blocks = table.blocks[:, :, column]
    if take == "last":
        return blocks[-1], None
    mean, error = mean_and_error(blocks)
    return mean, error if len(blocks) > 1 else None


def _unit(table: Table, column: int) -> str:
    unit = table.unit(column)
    return unit if is_known(unit) else ""


def _check_grid(table: Table, column: int) -> None:
    """Raise ValueError for a grid that goes to and fro: another column than was meant."""
    grid = table.columns[column]
    steps = np.diff(grid)
    if grid.ndim == 1 and np.any(steps > 0) and np.any(steps < 0):
        row = int(np.argmax(steps * steps[np.flatnonzero(steps)[0]] < 0)) + 1
        label = table.labels[column] if table.labels else f"column {column + FIRST}"
        raise ValueError(f"{table.place(row)} has {label} = {grid[row]:g} after {grid[row - 1]:g}; a grid goes one way")
