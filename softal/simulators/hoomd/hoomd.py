"""A user's own simulation with HOOMD-blue: the kind `hoomd`.

```yaml
simulator: {kind: hoomd, input: lj.py, steps: 20000, values: [kinetic_temperature, pressure]}
```

```python
# lj.py
def build(simulation, epsilon, kT=1.0): ...
```

`build` is given the `hoomd.Simulation`, which has its device and seed and no state yet, and the parameters by their
names; and whatever it asks for by name of the trial's context: `fidelity`, `seed` (16 bits), `workdir`, `cpus` ... It
makes the state, sets the operations, may run the simulation to equilibrate it, and returns the `hoomd.logging.Logger`
of what is measured, or None where it writes log.gsd itself. softal then runs `steps` of it, a part of them at a lower
fidelity, and writes what is logged to log.gsd, from which values and arrays are read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import runpy
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from softal.errors import SimulationError
from softal.kinds import own_modules
from softal.kinds.settings import ExistingFile
from softal.simulators.asked import Asked, Values
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.engines.hoomd import Hoomd, short_seed
from softal.simulators.function import CONTEXT, FROM_CONTEXT
from softal.simulators.hoomd.script import BUILD, Script
from softal.simulators.process import STDOUT, last_error
from softal.trial import Observation, Point, Value

LOG_FILE = "log.gsd"
ROWS = 1000  # of the log, where nobody says another number


class HoomdSettings(Asked):
    """Settings of the kind `hoomd`."""

    LOG: ClassVar[str] = LOG_FILE

    input: ExistingFile = Field(
        description="the Python file with `build(simulation, ...)`, whose arguments are the parameters"
    )
    steps: int = Field(gt=0, description="how many steps are measured; at a lower fidelity a part of them")
    values: Values = Field(
        default={},
        description="numbers of the log, such as [kinetic_temperature, pressure]; or name -> {column}, with `take`, "
        "`warmup`, or the `file` of another series",
    )
    log_every: int | None = Field(
        None, gt=0, description="steps between two rows of the log; default: a thousandth of `steps`"
    )
    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description="`auto` is the GPU where a trial has one (`workers: {gpus: 1}`) and HOOMD-blue can use it"
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            Script.of(self.input)
        except (OSError, ValueError) as error:
            raise ValueError(f"input: {self.input} cannot be used: {error}") from None
        return self


class HoomdBlue(Simulator):
    """Builds a simulation of HOOMD-blue by a user's function, and runs it."""

    Settings: ClassVar[type[HoomdSettings]] = HoomdSettings
    runs_in_folder: bool = True

    @cached_property
    def script(self) -> Script:
        """The user's file."""
        return Script.of(self.settings.input)

    @cached_property
    def parameters(self) -> Mapping[str, str] | None:  # type: ignore[override]
        """The arguments of `build`; None where it takes any."""
        names = sorted(self.script.names - FROM_CONTEXT)
        return None if self.script.takes_any else dict.fromkeys(names, f"an argument of build() in {self._name}")

    @cached_property
    def defaults(self) -> Mapping[str, Value]:  # type: ignore[override]
        """What arguments of `build` are without a parameter."""
        return {name: value for name, value in self.script.defaults.items() if name not in FROM_CONTEXT}

    @property
    def outputs(self) -> Outputs | None:  # type: ignore[override]
        """Values and arrays; HOOMD-blue has no units of its own."""
        settings: HoomdSettings = self.settings
        return settings.outputs()

    @property
    def _name(self) -> str:
        return self.script.path.name

    def check(self) -> list[str]:
        """Say that HOOMD-blue is not here."""
        return [] if importlib.util.find_spec("hoomd") is not None else [Hoomd.installation]

    def run(self, point: Point, context: Context) -> Observation:
        """Build the simulation at `point`, run it, and read its log.

        Raises:
            SimulationError: with what HOOMD-blue raises; for results that are missing or not finite, and for a `build`
                that makes no state or returns something else than a Logger.
        """
        settings: HoomdSettings = self.settings
        if problems := self.check():
            raise SimulationError(problems[0])
        import hoomd

        messages = context.workdir / STDOUT
        with _errors_of(messages):
            simulation = hoomd.Simulation(device=self._device(context, messages), seed=short_seed(context.seed))
            logger = self._built(simulation, point, context)
            self._log(logger, simulation, context.workdir)
            simulation.run(max(1, round(context.fidelity * settings.steps)), write_at_start=True)
            for writer in simulation.operations.writers:
                getattr(writer, "flush", lambda: None)()
        program = "HOOMD-blue" if logger is not None else f"build() in {self._name} returned no Logger, and HOOMD-blue"
        return settings.observation(context.workdir, program, (STDOUT, LOG_FILE))

    def _device(self, context: Context, messages: Path) -> Any:
        import hoomd

        wanted = self.settings.device
        if wanted == "auto":
            wanted = "gpu" if context.gpus > 0 and hoomd.version.gpu_enabled else "cpu"
        return (hoomd.device.GPU if wanted == "gpu" else hoomd.device.CPU)(message_filename=str(messages))

    def _built(self, simulation: Any, point: Point, context: Context) -> Any:
        """Call the user's function, whose module is new for each trial, and return what it returns."""
        arguments = self._arguments(point, context)
        own_modules.put_last(str(self.script.path.parent))  # what the file imports from beside it
        logger = runpy.run_path(str(self.script.path))[BUILD](simulation, **arguments)
        if simulation.state is None:
            raise SimulationError(
                f"build() in {self._name} made no state: simulation.create_state_from_snapshot or _from_gsd makes one"
            )
        return logger

    def _arguments(self, point: Point, context: Context) -> dict[str, Any]:
        script = self.script
        own = {name: getattr(context, name) for name in FROM_CONTEXT - {CONTEXT}}
        offered = {**own, CONTEXT: context, "seed": short_seed(context.seed)}
        if (unused := sorted(point.keys() - script.names)) and not script.takes_any:
            raise SimulationError(f"build() in {self._name} does not take {unused[0]!r}")
        if missing := sorted(script.names - script.defaults.keys() - point.keys() - offered.keys()):
            raise SimulationError(f"build() in {self._name} needs {missing[0]!r}, which the point does not have")
        return {**{name: offered[name] for name in script.names if name in offered}, **point}

    def _log(self, logger: Any, simulation: Any, workdir: Path) -> None:
        """Let what is logged be written to log.gsd."""
        import hoomd

        if logger is None:
            return
        if not isinstance(logger, hoomd.logging.Logger):
            raise SimulationError(
                f"build() in {self._name} returned {type(logger).__name__}; allowed: a hoomd.logging.Logger, or None"
            )
        every = self.settings.log_every or max(1, self.settings.steps // ROWS)
        log = hoomd.write.GSD(
            trigger=hoomd.trigger.Periodic(every, simulation.timestep % every),
            filename=str(workdir / LOG_FILE),
            mode="wb",
            filter=hoomd.filter.Null(),
            logger=logger,
        )
        simulation.operations.writers.append(log)


@contextlib.contextmanager
def _errors_of(messages: Path) -> Iterator[None]:
    """Raise SimulationError for what HOOMD-blue raises, with the `**ERROR**` that it has written before."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, RuntimeError) and type(error).__module__.partition(".")[0] != "hoomd":
            raise  # of the user's own code
        written = last_error(messages.parent, (STDOUT,)) if messages.is_file() else ""
        said = [written, str(error), str(error.__cause__ or "")]
        reason = "; ".join(" ".join(one.split()) for one in said if one)
        raise SimulationError(f"HOOMD-blue: {reason}") from error
