"""What is asked of a simulation that runs a user's own input: values from its log, arrays and files that it writes.

```yaml
values: [density, press]                                # columns of the log: means without their warm-up, with errors
values: {p: {column: press, take: last}, T: {column: 2, file: temperature.dat}}
arrays: {g_r: {file: rdf.dat, columns: [2, 3]}}
```

The kinds `lammps`, `gromacs` and `hoomd` have these settings; each says which file its log is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from softal.errors import InvalidObservation
from softal.kinds.settings import Settings
from softal.outputs import Outputs
from softal.simulators.base import validate_observation
from softal.simulators.files import FromFile, read_into
from softal.simulators.process import quoted_tail
from softal.trial import Observation

# As they are written; a list becomes a mapping.
_NAMES = {"type": "array", "items": {"type": "string"}}
_NAMED = {"type": "object", "additionalProperties": {"type": "object"}}
Values = Annotated[dict[str, FromFile], WithJsonSchema({"anyOf": [_NAMES, _NAMED], "default": []})]


class Asked(Settings):
    """Settings of what is wanted; kinds add their input, and say in `LOG` where values stand that have no `file`."""

    LOG: ClassVar[str]

    values: Values = Field(default={}, description="columns of the log, or name -> {column}")
    arrays: dict[str, FromFile] = Field(
        default={}, description="name -> {file, columns: [grid, values]}, counted from 1, or its file alone"
    )
    artifacts: tuple[str, ...] = Field(default=(), description="files to keep, as patterns such as *.dump")

    @field_validator("values", mode="before")
    @classmethod
    def _of_the_log(cls, values: Any) -> Any:
        if isinstance(values, str):
            values = [values]
        if isinstance(values, list | tuple):
            if not all(isinstance(name, str) for name in values):
                raise ValueError(f"{list(values)} is given; allowed: names of columns, such as [density, pressure]")
            values = {name: name for name in values}
        if not isinstance(values, Mapping):
            return values
        named = {name: {"column": one} if isinstance(one, str | int) else one for name, one in values.items()}
        return {name: {"file": cls.LOG, **one} if isinstance(one, Mapping) else one for name, one in named.items()}

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if not self.results:
            raise ValueError("nothing is asked for; allowed: `values`, such as [density], or `arrays`, or both")
        for name, one in self.results.items():
            if one.is_value != (name not in self.arrays):
                wrong = "has a `column`, which is of a value" if one.is_value else "has no `column`"
                raise ValueError(f"{'arrays' if name in self.arrays else 'values'}: {name!r} {wrong}")
        return self

    @property
    def results(self) -> dict[str, FromFile]:
        """Where values and arrays stand."""
        return {**self.values, **self.arrays}

    @property
    def logged(self) -> dict[str, str | int]:
        """Name -> column of the values that stand in the log."""
        return {name: one.column for name, one in self.results.items() if one.file == self.LOG and one.column}

    def outputs(self, unit_of: Callable[[str], str] = lambda column: "") -> Outputs:
        """Return what is declared by these settings.

        Args:
            unit_of: column of the log -> its unit; empty where it is not known.
        """
        values = frozenset(name for name, one in self.results.items() if one.is_value)
        units = {name: unit_of(str(column)) for name, column in self.logged.items()}
        known = {name: unit for name, unit in units.items() if unit}
        return Outputs(values, frozenset(self.arrays), value_units=known)

    def observation(self, workdir: Path, program: str, kept: Iterable[str] = ()) -> Observation:
        """Read what is asked for, and keep files.

        Args:
            workdir: where they are.
            program: what should have written them, in words.
            kept: more patterns of files to keep.

        Raises:
            InvalidObservation: naming what is missing or wrong, with the end of the program's output.
        """
        observation = Observation()
        try:
            read_into(observation, self.results, workdir, program)
            validate_observation(observation, self.outputs())
        except InvalidObservation as error:
            raise InvalidObservation(f"{error}{quoted_tail(workdir)}") from error
        files = (path for pattern in [*kept, *self.artifacts] for path in sorted(workdir.glob(pattern)))
        observation.artifacts.update({path.relative_to(workdir).as_posix(): path for path in files if path.is_file()})
        return observation


def copy_beside(folder: Path, names: Iterable[str], workdir: Path) -> None:
    """Copy what are files among names into the trial's folder, each under its path from where the user's input is."""
    for name in set(names):
        if (folder / name).is_file():
            (workdir / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, workdir / name)


def matching(folder: Path, patterns: Sequence[str]) -> list[str]:
    """Return the paths, from a folder, of what its patterns find there."""
    return [path.relative_to(folder).as_posix() for pattern in patterns for path in sorted(folder.glob(pattern))]
