"""Spheres of one and two kinds, as fluids and crystals: the kind `hard_spheres`.

Monte Carlo at constant volume or pressure, of hard spheres or WCA particles. Runs return configurations with the kind
of every particle, and the environment that it started in, from which learners learn to tell environments.

Units: sigma, the large spheres' diameter; kT. Pressure is beta P sigma^3, packing_fraction pi / 6 sum d^3 / V, and
beta_epsilon is the WCA potential's epsilon over kT.

Source: chapters 3 and 4 of E. Boattini's thesis (Utrecht, 2021); E. Boattini, M. Ram, F. Smallenburg, L. Filion, Mol.
Phys. 116, 3066 (2018).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.base import Context, Outputs
from softal.simulators.environments import Judging
from softal.simulators.hard_spheres.settings import STRUCTURES, HardSpheresSettings
from softal.simulators.statistics import aging_of, mean_and_error
from softal.theory import crystals
from softal.trial import Array, Observation, Point, Value

if TYPE_CHECKING:
    from softal.simulators.monte_carlo.sphere_starts import Start
    from softal.simulators.monte_carlo.spheres import Spheres
    from softal.simulators.monte_carlo.system import Configuration

BOUNDS = {
    "packing_fraction": (0.0, 0.74), "pressure": (0.0, 1e4), "size_ratio": (0.1, 1.0), "small_fraction": (0.0, 0.999),
    "beta_epsilon": (0.01, 1e4),
}  # fmt: skip
ABOVE = ("packing_fraction", "pressure")  # the lower bound is not allowed itself
SHORTEST = 50  # sweeps of equilibration and of sampling at the lowest fidelity
POINTS = 1000  # of each series
ARRAYS = {"configurations": "sigma", "boxes": "sigma", "types": "", "labels": "", "diameters": "sigma"}


class HardSpheres(Judging):
    """Hard spheres: structure, size ratio, packing fraction or pressure -> pressure, density, configurations."""

    Settings: ClassVar[type[HardSpheresSettings]] = HardSpheresSettings
    settings: HardSpheresSettings
    defaults: Mapping[str, Value] = {}

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        own = self.settings
        self.defaults = {
            "structure": own.structure, "size_ratio": own.size_ratio, "small_fraction": own.small_fraction
        }  # fmt: skip

    @property
    def parameters(self) -> Mapping[str, str]:  # type: ignore[override]
        """What a point holds, which depends on ensemble and interaction."""
        npt, wca = self.settings.ensemble == "npt", self.settings.interaction == "wca"
        state = {"pressure": "beta P sigma^3"} if npt else {"packing_fraction": "pi / 6 sum d^3 / V"}
        energy = {"beta_epsilon": "epsilon over kT"} if wca else {}
        kinds = {
            "structure": f"{', '.join(STRUCTURES)} (where the run starts)",
            "size_ratio": "diameter of small spheres over that of large ones",
            "small_fraction": "part of a fluid's particles that are small",
        }
        return {**state, **energy, **kinds}

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays; WCA particles have an energy."""
        wca = self.settings.interaction == "wca"
        units = {"packing_fraction": "", "pressure": "kT/sigma^3", "drift": "", "acceptance": "", "swapped": ""}
        units |= ({"energy": "kT"} if wca else {}) | dict.fromkeys(self.environment_values, "")
        positive = dict.fromkeys(
            ("packing_fraction", "pressure", "drift", *(("energy",) if wca else ())), (0.0, math.inf)
        )
        return Outputs(
            values=frozenset(units),
            arrays=frozenset(ARRAYS),
            array_units={name: unit for name, unit in ARRAYS.items() if unit},
            pictured=frozenset(ARRAYS),
            value_units={name: unit for name, unit in units.items() if unit},
            ranges={**positive, **dict.fromkeys(("acceptance", "swapped", *self.environment_values), (0.0, 1.0))},
            words={"labels": crystals.ENVIRONMENTS},
        )

    def check(self) -> list[str]:
        """Say that the learner of environments is not there."""
        return self.check_environments()

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        if name == "structure":
            return None if value in STRUCTURES else ", ".join(STRUCTURES)
        (low, high), above = BOUNDS[name], name in ABOVE
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and (low < value if above else low <= value) and value <= high:  # type: ignore[operator]
            return None
        return f"a number above {low:g}, up to {high:g}" if above else f"a number from {low:g} to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, or that the structure does not fit."""
        full = {**self.defaults, **point}
        for name in self.parameters:
            value = full.get(name)
            if allowed := "a value" if value is None else self.allows(name, value):
                return f"{name} is {value!r}; allowed: {allowed}"
        structure = str(full["structure"])
        if self.settings.beside is not None and structure == "fluid":
            return f"structure is 'fluid', with {self.settings.beside} beside it; allowed: a crystal"
        if structure != "fluid" and crystals.binary(structure) and full["size_ratio"] == 1:
            return f"size_ratio is 1; allowed for {structure}, which has two kinds: below 1"
        return self._misfit(full)

    def _misfit(self, full: Mapping[str, Any]) -> str | None:
        """Return in one line why a start cannot be made; None where it can, or a fluid has to be tried."""
        from softal.simulators.hard_spheres.start import misfit

        return misfit(self.settings, full)

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values, with standard errors: packing_fraction, pressure [kT/sigma^3] (of hard spheres by virtual compression,
          of WCA particles by the virial, at constant pressure, too), energy [kT per particle] of WCA particles, and
          without: drift, acceptance, swapped (the accepted part of swaps, 0 where there are none); with `environments`
          the fractions of the particles in each;
        - arrays: configurations (S, N, 3) [sigma], boxes (S, 3) [sigma], types (S, N), 0 large and 1 small, labels
          (S, N), the environments that particles started in, which count `softal.theory.crystals.ENVIRONMENTS`,
          diameters (2,) of large and small ones [sigma].

        Raises:
            SimulationError: if the point is refused, or the box becomes too small.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        settings = self.settings
        equilibration, sampling = (
            max(SHORTEST, round(context.fidelity * sweeps)) for sweeps in (settings.equilibration, settings.sampling)
        )
        sampling = max(sampling, settings.snapshots)
        start, spheres = self._prepared({**self.defaults, **point}, context.seed)
        spheres.tune(equilibration // 2)
        spheres.run(equilibration - equilibration // 2)
        spheres.reset_acceptance()
        series, kept = sampled(spheres, sampling, settings.snapshots)
        return self._observe(spheres, start, series, kept, context.workdir)

    def _prepared(self, full: Mapping[str, Any], seed: int) -> tuple[Start, Spheres]:
        from softal.simulators.hard_spheres.start import start_of
        from softal.simulators.monte_carlo.spheres import Spheres

        first, second = (int(one) for one in np.random.SeedSequence(seed).generate_state(2))
        start = start_of(self.settings, full, first)
        fluid = bool((start.labels == start.labels[0]).all()) and full["structure"] == "fluid"
        return start, Spheres(
            start.configuration,
            1 / float(full.get("beta_epsilon", 1.0)),
            float(full["pressure"]) if self.settings.ensemble == "npt" else None,
            seed=second,
            interaction=self.settings.interaction,
            swaps=self.settings.swaps if fluid and np.ptp(start.configuration.diameters) > 0 else 0.0,  # type: ignore[arg-type]
            box_moves="isotropic" if fluid else self.settings.box_moves,
        )

    def _observe(
        self, spheres: Spheres, start: Start, series: dict[str, Floats], kept: list[Configuration], folder: Path
    ) -> Observation:
        if self.settings.interaction == "hard":
            series.pop("energy")
        values = {name: float(one.mean()) for name, one in series.items()}
        errors = {name: float(mean_and_error(one)[1]) for name, one in series.items()}
        accepted = spheres.acceptance
        values |= {"drift": aging_of(list(series.values())), "acceptance": accepted["translation"]}
        values["swapped"] = accepted.get("swap", 0.0)
        found = arrays(start, kept)
        # Swaps exchange types, so that each configuration has its own.
        judged, uncertain = self.environments_of(
            [(one.positions, one.box) for one in kept], list(found["types"].values)
        )
        return Observation(values | judged, errors | uncertain, found, self._artifacts(kept, folder))

    def _artifacts(self, kept: list[Configuration], folder: Path) -> dict[str, Path]:
        if not self.settings.trajectory:
            return {}
        from softal.simulators.monte_carlo.trajectory import write_gsd

        path = folder / "trajectory.gsd"
        write_gsd(path, kept)
        return {"trajectory.gsd": path}


def sampled(spheres: Spheres, sampling: int, snapshots: int) -> tuple[dict[str, Floats], list[Configuration]]:
    """Run, and return series at equal intervals, and the configurations that are kept."""
    per_snapshot = -(-min(POINTS, sampling) // snapshots)
    ends = np.linspace(0, sampling, snapshots * per_snapshot + 1).round().astype(int)
    kept, rows = [], []
    for i, sweeps in enumerate(np.diff(ends), start=1):
        spheres.run(int(sweeps))
        per_particle = spheres.energy / spheres.kT / len(spheres.positions)
        rows.append((spheres.packing_fraction, spheres.virtual_pressure, per_particle))
        if i % per_snapshot == 0:
            kept.append(spheres.configuration)
    columns: Floats = np.array(rows).T
    return dict(zip(("packing_fraction", "pressure", "energy"), columns, strict=True)), kept


def arrays(start: Start, kept: list[Configuration]) -> dict[str, Array]:
    """Return configurations, boxes, types and labels; swaps exchange types, and fluids have one label."""
    widths = np.array([one.diameters for one in kept])
    labels = np.tile(start.labels, (len(kept), 1))
    sizes = [widths.max(), widths.min()]
    found = [[one.positions for one in kept], [one.box for one in kept], widths < widths.max(), labels, sizes]
    return {name: Array.of(np.array(one), unit=unit) for (name, unit), one in zip(ARRAYS.items(), found, strict=True)}
