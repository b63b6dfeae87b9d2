"""How particles move: self-intermediate scattering functions and mean-square displacements from many time origins.

    F_s^a(k, t) = < exp(i k . [r_j(t) - r_j(0)]) > = < sin(k d) / (k d) >,   MSD_a(t) = < d^2 >,   d = |r_j(t) - r_j(0)|

over the particles j of kind a; the spherical average over the directions of k is the middle form. F_s(0) = 1, and as
long as particles fly freely F_s = exp(-k^2 kT t^2 / (2 m)). Displacements are those relative to all particles' mean.

A curve is the mean over time origins t_0, t_0 + s, ... Its standard error accounts for their autocorrelation
(`statistics`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.statistics import mean_and_error

Steps = NDArray[np.int64]


def logarithmic_lags(shortest: int, longest: int, per_decade: int) -> Steps:
    """Return lags in steps, ascending and all different: `per_decade` in a decade, from shortest to longest.

    They are shortest 10^(i / per_decade), rounded, so that runs of different lengths share their lags.
    """
    count = int(np.floor(per_decade * np.log10(longest / shortest) + 1e-9)) + 1
    lags = np.rint(shortest * 10 ** (np.arange(count) / per_decade)).astype(np.int64)
    return np.unique(np.append(lags, longest))


@dataclass(frozen=True)
class Schedule:
    """At which steps positions are needed.

    Attributes:
        lags: between a time origin and the times at which it is looked at, ascending, shape (n,) [steps].
        every: between two time origins [steps].
        total: length of the run [steps]; origins whose last lag lies beyond it are left out.
    """

    lags: Steps
    every: int
    total: int

    @property
    def origins(self) -> Steps:
        """Steps of the time origins, shape (o,)."""
        return np.arange(0, self.total - self.lags[-1] + 1, self.every)

    def events(self) -> Iterator[tuple[int, list[tuple[int, int]]]]:
        """Yield, in the order of time, a step and what is due at it: (origin, lag's index), -1 for the origin itself.

        Steps at which an origin would be due after the last one are yielded, too, with nothing due.
        """
        due: dict[int, list[tuple[int, int]]] = {int(step): [] for step in np.arange(0, self.total + 1, self.every)}
        for origin, start in enumerate(self.origins.tolist()):
            for index, lag in enumerate([0, *self.lags.tolist()]):
                due.setdefault(start + lag, []).append((origin, index - 1))
        for step in sorted(due):
            yield step, sorted(due[step], key=lambda one: one[1])


class Displacements:
    """Collects F_s and the mean-square displacement of each kind; see the module.

    Args:
        types: kind of each particle, shape (N,).
        k: wave number of each kind's F_s, shape (kinds,) [1/length].
        schedule: when what is measured.

    Attributes:
        F_s: shape (kinds, origins, lags); NaN where not yet measured.
        msd: likewise [length^2].
    """

    def __init__(self, types: NDArray[np.intp], k: Floats, schedule: Schedule) -> None:
        self._members = [np.flatnonzero(types == kind) for kind in range(int(types.max()) + 1)]
        self._k, self._last = k, len(schedule.lags) - 1
        self._starts: dict[int, Floats] = {}
        shape = len(self._members), len(schedule.origins), len(schedule.lags)
        self.F_s: Floats = np.full(shape, np.nan)
        self.msd: Floats = np.full(shape, np.nan)

    def take(self, positions: Floats, due: list[tuple[int, int]]) -> None:
        """Take unwrapped positions, shape (N, 3) [length], of a step at which `due` is due (see Schedule.events)."""
        for origin, lag in due:
            if lag < 0:
                self._starts[origin] = positions
                continue
            squared = squared_displacements(self._starts[origin], positions)
            for kind, (member, k) in enumerate(zip(self._members, self._k, strict=True)):
                self.F_s[kind, origin, lag] = scattering(squared[member], float(k))
                self.msd[kind, origin, lag] = np.mean(squared[member])
            if lag == self._last:
                del self._starts[origin]


def squared_displacements(before: Floats, after: Floats) -> Floats:
    """Return d^2 of unwrapped positions, shape (N, 3), relative to all particles' mean displacement, shape (N,)."""
    moved = after - before
    moved -= moved.mean(axis=0)
    return np.asarray(np.einsum("ij,ij->i", moved, moved))


def scattering(squared: Floats, k: float) -> float:
    """Return < sin(k d) / (k d) > of squared displacements d^2, shape (n,) [length^2]; k in [1/length]."""
    return float(np.mean(np.sinc(k / np.pi * np.sqrt(squared))))


def decay_time(t: Floats, F: Floats, level: float = float(np.exp(-1))) -> float | None:
    """Return when F, shape (n,), which is 1 at t = 0, first falls to `level` [time]; None if it does not.

    Between two points F is taken as linear in log t, before the first as linear in t.
    """
    below = np.flatnonzero(level >= F)
    if not len(below):
        return None
    i = int(below[0])
    if i == 0:
        return float(t[0] * (1 - level) / (1 - F[0]))
    part = (F[i - 1] - level) / (F[i - 1] - F[i])
    return float(t[i - 1] * (t[i] / t[i - 1]) ** part)


def decay_time_and_error(t: Floats, series: Floats) -> tuple[float, float] | None:
    """Return when the mean of F over origins, shape (origins, n), falls to 1/e, and its standard error [time].

    The error is that of F there over the slope of F. None if F does not fall so far.
    """
    mean, error = mean_and_error(series)
    tau = decay_time(t, mean)
    if tau is None:
        return None
    # The slope over a factor of 1.5 in time: between two neighbouring points it would be noise.
    low, high = np.interp(np.log([tau / 1.5, tau * 1.5]), np.log(t), mean)
    slope = (low - high) / (np.log(min(tau * 1.5, t[-1])) - np.log(max(tau / 1.5, t[0])))
    at = float(np.interp(np.log(tau), np.log(t), error))
    return tau, float(tau * at / max(slope, 1e-9))


def decades(t: Floats, F: Floats, end: float) -> Floats:
    """Return the integral of F over log10 t from t_1 to `end`, shape (...), of F, shape (..., n).

    F is taken as 0 beyond the last of the times t, shape (n,), which must lie before `end`: give curves that have
    decayed. It measures how long correlations last, in decades, also where F does not fall to 1/e.

    Raises:
        SimulationError: if the times go beyond `end`.
    """
    if t[-1] > end * (1 + 1e-6):
        raise SimulationError(f"times up to {t[-1]:g} go beyond the end of the integral, {end:g}")
    return np.asarray(np.trapezoid(F, np.log10(t), axis=-1))
