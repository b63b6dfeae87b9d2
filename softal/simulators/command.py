"""Any executable as a simulator: the kind `command`.

```yaml
simulator:
  command: ./run.sh --epsilon {epsilon} --seed {seed}    # or a list of arguments; never through a shell unless `shell`
  templates: [deck.in]                                   # {{ epsilon }} is filled in, into the working folder
  arrays: {g_r: rdf.csv}                                 # columns: grid, value, error
```

It runs in a working folder of its own, with its output kept there in stdout.txt and stderr.txt, and prints its results
as a JSON object on the last line of its standard output, `{"energy": -1.5}`, or writes them to the file named
`results`. What may stand in the object is told in softal.simulators.results. With `outputs` it needs no JSON: values
and arrays are read from the files that it writes, as softal.simulators.files tells. The exit code must be 0.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from softal.errors import InvalidObservation, SimulationError
from softal.kinds.inputs import input_file
from softal.kinds.settings import Settings
from softal.reading import is_file, read_json
from softal.simulators import placeholders, shell
from softal.simulators.base import Context, Outputs, Simulator, validate_observation
from softal.simulators.files import FromFile, read_into
from softal.simulators.printed import bounded_after
from softal.simulators.process import STDERR, STDOUT, describe_exit, last_line, quoted_tail, run_program
from softal.simulators.results import to_observation
from softal.trial import Observation, Point, Value

POINT_FILE = "point_file"
# Filled in besides the parameters, which cannot have these names.
RESERVED = (POINT_FILE, "workdir", "seed", "fidelity", "trial", "cpus", "folder")
# What they can be, for a look at their formats.
SUCH_AS: dict[str, Value] = {
    POINT_FILE: "point.json",
    "workdir": ".",
    "seed": 1,
    "fidelity": 0.5,
    "trial": 1,
    "cpus": 1.0,
    "folder": ".",
}


class CommandSettings(Settings):
    """Settings of the kind `command`. Relative paths of the user's files are relative to `folder`."""

    command: str | tuple[str | int | float, ...] = Field(
        description="the program with its arguments, as a text or a list; placeholders: {parameter}, "
        + ", ".join(f"{{{name}}}" for name in RESERVED)
    )
    shell: bool | str = Field(
        False,
        description="whether the command, a text then, goes through the shell; or through which, such as `bash -l`, "
        "which knows `module load`",
    )
    templates: dict[str, str] | tuple[str, ...] = Field(
        default=(), description="input files with {{ parameter }} in them, or {file: name in the working folder}"
    )
    delimiters: tuple[str, str] = Field(
        default=placeholders.DELIMITERS, description="what stands around the names in templates, such as [<<, >>]"
    )
    results: str | None = Field(
        None,
        description="file in the working folder with the results as JSON; default: the last line of stdout, or none "
        "where there are `outputs`",
    )
    outputs: dict[str, FromFile] = Field(
        default={},
        description="values and arrays in files that the program writes: name -> {file, column} of a value, "
        "{file, columns} of an array, or its file alone; `take: mean` or `last`, `warmup: auto` or a part",
    )
    arrays: dict[str, FromFile] = Field(
        default={},
        description="array -> file in the working folder with columns value; grid, value; or grid, value, error; or "
        "{file, columns}",
    )
    values: tuple[str, ...] | None = Field(None, description="names of the values that each result must have")
    artifacts: tuple[str, ...] = Field(default=(), description="files to keep, as patterns such as *.gsd")
    environment: dict[str, str | int | float] = Field(default={}, description="variables; placeholders are filled in")
    folder: Path = Field(
        default=None,
        validate_default=True,
        description="what relative paths are relative to; default: the campaign file's folder",
    )

    @field_validator("folder", mode="before")
    @classmethod
    def _default_folder(cls, folder: Any, info: ValidationInfo) -> Path:
        base = Path((info.context or {}).get("folder", "."))
        return (base / Path(folder or ".")).resolve()

    @field_validator("command")
    @classmethod
    def _some_command(cls, command: Any) -> Any:
        if not (command.strip() if isinstance(command, str) else command):
            raise ValueError("is empty; allowed: a program with its arguments")
        if isinstance(command, str):
            shlex.split(command)  # raises ValueError for quotes that do not close
        return command

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.shell and not isinstance(self.command, str):
            raise ValueError("`shell: true` needs the command as one text, not as a list")
        if isinstance(self.shell, str) and Path((shlex.split(self.shell) or [""])[0]).name not in shell.SHELLS:
            raise ValueError(f"shell: {self.shell!r} is given; allowed: true, or one of {', '.join(shell.SHELLS)}")
        for text in self.texts:
            if wide := placeholders.too_wide(text):
                raise ValueError(f"{wide} is too wide; at most {placeholders.WIDEST} characters and digits are allowed")
        if self.delimiters[0] == self.delimiters[1] or not all(one.strip() for one in self.delimiters):
            raise ValueError(
                f"delimiters: {list(self.delimiters)} are given; allowed: two different marks, such as <<, >>"
            )
        for name, array in self.arrays.items():
            if array.is_value:
                raise ValueError(f"arrays: {name!r} has a `column`, which is of a value; `outputs` takes values")
        for name, value in SUCH_AS.items():
            if taken := self.taken(name, value):
                raise ValueError(f"{name}, such as {value!r}, does not fit; allowed: {taken}")
        for template in self.template_files:
            path = input_file(self.folder / template)
            if not path.is_file():
                raise ValueError(f"templates: {path} is not a file")
            try:
                placeholders.template_names(path.read_text(encoding="utf-8"), self.delimiters)
            except ValueError as error:
                collide = f"; if the script has {{{{ and }}}} of its own, {placeholders.OTHERS}"
                others = collide if self.delimiters == placeholders.DELIMITERS else ""
                raise ValueError(f"templates: {path}: {error}{others}") from error
        for path in self.files:
            input_file(path)
        return self

    def taken(self, name: str, value: Value) -> str | None:
        """Say what the placeholders of this name can be filled with, where a value is not of that kind; else None."""
        if self.shell and (taken := shell.refuses(str(self.command), name, value)):
            return taken
        return next((taken for text in self.texts if (taken := placeholders.misfit(text, name, value))), None)

    @property
    def template_files(self) -> dict[str, str]:
        """Template -> name in the working folder."""
        if isinstance(self.templates, dict):
            return self.templates
        return {template: Path(template).name for template in self.templates}

    @property
    def texts(self) -> list[str]:
        """Everything that placeholders are filled into, but the templates."""
        arguments = [self.command] if isinstance(self.command, str) else [str(part) for part in self.command]
        return [*arguments, *map(str, self.environment.values())]

    @property
    def parts(self) -> list[str]:
        """The arguments with their placeholders; files of the campaign's folder by their absolute paths."""
        parts = shlex.split(self.command) if isinstance(self.command, str) else [str(part) for part in self.command]
        return [str(self.beside(part) or part) for part in parts]

    @property
    def files(self) -> list[Path]:
        """Files of the campaign's folder, or by absolute paths, that the command names."""
        named = [word[0] for word in shell.words_in(str(self.command))] if self.shell else self.parts
        return [path for one in named if (path := self.beside(one)) is not None]

    def beside(self, part: str) -> Path | None:
        """Return the file that an argument names; None where it names none.

        The program runs in a folder of its own, where `simulate.py` or `./run.sh` would not be found; what templates
        make is found there.
        """
        made = {Path(name) for name in self.template_files.values()}
        return self.folder / part if Path(part) not in made and is_file(self.folder / part) else None


class Command(Simulator):
    """Runs an executable; see the module."""

    Settings: ClassVar[type[CommandSettings]] = CommandSettings
    waits: ClassVar[bool] = True

    @cached_property
    def parameters(self) -> Mapping[str, str] | None:  # type: ignore[override]
        """The parameters whose names are placeholders; with {point_file} any others, too."""
        used = set[str]().union(*map(placeholders.names_in, self.settings.texts))
        where = dict.fromkeys(sorted(used - set(RESERVED)), "a placeholder of the command")
        for template in self.settings.template_files:
            names = self._names_in(template)
            used |= names
            where |= dict.fromkeys(sorted(names - set(RESERVED) - set(where)), f"a placeholder in {template}")
        return _AtLeast(where) if POINT_FILE in used else where

    def _names_in(self, template: str) -> set[str]:
        settings: CommandSettings = self.settings
        text = input_file(settings.folder / template).read_text("utf-8")
        return placeholders.template_names(text, settings.delimiters)

    @property
    def outputs(self) -> Outputs | None:  # type: ignore[override]
        """What is declared by `values`, `outputs` and `arrays`; None where the values are not declared."""
        settings: CommandSettings = self.settings
        if settings.values is None and (settings.results is not None or not settings.outputs):
            return None
        values = {name for name, result in settings.outputs.items() if result.is_value}
        arrays = settings.outputs.keys() - values | settings.arrays.keys()
        return Outputs(frozenset(values.union(settings.values or ())), frozenset(arrays))

    def check(self) -> list[str]:
        """Say that the executable is missing or cannot be executed."""
        if windows := self._windows():
            return windows
        if self.settings.shell:
            return []
        program = self.settings.parts[0]
        made = {Path(name) for name in self.settings.template_files.values()}
        if placeholders.names_in(program) or Path(program) in made or shutil.which(program):
            return []
        wrong = "is not executable (chmod +x)" if Path(program).is_file() else "is not found"
        shells = f"; {self.remarks()[0]}" if self.remarks() else ""
        return [f"command: {program!r} {wrong}{shells}"]

    def remarks(self) -> list[str]:
        """Say that a command is written for a shell, or a login shell, through which it does not go."""
        command = self.settings.command
        if isinstance(command, str) and shell.needs_login(command) and not isinstance(self.settings.shell, str):
            return ["`module` is a function of login shells: `shell: bash -l` lets one read the command"]
        if self.settings.shell or not isinstance(command, str) or not (found := shell.syntax_in(command)):
            return []
        listed = ", ".join(f"`{one}`" for one in dict.fromkeys(found))
        return [
            f"{listed} in the command {'is' if len(found) == 1 else 'are'} for a shell: `shell: true` lets one read it"
        ]

    def _windows(self) -> list[str]:
        """Say that a script's interpreter line ends as Windows ends lines: no program is called `/bin/sh` and CR."""
        for part in self.settings.parts[:1]:
            try:
                with Path(part).open("rb") as file:
                    first = file.readline(1000)
            except (OSError, ValueError):  # found on the path, or made by a template
                continue
            if first.startswith(b"#!") and first.endswith(b"\r\n"):
                return [
                    f"command: the first line of {part} ends in CR, as on Windows: `sed -i 's/\\r$//' {part}` mends it"
                ]
        return []

    def allows(self, name: str, value: Value) -> str | None:
        """Say what a placeholder's format takes, such as `{x:d}`, where it does not take this value."""
        settings: CommandSettings = self.settings
        return settings.taken(name, value)

    def run(self, point: Point, context: Context) -> Observation:
        """Run the command at `point` and read its results.

        Raises:
            SimulationError: for an exit code other than 0, results that are missing or not finite, its walltime; the
                reason quotes the last lines of its output.
        """
        settings, workdir = self.settings, context.workdir
        values = self._values(point, context)
        self._write_inputs(values, point, workdir)
        environment = {"OMP_NUM_THREADS": str(max(1, int(context.cpus))), **os.environ}
        try:
            environment |= {name: placeholders.fill(str(text), values) for name, text in settings.environment.items()}
            command: str | list[str] = [placeholders.fill(part, values) for part in self.settings.parts]
            if isinstance(settings.command, str) and settings.shell:
                filled = shell.fill(shell.with_paths(settings.command, settings.beside), values)
                command = [*shlex.split(settings.shell), "-c", filled] if isinstance(settings.shell, str) else filled
        except ValueError as error:
            raise SimulationError(str(error)) from None
        results = {**settings.arrays, **settings.outputs}
        whole = {STDOUT, STDERR}.intersection(one.file for one in results.values())
        with bounded_after([workdir / name for name in whole], context.output_limit):
            code = run_program(command, workdir, environment, context.walltime, context.output_limit, whole)
            if code != 0:
                raise SimulationError(f"the command {describe_exit(code)}{quoted_tail(workdir)}")
            try:
                by_files = settings.outputs and settings.results is None
                observation = Observation() if by_files else to_observation(self._results(workdir))
                read_into(observation, results, workdir)
                observation = validate_observation(observation, self.outputs)
            except InvalidObservation as error:
                raise InvalidObservation(f"{error}{quoted_tail(workdir)}") from error
        observation.artifacts.update(self._artifacts(workdir))
        return observation

    def _values(self, point: Point, context: Context) -> dict[str, Any]:
        known = {name: getattr(context, name) for name in ("seed", "fidelity", "trial", "cpus")}
        paths = {POINT_FILE: context.workdir / "point.json", "workdir": context.workdir, "folder": self.settings.folder}
        known["seed"] = known["seed"] or 1  # many programs take 0 for a seed of their own choice
        values = {**point, **known, **{name: str(path) for name, path in paths.items()}}
        if missing := [name for name in self.parameters or () if name not in values]:
            raise SimulationError(f"the command needs {missing[0]!r}, which the point does not have")
        return values

    def _write_inputs(self, values: Mapping[str, Any], point: Point, workdir: Path) -> None:
        if isinstance(self.parameters, _AtLeast):
            Path(values[POINT_FILE]).write_text(json.dumps(point, indent=1), encoding="utf-8")
        for template, name in self.settings.template_files.items():
            source, target = self.settings.folder / template, workdir / name
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            try:
                target.write_text(placeholders.render(text, values, self.settings.delimiters), encoding="utf-8")
            except ValueError as error:
                raise SimulationError(f"template {template}: {error}") from error
            shutil.copymode(source, target)

    def _results(self, workdir: Path) -> Any:
        name = self.settings.results
        if name is None:
            text, place = last_line(workdir / STDOUT), "the last line of its output"
        elif not (workdir / name).is_file():
            raise InvalidObservation(f"the command did not write {name}")
        else:
            text, place = (workdir / name).read_text(encoding="utf-8", errors="replace"), name
        try:
            return read_json(text)
        except ValueError as error:
            shown = " ".join(text.split())[:100]
            raise InvalidObservation(f'{place} is not JSON such as {{"energy": -1.5}}: {shown!r}') from error

    def _artifacts(self, workdir: Path) -> dict[str, Path]:
        found = [path for pattern in self.settings.artifacts for path in sorted(workdir.glob(pattern))]
        kept = [workdir / STDOUT, workdir / STDERR, *(path for path in found if path.is_file())]
        return {path.relative_to(workdir).as_posix(): path for path in kept}


class _AtLeast(dict[str, str]):
    """Parameters that are needed, where any others are taken as well."""

    def __contains__(self, name: object) -> bool:
        return True
