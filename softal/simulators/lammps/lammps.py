"""A user's own input script of LAMMPS, as it is: the kind `lammps`.

```yaml
simulator: {kind: lammps, input: in.melt, values: [density, press], arrays: {g_r: {file: rdf.dat, columns: [2, 3]}}}
```

Parameters are the script's variables, `${epsilon}`, and are given by `-var`; `variable epsilon index 1.0` in the script
says what one is without that. softal sets `seed` (1 to 9e8), `fidelity` (in (0, 1], to scale run lengths by), `trial`
and `cpus` in the same way, if the script uses them. The script runs in the trial's folder, with copies of the files
beside it that it names.

Values are columns of the last run's thermo table: means without the warm-up, with errors.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from softal.errors import SimulationError
from softal.kinds.inputs import input_file
from softal.kinds.settings import ExistingFile
from softal.simulators.asked import Asked, Values, copy_beside, matching
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.engines import shared_memory
from softal.simulators.lammps import program
from softal.simulators.lammps.script import Script
from softal.simulators.printed import bounded_after
from softal.simulators.process import (
    STDERR,
    STDOUT,
    describe_exit,
    last_error,
    launcher_words,
    quoted_tail,
    run_program,
)
from softal.trial import Observation, Point, Value

MAX_SEED = 900_000_000  # of LAMMPS's generators
RESERVED = ("seed", "fidelity", "trial", "cpus")
LOG = "log.lammps"


class LammpsSettings(Asked):
    """Settings of the kind `lammps`."""

    LOG: ClassVar[str] = STDOUT

    input: ExistingFile = Field(description="the input script; variables that it uses are the parameters")
    values: Values = Field(
        default={},
        description="columns of the last run's thermo table, such as [density, press]; or name -> {column}, with "
        "`take`, `warmup`, or the `file` of another series",
    )
    files: tuple[str, ...] = Field(
        default=(), description="files beside the script that it needs, as patterns, where its text does not name them"
    )
    program: str | None = Field(None, description="the executable; default: lmp on the path, or that of PyPI's wheel")
    launcher: str = Field(
        "auto", description="what starts several processes: `auto` is mpirun -np {cpus} for 2 cores and more; or `none`"
    )
    arguments: tuple[str | int | float, ...] = Field(
        default=(), description="more arguments of LAMMPS, such as [-sf, omp]"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            script = Script.of(self.input)
        except (OSError, ValueError) as error:
            raise ValueError(f"input: {self.input} cannot be read: {error}") from None
        for name in beside(script, self.files):
            input_file(script.path.parent / name)
        if taken := sorted(script.own.intersection(RESERVED)):
            raise ValueError(
                f"input: the script sets {taken[0]!r} itself; `variable {taken[0]} index ...` lets softal set it"
            )
        return self


class Lammps(Simulator):
    """Runs an input script of LAMMPS; its variables are the parameters."""

    Settings: ClassVar[type[LammpsSettings]] = LammpsSettings
    waits: ClassVar[bool] = True

    @cached_property
    def script(self) -> Script:
        """The input script."""
        return Script.of(self.settings.input)

    @cached_property
    def parameters(self) -> Mapping[str, str] | None:  # type: ignore[override]
        """The variables that the script uses, and does not set itself."""
        return dict.fromkeys(sorted(self.script.used - set(RESERVED)), f"a variable of {self.script.path.name}")

    @cached_property
    def defaults(self) -> Mapping[str, Value]:  # type: ignore[override]
        """What its `index` variables are without a parameter."""
        return {name: value for name, value in self.script.defaults.items() if name not in RESERVED}

    @property
    def outputs(self) -> Outputs | None:  # type: ignore[override]
        """Values and arrays, with the units of the script's `units`."""
        settings: LammpsSettings = self.settings
        return settings.outputs(self.script.unit_of)

    def check(self) -> list[str]:
        """Say that LAMMPS is not here."""
        return [] if program.find(self.settings.program) else [program.MISSING]

    def remarks(self) -> list[str]:
        """Say that all trials have the same random numbers."""
        if "seed" in self.script.used:
            return []
        return [f"{self.script.path.name} does not use ${{seed}}: repeats of a point give the same result"]

    def run(self, point: Point, context: Context) -> Observation:
        """Run the script at `point`, and read its results.

        Raises:
            SimulationError: with LAMMPS's `ERROR:` line where it ends with one; for its walltime, and results that are
                missing or not finite.
        """
        settings, workdir = self.settings, context.workdir
        found = program.find(settings.program)
        if found is None:
            raise SimulationError(program.MISSING)
        self._copy_files(workdir)
        shared_memory.sweep()
        launcher = self._launcher(found, context)
        arguments = ["-in", self.script.path.name, "-log", LOG, "-nocite", *map(str, settings.arguments)]
        environment = {"OMP_NUM_THREADS": str(max(1, int(context.cpus))), **os.environ, **found.environment}
        environment |= {"OMP_NUM_THREADS": "1"} if launcher else {}  # a process has one core
        command = [*launcher, found.path, *arguments, *self._variables(point, context)]
        with bounded_after([workdir / STDOUT], context.output_limit):
            code = run_program(command, workdir, environment, context.walltime, context.output_limit, whole=[STDOUT])
            if code != 0:
                said = last_error(workdir, (STDOUT, STDERR))  # mpirun has its own on stderr
                raise SimulationError(f"{said}; " * bool(said) + f"LAMMPS {describe_exit(code)}{quoted_tail(workdir)}")
            if launcher and settings.launcher == "auto":
                program.check_processes(workdir, max(1, int(context.cpus)))
            observed: Observation = settings.observation(workdir, "LAMMPS", (STDOUT, STDERR, LOG))
        return observed

    def _variables(self, point: Point, context: Context) -> list[str]:
        used = self.script.used
        if context.fidelity != 1 and "fidelity" not in used:
            raise SimulationError(
                f"{self.script.path.name} does not use ${{fidelity}}, and is to run at fidelity {context.fidelity:g}: "
                "scale run lengths by it, as in `variable steps equal round(10000*v_fidelity)`"
            )
        if unused := sorted(point.keys() - used):
            raise SimulationError(f"{self.script.path.name} does not use the variable {unused[0]!r}")
        given: dict[str, Any] = {
            "seed": 1 + (context.seed - 1) % MAX_SEED,
            "fidelity": context.fidelity,
            "trial": context.trial,
            "cpus": max(1, int(context.cpus)),
        }
        return [
            word for name, value in {**given, **point}.items() if name in used for word in ("-var", name, str(value))
        ]

    def _launcher(self, found: program.Program, context: Context) -> list[str]:
        cpus, launcher = max(1, int(context.cpus)), self.settings.launcher
        if launcher == "none" or (launcher == "auto" and (cpus == 1 or found.launcher is None)):
            return []
        if launcher == "auto":
            return [str(found.launcher), "-np", str(cpus)]
        return launcher_words(launcher, cpus)

    def _copy_files(self, workdir: Path) -> None:
        """Copy the script and what it reads; not what it writes, of which a file of an earlier run may lie there."""
        folder, settings = self.script.path.parent, self.settings
        written = {one.file for one in settings.results.values()}
        copy_beside(folder, {self.script.path.name, *beside(self.script, settings.files)} - written, workdir)


def beside(script: Script, patterns: tuple[str, ...]) -> list[str]:
    """Return the files beside a script that its text or the patterns name, by their paths from its folder."""
    return [*script.files, *matching(script.path.parent, patterns)]
