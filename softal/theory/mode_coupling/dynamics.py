"""Correlators of mode-coupling theory over many decades of time, coherent ones and those of tagged particles.

The equations are those of `liquid`, solved by `correlator`: a block begins where the one before has its middle, with
twice its step. A solution ends at the last time asked for, or before that where all correlators have come to their
limits for long times, which `glass` gives.

Time is in the unit of the rates: tau for Newtonian dynamics. For overdamped dynamics J is k^2 x_a D_a with
D_a = kT / (m_a gamma), so with kT / m_a for D_a time is in units of gamma tau^2, gamma being the friction: that is the
paper's equation (11).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.mode_coupling import glass
from softal.theory.mode_coupling.correlator import Correlator, Dynamics, Memory
from softal.theory.mode_coupling.glass import Model
from softal.theory.mode_coupling.liquid import Liquid

MemoryAt = Callable[[int], Memory]  # the memory as a functional, at the i-th time of a block

POINTS = 256  # a block: F is off by 3e-4 (overdamped) and 3e-3 (Newtonian; 5e-4 for k < 20) at most, relative to S
TOLERANCE = 1e-10  # of the iteration of a step, relative to S: what is left of it adds up, more so near the plateau
ARRIVED = 1e-7  # distance from the limit for long times at which a solution ends, relative to S
FIRST = {"overdamped": 1e-3, "newtonian": 0.1}  # end of the expansion for short times, in times of the fastest motion


@dataclass(frozen=True)
class Correlators:
    """A solution: correlators at times t, t[0] = 0.

    F_s is there for a liquid whose tagged particles were asked for. Where `arrived`, F and F_s at the last time are the
    limits for long times, within 1e-7 of S.
    """

    t: Floats  # (n_t,)
    F: Floats  # (n_t, s, s, n)
    F_s: Floats | None  # (n_t, s, n)
    limit: Floats  # (s, s, n) F for long times
    limit_s: Floats | None  # (s, n)
    arrived: bool


def relax(
    model: Model,
    t_max: float,
    *,
    dynamics: Dynamics = "newtonian",
    tagged: bool = False,
    points: int = POINTS,
    tolerance: float = TOLERANCE,
) -> Correlators:
    """Return the correlators of a liquid or a schematic model up to t_max.

    Args:
        model: the liquid or schematic model.
        t_max: the last time [unit of the rates].
        dynamics: overdamped or newtonian.
        tagged: also those of tagged particles, for a `Liquid`.
        points: times in a block, a multiple of 4; the error falls as their inverse square.
        tolerance: of the iteration at each time, relative to S.

    Raises:
        TheoryError: where t_max is negative, the kind of dynamics unknown, or no solution is found.
    """
    if dynamics not in get_args(Dynamics):
        raise TheoryError(f"dynamics: {dynamics!r} is not known, only {', '.join(get_args(Dynamics))}")
    if not t_max >= 0.0:
        raise TheoryError(f"t_max: {t_max:.6g} is not allowed, a time must not be negative")
    return _Solution(model, dynamics, tagged, points, tolerance).until(t_max)


class _Solution:
    """The coherent correlators and, in step with them, those of tagged particles."""

    def __init__(self, model: Model, dynamics: Dynamics, tagged: bool, points: int, tolerance: float) -> None:
        self.model, self.half = model, points // 2
        h = FIRST[dynamics] / _fastest(model, dynamics) / self.half
        self.limit, self.limit_s = glass.nonergodicity(model), None
        self.coherent = Correlator(model.S, model.S_inverse, model.rates, dynamics, h, points, tolerance)
        self.parts: list[tuple[Correlator, MemoryAt]] = [(self.coherent, lambda _: model.memory)]
        self.limits: list[Floats] = [self.limit]
        if tagged:
            liquid = _with_particles(model)
            J = liquid.tagged_rates.reshape(1, -1)  # one species after another, all as wave numbers of one
            one = np.ones((1, *J.shape))
            self.parts.append((Correlator(one, one, J, dynamics, h, points, tolerance), self._tagged_memory(liquid)))
            self.limit_s = glass.tagged_nonergodicity(liquid, self.limit)
            self.limits.append(self.limit_s.reshape(one.shape))

    def until(self, t_max: float) -> Correlators:
        """Solve block after block up to t_max, or to the limits."""
        for i in range(self.half + 1):
            for correlator, memory in self.parts:
                correlator.begin(i, memory(i))
        times, kept = [self.coherent.h * np.arange(self.half + 1)], [self._block(slice(0, self.half + 1))]
        while times[-1][-1] < t_max and not self._arrived():
            new = range(self.half + 1, 2 * self.half + 1)
            for i in new:
                for correlator, memory in self.parts:
                    correlator.advance(i, memory(i))
            times.append(self.coherent.h * np.array(new))
            kept.append(self._block(slice(new.start, new.stop)))
            for correlator, _ in self.parts:
                correlator.double()
        F, *F_s = (np.concatenate(blocks) for blocks in zip(*kept, strict=True))
        particles = None if self.limit_s is None else F_s[0].reshape(-1, *self.limit_s.shape)
        return Correlators(np.concatenate(times), F, particles, self.limit, self.limit_s, self._arrived())

    def _block(self, which: slice) -> list[Floats]:
        return [correlator.F[which].copy() for correlator, _ in self.parts]

    def _arrived(self) -> bool:
        """Whether all correlators were at their limits in the last half of what was solved."""
        last = slice(self.half // 2, self.half + 1)
        return all(
            np.max(np.abs(correlator.F[last] - limit) / correlator.scale) < ARRIVED
            for (correlator, _), limit in zip(self.parts, self.limits, strict=True)
        )

    def _tagged_memory(self, liquid: Liquid) -> MemoryAt:
        shape = liquid.tagged_rates.shape

        def memory_at(i: int) -> Memory:
            return lambda F_s: liquid.tagged_memory(self.coherent.F[i], F_s.reshape(shape)).reshape(F_s.shape)

        return memory_at


def _with_particles(model: Model) -> Liquid:
    if not isinstance(model, Liquid):
        raise TheoryError("tagged particles: a liquid has them, a schematic model has not")
    return model


def _fastest(model: Model, dynamics: Dynamics) -> float:
    """Return a bound of the rate (overdamped) or frequency (Newtonian) of the fastest motion at short times."""
    M = model.S_inverse + model.memory(model.S)
    squared = float(np.max(np.sum(model.rates * np.einsum("aak->ak", M), axis=0)))
    return squared if dynamics == "overdamped" else math.sqrt(squared)
