"""Colloids in a plane whose elastic shells flatten where they touch: the kind `deformable_shells`.

Monte Carlo at constant density or pressure, with the exact many-body energy (`softal.theory.many_body.shells`), or with
one that a `symmetry_potential` has learned from such runs; with a learner the parameter `potential` may say which of
both, so that a campaign compares them. Runs without a learner return what it learns from: configurations with every
particle's energy.

Units: sigma, the shells' diameter; K, their stiffness. beta_K is K/kT, P is beta P sigma^2, rho is N sigma^2/A.

Source: chapter 2 of E. Boattini's thesis (Utrecht, 2021); E. Boattini, N. Bezem, S. N. Punnathanam, F. Smallenburg,
L. Filion, J. Chem. Phys. 153, 064902 (2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators import snapshots
from softal.simulators.base import Context, Outputs
from softal.simulators.deformable_shells.settings import (
    CORE,
    DENSEST,
    LOOSE,
    POTENTIALS,
    STARTS,
    DeformableShellsSettings,
    misfit,
    shortest,
)
from softal.simulators.learned_potential import LearnedSimulator
from softal.simulators.statistics import mean_and_error
from softal.trial import Array, Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View
    from softal.simulators.monte_carlo.many_body.system import ManyBody
    from softal.simulators.monte_carlo.protocol import Samples
    from softal.simulators.monte_carlo.system import Configuration

BOUNDS = {"rho": (0.0, DENSEST["hexagonal"]), "P": (0.0, 10_000.0), "beta_K": (0.0, 1e6)}  # above the first, up to
SHORTEST = 50  # sweeps of equilibration and of sampling at the lowest fidelity
SHOWN = 48  # n_max of the diffraction pattern
LEARNED_FROM = ("configurations", "boxes", "particle_energies")
RANGE = 1.0  # [sigma] of the energy
FAR = 0.5  # part of the environments that the learned energy may not know before a run is refused


class DeformableShells(LearnedSimulator):
    """Elastic shells in the plane: beta_K, rho or P, start -> density, energy, order."""

    Settings: ClassVar[type[DeformableShellsSettings]] = DeformableShellsSettings
    settings: DeformableShellsSettings
    dimension: ClassVar[int] = 2
    learned_from = ("deformable_shells", 2)
    defaults: Mapping[str, Value] = {"start": "hexagonal"}

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self.defaults = {"start": self.settings.start} | ({"potential": "learned"} if self.settings.learner else {})

    @property
    def parameters(self) -> Mapping[str, str]:  # type: ignore[override]
        """What a point holds, which depends on the ensemble, and on whether there is a learned energy."""
        npt = self.settings.ensemble == "npt"
        state = {"P": "1/sigma^2 (pressure: beta P sigma^2)"} if npt else {"rho": "1/sigma^2 (number density)"}
        starts, potentials = ", ".join(STARTS), ", ".join(POTENTIALS)
        which = {"potential": f"{potentials} (the energy of the run)"} if self.settings.learner else {}
        return {
            **state,
            "beta_K": "stiffness of the shells over kT",
            "start": f"{starts} (where the run starts)",
            **which,
        }

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays, which depend on whether the energy is a learned one."""
        learned = self.settings.learner is not None
        values = {"density", "energy", "chi_4", "chi_6", "psi_6", "drift", "acceptance"}
        values |= {"energy_error", "far"} if learned else set()
        arrays = set(snapshots.NAMES) | (set() if learned else set(LEARNED_FROM))
        unit = dict.fromkeys(("chi_4", "chi_6", "psi_6", "acceptance", "far"), (0.0, 1.0))
        ranges = {"density": (0.0, math.inf), "energy": (0.0, math.inf), **unit}
        return Outputs(
            frozenset(values),
            frozenset(arrays),
            ranges={name: limits for name, limits in ranges.items() if name in values},
            pictured=frozenset({*snapshots.NAMES, *LEARNED_FROM} & arrays),
        )

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        if name == "start":
            fits = [start for start in STARTS if not misfit(self.settings.particles, start)]
            why = misfit(self.settings.particles, value) if value in STARTS else None
            return None if value in fits else ", ".join(fits) + (f" (particles: {why})" if why else "")
        if name == "potential":
            return None if value in POTENTIALS else ", ".join(POTENTIALS)
        low, high = BOUNDS[name]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low < value <= high:
            return None
        return f"a number above {low:g}, up to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, that cores would overlap, or that the box would be too small."""
        full = {**self.defaults, **point}
        for name in self.parameters:
            value = full.get(name)
            if allowed := "a value" if value is None else self.allows(name, value):
                return f"{name} is {value!r}; allowed: {allowed}"
        start, n = str(full["start"]), self.settings.particles
        density = LOOSE[start] if self.settings.ensemble == "npt" else float(full["rho"])
        if density >= DENSEST[start]:
            return f"rho is {density:g}: cores would overlap; allowed for a start {start}: below {DENSEST[start]:.4g}"
        if (edge := shortest(n, start, density)) < 2 * RANGE:
            return (
                f"the box of {n} particles would be {edge:.3g} sigma wide; allowed: {2 * RANGE:g} or more, twice the "
                "range of the energy: take more particles"
            )
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values, with standard errors: density [1/sigma^2], energy [K per particle], chi_4, chi_6 (bond order of each
          particle's own neighbours), psi_6 (of all of the box), and without: drift, acceptance; with a learned energy
          energy_error [K per particle], its own standard deviation, and far, the part of the environments that are
          far from all that it was learned from (both 0 of `potential: exact`);
        - arrays: the last snapshot, its box, the diffraction pattern; without a learner configurations (S, N, 2)
          [sigma], boxes (S, 2) [sigma], particle_energies (S, N) [K].

        Raises:
            SimulationError: if the point is refused, the box becomes too small, or most environments are far from
                what the energy was learned from.
        """
        from softal.simulators.monte_carlo.protocol import sample

        if reason := self.refuses(point):
            raise SimulationError(reason)
        settings = self.settings
        equilibration, sampling = (
            max(SHORTEST, round(context.fidelity * sweeps)) for sweeps in (settings.equilibration, settings.sampling)
        )
        sampling = max(sampling, settings.snapshots)
        samples = sample(self._prepared(point, context.seed), equilibration, sampling, settings.snapshots)
        return self._observe(samples, context, exact=self._exact(point))

    def _exact(self, point: Point) -> bool:
        return self._learned is None or {**self.defaults, **point}["potential"] == "exact"

    def _prepared(self, point: Point, seed: int) -> ManyBody:
        from softal.simulators.monte_carlo.many_body.system import Fitted, Shells

        full = {**self.defaults, **point}
        kT, start = 1 / float(full["beta_K"]), str(full["start"])
        pressure = float(full["P"]) if self.settings.ensemble == "npt" else None
        density = LOOSE[start] if pressure is not None else float(full["rho"])
        configuration = start_of(self.settings.particles, start, density, seed)
        how: dict[str, Any] = {"seed": seed, "box_moves": self.settings.box_moves}
        if self._exact(point):
            return Shells(configuration, kT, pressure, **how)
        assert self._learned is not None
        return Fitted(configuration, self._learned.potential, kT, pressure, core=CORE, **how)

    def _observe(self, samples: Samples, context: Context, *, exact: bool) -> Observation:
        from softal.simulators.observables.bond_orientation import chi_m, psi_m

        seen = samples.configurations
        series: dict[str, Floats] = {"density": samples.density, "energy": samples.energy}
        for m in (4, 6):
            series[f"chi_{m}"] = np.array([np.mean(chi_m(c.positions, c.box, m)) for c in seen])
        series["psi_6"] = np.array([abs(np.mean(psi_m(c.positions, c.box, 6))) for c in seen])
        arrays = pictures(seen)
        values = {"drift": samples.drift, "acceptance": samples.acceptance["translation"]}
        if self._learned is None:
            arrays |= learned_from(seen)
        else:
            values |= {"far": 0.0, "energy_error": 0.0} if exact else self._known(seen)
        errors = {name: float(mean_and_error(found)[1]) for name, found in series.items()}
        values |= {name: float(np.mean(found)) for name, found in series.items()}
        return Observation(values, errors, arrays, self._artifacts(seen, context))

    def _known(self, seen: Sequence[Configuration]) -> dict[str, float]:
        """Return how well the learned energy knows these configurations."""
        assert self._learned is not None
        far = float(np.mean([self._learned.far(c.positions, c.box) for c in seen]))
        if far > FAR:
            raise SimulationError(
                f"{far:.0%} of the environments are far from all that the energy in {self.settings.learner} was "
                f"learned from; allowed: {FAR:.0%}. Learn from states like this one, too"
            )
        error = np.mean([np.mean(self._learned.energies(c.positions, c.box)[1] ** 2) for c in seen])
        return {"far": far, "energy_error": float(error**0.5)}

    def _artifacts(self, seen: Sequence[Configuration], context: Context) -> dict[str, Path]:
        if not self.settings.trajectory:
            return {}
        from softal.simulators.monte_carlo.trajectory import write_gsd

        path = context.workdir / "trajectory.gsd"
        write_gsd(path, seen)
        return {"trajectory.gsd": path}

    def cards(self, view: View) -> Sequence[Card]:
        """Return the equation of state, shells as they are deformed, and snapshots."""
        from softal.simulators.deformable_shells import cards

        return cards.cards(view, super().cards(view))


def start_of(n: int, start: str, density: float, seed: int) -> Configuration:
    """Return n particles as they start; a fluid is one of hard disks of the cores' diameter."""
    from softal.simulators.monte_carlo import starts
    from softal.simulators.monte_carlo.system import Configuration

    if start == "fluid":
        loose = starts.fluid(n, density * CORE**2, 2, seed)
        return Configuration(loose.positions * CORE, loose.box * CORE)
    return {"square": starts.square, "hexagonal": starts.hexagonal, "sigma": starts.sigma_phase}[start](n, density)


def learned_from(seen: Sequence[Configuration]) -> dict[str, Array]:
    """Return configurations with every particle's exact energy."""
    from softal.theory.many_body.shells import energies

    found = [[c.positions for c in seen], [c.box for c in seen], [energies(c.positions, c.box) for c in seen]]
    return {
        name: Array.of(np.array(one), unit=unit)
        for name, one, unit in zip(LEARNED_FROM, found, ("sigma", "sigma", "K"), strict=True)
    }


def pictures(seen: Sequence[Configuration]) -> dict[str, Array]:
    """Return the last snapshot, its box, and the diffraction pattern averaged over snapshots."""
    from softal.simulators.observables.diffraction import diffraction_pattern

    last = seen[-1]
    patterns = [diffraction_pattern(c.positions, c.box, SHOWN) for c in seen]
    return {
        "snapshot": Array.of(last.positions, unit="sigma"),
        "box": Array.of(last.box, unit="sigma"),
        "core": Array.of([CORE], unit="sigma"),
        "diffraction": Array.of(np.mean(patterns, axis=0)),
    }
