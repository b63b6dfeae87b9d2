"""Gas and liquid of colloids in ideal polymer: the kind `asakura_oosawa_coexistence`.

Monte Carlo of the Gibbs ensemble, with the exact effective interaction of the colloids or its pair term alone, from a
gas and a liquid beside each other. Where both become alike, there is one phase.

Units: as of `asakura_oosawa`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from softal.errors import SimulationError
from softal.kinds.settings import Settings
from softal.numeric import Floats
from softal.simulators.asakura_oosawa.settings import Sweeps
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.statistics import aging_of, mean_and_error
from softal.trial import Observation, Point, Value

BOUNDS = {"eta_p": (0.0, 10.0), "q": (0.05, 1.0)}
DEFAULTS: dict[str, Value] = {"q": 0.4}
SHORTEST = 10  # sweeps at the lowest fidelity
POINTS = 400  # of each series


class CoexistenceSettings(Settings):
    """Settings of the simulator `asakura_oosawa_coexistence`."""

    particles: int = Field(256, ge=40, le=5000, multiple_of=2, description="number of colloids, in both boxes")
    gas: float = Field(0.03, gt=0, le=0.5, description="packing fraction of the colloids in the one box at first")
    liquid: float = Field(0.3, gt=0, le=0.5, description="and in the other one")
    equilibration: Sweeps = Field(
        2000, description="at fidelity 1 [sweeps: a trial move and a transfer of every colloid, one of volume]"
    )
    sampling: Sweeps = Field(8000, description="at fidelity 1 [sweeps]")
    potential: Literal["exact", "pairs"] = Field(
        "exact", description="`exact`: depletion with all of its many-body terms; `pairs`: its pair term alone"
    )

    def edges(self) -> tuple[float, float]:
        """Return the cubes' sides [sigma]; each has half of the particles."""
        of_gas, of_liquid = (math.cbrt(self.particles // 2 * math.pi / (6 * eta)) for eta in (self.gas, self.liquid))
        return of_gas, of_liquid


class Coexistence(Simulator):
    """Colloids in ideal polymer in two boxes: eta_p, q -> packing fractions of gas and liquid."""

    Settings: ClassVar[type[CoexistenceSettings]] = CoexistenceSettings
    settings: CoexistenceSettings
    parameters: Mapping[str, str] | None = {
        "eta_p": "packing fraction of the polymers in the reservoir",
        "q": "sigma (diameter of the polymers)",
    }
    defaults: Mapping[str, Value] = DEFAULTS
    outputs = Outputs(
        values=frozenset({"gas", "liquid", "difference", "drift", "moved", "transferred"}),
        ranges=dict.fromkeys(("gas", "liquid", "difference", "moved", "transferred"), (0.0, 1.0))
        | {"drift": (0, math.inf)},
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
        edge, least = min(self.settings.edges()), 2 * (1 + float(full["q"]))
        if edge < least:
            return (
                f"a box of {self.settings.particles // 2} particles is {edge:.3g} sigma wide; allowed: {least:.4g} or "
                "more, twice the range 1 + q: take more particles"
            )
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values, with standard errors: gas, liquid (the lower and the higher packing fraction) and their difference,
          and without: drift, moved and transferred (the accepted parts of moves and of transfers).

        Raises:
            SimulationError: if the point is refused.
        """
        from softal.simulators.monte_carlo import starts
        from softal.simulators.monte_carlo.gibbs import Gibbs

        if reason := self.refuses(point):
            raise SimulationError(reason)
        settings, full = self.settings, {**self.defaults, **point}
        equilibration, sampling = (
            max(SHORTEST, round(context.fidelity * sweeps)) for sweeps in (settings.equilibration, settings.sampling)
        )
        *seeds, last = (int(one) for one in np.random.SeedSequence(context.seed).generate_state(3))
        half, packings = settings.particles // 2, (settings.gas, settings.liquid)
        gas, liquid = (
            starts.fluid(half, eta * 6 / math.pi, 3, seed) for eta, seed in zip(packings, seeds, strict=True)
        )
        state: Any = (float(full["q"]), float(full["eta_p"]))
        gibbs = Gibbs((gas, liquid), *state, several=settings.potential == "exact", seed=last)
        gibbs.tune(equilibration // 2)
        gibbs.run(equilibration - equilibration // 2)
        gibbs.tried[:], gibbs.accepted[:] = 0, 0
        found = []
        for sweeps in np.diff(np.linspace(0, sampling, min(POINTS, sampling) + 1).round().astype(int)):
            gibbs.run(int(sweeps))
            found.append(np.sort(gibbs.packing))
        return _observed(np.array(found), gibbs.accepted / np.maximum(gibbs.tried, 1))


def _observed(packing: Floats, accepted: Floats) -> Observation:
    """Return the observation of packing fractions (T, 2), the lower one first."""
    series = {"gas": packing[:, 0], "liquid": packing[:, 1], "difference": packing[:, 1] - packing[:, 0]}
    values, errors = {}, {}
    for name, one in series.items():
        values[name], errors[name] = (float(number) for number in mean_and_error(one))
    values |= {"drift": aging_of([packing[:, 0], packing[:, 1]])}
    values |= {"moved": float(accepted[0]), "transferred": float(accepted[2])}
    return Observation(values, errors)
