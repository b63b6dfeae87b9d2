"""What every simulator offers: `run(point, context) -> Observation`.

A simulator is made from its settings without importing an engine, so that a campaign file can be checked on a machine
that cannot run it. `run` is called in a process of its own, which softal may kill; it may raise, crash or hang without
harm to the campaign. It must not keep state between calls: the same point, seed and fidelity give the same result.

A simulator that evaluates P points in hardly more time than one, by array operations, says so by `batch` and does it
in `run_batch(points, contexts)`. What it returns for a point must not depend on the others.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import BaseModel

from softal.errors import InvalidObservation, Problem, SoftalError
from softal.kinds.settings import Settings, filled
from softal.outputs import Outputs
from softal.references import Reference
from softal.simulators import environment_target, phase_target, printed
from softal.simulators.target import Meaning, TargetContext
from softal.trial import Array, Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, Examples, Picture, View

__all__ = ["Context", "Outputs", "Simulator", "seed_generators", "validate_observation"]


@dataclass(frozen=True)
class Context:
    """What a simulation may know besides its point.

    Attributes:
        workdir: an empty folder of its own.
        seed: the only source of randomness that it may use; from (campaign seed, trial id).
        fidelity: in (0, 1]; 1 is the full simulation.
        trial: the trial's id.
        cpus, gpus: what it may use.
        walltime: after how long it is stopped [s]; None is never.
        output_limit: how much is kept of what programs print [bytes]; None is all.
    """

    workdir: Path
    seed: int
    fidelity: float = 1.0
    trial: int = 0
    cpus: float = 1.0
    gpus: float = 0.0
    walltime: float | None = None
    output_limit: int | None = printed.LIMIT


class Simulator(ABC):
    """Evaluates points. Subclasses give their `Settings`, what they take and what they return.

    Attributes:
        Settings: the model of the simulator's settings in the campaign file.
        parameters: name -> unit or description of what a point may hold; None where anything goes.
        defaults: values of the parameters that a point may leave out.
        outputs: what is returned; None where it is not declared.
        batch: how many points `run_batch` takes at once, at most; 1 is one by one. May be a property of the settings.
        runs_in_folder: whether a sandbox's working folder is the trial's while it runs, as of functions, which may
            write by relative names; else it is where softal was started, and `context.workdir` says where to write.
        waits: whether `run` only waits for programs that it starts by `softal.simulators.process.run_program`, so that
            several runs may share a process; of a class itself, not of those that inherit from it.
    """

    Settings: ClassVar[type[BaseModel]] = Settings
    parameters: Mapping[str, str] | None = None
    defaults: Mapping[str, Value] = {}
    outputs: Outputs | None = None
    batch: int = 1
    runs_in_folder: bool = False
    waits: ClassVar[bool] = False

    def __init__(self, settings: Any = None) -> None:
        self.settings: Any = filled(self.Settings, settings, type(self).__qualname__, SoftalError)

    @abstractmethod
    def run(self, point: Point, context: Context) -> Observation:
        """Simulate at `point`; raise SimulationError with a reason where it cannot be done."""

    def run_batch(self, points: Sequence[Point], contexts: Sequence[Context]) -> Sequence[Observation | Exception]:
        """Simulate at P points at once; called only where `batch` is larger than 1.

        Here it is one by one, which spares a cheap simulation what handing it to a worker costs.

        Args:
            points: P of them, 1 to `batch`.
            contexts: P, each with its own seed, workdir, trial and fidelity.

        Returns:
            P results in the order of the points: an observation, or the error for which a point has none. An error
            that is raised instead is nobody's: the points are then simulated again, each alone.
        """
        results: list[Observation | Exception] = []
        for point, context in zip(points, contexts, strict=True):
            seed_generators(context.seed)
            try:
                results.append(self.run(point, context))
            except Exception as error:
                results.append(error)
        return results

    def check(self) -> list[str]:
        """Return what stands in the way of running here (no engine, no executable); empty where nothing does."""
        return []

    def remarks(self) -> list[str]:
        """Return lines that a user should read before a campaign begins, which runs all the same."""
        return []

    def refuses(self, point: Point) -> str | None:
        """Return in one line why `point` cannot be simulated, where that is known without a simulation; else None.

        Strategies do not propose such points. They think of thousands, so it must be quick, and must not raise.
        """
        return None

    def allows(self, name: str, value: Value) -> str | None:
        """Return in words what a parameter may be where `value` never is, whatever the others are; None where it may.

        Campaign files whose space reaches there are refused.
        """
        return None

    @classmethod
    def target(cls, entry: Mapping[str, Any], context: TargetContext) -> Meaning | list[Problem]:
        """Say what a mapping at `minimize` or `maximize` means: a target of this simulator's own.

        It is called while the campaign file is read, once for each mapping, so it must be quick. A simulator with
        targets of its own overrides it, and `target_form`. Without that, one with a setting `classifier` takes phases,
        `{phase: qc12, classifier: runs/hcss_phases}`, one with a setting `environments` takes structures of particles,
        `{environment: fcc, learner: runs/binary_crystals}`, and others take no mapping.

        Args:
            entry: the mapping, plain data as in the file.
            context: the simulator's kind and settings, and where relative paths are looked up.

        Returns:
            Which of the values in `outputs` is meant, and which settings of the simulator follow; or what is wrong, in
            one line for each mistake, at the key within the entry where it stands ("" is the entry itself).
        """
        if environment_target.KEY in entry:
            return environment_target.read_environment(entry, context, cls.Settings)
        return phase_target.read_phase(entry, context, cls.Settings, getattr(cls, "dimension", None))

    @classmethod
    def target_form(cls) -> str:
        """Return in words, with an example, which mappings `target` takes; nothing where it takes none."""
        taken = [one.FORM for one in (phase_target, environment_target) if one.SETTING in cls.Settings.model_fields]
        return ", or ".join(taken)

    def check_reference(self, reference: Reference) -> str | None:
        """Return in one line why one of the arrays cannot be compared with a reference; None where it can.

        The reference is in the units that `outputs` declares.
        """
        return None

    def cards(self, view: View) -> Sequence[Card]:
        """Return what the report, and MLflow, show of a campaign of this simulator; by default its snapshots."""
        from softal.simulators import gallery

        return gallery.cards(view)

    def examples(self, view: View) -> Examples | None:
        """Return trials that stand for what was found; None where the simulator knows of none."""
        return None

    def picture(self, arrays: Mapping[str, Array], title: str) -> Picture | None:
        """Return a small picture of one trial's arrays, which MLflow shows beside it: by default of a snapshot.

        Where there is none, it shows a configuration in space.

        Args:
            arrays: of the observation.
            title: of the picture.
        """
        from softal.simulators import in_space, snapshots

        return snapshots.picture(arrays, title) or in_space.picture(arrays, title)


def seed_generators(seed: int) -> None:
    """Seed Python's and numpy's global generators, from which a plain function may draw: so it repeats."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002


def validate_observation(observation: Any, outputs: Outputs | None) -> Observation:
    """Return `observation` where it holds what was declared, all finite.

    Raises:
        InvalidObservation: naming the value or array and what is wrong with it.
    """
    if not isinstance(observation, Observation):
        raise InvalidObservation(f"the simulator returned {type(observation).__name__}, not an Observation")
    if outputs is not None:
        for what, declared, returned in (
            ("value", outputs.values, observation.values),
            ("array", outputs.arrays, observation.arrays),
        ):
            if missing := sorted(declared - returned.keys() - observation.missing.keys()):
                raise InvalidObservation(f"{what} {missing[0]!r} is declared but was not returned")
    for name, value in observation.values.items():
        if not np.isfinite(value):
            raise InvalidObservation(f"value {name!r} is {value}")
    for name, error in observation.errors.items():
        if not error >= 0:
            raise InvalidObservation(f"standard error of {name!r} is {error}")
    for name, array in observation.arrays.items():
        if not np.all(np.isfinite(array.values)):
            raise InvalidObservation(
                f"array {name!r} holds {np.sum(~np.isfinite(array.values))} values that are not finite"
            )
        try:
            Array.of(array.values, array.errors, array.grid)
        except ValueError as error:
            raise InvalidObservation(f"array {name!r}: {error}") from None
    return observation
