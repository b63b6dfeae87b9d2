"""Liquid argon between two configurations by the principle of least action: the kind `least_action`.

Molecular dynamics makes a true trajectory (`truth`). Its first and last configurations and its energy E_0 are given to
the solver of `softal.theory.least_action`, which minimises the Onsager-Machlup action with its boundary and energy
terms between them; what it finds is compared with the truth (`measures`). Each trial has a liquid of its own, from its
seed, if the setting `seed` does not fix it.

Several trajectories may have the same ends. The straight line leads to the true one as long as no vibration goes
through half a period, some 0.1 ps in liquid argon; beyond that several `starts` may find it, of which the loss, with
E_0 in it, takes one, and `waypoints` say more about it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from softal.errors import SimulationError, TheoryError
from softal.numeric import Floats
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.engines.protocol import missing
from softal.simulators.least_action.measures import (
    ARRAYS,
    LOGS,
    PICTURED,
    SYMBOLS,
    VALUE_UNITS,
    VALUES,
    Found,
    Progress,
    compare,
)
from softal.simulators.least_action.settings import LeastActionSettings
from softal.simulators.least_action.truth import Truth, simulate
from softal.simulators.observables.threads import limited_threads
from softal.theory.least_action.action import Action
from softal.theory.least_action.choices import BOUNDS, CHOICES, WHOLE, lambdas_of
from softal.theory.least_action.optimisers import GaussNewton, Nadam, Optimiser, minimise
from softal.theory.least_action.potentials import LennardJones
from softal.theory.least_action.representations import REPRESENTATIONS, Ends, Representation
from softal.theory.least_action.starts import bent
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

LONGEST_STEP = 100.0  # between two points [fs]: liquid argon's fastest vibrations have a period of some 400
TOLERANCE = 1e-14  # of the loss


class LeastAction(Simulator):
    """Liquid argon by least action: lambdas, width, points -> deviations from molecular dynamics, action, energies."""

    Settings: ClassVar[type[LeastActionSettings]] = LeastActionSettings
    parameters: Mapping[str, str] | None = CHOICES
    defaults: Mapping[str, Value] = {
        "log_lambda_1": 4.0, "log_lambda_2": 4.0, "log_lambda_3": -1.0, "width": 25, "points": 25
    }  # fmt: skip

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays; `seconds` where `timing` is set."""
        timing = frozenset({"seconds"} if self.settings.timing else ())
        return Outputs(
            values=frozenset({*VALUES, *LOGS}) | timing,
            arrays=frozenset({*ARRAYS, *PICTURED}),
            grid_units={name: grid_unit for name, (_, grid_unit) in ARRAYS.items()},
            array_units={name: unit for name, (unit, _) in ARRAYS.items()} | dict.fromkeys(PICTURED, "sigma"),
            symbols={name: SYMBOLS[grid_unit] for name, (_, grid_unit) in ARRAYS.items()},
            pictured=frozenset(PICTURED),
            value_units=VALUE_UNITS | dict.fromkeys(timing, "s"),
            ranges=dict.fromkeys((*VALUES, *timing), (0.0, np.inf)),
            marks=frozenset({"converged"}),
        )

    def cards(self, view: View) -> Sequence[Card]:
        """Return the trajectory beside that of molecular dynamics."""
        from softal.simulators.least_action import cards

        return cards.cards(view)

    def check(self) -> list[str]:
        """Say which engine is missing."""
        return missing(self.settings.engine)

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        low, high = BOUNDS[name]
        whole = name in WHOLE
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and low <= value <= high and (not whole or float(value).is_integer()):  # type: ignore[operator]
            return None
        return f"a {'whole ' if whole else ''}number from {low:g} to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, or that the points are too far apart."""
        full = {**self.defaults, **point}
        for name in self.parameters or ():
            if allowed := self.allows(name, full[name]):
                return f"{name} = {full[name]!r} is not allowed: {allowed}"
        step = 1e3 * self.settings.duration / float(full["points"])
        if step > LONGEST_STEP:
            fewest = int(np.ceil(1e3 * self.settings.duration / LONGEST_STEP))
            return (
                f"points = {full['points']} over {self.settings.duration:g} ps are {step:.4g} fs apart, which resolves "
                f"no collision: {fewest} or more are needed"
            )
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Make the true trajectory, find one between its ends, and return

        - values: rmsd, rmsd_largest (over time), rmsd_ends [sigma], rmsd_momenta, energy_drift (largest less least
          energy), energy_error (largest deviation from E_0) [epsilon per atom], action (between the points), defect
          (what is wrong without knowing the truth, see `measures`) [sigma], log_rmsd, log_defect (decimal), loss,
          iterations, products (with the Jacobian), converged, seconds (of the solver);
        - arrays: rmsd_of_time, rmsd_momenta_of_time, energy_of_time (E(t) - E_0) on t [ps]; g_true, g_found on r
          [angstrom], vaf_true, vaf_found (velocity autocorrelation) on t, with standard errors; rmsd_by_iteration,
          loss_by_iteration; paths_true, paths_found (times, 4, 3), from where the four atoms that went farthest began.

        Raises:
            SimulationError: if the point is refused, the liquid blows up, or the solver cannot begin or go on.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        full = {**self.defaults, **point}
        liquid, units = (int(seed) for seed in np.random.SeedSequence(context.seed).generate_state(2))
        with limited_threads(context.cpus) as threads:
            seed = liquid if self.settings.seed is None else self.settings.seed
            truth = simulate(self.settings, seed, threads=threads, gpu=context.gpus > 0)
            begin = time.perf_counter()
            try:
                found = self._find(truth, full, units, context.fidelity)
            except TheoryError as error:
                raise SimulationError(f"no trajectory was found: {error}") from error
            seconds = time.perf_counter() - begin
            observation = compare(self.settings, truth, found)
        if self.settings.timing:
            observation.values["seconds"] = seconds
        return observation

    def _find(self, truth: Truth, point: Point, seed: int, fidelity: float) -> Found:
        """Return the trajectory of the least loss that any of the starts came to."""
        settings: LeastActionSettings = self.settings
        ends = Ends(truth.positions[0], truth.positions[-1], float(truth.times[-1]))
        representation = REPRESENTATIONS[settings.representation](ends, int(point["width"]))
        potential = LennardJones((settings.box_length,) * 3, settings.cutoff)
        grid = representation.grid(int(point["points"]))
        action = Action(potential, 1.0, representation, grid, lambdas_of(point), truth.energy)
        iterations = max(1, round(fidelity * settings.iterations))
        first = self._guess(truth, representation, seed)
        best = self._minimised(truth, self._optimiser(action, first), iterations)
        for start in np.random.SeedSequence(seed).generate_state(settings.starts - 1).tolist():
            try:
                other = self._optimiser(action, bent(action, first, start))
            except TheoryError:
                continue  # it has atoms on top of each other
            best = min(best, self._minimised(truth, other, iterations), key=lambda found: found.loss)
        return best

    @staticmethod
    def _minimised(truth: Truth, optimiser: Optimiser, iterations: int) -> Found:
        progress = Progress(truth)
        reason = minimise(optimiser, iterations, tolerance=TOLERANCE, look=progress)
        progress(optimiser, last=True)
        done = optimiser.iterations, optimiser.products, reason != "iterations"
        return Found(optimiser.action, optimiser.parameters, optimiser.total, *done, progress.seen)

    def _guess(self, truth: Truth, representation: Representation, seed: int) -> Floats:
        """Return the parameters of the straight line, or of a spline through the waypoints."""
        from scipy.interpolate import CubicSpline

        if not self.settings.waypoints:
            return representation.straight(seed)
        known = np.rint(np.linspace(0, self.settings.steps, self.settings.waypoints + 2)).astype(int)
        through = CubicSpline(truth.times[known], truth.positions[known], bc_type="natural")
        return representation.nearest(truth.times, through(truth.times), seed)

    def _optimiser(self, action: Action, parameters: Floats) -> Optimiser:
        settings: LeastActionSettings = self.settings
        if settings.optimiser == "nadam":
            return Nadam(action, parameters, settings.rate)
        return GaussNewton(action, parameters, settings.inner)
