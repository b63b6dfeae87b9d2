"""The memory equation, solved for P memory functions at once, over any number of decades of time.

    dF/dt + Gamma F(t) + int_0^t M(t - s) dF/ds ds = 0,    F(0) = 1,

with a memory function M(t) that is given and does not depend on F: eq. 5 of S. Ciarella, M. Chiappini, E. Boattini,
M. Dijkstra, L. M. C. Janssen, Mach. Learn.: Sci. Technol. 4, 025010 (2023).

Grid: M. Fuchs, W. Götze, I. Hofacker, A. Latz, J. Phys.: Condens. Matter 3, 5047 (1991). A block has points
t_i = i h, i = 1..n; its second half is solved for, then h doubles and every other point becomes the first half of the
next block. The convolution is split at t/2, so that M is differentiated only where it is smooth and dF/ds is taken
from the last half, where F is:

    int_0^t M(t - s) dF/ds ds = M_{i-m} F_m - M_i F_0 + sum_{j=1..m} (M_{i-j+1} - M_{i-j}) <F>_j
                                + sum_{j=1..i-m} <M>_j (F_{i-j+1} - F_{i-j}),    m = floor(i/2),

<X>_j the average of X over (t_{j-1}, t_j), which doubling the step keeps: (<X>_{2j} + <X>_{2j-1}) / 2. That of M is
made from its integral, since the slope of stretched exponentials diverges at 0; that of F is a trapezoid's. Two things
are added. dF/ds is not taken as constant in an interval, since few intervals hold all of a short memory when h is long,
but as linear, which needs the moments Q_j = (1/h^2) int (t - t_{j-1/2}) M(t) dt over (t_{j-1}, t_j); doubling makes
(Q_{2j} + Q_{2j-1}) / 4 + (<M>_{2j} - <M>_{2j-1}) / 8 of them. And with the scheme's result F' for n/2 points, whose
error is four times as large, (4 F - F') / 3 is of third order in 1/n.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import TheoryError
from softal.numeric import Floats

Ints = NDArray[np.int64]

POINTS = 128  # n: errors of F of some 1e-6
FIRST_STEP = 0.003  # h of the first block, in units of 1 / (Gamma + |M(0)|), the shortest time that F knows
MOST = 1e100  # of Gamma + |M(0)| [1/time]: squares of the first step's inverse are numbers of 64 bits
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)
_FIRST_NODES, _FIRST_WEIGHTS = np.polynomial.legendre.leggauss(16)
_POWER = 4  # t = h u^4 in the first interval: t^b, b > 0.25, becomes smooth


@dataclass(frozen=True)
class Grids:
    """The grids of P solutions: `blocks` with `points` points each, of which the first begins with `first_step`.

    Attributes:
        first_step: (P,) [time].
        blocks: (P,).
        points: n, a multiple of 8.
    """

    first_step: Floats
    blocks: Ints
    points: int

    @property
    def sizes(self) -> Ints:
        """Number of times on each grid, that of 0 included, (P,)."""
        return 1 + self.points + (self.blocks - 1) * (self.points // 2)

    @property
    def steps(self) -> Floats:
        """Times in units of the first step: 0..n, then the second half of each block, (the largest of `sizes`,)."""
        n, last = self.points, int(self.blocks.max(initial=1))
        half = np.arange(n // 2 + 1, n + 1)
        return np.concatenate([np.arange(n + 1.0), *(np.ldexp(half, k) for k in range(1, last))])

    @property
    def t(self) -> Floats:
        """Times (P, n_t) [time]; a row whose grid has fewer goes on beyond its end."""
        return np.asarray(self.first_step[:, None] * self.steps)


class Memory(ABC):
    """P memory functions M(t) [1/time]."""

    @property
    @abstractmethod
    def size(self) -> int:
        """P."""

    @abstractmethod
    def values(self, t: Floats) -> Floats:
        """Return M at the times t, (n,) or (P, n), as (P, n)."""

    def scale(self) -> Floats:
        """Return the largest rate of M, |M(0)| or more, (P,); F is resolved from its inverse on."""
        return np.asarray(np.abs(self.values(np.zeros(1))[:, 0]))

    def on(self, grids: Grids) -> tuple[Floats, Floats]:
        """Return M at the grids' times and its averages over the intervals that end there, each (P, n_t).

        Gauss-Legendre quadrature: 4 points in each interval, 16 in the first, there in u = (t/h)^(1/4).
        """
        t = grids.t
        widths = np.diff(t, axis=1)
        nodes = t[:, :-1, None] + widths[..., None] * (1 + _NODES) / 2
        averages = np.zeros_like(t)
        averages[:, 1:] = self.values(nodes.reshape(len(t), -1)).reshape(nodes.shape) @ _WEIGHTS / 2
        u = (1 + _FIRST_NODES) / 2
        first = self.values(t[:, 1, None] * u**_POWER)
        averages[:, 1] = first @ (_FIRST_WEIGHTS / 2 * _POWER * u ** (_POWER - 1))
        return self.values(t), averages


class Prescribed(Memory):
    """Memory functions given as a function of time.

    Args:
        M: t (P, n) [time] -> M (P, n) [1/time].
        size: P.
    """

    def __init__(self, M: Callable[[Floats], Floats], size: int = 1) -> None:
        self._M, self._size = M, size

    @property
    def size(self) -> int:
        """P."""
        return self._size

    def values(self, t: Floats) -> Floats:
        """Return M at the times t, (n,) or (P, n), as (P, n)."""
        t = np.broadcast_to(t, (self._size, t.shape[-1]))
        return np.asarray(np.broadcast_to(self._M(t), t.shape), dtype=np.float64)


@dataclass(frozen=True)
class Solution:
    """P correlation functions F(t) on their grids.

    Attributes:
        grids: P grids, of times (P, n_t) in `grids.t`.
        F: (P, n_t); NaN beyond a grid's end, infinite or NaN where M lets F grow without bound.
    """

    grids: Grids
    F: Floats

    def at(self, t: ArrayLike) -> Floats:
        """Return F at the times t (n,) [time], as (P, n): a cubic through the four nearest points of the grid.

        Raises:
            TheoryError: for a time that is negative, not finite, or beyond the last one.
        """
        times = np.atleast_1d(np.asarray(t, dtype=np.float64))
        last = float(np.min(self.grids.first_step * self.grids.steps[self.grids.sizes - 1], initial=np.inf))
        wrong = ~((times >= 0) & (times <= last * (1 + 1e-12)))
        if wrong.any():
            raise TheoryError(f"time {times[wrong][0]:g} is asked for; allowed: 0 to {last:g}")
        F = np.empty((len(self.F), len(times)))
        _interpolate(self.grids.steps, self.grids.first_step, self.grids.sizes, self.F, times, F)
        return F


def solve(
    memory: Memory, rate: ArrayLike, last: float, *, first_step: float | None = None, points: int = POINTS
) -> Solution:
    """Solve the memory equation for P memory functions from 0 to the time `last`.

    What comes out for one does not depend on the others.

    Args:
        memory: M(t), P of them [1/time].
        rate: Gamma > 0, for each (P,) or one for all [1/time].
        last: where the solutions end [time].
        first_step: the longest first step [time]; it is at most 0.003 / (Gamma + |M(0)|).
        points: n in a block, a multiple of 16; 128 gives F within some 1e-6, half as many within eight times that, in a
            third of the time.

    Returns:
        F (P, n_t) on the grid of n/2 points a block; `at` interpolates.

    Raises:
        TheoryError: for a rate, memory function, end, step or number of points that is not allowed.
    """
    gamma = _rates(rate, memory.size)
    if not 0 < last < np.inf:
        raise TheoryError(f"the last time is {last:g}; allowed: a finite number above 0")
    if first_step is not None and not 0 < first_step < np.inf:
        raise TheoryError(f"the first step is {first_step:g}; allowed: a finite number above 0")
    if points < 16 or points % 16:
        raise TheoryError(f"a block has {points} points; allowed: a multiple of 16")
    steps = np.minimum(_shortest_times(gamma, memory) * FIRST_STEP, np.inf if first_step is None else first_step)
    blocks = 1 + np.ceil(np.log2(np.maximum(last / (points * steps), 1.0))).astype(np.int64)
    fine = Grids(np.ldexp(last / points, 1 - blocks), blocks, points)
    M, M_mean = memory.on(fine)
    F = _marched(M, M_mean, gamma, fine)
    coarse = Grids(2 * fine.first_step, blocks, points // 2)
    M_mean = np.hstack([M_mean[:, :1], (M_mean[:, 1::2] + M_mean[:, 2::2]) / 2])
    with np.errstate(all="ignore"):  # a solution that grows without bound is infinite
        return Solution(coarse, (4 * F[:, ::2] - _marched(M[:, ::2].copy(), M_mean, gamma, coarse)) / 3)


def _rates(rate: ArrayLike, size: int) -> Floats:
    gamma = np.asarray(rate, dtype=np.float64)
    if gamma.shape not in ((), (1,), (size,)):
        raise TheoryError(f"rate has the shape {gamma.shape}; allowed: one number, or one for each of {size}")
    wrong = ~((gamma > 0) & np.isfinite(gamma))
    if wrong.any():
        raise TheoryError(f"rate is {gamma[wrong].flat[0]:g}; allowed: a finite number above 0")
    return np.broadcast_to(gamma, (size,)).copy()


def _shortest_times(gamma: Floats, memory: Memory) -> Floats:
    """Return 1 / (Gamma + |M(0)|), (P,) [time]."""
    with np.errstate(over="ignore"):
        fastest = gamma + memory.scale()
    wrong = np.flatnonzero(~(fastest < MOST))
    if len(wrong):
        p = wrong[0]
        raise TheoryError(f"memory function {p}: rate + |M(0)| is {fastest[p]:g}; allowed: a number below {MOST:g}")
    return np.asarray(1 / fastest)


def _marched(M: Floats, M_mean: Floats, rate: Floats, grids: Grids) -> Floats:
    F = np.full(M.shape, np.nan)
    _march(M, M_mean, rate, grids.first_step, grids.blocks, grids.points, F)
    return F


@nb.njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _march(M: Floats, M_mean: Floats, rate: Floats, first_step: Floats, blocks: Ints, n: int, F: Floats) -> None:
    """Solve for each row of F (P, n_t). The differences are kept backwards, so that the sums run along memory."""
    M_b, M_mean_b, F_b, F_mean_b = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1), np.empty(n + 1)
    fall_M, fall_F = np.empty(n + 1), np.empty(n + 1)  # X_{i-1} - X_i, at n - i
    Q = np.empty(n + 1)
    for p in range(len(F)):
        h, gamma, done, begin = first_step[p], rate[p], 0, 1
        M_b[0], F_b[0], F[p, 0] = M[p, 0], 1.0, 1.0
        for block in range(blocks[p]):
            if block > 0:
                for j in range(1, n // 2 + 1):
                    Q[j] = (Q[2 * j] + Q[2 * j - 1]) / 4 + (M_mean_b[2 * j] - M_mean_b[2 * j - 1]) / 8
                _double(M_b, M_mean_b, fall_M)
                _double(F_b, F_mean_b, fall_F)
                h, begin = 2 * h, n // 2 + 1
            for i in range(begin, n + 1):
                done += 1
                M_b[i], M_mean_b[i] = M[p, done], M_mean[p, done]
                fall_M[n - i] = M_b[i - 1] - M_b[i]
                Q[i] = -fall_M[n - i] / 12
                if i == 1:
                    # F of a memory that is constant over the step, to third order in h.
                    x, y = gamma * h, (gamma + M_mean_b[1]) * h
                    F_b[1], F_mean_b[1] = 1 - x * (1 - y / 2 + y * y / 6), 1 - x * (1 / 2 - y / 6 + y * y / 24)
                else:
                    m, q = i // 2, M_mean_b[1] / 2 + Q[1]
                    slope, bend = (4 * F_b[i - 1] - F_b[i - 2]) / 2, 2 * F_b[i - 1] - F_b[i - 2]
                    known = M_b[i] * F_b[0] - M_b[i - m] * F_b[m] + (1 / h + M_mean_b[1]) * slope - q * bend
                    for j in range(1, m + 1):
                        known += fall_M[n - i + j - 1] * F_mean_b[j]
                    for j in range(3, i - m + 1):
                        k = n - i + j - 1
                        known += fall_F[k] * M_mean_b[j] + (fall_F[k + 1] - fall_F[k - 1]) * (Q[j] / 2)
                    first = 1.5 * (1 / h + M_mean_b[1]) + gamma - q
                    if i > 2:
                        known += fall_F[n - i + 1] * M_mean_b[2] + (fall_F[n - i + 2] - F_b[i - 1]) * (Q[2] / 2)
                        first -= Q[2] / 2
                    F_b[i] = known / first
                    F_mean_b[i] = (F_b[i] + F_b[i - 1]) / 2
                fall_F[n - i] = F_b[i - 1] - F_b[i]
                F[p, done] = F_b[i]


@nb.njit(cache=True)
def _double(X: Floats, X_mean: Floats, fall: Floats) -> None:
    """Make every other point of a block, 0..n, the first half of the next."""
    n = len(X) - 1
    for j in range(1, n // 2 + 1):
        X_mean[j] = (X_mean[2 * j] + X_mean[2 * j - 1]) / 2
        X[j] = X[2 * j]
        fall[n - j] = X[j - 1] - X[j]


@nb.njit(cache=True)
def _interpolate(steps: Floats, first_step: Floats, sizes: Ints, F: Floats, t: Floats, out: Floats) -> None:
    """Interpolate by Lagrange's cubic through four points of the grid; out (P, n)."""
    for p in range(len(F)):
        for k in range(len(t)):
            x = t[k] / first_step[p]
            left = min(max(np.searchsorted(steps, x) - 2, 0), sizes[p] - 4)
            out[p, k] = 0.0
            for i in range(left, left + 4):
                weight = 1.0
                for j in range(left, left + 4):
                    if j != i:
                        weight *= (x - steps[j]) / (steps[i] - steps[j])
                out[p, k] += weight * F[p, i]
