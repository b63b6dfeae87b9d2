"""Settings of the kind `gromacs`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from softal.kinds.inputs import input_file
from softal.kinds.settings import ExistingFile, Settings
from softal.simulators.asked import Asked, Values, matching
from softal.simulators.gromacs.inputs import Inputs

ENERGY = "energy.xvg"
_LIST = {"type": "array", "items": {"type": "string"}}
Words = tuple[str | int | float, ...]


class Analysis(Settings):
    """A program of GROMACS that makes a result of a run."""

    run: str = Field(description="a program of gmx with its arguments, such as `density -o density.xvg`")
    answers: tuple[str, ...] = Field(default=(), description="to what it asks, a line each, such as [System]")

    @model_validator(mode="before")
    @classmethod
    def _line_only(cls, data: Any) -> Any:
        return {"run": data} if isinstance(data, str) else data

    @field_validator("run")
    @classmethod
    def _words(cls, run: str) -> str:
        try:
            words = shlex.split(run)
        except ValueError as error:
            raise ValueError(f"{run!r} is given: {error}") from None
        if words in ([], ["gmx"]):
            raise ValueError(f"{run!r} is given; allowed: a program of gmx with its arguments, such as `msd -o`")
        return run.removeprefix("gmx ")


class GromacsSettings(Asked):
    """Settings of the kind `gromacs`."""

    LOG: ClassVar[str] = ENERGY

    mdp: Annotated[tuple[ExistingFile, ...], WithJsonSchema({"anyOf": [{"type": "string"}, _LIST]})] = Field(
        description="run parameters; or those of several runs, one after another: values are of the last"
    )
    top: ExistingFile = Field(description="the topology; what it includes from its folder goes with it")
    gro: ExistingFile = Field(description="the coordinates that the first run begins with; .gro, .pdb or .g96")
    values: Values = Field(
        default={},
        description="terms of `gmx energy`, such as [Density, Total-Energy]; or name -> {column}, with `take`, "
        "`warmup`, or the `file` of another series",
    )
    analysis: tuple[Analysis, ...] = Field(
        default=(),
        description="programs of gmx that make more results, such as `rdf -f traj_comp.xtc -s topol.tpr -ref O "
        "-sel O`; or {run, answers}, where one asks for groups",
    )
    files: tuple[str, ...] = Field(
        default=(), description="more files beside the topology that are needed, as patterns, such as *.ndx"
    )
    grompp: Words = Field(default=(), description="more arguments of `gmx grompp`, such as [-maxwarn, 1]")
    mdrun: Words = Field(default=(), description="more arguments of `gmx mdrun`, such as [-reprod]")
    energy: Words = Field(default=(), description="more arguments of `gmx energy`, such as [-nmol, 256]")
    program: str | None = Field(None, description="the executable; default: gmx on the path, gmx_d or gmx_mpi")
    launcher: str | None = Field(
        None, description="what starts `mdrun` of an MPI build, such as `mpirun -np {cpus}`; default: nothing"
    )

    @field_validator("mdp", mode="before")
    @classmethod
    def _one_or_several(cls, files: Any) -> Any:
        if files in ([], ()):
            raise ValueError("is empty; allowed: a file of run parameters, or a list of them")
        return (files,) if isinstance(files, str | Path) else files

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            Inputs.of(self.mdp, self.top, self.gro)
        except OSError as error:
            raise ValueError(f"{error.filename} cannot be read: {error.strerror}") from None
        for name in matching(self.top.parent, self.files):
            input_file(self.top.parent / name)
        if numbers := [name for name, column in self.logged.items() if not isinstance(column, str)]:
            raise ValueError(f"values: {numbers[0]!r} has the number of a column; terms of `gmx energy` have names")
        return self
