"""Colloids in ideal polymer, after Asakura, Oosawa and Vrij: the kind `asakura_oosawa`.

Monte Carlo at constant volume and fugacity of the polymers: with the exact effective interaction of the colloids, with
its pair term alone, of the mixture itself, or with pairs and what a `symmetry_potential` has learned. Runs return
configurations with every particle's share of the volume that three and more depletion layers have in common, from which
it learns.

Units: sigma, the colloids' diameter; kT. eta_c is the colloids' packing fraction, eta_p that of the polymers in the
reservoir, q the polymers' diameter.

Source: chapter 8 of E. Boattini's thesis (Utrecht, 2021).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from softal.errors import SimulationError
from softal.references import Reference
from softal.simulators.asakura_oosawa.measures import (
    ARRAYS,
    BIN,
    LEARNED,
    LEARNED_FROM,
    USUAL,
    VALUE_UNITS,
    Measured,
    learned_q,
)
from softal.simulators.asakura_oosawa.settings import AsakuraOosawaSettings
from softal.simulators.base import Context, Outputs
from softal.simulators.environments import Judging
from softal.simulators.learned_potential import LearnedSimulator
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View
    from softal.simulators.monte_carlo.colloids import Depleted

BOUNDS = {"eta_c": (0.0, 0.55), "eta_p": (0.0, 10.0), "q": (0.05, 1.0)}
ABOVE = ("eta_c",)  # the lower bound is not allowed itself
DEFAULTS: dict[str, Value] = {"q": USUAL}
SHORTEST = 10  # sweeps of equilibration and of sampling at the lowest fidelity
POINTS = 200  # of each series


class AsakuraOosawa(LearnedSimulator, Judging):
    """Colloids in ideal polymer: eta_c, eta_p, q -> energy, free volume, pressure, g(r), configurations."""

    Settings: ClassVar[type[AsakuraOosawaSettings]] = AsakuraOosawaSettings
    learned_from = ("asakura_oosawa", 3)
    settings: AsakuraOosawaSettings
    parameters: Mapping[str, str] | None = {
        "eta_c": "packing fraction of the colloids",
        "eta_p": "packing fraction of the polymers in the reservoir",
        "q": "sigma (diameter of the polymers)",
    }
    defaults: Mapping[str, Value] = DEFAULTS

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays; with a learned potential how well it knows its configurations."""
        judged = self.environment_values
        units = VALUE_UNITS | (LEARNED if self.settings.learner else {}) | dict.fromkeys(judged, "")
        ranges = dict.fromkeys(("free_volume", "acceptance", "far", *judged), (0.0, 1.0))
        ranges |= dict.fromkeys(("many_body", "polymers", "drift", "energy_error"), (0.0, math.inf))
        return Outputs(
            values=frozenset(units),
            arrays=frozenset(ARRAYS),
            grid_units={"g_r": "sigma"},
            array_units=ARRAYS,
            symbols={"g_r": "r"},
            pictured=frozenset(LEARNED_FROM),
            value_units={name: unit for name, unit in units.items() if unit},
            ranges={name: limits for name, limits in ranges.items() if name in units},
        )

    def check(self) -> list[str]:
        """Say that the learned potential, or the learner of environments, is not there or is of another system."""
        return [*super().check(), *self.check_environments()]

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        (low, high), above = BOUNDS[name], name in ABOVE
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and (low < value if above else low <= value) and value <= high:  # type: ignore[operator]
            return None
        return f"a number above {low:g}, up to {high:g}" if above else f"a number from {low:g} to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, or that the particles do not fit."""
        full = {**self.defaults, **point}
        for name in self.parameters or ():
            value = full.get(name)
            if allowed := "a value" if value is None else self.allows(name, value):
                return f"{name} is {value!r}; allowed: {allowed}"
        eta_c, eta_p, q = (float(full[name]) for name in BOUNDS)
        return self.settings.misfit(eta_c, eta_p, q) or self._unlearned(eta_c, q)

    def _unlearned(self, eta_c: float, q: float) -> str | None:
        """Return in one line why the learned potential cannot be simulated with there; None where it can."""
        if self.settings.learner is None:
            return None
        from softal.simulators.monte_carlo.colloids import Learned

        if problems := self.check():
            return problems[0]
        if (of := self._learned_q) != q:
            return f"q is {q:g}; allowed: {of:g}, at which the potential in {self.settings.learner} was learned"
        assert self._learned is not None
        return Learned.misfit(self._learned.potential.functions.cutoff, self.settings.edge(eta_c), q)

    def _check_learned(self) -> None:
        if self.settings.learner is not None:
            self._learned_q  # noqa: B018

    @property
    def _learned_q(self) -> float:
        """The diameter of the polymers at which the potential was learned."""
        assert self.settings.learner is not None
        assert self._learned is not None
        return learned_q(self.settings.learner, self._learned)

    def check_reference(self, reference: Reference) -> str | None:
        """Say that a reference goes beyond g(r), or is negative somewhere."""
        if np.any(reference.values < 0):
            return f"is negative at {reference.grid[np.argmax(reference.values < 0)]:g}; g(r) is not"
        return reference.beyond(BIN / 2, self.settings.r_max - BIN)

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values, with standard errors: energy [kT per particle], many_body (the part of it that pairs leave out, which
          is positive), free_volume (part of the box), polymers [1/sigma^3], contact (g(r) at sigma), pressure [kT /
          sigma^3] over that of the reservoir, and without: drift, acceptance; with a learned potential energy_error [kT
          per particle], its own standard deviation, and far, the part of the environments far from all that it knows;
          with `environments` the fractions of the particles in each;
        - arrays: g_r on r [sigma], with errors; configurations (S, N, 3) [sigma], boxes (S, 3) [sigma],
          particle_energies (S, N) [sigma^3].

        Raises:
            SimulationError: if the point is refused, or most environments are far from what was learned from.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        settings = self.settings
        equilibration, sampling = (
            max(SHORTEST, round(context.fidelity * sweeps)) for sweeps in (settings.equilibration, settings.sampling)
        )
        sampling = max(sampling, settings.snapshots)
        colloids = self._colloids(point, context.seed)
        colloids.tune(equilibration // 2)
        colloids.run(equilibration - equilibration // 2)
        colloids.reset_acceptance()
        measured = Measured(colloids, settings.r_max)
        per_snapshot = -(-min(POINTS, sampling) // settings.snapshots)
        ends = np.linspace(0, sampling, settings.snapshots * per_snapshot + 1).round().astype(int)
        for i, sweeps in enumerate(np.diff(ends), start=1):
            colloids.run(int(sweeps))
            measured.measure(keep=i % per_snapshot == 0)
        found = measured.observation(context.workdir if settings.trajectory else None, self._learned)
        x, boxes = (found.arrays[name].values for name in ("configurations", "boxes"))
        judged, uncertain = self.environments_of(list(zip(x, boxes, strict=True)))
        return replace(found, values={**found.values, **judged}, errors={**found.errors, **uncertain})

    def cards(self, view: View) -> Sequence[Card]:
        """Return a cut through depletion layers, and snapshots."""
        from softal.simulators.asakura_oosawa import cards

        found = cards.cut(view)
        return [*([] if found is None else [found]), *super().cards(view)]

    def _colloids(self, point: Point, seed: int) -> Depleted:
        from softal.simulators.monte_carlo import starts
        from softal.simulators.monte_carlo.colloids import Colloids, Learned, Mixture

        full: dict[str, Any] = {**self.defaults, **point}
        first, second = (int(one) for one in np.random.SeedSequence(seed).generate_state(2))
        start = starts.fluid(self.settings.particles, float(full["eta_c"]) * 6 / math.pi, 3, first)
        state = float(full["q"]), float(full["eta_p"])
        if self._learned is not None:
            return Learned(start, *state, self._learned.potential, seed=second)
        if self.settings.potential == "mixture":
            return Mixture(start, *state, seed=second)
        return Colloids(start, *state, interaction=self.settings.potential, seed=second)
