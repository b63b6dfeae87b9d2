"""One memory function and its distance from a relaxation: the kind `memory_function`.

    dF/dt + rate F + int_0^t M(t - s) dF/ds ds = 0,    M(t) = c + sum_i w_i {(1 - a_i) exp(-(t/tau_i)^b_i) + a_i}

The parameters are those of M, of which a strategy finds the ones that lead to a measured or simulated F_s(t): eqs. 5
to 7 of S. Ciarella, M. Chiappini, E. Boattini, M. Dijkstra, L. M. C. Janssen, Mach. Learn.: Sci. Technol. 4, 025010
(2023).
A batch of points, such as a generation of CMA-ES, is solved at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from softal.errors import SimulationError, SoftalError
from softal.kinds.settings import ExistingFile
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.memory.reference import ReferenceSettings, arrays
from softal.theory.relaxation import Relaxation
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

POSITIVE, B_RANGE = ("rate", "tau"), (0.01, 100.0)
UNITS = {"w": "1/tau (weight, of either sign)", "a": "part of the weight that does not decay", "tau": "tau", "b": "1"}


class MemoryFunctionSettings(ReferenceSettings):
    """Settings of the kind `memory_function`."""

    reference: ExistingFile = Field(
        description="table (CSV) whose first column is the time [tau], with F_s_A or F_s_B and, where they are known, "
        "F_s_A_error or F_s_B_error; relative to the campaign file"
    )
    modes: int = Field(2, ge=1, le=8, description="number of stretched exponentials, N_exp")
    batch: int = Field(64, ge=1, le=100_000, description="points that are solved at once, at most")


class MemoryFunction(Simulator):
    """A memory function: rate, c, and w, a, tau, b of each mode -> loss, error, r2; F_s, memory, F_s_reference."""

    Settings: ClassVar[type[MemoryFunctionSettings]] = MemoryFunctionSettings
    settings: MemoryFunctionSettings
    outputs: Outputs | None = Outputs(
        values=frozenset({"loss", "error", "r2"}),
        arrays=frozenset({"F_s", "memory", "F_s_reference"}),
        grid_units={"F_s": "tau", "memory": "tau", "F_s_reference": "tau"},
        symbols=dict.fromkeys(("F_s", "memory", "F_s_reference"), "t"),
        ranges={"error": (0.0, math.inf), "r2": (-math.inf, 1.0)},
    )

    @property
    def batch(self) -> int:  # type: ignore[override]
        """Points that are solved at once."""
        return self.settings.batch

    @property
    def parameters(self) -> Mapping[str, str]:  # type: ignore[override]
        """What a point holds, which depends on the number of modes."""
        modes = {f"{name}{i + 1}": unit for i in range(self.settings.modes) for name, unit in UNITS.items()}
        return {"rate": "1/tau (Gamma)", "c": "1/tau (M at infinite time, where all a are 0)", **modes}

    @property
    def defaults(self) -> Mapping[str, Value]:  # type: ignore[override]
        """No constant part."""
        return {"c": 0.0, **{f"a{i + 1}": 0.0 for i in range(self.settings.modes)}}

    def cards(self, view: View) -> Sequence[Card]:
        """Return the memory function, and the relaxation that it gives."""
        from softal.simulators.memory.cards import cards

        return cards(view)

    def check(self) -> list[str]:
        """Say what is wrong with the reference."""
        try:
            self.settings.relaxation(self.settings.reference)
        except SoftalError as error:
            return [str(error)]
        return []

    def allows(self, name: str, value: Value) -> str | None:
        """Say what a parameter may be: rate and tau are above 0, b is from 0.01 to 100."""
        kind = name.rstrip("0123456789")
        if isinstance(value, (bool, str)) or not math.isfinite(value):
            return "a finite number"
        if kind in POSITIVE and value <= 0:
            return "a number above 0"
        low, high = B_RANGE
        return f"a number from {low:g} to {high:g}" if kind == "b" and not low <= value <= high else None

    def refuses(self, point: Point) -> str | None:
        """Say which parameter is missing or not allowed."""
        for name in self.parameters:
            value = {**self.defaults, **point}.get(name)
            if value is None:
                return f"{name} is None; allowed: a number"
            if allowed := self.allows(name, value):
                return f"{name} is {value!r}; allowed: {allowed}"
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Solve for one memory function; return

        - values: error (mean squared difference of F_s), loss (with Lasso), r2;
        - arrays on the reference's times [tau]: F_s, memory [1/tau], F_s_reference.

        Raises:
            SimulationError: for a parameter that is not allowed, and where F_s grows without bound.
        """
        (result,) = self.run_batch([point], [context])
        if isinstance(result, Exception):
            raise result
        return result

    def run_batch(self, points: Sequence[Point], contexts: Sequence[Context]) -> Sequence[Observation | Exception]:
        """Solve for all at once."""
        try:
            return self._results(points)
        except SoftalError as error:
            raise SimulationError(str(error)) from error

    def _results(self, points: Sequence[Point]) -> list[Observation | Exception]:
        relaxation = self.settings.relaxation(self.settings.reference)
        refused = [self.refuses(point) for point in points]
        right = [{**self.defaults, **point} for point, why in zip(points, refused, strict=True) if why is None]
        solved = iter(self._solved(right, relaxation) if right else [])
        return [next(solved) if why is None else SimulationError(why) for why in refused]

    def _solved(self, points: Sequence[Mapping[str, Any]], relaxation: Relaxation) -> list[Observation | Exception]:
        from softal.theory.evolution import lasso_of  # Numba, which other campaigns need not wait for
        from softal.theory.memory_equation import solve
        from softal.theory.memory_function import StretchedExponentials

        columns = {name: np.array([float(point[name]) for point in points]) for name in self.parameters}
        names = ("w", "a", "tau", "b")
        modes = (np.stack([columns[f"{n}{i + 1}"] for i in range(self.settings.modes)], axis=1) for n in names)
        memory, rate = StretchedExponentials(columns["c"], *modes), columns["rate"]
        F = solve(memory, rate, float(relaxation.t[-1])).at(relaxation.t)
        error, r2, M = relaxation.error(F), relaxation.r2(F), memory.values(relaxation.t)
        loss = error + self.settings.lasso * lasso_of(memory, rate)
        return [
            Observation(
                {"loss": float(loss[p]), "error": float(error[p]), "r2": float(r2[p])},
                arrays=arrays(relaxation, F[p], M[p]),
            )
            if np.isfinite(error[p])
            else SimulationError("F_s grows without bound: the memory function is too negative")
            for p in range(len(points))
        ]
