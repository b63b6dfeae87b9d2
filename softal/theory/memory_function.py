"""Memory functions as sums of stretched exponentials.

    M(t) = c + sum_{i=1..N_exp} w_i { (1 - a_i) exp(-(t / tau_i)^b_i) + a_i },

eq. 6 of S. Ciarella, M. Chiappini, E. Boattini, M. Dijkstra, L. M. C. Janssen, Mach. Learn.: Sci. Technol. 4, 025010
(2023). Only c + sum w_i a_i, which is M at infinite time, and w_i (1 - a_i) matter: a_i = 0 loses nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.memory_equation import Grids, Memory

Ints = NDArray[np.int64]

CLOSED_FORM = 8  # intervals from 0 on, whose average is exact; in the others Simpson's rule is, to 1e-7
GONE = 200.0  # (t / tau)^b from which on an exponential is zero
TINY = 1e-250  # (t / tau)^b below which rounding to 0 is near: it is not made from the block before
# From and to which value, and how that is called; Gamma(1 + 1/b) and (t / tau)^b are to be numbers of 64 bits.
ALLOWED = {
    "tau": (np.finfo(float).tiny, np.inf, "a finite number above 0"),
    "b": (0.01, 100.0, "a number from 0.01 to 100"),
}


@dataclass(frozen=True)
class StretchedExponentials(Memory):
    """P memory functions, each a constant and N_exp stretched exponentials; compressed ones where b > 1.

    Attributes:
        c: (P,) [1/time].
        w: weights, of either sign, (P, N_exp) [1/time].
        a: part of each weight that does not decay, (P, N_exp).
        tau: (P, N_exp) [time], above 0.
        b: exponents (P, N_exp), from 0.01 to 100.

    Raises:
        TheoryError: for another shape, a number that is not finite, tau <= 0, or b below 0.01 or above 100.
    """

    c: Floats
    w: Floats
    a: Floats
    tau: Floats
    b: Floats

    def __post_init__(self) -> None:
        shape = np.shape(self.w)
        if len(shape) != 2 or np.shape(self.c) != shape[:1]:
            raise TheoryError(f"c and w have the shapes {np.shape(self.c)} and {shape}; allowed: (P,) and (P, N_exp)")
        for name in ("c", "w", "a", "tau", "b"):
            values = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if name != "c" and values.shape != shape:
                raise TheoryError(f"{name} has the shape {values.shape}; allowed: {shape}, as w")
            _check(name, values)
            object.__setattr__(self, name, values)

    @classmethod
    def one(
        cls, c: float = 0.0, w: ArrayLike = (), tau: ArrayLike = (), b: ArrayLike = (), a: ArrayLike | None = None
    ) -> StretchedExponentials:
        """Return a single memory function, P = 1, of c and N_exp numbers each; a = 0 where it is not given."""
        rows = [np.atleast_2d(np.asarray(part, dtype=np.float64)) for part in (w, tau, b)]
        parts = np.zeros_like(rows[0]) if a is None else np.atleast_2d(np.asarray(a, dtype=np.float64))
        return cls(np.array([c], dtype=np.float64), rows[0], parts, rows[1], rows[2])

    @property
    def size(self) -> int:
        """P."""
        return len(self.c)

    @property
    def modes(self) -> int:
        """N_exp."""
        return int(self.w.shape[1])

    @property
    def constant(self) -> Floats:
        """M at infinite time, c + sum w_i a_i, (P,) [1/time]."""
        return np.asarray(self.c + np.sum(self.w * self.a, axis=1))

    @property
    def decaying(self) -> Floats:
        """What decays of each weight, w_i (1 - a_i), (P, N_exp) [1/time]."""
        return np.asarray(self.w * (1 - self.a))

    def __getitem__(self, rows: slice | Ints) -> StretchedExponentials:
        """Return some of the memory functions."""
        return StretchedExponentials(self.c[rows], self.w[rows], self.a[rows], self.tau[rows], self.b[rows])

    def values(self, t: Floats) -> Floats:
        """Return M at the times t, (n,) or (P, n), as (P, n)."""
        with np.errstate(over="ignore"):  # exp(-infinity) is 0
            x = (np.atleast_2d(t)[:, None] / self.tau[..., None]) ** self.b[..., None]
        return np.asarray(self.constant[:, None] + np.sum(self.decaying[..., None] * np.exp(-x), axis=1))

    def scale(self) -> Floats:
        """Return |c + sum w_i a_i| + sum |w_i (1 - a_i)|, at least |M(0)|, (P,): weights may cancel each other."""
        return np.asarray(np.abs(self.constant) + np.sum(np.abs(self.decaying), axis=1))

    def on(self, grids: Grids) -> tuple[Floats, Floats]:
        """Return M at the grids' times and its averages over the intervals that end there, each (P, n_t)."""
        M = np.zeros((self.size, int(grids.sizes.max(initial=1))))
        M += self.constant[:, None]
        M_mean = M.copy()
        _add_modes(self.decaying, self.tau, self.b, grids.first_step, grids.blocks, grids.points, M, M_mean)
        return M, M_mean


def _check(name: str, values: Floats) -> None:
    least, most, allowed = ALLOWED.get(name, (-np.inf, np.inf, "a finite number"))
    wrong = np.argwhere(~np.isfinite(values) | (values < least) | (values > most))
    if len(wrong):
        p, *mode = wrong[0]
        of = f" of mode {mode[0] + 1}" if mode else ""
        raise TheoryError(f"memory function {p}: {name}{of} is {values[tuple(wrong[0])]:g}; allowed: {allowed}")


@nb.njit(cache=True, error_model="numpy")
def _add_modes(
    w: Floats, tau: Floats, b: Floats, first_step: Floats, blocks: Ints, n: int, M: Floats, M_mean: Floats
) -> None:
    """Add the exponentials to M and M_mean (P, n_t).

    x = (t / tau)^b in the second half of a block is 2^b times what it is in the block before.
    """
    x, middle = np.empty(n + 1), np.empty(n + 1)  # at the points, and half an interval before them
    for p in range(len(w)):
        for i in range(w.shape[1]):
            h, power, weight = first_step[p] / tau[p, i], b[p, i], w[p, i]
            M[p, 0] += weight
            x[0] = 0.0
            for j in range(1, n + 1):
                x[j], middle[j] = (j * h) ** power, ((j - 0.5) * h) ** power
            _add_first(x, middle, power, weight, M[p], M_mean[p])
            done, factor, step = n, 2.0**power, h
            for _ in range(1, blocks[p]):
                if x[n] > GONE:
                    break
                before, step = np.exp(-x[n]), 2 * step
                for j in range(n // 2 + 1, n + 1):
                    x[j] = x[j] * factor if x[j] > TINY else (j * step) ** power
                    middle[j] = middle[j] * factor if middle[j] > TINY else ((j - 0.5) * step) ** power
                    value = np.exp(-x[j])
                    done += 1
                    M[p, done] += weight * value
                    M_mean[p, done] += weight * (before + 4 * np.exp(-middle[j]) + value) / 6
                    before = value


@nb.njit(cache=True, error_model="numpy")
def _add_first(x: Floats, middle: Floats, b: float, weight: float, M: Floats, M_mean: Floats) -> None:
    """Add an exponential in the first block."""
    begin = 0.0  # its integral so far, in steps
    for j in range(1, len(x)):
        value = np.exp(-x[j])
        M[j] += weight * value
        if j <= CLOSED_FORM:
            end = j * _average(x[j], b)
            M_mean[j] += weight * (end - begin)
            begin = end
        else:
            M_mean[j] += weight * (np.exp(-x[j - 1]) + 4 * np.exp(-middle[j]) + value) / 6


@nb.njit(cache=True, error_model="numpy")
def _average(x: float, b: float) -> float:
    """Return (1/t) int_0^t exp(-(s/tau)^b) ds with x = (t/tau)^b.

    The series of the incomplete gamma function, exp(-x) sum_n (b x)^n / [(1 + b) (1 + 2b) ... (1 + n b)]; where x is
    large, the complete one.
    """
    if x > GONE:
        return float(math.gamma(1 + 1 / b) * x ** (-1 / b))
    term, total, n = 1.0, 1.0, 0
    while term > 1e-17 * total:
        n += 1
        term *= b * x / (1 + n * b)
        total += term
    return float(total * np.exp(-x))
