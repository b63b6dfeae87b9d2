"""The Kob-Andersen mixture, a glass former: the kind `kob_andersen`.

Molecular dynamics of 80 % A and 20 % B with the Lennard-Jones potential or its repulsive part (WCA), from which come
structure (partial S(k) and g(r)) and dynamics (self-intermediate scattering functions, mean-square displacements,
relaxation times) of a state point T, rho. The model and its constants are in `softal.theory.kob_andersen`, a run's
protocol in `kob_andersen_run`, what is measured and how runs are marked in `kob_andersen_measures`.

A run that crystallized, or did not equilibrate, is no failure: it is returned with `crystallized` = 1 or `equilibrated`
= 0. `fidelity` shortens the sampling, not the equilibration.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from softal.errors import SimulationError, TheoryError
from softal.outputs import Flaws
from softal.references import Reference
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.engines.protocol import missing
from softal.simulators.kob_andersen.measures import (
    ARRAYS,
    K_VALUES,
    MCT_ARRAYS,
    OPTIONAL,
    SYMBOLS,
    VALUE_UNITS,
    VALUES,
    observe,
)
from softal.simulators.kob_andersen.run import Run, State
from softal.simulators.kob_andersen.settings import FIRST_LAG, KobAndersenSettings
from softal.simulators.observables.threads import limited_threads
from softal.theory.kob_andersen import AT_DENSITY, INTERACTIONS, PAIR_NAMES
from softal.trial import Array, Observation, Point, Value

BOUNDS = {"T": (0.0, 50.0), "rho": (0.8, 2.5)}  # what is simulated: T above the first, rho from the first on
FLAWS = Flaws({"crystallized": 1.0, "equilibrated": 0.0}, elsewhere=frozenset({"crystallized"}))
DEFAULTS: dict[str, Value] = {"rho": AT_DENSITY, "interaction": INTERACTIONS[0]}


class KobAndersen(Simulator):
    """Kob-Andersen mixture: T, rho, interaction -> S(k), F_s(t), displacements, g(r), energy, pressure, marks."""

    Settings: ClassVar[type[KobAndersenSettings]] = KobAndersenSettings
    parameters: Mapping[str, str] | None = {
        "T": "epsilon / k_B (temperature)",
        "rho": "1/sigma^3 (number density)",
        "interaction": "LJ or WCA",
    }
    defaults: Mapping[str, Value] = DEFAULTS

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays; those of mode-coupling theory are optional, since it may have no solution."""
        theory = MCT_ARRAYS if self.settings.mode_coupling else {}
        return Outputs(
            values=frozenset(VALUES),
            arrays=frozenset(ARRAYS),
            grid_units={name: grid_unit for name, (_, grid_unit) in (ARRAYS | theory).items()},
            array_units={name: unit for name, (unit, _) in (ARRAYS | theory).items()},
            symbols={name: SYMBOLS[grid_unit] for name, (_, grid_unit) in (ARRAYS | theory).items()},
            log_axes={name: "both" for name in ARRAYS if name.startswith("msd_")},
            value_units=VALUE_UNITS,
            ranges={
                "crystalline": (0.0, 1.0),
                **dict.fromkeys(("temperature", "simulated_time", "aging"), (0.0, math.inf)),
            },
            marks=frozenset(FLAWS.marks),
            flaws=FLAWS,
            optional=frozenset({*OPTIONAL, *theory, *(["mct_seconds"] if theory else [])}),
        )

    def check(self) -> list[str]:
        """Say which engine is missing, that the box is too small at the default density, or k beyond the theory's."""
        problems = missing(self.settings.engine)
        if problem := self.settings.misfit(AT_DENSITY, "LJ"):
            problems.append(problem)
        k = self.settings.scattering_k(AT_DENSITY)
        if self.settings.mode_coupling and not K_VALUES[0] <= k <= K_VALUES[-1]:
            problems.append(
                f"wave_number: {k:g} is given; allowed with mode_coupling: {K_VALUES[0]:g} to {K_VALUES[-1]:g}, where "
                "S(k) is known"
            )
        return problems

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        if name == "interaction":
            return None if value in INTERACTIONS else ", ".join(INTERACTIONS)
        low, high = BOUNDS[name]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and (low < value if name == "T" else low <= value) and value <= high:  # type: ignore[operator]
            return None
        return f"a number above {low:g}, up to {high:g}" if name == "T" else f"a number from {low:g} to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, or that the box is too small at this density."""
        full = {**self.defaults, **point}
        for name in self.parameters or ():
            if name not in full:
                return f"{name} is missing; allowed: {self.allows(name, 'none')}"
            if allowed := self.allows(name, full[name]):
                return f"{name} = {full[name]!r} is not allowed: {allowed}"
        settings: KobAndersenSettings = self.settings
        return settings.misfit(float(full["rho"]), str(full["interaction"]))

    def check_reference(self, reference: Reference) -> str | None:
        """Say that a reference goes beyond what is simulated, or is no F_s, or is negative where it cannot be."""
        settings, y = self.settings, reference.values
        end = settings.end_of_g(settings.box_length(AT_DENSITY))
        reach = {"S": (K_VALUES[0], K_VALUES[-1]), "g": (settings.r_bin / 2, end - settings.r_bin / 2)}
        kind = reference.array.split("_")[0]
        if kind == "F" and np.any(np.abs(y) > 1 + 1e-9):
            return f"is {y[np.argmax(np.abs(y))]:g} somewhere; F_s(0) = 1 is the largest value"
        positive = reference.array in ("S_AA", "S_BB", "msd_A", "msd_B") or kind == "g"
        if positive and np.any(y < 0):
            return f"is negative at {reference.grid[np.argmax(y < 0)]:g}; {reference.array} is not"
        return reference.beyond(*reach.get(kind, (FIRST_LAG, settings.t_max)))

    def run(self, point: Point, context: Context) -> Observation:
        """Simulate and return

        - values: potential_energy [epsilon per particle], pressure [epsilon/sigma^3], temperature [epsilon],
          relaxation_A, relaxation_B [decades], all with standard errors; simulated_time [tau], crystalline,
          crystallized, equilibrated, aging; tau_A, tau_B [tau] with standard errors where F_s falls to 1/e;
        - arrays, with standard errors: S_AA, S_AB, S_BB on k [1/sigma], F_s_A, F_s_B, msd_A, msd_B [sigma^2] on t
          [tau], g_AA, g_AB, g_BB on r [sigma]; F_mct_A, F_mct_B on t where `mode_coupling` is set.

        Raises:
            SimulationError: if the point is refused, or the simulation blows up.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        full: dict[str, Any] = {**self.defaults, **point}
        state = State(float(full["T"]), float(full["rho"]), str(full["interaction"]))
        run_seed, analysis = (int(seed) for seed in np.random.SeedSequence(context.seed).generate_state(2))
        with limited_threads(context.cpus) as threads:
            running = Run(
                self.settings, state, run_seed, fidelity=context.fidelity, threads=threads, gpu=context.gpus > 0
            )
            observation = observe(self.settings, running.samples(), np.random.default_rng(analysis))
            return self._with_theory(observation, state) if self.settings.mode_coupling else observation

    def _with_theory(self, observation: Observation, state: State) -> Observation:
        """Add what mode-coupling theory makes of the measured S(k); without a solution the simulation stands alone."""
        from softal.theory.mode_coupling.scattering import at_middles, mixture_scattering

        S = np.array([observation.arrays[f"S_{pair}"].values for pair in PAIR_NAMES])
        t = observation.arrays["F_s_A"].grid
        assert t is not None
        begin, k = time.perf_counter(), self.settings.scattering_k(state.rho)
        try:
            theory = mixture_scattering(at_middles(S), K_VALUES, state.rho, state.T, at=k, times=t)
        except TheoryError as error:
            print(f"mode-coupling theory leaves no curves: {error}")  # into the trial's output
            return observation
        values = observation.values | {"mct_seconds": time.perf_counter() - begin}
        curves = {name: Array(F, None, t, *MCT_ARRAYS[name]) for name, F in zip(MCT_ARRAYS, theory.F_self, strict=True)}
        return replace(observation, values=values, arrays=observation.arrays | curves)
