"""Paths between two structures of a Lennard-Jones cluster: the kind `transition_path`.

The end points are aligned, and a path of least action is made between them, along which the parameters lead to one
valley or another. Its points are quenched; elastic bands between the minima that come one after another, and between
those that are not connected then, lead to saddles, and these down to further minima, until the ends are connected. More
searches make the highest saddle lower (`softal.theory.clusters.exploration`). What is returned is a chain of
steepest descents from true saddles, each moved onto the one before; a trial whose ends are not connected has failed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from softal.errors import SimulationError, TheoryError
from softal.simulators.base import Context, Outputs, Simulator
from softal.simulators.observables.threads import limited_threads
from softal.simulators.transition_path.measures import (
    ARRAYS,
    COUNTS,
    STOPS,
    VALUE_UNITS,
    VALUES,
    Found,
    observation_of,
    write_frames,
)
from softal.simulators.transition_path.settings import TransitionPathSettings
from softal.theory.clusters.action_path import ActionPath, least_action_path
from softal.theory.clusters.alignment import Alignment, alignments
from softal.theory.clusters.chain import Chain, build
from softal.theory.clusters.connection import connect, link
from softal.theory.clusters.descent import Leg, from_end
from softal.theory.clusters.exploration import lowered
from softal.theory.clusters.landscape import Landscape
from softal.theory.clusters.stationary import Quench, energy, quench
from softal.theory.clusters.structures import Pair
from softal.theory.least_action import choices
from softal.trial import Observation, Point, Value

if TYPE_CHECKING:
    from softal.cards import Card, View

WHOLE = ("alignment", *choices.WHOLE)
BOUNDS = {**choices.BOUNDS, "alignment": (0, 100_000), "duration": (1e-3, 100.0), "points": (4, 1000)}
LONGEST_STEP = 0.05  # between two points [sigma (m / epsilon)^(1/2)]; the fastest vibrations have periods of some 0.25
ABOVE = 6.0  # E_0 above the higher end [epsilon], where it is not given
ALIGNING = 1  # seed of the alignments: the n-th one is the same in all trials
BUG = 1e-3  # by which a barrier below the published one is none [epsilon]


class TransitionPath(Simulator):
    """A path between two clusters: alignment, duration, lambdas, points -> saddles, barriers, length, frames."""

    Settings: ClassVar[type[TransitionPathSettings]] = TransitionPathSettings
    parameters: Mapping[str, str] | None = {
        "alignment": "which alignment of the ends, from 0, the nearest one found",
        "duration": "of the path of least action [sigma (m / epsilon)^(1/2)], 2.16 ps of argon",
        **choices.CHOICES,
    }
    defaults: Mapping[str, Value] = {
        "alignment": 0, "duration": 0.7, "log_lambda_1": 4.0, "log_lambda_2": 4.0, "log_lambda_3": -1.0,
        "width": 20, "points": 25,
    }  # fmt: skip

    @property
    def outputs(self) -> Outputs:  # type: ignore[override]
        """Values and arrays; `seconds` where `timing` is set."""
        timing = frozenset({"seconds"} if self.settings.timing else ())
        positive = {*COUNTS, *timing, "barrier_forward", "barrier_backward", "path_length", "action_length", "distance"}
        return Outputs(
            values=frozenset(VALUES) | timing,
            arrays=frozenset({*ARRAYS, STOPS}),
            grid_units={name: grid_unit for name, (_, grid_unit, _) in ARRAYS.items()},
            array_units={name: unit for name, (unit, _, _) in ARRAYS.items()},
            symbols={name: symbol for name, (_, _, symbol) in ARRAYS.items()},
            log_axes=dict.fromkeys(ARRAYS, "none"),
            pictured=frozenset({STOPS}),
            value_units=VALUE_UNITS | dict.fromkeys(timing, "s"),
            ranges=dict.fromkeys(positive, (0.0, math.inf)),
            marks=frozenset({"connected"}),
        )

    def allows(self, name: str, value: Value) -> str | None:
        """Say the bounds of a parameter."""
        low, high = BOUNDS[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and low <= value <= high and (name not in WHOLE or float(value).is_integer()):  # type: ignore[operator]
            return None
        return f"a {'whole ' * (name in WHOLE)}number from {low:g} to {high:g}"

    def refuses(self, point: Point) -> str | None:
        """Say that a parameter is out of its bounds, or that the points are too far apart."""
        full = {**self.defaults, **point}
        for name in self.parameters or ():
            if allowed := self.allows(name, full[name]):
                return f"{name} = {full[name]!r} is not allowed: {allowed}"
        duration, points = float(full["duration"]), int(full["points"])
        if duration / points > LONGEST_STEP * (1 + 1e-9):
            return (
                f"duration = {duration:g} with points = {points} has time steps of {duration / points:.3g}, which "
                f"resolve no vibration: {math.ceil(duration / LONGEST_STEP - 1e-9)} points or more are needed, or a "
                f"duration of {LONGEST_STEP * points:g} at most"
            )
        return None

    def run(self, point: Point, context: Context) -> Observation:
        """Look for a path, and return

        - values: barrier_forward, barrier_backward (of the highest saddle above start and end), highest_saddle
          [epsilon], path_length [sigma], saddles (on the path), distance (of the aligned ends), action_length,
          action_highest (above the start), action_loss, bands, searches, evaluations (gradients, Hessians and their
          products, of one configuration), connected (1; other trials fail), seconds;
        - arrays: path_energy, minimum_energy, saddle_energy on the arc s [sigma]; action_energy and action_quench on t;
          barrier_of_searches; stops (minima and saddles that are drawn);
        - artifacts: path.gsd, frames along the path.

        Raises:
            SimulationError: if the point is refused, there are less alignments, or the ends were not connected.
        """
        if reason := self.refuses(point):
            raise SimulationError(reason)
        full = {**self.defaults, **point}
        begin = time.perf_counter()
        with limited_threads(context.cpus):
            try:
                found = self._find(self.settings.pair(), full, context)
            except TheoryError as error:
                raise SimulationError(f"no path was found: {error}") from error
        observation = observation_of(found)
        if self.settings.timing:
            observation.values["seconds"] = time.perf_counter() - begin
        path = context.workdir / "path.gsd"
        write_frames(path, found.chain.frames)
        observation.artifacts["path.gsd"] = path
        return observation

    def _find(self, ends: Pair, point: Point, context: Context) -> Found:
        settings: TransitionPathSettings = self.settings
        rng = np.random.default_rng(context.seed)
        aligned = self._aligned(ends, int(point["alignment"]))
        landscape = Landscape(ends.groups)
        legs = from_end(ends.start), from_end(ends.end)
        ids = landscape.below(legs[0]), landscape.below(legs[1])
        action = self._least_action(ends, aligned, point, int(rng.integers(2**31)))
        quenched = [quench(frame) for frame in action.frames]
        landscape.evaluations += action.evaluations + sum(one.evaluations for one in quenched)
        bands = self._along(landscape, quenched, rng)
        bands += connect(landscape, *ids, settings.bands, rng)
        searches = max(1, round(context.fidelity * settings.searches))
        barriers = lowered(landscape, ids, searches, rng)
        chain = self._chain(landscape, legs, ids)
        if ends.published is not None and chain.top - energy(ends.start) < ends.published - BUG:
            raise SimulationError(
                f"the path's highest saddle is {chain.top - energy(ends.start):.6g} above the start, below the "
                f"published {ends.published:g}: this would be a mistake in the program"
            )
        energies = np.array([one.energy for one in quenched])
        return Found(aligned, action, energies, chain, barriers, bands, landscape.searches, landscape.evaluations)

    def _aligned(self, ends: Pair, which: int) -> Alignment:
        found = alignments(ends.end, ends.start, self.settings.starts, ALIGNING, groups=ends.groups)
        if which >= len(found):
            raise SimulationError(
                f"alignment = {which} is not there: {self.settings.starts} starts led to {len(found)}, from 0 on; more "
                "`starts` find more"
            )
        return found[which]

    def _least_action(self, ends: Pair, aligned: Alignment, point: Point, seed: int) -> ActionPath:
        settings: TransitionPathSettings = self.settings
        E_0 = settings.energy
        if E_0 is None:
            E_0 = max(energy(ends.start), energy(ends.end)) + ABOVE
        return least_action_path(
            ends.start,
            aligned.apply(ends.end),
            duration=float(point["duration"]),
            points=int(point["points"]),
            width=int(point["width"]),
            representation=settings.representation,
            optimiser=settings.optimiser,
            iterations=settings.iterations,
            inner=settings.inner,
            rate=settings.rate,
            lambdas=choices.lambdas_of(point),
            energy=E_0,
            seed=seed,
        )

    def _along(self, landscape: Landscape, quenched: list[Quench], rng: np.random.Generator) -> int:
        """Relax bands between the minima that come one after another along the path; return how many."""
        numbers = [landscape.add(one.energy, one.x) for one in quenched]
        changes = [k for k in range(1, len(numbers)) if numbers[k] != numbers[k - 1]]
        for k in changes:
            link(landscape, quenched[k - 1].x, quenched[k].x, rng)
        return len(changes)

    def _chain(self, landscape: Landscape, legs: tuple[Leg, Leg], ids: tuple[int, int]) -> Chain:
        chain = build(landscape, *legs, ids)
        if chain is None:
            raise SimulationError(
                f"the ends were not connected: {landscape.searches} searches found {len(landscape.saddles)} saddles "
                f"between {len(landscape.minima)} minima, none of which leads from one end to the other; more "
                "`bands` or `searches` are needed"
            )
        return chain

    def cards(self, view: View) -> Sequence[Card]:
        """Return the path of the best trial, drawn, and its saddles."""
        from softal.simulators.transition_path import cards

        return cards.cards(view)
