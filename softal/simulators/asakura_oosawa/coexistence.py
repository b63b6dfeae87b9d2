"""Gas and liquid of colloids in ideal polymer: the kind `asakura_oosawa_coexistence`.

`method: gibbs` is Monte Carlo of the Gibbs ensemble, in two boxes; `method: direct` is Monte Carlo of a slab of liquid
between gas in one long box (`slab.py`), with pairs and what a `symmetry_potential` has learned if there is a `learner`.
Else the effective interaction of the colloids is exact, or its pair term alone. Where gas and liquid become alike,
there is one phase.

Units: as of `asakura_oosawa`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.asakura_oosawa import slab
from softal.simulators.asakura_oosawa.measures import USUAL, far_from, learned_q
from softal.simulators.asakura_oosawa.settings import CoexistenceSettings
from softal.simulators.base import Context, Outputs
from softal.simulators.learned_potential import LearnedSimulator
from softal.simulators.statistics import aging_of, mean_and_error
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View
    from softal.simulators.monte_carlo.colloids import Depleted

BOUNDS = {"eta_p": (0.0, 10.0), "q": (0.05, 1.0)}
DEFAULTS: dict[str, Value] = {"q": USUAL}
SHORTEST = 10  # sweeps at the lowest fidelity
POINTS = 400  # of each series
LOCAL = 4  # sweeps between two of relocations
KEPT = 8  # configurations whose environments are compared with those that were learned from
LONG = 16.0  # [sigma] of a box with two interfaces: 8 of each phase at first


class Coexistence(LearnedSimulator):
    """Gas and liquid of colloids in ideal polymer: eta_p, q -> packing fractions of gas and liquid."""

    Settings: ClassVar[type[CoexistenceSettings]] = CoexistenceSettings
    learned_from = ("asakura_oosawa", 3)
    settings: CoexistenceSettings
    parameters: Mapping[str, str] | None = {
        "eta_p": "packing fraction of the polymers in the reservoir",
        "q": "sigma (diameter of the polymers)",
    }
    defaults: Mapping[str, Value] = DEFAULTS

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values, and of one box the profile; with a learned potential how well it knows its configurations."""
        direct, learned = self.settings.method == "direct", self.settings.learner is not None
        shares = {"gas", "liquid", "difference", "moved", *(("slab",) if direct else ("transferred",))}
        shares |= {"far"} if learned else set()
        lengths = {"width"} if direct else set()
        return Outputs(
            values=frozenset(shares | lengths | {"drift"}),
            arrays=frozenset({"profile"} if direct else ()),
            grid_units={"profile": "sigma"} if direct else {},
            symbols={"profile": "z"} if direct else {},
            value_units=dict.fromkeys(lengths, "sigma"),
            ranges=dict.fromkeys(shares, (0.0, 1.0)) | dict.fromkeys(lengths | {"drift"}, (0.0, math.inf)),
        )

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        low, high = BOUNDS[name]
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
            return None
        return f"a number from {low:g} to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, or that the boxes are too small."""
        full = {**self.defaults, **point}
        for name in self.parameters or ():
            value = full.get(name)
            if allowed := "a value" if value is None else self.allows(name, value):
                return f"{name} is {value!r}; allowed: {allowed}"
        q = float(full["q"])
        return self._narrow(q) or self._unlearned(q)

    def _narrow(self, q: float) -> str | None:
        """Return in one line that the boxes, or the long one, are too small."""
        direct, least = self.settings.method == "direct", 2 * (1 + q)
        side, length = self.settings.box()
        if direct and length < LONG:
            return (
                f"the box of {self.settings.particles} particles is {length:.3g} sigma long; allowed: {LONG:g} or "
                "more, so that gas and liquid have room between two interfaces: take more particles or a larger length"
            )
        edge = side if direct else min(self.settings.edges())
        if edge < least:
            count = self.settings.particles // (1 if direct else 2)
            return (
                f"a box of {count} particles is {edge:.3g} sigma wide; allowed: {least:.4g} or "
                "more, twice the range 1 + q: take more particles"
            )
        return None

    def _unlearned(self, q: float) -> str | None:
        """Return in one line why the learned potential cannot be simulated with; None where it can."""
        if self.settings.learner is None:
            return None
        from softal.simulators.monte_carlo.colloids import Learned

        if problems := self.check():
            return problems[0]
        assert self._learned is not None
        if (of := learned_q(self.settings.learner, self._learned)) != q:
            return f"q is {q:g}; allowed: {of:g}, at which the potential in {self.settings.learner} was learned"
        return Learned.misfit(self._learned.potential.functions.cutoff, self.settings.box()[0], q)

    def _check_learned(self) -> None:
        if self._learned is not None and self.settings.learner is not None:
            learned_q(self.settings.learner, self._learned)

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values, with standard errors: gas, liquid (the lower and the higher packing fraction) and their difference,
          and without: drift, moved (the accepted part of moves); by `gibbs` transferred (that of transfers); by
          `direct` slab (part of the box that is liquid, 0 where there is one phase) and width [sigma] of the
          interfaces, and with a learned potential far, the part of the environments far from all that it knows;
        - by `direct` the array profile: packing fractions on z [sigma], the slab in the middle, with errors.

        Raises:
            SimulationError: if the point is refused, or most environments are far from what was learned from.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        full = {**self.defaults, **point}
        state = float(full["q"]), float(full["eta_p"])
        return (self._direct if self.settings.method == "direct" else self._gibbs)(*state, context)

    def _gibbs(self, q: float, eta_p: float, context: Context) -> Observation:
        from softal.simulators.monte_carlo import starts
        from softal.simulators.monte_carlo.gibbs import Gibbs

        settings = self.settings
        *seeds, last = (int(one) for one in np.random.SeedSequence(context.seed).generate_state(3))
        half, packings = settings.particles // 2, (settings.gas, settings.liquid)
        gas, liquid = (
            starts.fluid(half, eta * 6 / math.pi, 3, seed) for eta, seed in zip(packings, seeds, strict=True)
        )
        gibbs = Gibbs((gas, liquid), q, eta_p, several=settings.potential == "exact", seed=last)
        found = [np.sort(gibbs.packing) for _ in self._samples(gibbs, context)]
        return _observed(np.array(found), gibbs.accepted / np.maximum(gibbs.tried, 1))

    def _direct(self, q: float, eta_p: float, context: Context) -> Observation:
        colloids = self._slab(q, eta_p, context.seed)
        profiles, kept = [], []
        for i, _ in enumerate(self._samples(colloids, context), start=1):
            profiles.append(slab.profile(colloids.positions, colloids.box))
            if i % (POINTS // KEPT) == 0 or i == 1:
                kept.append(colloids.configuration)
        found = slab.observed(np.array(profiles), float(colloids.box[-1]), colloids.acceptance["translation"])
        if self._learned is not None:
            found.values["far"] = far_from(self._learned, kept)
        return found

    def _slab(self, q: float, eta_p: float, seed: int) -> Depleted:
        from softal.simulators.monte_carlo import starts
        from softal.simulators.monte_carlo.colloids import Colloids, Learned

        settings = self.settings
        first, second = (int(one) for one in np.random.SeedSequence(seed).generate_state(2))
        densities = settings.gas * 6 / math.pi, settings.liquid * 6 / math.pi
        start = starts.slab(settings.particles, densities, settings.length, first)
        if self._learned is not None:
            return Learned(start, q, eta_p, self._learned.potential, seed=second)
        return Colloids(start, q, eta_p, interaction=settings.potential, seed=second)

    def _samples(self, system: Any, context: Context) -> Iterator[None]:
        """Equilibrate, and go on from each sample to the next one; relocate colloids in one box."""
        from softal.simulators.monte_carlo.relocations import relocate

        equilibration, sampling = (
            max(SHORTEST, round(context.fidelity * sweeps))
            for sweeps in (self.settings.equilibration, self.settings.sampling)
        )
        far = relocate if self.settings.method == "direct" else None
        system.tune(equilibration // 2)
        _advance(system, equilibration - equilibration // 2, far)
        system.tried[:], system.accepted[:] = 0, 0
        for sweeps in np.diff(np.linspace(0, sampling, min(POINTS, sampling) + 1).round().astype(int)):
            _advance(system, int(sweeps), far)
            yield

    def cards(self, view: View) -> Sequence[Card]:
        """Return the binodal, and snapshots."""
        from softal.simulators.asakura_oosawa import cards

        found = cards.binodal(view)
        return [*([] if found is None else [found]), *super().cards(view)]


def _advance(system: Any, sweeps: int, relocate: Callable[[Any, int], float] | None) -> None:
    """Do sweeps; with relocations one of them after each few."""
    if relocate is None:
        system.run(sweeps)
        return
    for start in range(0, sweeps, LOCAL):
        system.run(min(LOCAL, sweeps - start))
        relocate(system, 1)


def _observed(packing: Floats, accepted: Floats) -> Observation:
    """Return the observation of packing fractions (T, 2), the lower one first."""
    series = {"gas": packing[:, 0], "liquid": packing[:, 1], "difference": packing[:, 1] - packing[:, 0]}
    values, errors = {}, {}
    for name, one in series.items():
        values[name], errors[name] = (float(number) for number in mean_and_error(one))
    values |= {"drift": aging_of([packing[:, 0], packing[:, 1]])}
    values |= {"moved": float(accepted[0]), "transferred": float(accepted[2])}
    return Observation(values, errors)
