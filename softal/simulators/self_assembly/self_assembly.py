"""What self-assembles at a state point: the run that simulators of phases share, and what they make of it.

From its start, a system is brought to equilibrium at constant T and P (or density) by Monte Carlo, which then keeps
snapshots of it. From these come the density, the energy, bond order, the diffraction pattern, and

- without a classifier: `phase_input`, the snapshots' diffraction patterns in random orientations, from which a
  `phase_classifier` learns;
- with one: `P_<phase>` for each phase that it knows, its probability averaged over orientations and snapshots with the
  standard error over snapshots, and `unknown`, the part of the snapshots that resemble nothing it was trained on. These
  count as probability 0 for every phase, so that a new phase which is taken for the target cannot win unseen.

Source: G. M. Coli, E. Boattini, L. Filion, M. Dijkstra, Sci. Adv. 8, eabj6731 (2022); the fitness is (7.3) of chapter 7
of Boattini's thesis (Utrecht, 2021).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator, model_validator

from softal.errors import SimulationError
from softal.kinds.settings import folder_beside
from softal.numeric import Floats
from softal.simulators import snapshots
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.monte_carlo.settings import SampledSettings
from softal.simulators.statistics import mean_and_error
from softal.trial import Array, Observation, Point, Value

if TYPE_CHECKING:
    from softal.simulators.monte_carlo.protocol import Samples
    from softal.simulators.monte_carlo.system import Configuration, MonteCarlo
    from softal.surrogates.phases.classifier import PhaseClassifier

Sweeps = Annotated[int, Field(ge=100)]

SHORTEST = 100  # sweeps of equilibration and of sampling at the lowest fidelity
SHOWN = 48  # n_max of the diffraction pattern that is kept to be looked at: three rings of QC12


class SelfAssemblySettings(SampledSettings):
    """Settings that all simulators of phases have."""

    ensemble: Literal["npt", "nvt"] = Field("npt", description="constant pressure `P`, or constant density `rho`")
    equilibration: Sweeps = Field(500_000, description="at fidelity 1 [sweeps: one trial move of every particle]")
    sampling: Sweeps = Field(100_000, description="at fidelity 1 [sweeps]")
    snapshots: int = Field(10, ge=2, le=1000, description="configurations that are judged, evenly over the sampling")
    orientations: int = Field(4, ge=1, le=100, description="random ones in which each snapshot is judged")
    anneal: float = Field(
        1.0, ge=1, le=100, description="multiple of T from which the temperature falls in the first half of the "
        "equilibration; 1 is a quench"
    )  # fmt: skip
    classifier: Path | None = Field(
        None,
        description="folder of a trained `phase_classifier`, or of the campaign that trained it; "
        "`maximize: {phase: ..., classifier: ...}` sets it",
    )
    trajectory: bool = Field(True, description="keep the snapshots as `trajectory.gsd`")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if reason := self.misfit(str(getattr(self, "start", ""))):
            raise ValueError(f"particles: {reason}")
        return self

    def misfit(self, start: str) -> str | None:
        """Return why these particles cannot start that way; None where they can."""
        return None

    @field_validator("classifier")
    @classmethod
    def _absolute(cls, classifier: Path | None, info: ValidationInfo) -> Path | None:
        return None if classifier is None else folder_beside(classifier, info)


class SelfAssembly(Simulator):
    """Runs Monte Carlo at a state point and says which phase has formed.

    Attributes:
        dimension: of space, 2 or 3.
        starts: configurations that a run may start from.
        bounds: what each parameter has to be greater than, and its greatest value; others are positive.
    """

    Settings: ClassVar[type[SelfAssemblySettings]] = SelfAssemblySettings
    dimension: ClassVar[int]
    starts: ClassVar[tuple[str, ...]]
    bounds: ClassVar[Mapping[str, tuple[float, float]]] = {}

    @cached_property
    def _classifier(self) -> PhaseClassifier | None:
        if self.settings.classifier is None:
            return None
        from softal.surrogates.phases.classifier import load_classifier

        return load_classifier(self.settings.classifier)

    @property
    def _phases(self) -> tuple[str, ...]:
        """Phases that the classifier knows, read without loading its network."""
        if self.settings.classifier is None:
            return ()
        from softal.surrogates.learner import read_description
        from softal.surrogates.phases.classifier import classifier_folder

        known = read_description(classifier_folder(self.settings.classifier))["state"]
        if known["dimension"] != self.dimension:
            raise SimulationError(
                f"the classifier {self.settings.classifier} was trained in {known['dimension']} dimensions, "
                f"instead of {self.dimension}"
            )
        return tuple(known["phases"])

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays, which depend on whether there is a classifier."""
        judged = {*(f"P_{phase}" for phase in self._phases), "unknown"} if self.settings.classifier else set()
        arrays = {"snapshot", "box", "diffraction"} | (set() if self.settings.classifier else {"phase_input"})
        values = {"density", "energy", "drift", "acceptance", *self._order_names}
        values |= {"pressure"} if self._measures_pressure else set()
        ranges = {"density": (0.0, math.inf), **dict.fromkeys({"acceptance", *judged}, (0.0, 1.0))}
        pictured = frozenset({*snapshots.NAMES, "phase_input"})
        return Outputs(frozenset(values | judged), frozenset(arrays), ranges=ranges, pictured=pictured)

    @property
    def _measures_pressure(self) -> bool:
        """Whether there is a pressure to be measured: at constant density, and for disks, whose samples have it."""
        return self.settings.ensemble == "nvt" and self.dimension == 2

    _order_names: ClassVar[tuple[str, ...]] = ()

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds."""
        for name in self.parameters or ():
            default = self.settings.start if name == "start" else self.defaults.get(name)
            value = point.get(name, default)
            if allowed := "a value" if value is None else self.allows(name, value):
                return f"{name} is {value!r}; allowed: {allowed}"
        return None

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        if name == "start":
            fits = [start for start in self.starts if not self.settings.misfit(start)]
            return None if value in fits else ", ".join(fits) + self._why(value)
        low, high = self.bounds.get(name, (0.0, math.inf))
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low < value <= high:
            return None
        return f"a number above {low:g}" + ("" if math.isinf(high) else f", up to {high:g}")

    def _why(self, start: Value) -> str:
        """Return why a start that there is cannot be made, in brackets."""
        reason = self.settings.misfit(str(start)) if start in self.starts else None
        return f" (particles: {reason})" if reason else ""

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate, and return the observation that the module describes.

        Raises:
            SimulationError: if there is no such system, or it cannot be brought to its state point.
        """
        from softal.simulators.monte_carlo.protocol import sample

        if reason := self.refuses(point):
            raise SimulationError(reason)
        settings, seeds = self.settings, np.random.SeedSequence(context.seed).spawn(2)
        mc = self._prepared(point, int(seeds[0].generate_state(1)[0]))
        equilibration, sampling = (
            max(SHORTEST, round(context.fidelity * sweeps)) for sweeps in (settings.equilibration, settings.sampling)
        )
        sampling = max(sampling, settings.snapshots)
        samples = sample(mc, equilibration, sampling, settings.snapshots, anneal=settings.anneal)
        observation = self._observe(samples, np.random.default_rng(seeds[1]))
        return replace(observation, artifacts=self._artifacts(samples, point, context))

    @abstractmethod
    def _prepared(self, point: Point, seed: int) -> MonteCarlo:
        """Return the system at the point's start."""

    @abstractmethod
    def _order(self, configuration: Configuration) -> dict[str, float]:
        """Return order parameters of one configuration."""

    def _observe(self, samples: Samples, rng: np.random.Generator) -> Observation:
        images = [self._images(configuration, rng) for configuration in samples.configurations]
        series: dict[str, Floats] = {"density": samples.density, "energy": samples.energy}
        order = [self._order(configuration) for configuration in samples.configurations]
        series |= {name: np.array([one[name] for one in order]) for name in order[0]}
        if self._measures_pressure:
            series["pressure"] = samples.pressure
        arrays = self._pictures(samples)
        if self._classifier is None:
            arrays["phase_input"] = Array.of(np.concatenate(images))
        else:
            series |= judged(self._classifier, images)
        values = {name: float(np.mean(samples)) for name, samples in series.items()}
        errors = {name: float(mean_and_error(samples)[1]) for name, samples in series.items()}
        values |= {"drift": samples.drift, "acceptance": samples.acceptance["translation"]}
        return Observation(values, errors, arrays)

    def _images(self, configuration: Configuration, rng: np.random.Generator) -> NDArray[np.float32]:
        from softal.simulators.observables.diffraction import phase_input

        x, box = configuration.positions, configuration.box
        # In space about z, along which layers are stacked.
        angles = rng.uniform(0, 2 * np.pi, self.settings.orientations)
        return np.array([phase_input(x, box, self.dimension, float(angle)) for angle in angles])

    def _pictures(self, samples: Samples) -> dict[str, Array]:
        """Return the last snapshot, its box, and the diffraction pattern in the plane, averaged over snapshots."""
        from softal.simulators.observables.diffraction import diffraction_pattern

        last = samples.configurations[-1]
        parts = [last.positions] if last.orientations is None else [last.positions, last.orientations]
        patterns = [diffraction_pattern(c.positions[:, :2], c.box[:2], SHOWN) for c in samples.configurations]
        return {
            "snapshot": Array.of(np.hstack(parts), unit="sigma"),
            "box": Array.of(last.box, unit="sigma"),
            "diffraction": Array.of(np.mean(patterns, axis=0)),
        }

    def _artifacts(self, samples: Samples, point: Point, context: Context) -> dict[str, Path]:
        if not self.settings.trajectory:
            return {}
        from softal.simulators.monte_carlo.trajectory import write_gsd

        path = context.workdir / "trajectory.gsd"
        length = None if self.dimension == 2 else number(point, "length", self.defaults)
        write_gsd(path, samples.configurations, length=length)
        return {"trajectory.gsd": path}


def judged(classifier: PhaseClassifier, images: list[NDArray[np.float32]]) -> dict[str, Floats]:
    """Return P_<phase> and unknown of each snapshot, shape (snapshots,), of its images (orientations, ...).

    A snapshot is unknown where most of its orientations are.
    """
    found = classifier.classify(np.concatenate(images))
    shape = len(images), -1
    unknown = found.unknown.reshape(shape).mean(axis=1) > 0.5
    known = np.where(unknown[:, None], 0.0, found.probabilities.reshape(*shape, len(found.phases)).mean(axis=1))
    return {f"P_{phase}": known[:, i] for i, phase in enumerate(found.phases)} | {"unknown": unknown.astype(float)}


def number(point: Mapping[str, Any], name: str, defaults: Mapping[str, Any]) -> float:
    """Return a parameter as a number; SimulationError where it is none."""
    value = point.get(name, defaults.get(name))
    if value is None or isinstance(value, (str, bool)):
        raise SimulationError(f"the parameter {name!r} has to be a number, not {value!r}")
    return float(value)
