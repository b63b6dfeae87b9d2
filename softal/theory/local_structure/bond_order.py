r"""Bond order in space: how the directions to a particle's neighbours are arranged, whichever way they are turned.

    q_lm(i)  = 1/N_b(i) sum_{j in N_b(i)} Y_lm(r_ij)
    q_l(i)   = sqrt(4 pi / (2l + 1) sum_m |q_lm(i)|^2)
    w_l(i)   = sum_{m1 + m2 + m3 = 0} (l l l; m1 m2 m3) q_lm1 q_lm2 q_lm3 / (sum_m |q_lm|^2)^(3/2)

Averaged over i and its neighbours k, N_b(i) + 1 in all: q_lm, of which q_l and w_l are made then (Lechner and Dellago),
or q_l itself, as a scalar. Where a particle has no neighbours, all are 0; w_l is 0, too, where q_l vanishes.

With q_lm of m >= 0 only, as q_l,-m = (-1)^m q_lm*; column of (l, m): those of smaller l of the degrees, then m.

Sources: P. J. Steinhardt, D. R. Nelson, M. Ronchetti, Phys. Rev. B 28, 784 (1983), eqs. 1.3, 1.4, 1.7; W. Lechner,
C. Dellago, J. Chem. Phys. 129, 114707 (2008), eqs. 5 to 7; E. Boattini's thesis (Utrecht, 2021), eqs. 3.2 to 3.5, and
5.5 for the scalars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numba as nb
import numpy as np
from numpy.typing import NDArray

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.local_structure.neighbours import Integers, Neighbours
from softal.theory.local_structure.wigner import terms

HIGHEST = 64  # l, up to which the recurrence was compared with SciPy
NOTHING = 1e-10  # q_l below which its w_l is one of rounding


@dataclass(frozen=True)
class BondOrder:
    """Bond order of a configuration.

    Attributes:
        neighbours: of each particle.
        degrees: l, ascending, (L,).
        q_lm: (N, sum of l + 1).
    """

    neighbours: Neighbours
    degrees: tuple[int, ...]
    q_lm: NDArray[np.complex128]

    @classmethod
    def of(cls, neighbours: Neighbours, degrees: Sequence[int]) -> BondOrder:
        """Return the bond order of some degrees l; TheoryError for none, or such as cannot be."""
        wanted = tuple(sorted(set(degrees)))
        if not wanted or wanted[0] < 0 or wanted[-1] > HIGHEST:
            raise TheoryError(f"degrees of bond order are {list(wanted)}; allowed: one or more, from 0 to {HIGHEST}")
        columns = np.full(wanted[-1] + 1, -1)
        columns[list(wanted)] = _columns(wanted)[:-1]
        seeds, first, second = _recurrence(wanted[-1])
        found = _harmonics(
            neighbours.first,
            np.ascontiguousarray(neighbours.away),
            columns,
            sum(wanted) + len(wanted),
            seeds,
            first,
            second,
        )
        return cls(neighbours, wanted, found)

    def averaged(self) -> BondOrder:
        """Return it with q_lm averaged over each particle and its neighbours."""
        near = self.neighbours
        return BondOrder(near, self.degrees, _averaged(near.first, near.who, self.q_lm))

    @property
    def q(self) -> Floats:
        """q_l of all degrees, (N, L)."""
        return np.asarray(_q(self.q_lm, np.array(self.degrees), _columns(self.degrees)))

    @property
    def w(self) -> Floats:
        """w_l of the even degrees, (N, number of these); of odd ones it is zero."""
        columns = dict(zip(self.degrees, _columns(self.degrees), strict=False))
        even = [degree for degree in self.degrees if degree % 2 == 0]
        found = np.empty((len(self.q_lm), len(even)))
        for k, degree in enumerate(even):
            part = self.q_lm[:, columns[degree] : columns[degree] + degree + 1]
            _w(part, *terms(degree), NOTHING * sqrt((2 * degree + 1) / (4 * np.pi)), found[:, k])
        return found

    @property
    def scalars(self) -> Floats:
        """q_l, averaged as scalars over each particle and its neighbours, (N, L)."""
        return mean_of(self.neighbours, self.q)


def mean_of(neighbours: Neighbours, values: Floats) -> Floats:
    """Return values (N, k) averaged over each particle and its neighbours."""
    return np.asarray(_averaged(neighbours.first, neighbours.who, np.ascontiguousarray(values, dtype=float)))


def _columns(degrees: Sequence[int]) -> Integers:
    """Return the column of (l, 0) for each degree, and the number of columns."""
    return np.concatenate([[0], np.cumsum(np.array(degrees) + 1)])


def _recurrence(highest: int) -> tuple[Floats, Floats, Floats]:
    """Return of Y_lm = A_lm(cos theta) (sin theta e^(i phi))^m: A_mm (m,), a and b (l, m) of

    A_lm = a_lm (cos theta A_l-1,m - b_lm A_l-2,m).
    """
    seeds, first, second = np.zeros(highest + 1), *np.zeros((2, highest + 1, highest + 1))
    for m in range(highest + 1):
        seeds[m] = sqrt(1 / (4 * np.pi)) if m == 0 else -seeds[m - 1] * sqrt((2 * m + 1) / (2 * m))
        for degree in range(m + 1, highest + 1):
            below = degree - 1
            first[degree, m] = sqrt((4 * degree**2 - 1) / (degree**2 - m**2))
            second[degree, m] = sqrt((below**2 - m**2) / (4 * below**2 - 1))
    return seeds, first, second


@nb.njit(cache=True)
def _harmonics(starts, away, columns, width, seeds, a, b):  # type: ignore[no-untyped-def]
    n, highest = len(starts) - 1, len(seeds) - 1
    found = np.zeros((n, width), np.complex128)
    for i in range(n):
        for p in range(starts[i], starts[i + 1]):
            r = np.sqrt(away[p, 0] ** 2 + away[p, 1] ** 2 + away[p, 2] ** 2)
            z, turn, power = away[p, 2] / r, complex(away[p, 0], away[p, 1]) / r, complex(1.0, 0.0)
            for m in range(highest + 1):
                before, now = 0.0, seeds[m]
                for degree in range(m, highest + 1):
                    if degree > m:
                        before, now = now, a[degree, m] * (z * now - b[degree, m] * before)
                    if columns[degree] >= 0:
                        found[i, columns[degree] + m] += now * power
                power *= turn
        if starts[i + 1] > starts[i]:
            found[i] /= starts[i + 1] - starts[i]
    return found


@nb.njit(cache=True)
def _averaged(starts, who, values):  # type: ignore[no-untyped-def]
    found = values.copy()
    for i in range(len(starts) - 1):
        for p in range(starts[i], starts[i + 1]):
            for k in range(values.shape[1]):
                found[i, k] += values[who[p], k]
        for k in range(values.shape[1]):
            found[i, k] /= starts[i + 1] - starts[i] + 1
    return found


@nb.njit(cache=True)
def _squared(part):  # type: ignore[no-untyped-def]
    """Return sum_m |q_lm|^2 of m >= 0 (l + 1,), both signs of m counted."""
    total = part[0].real ** 2 + part[0].imag ** 2
    for m in range(1, len(part)):
        total += 2 * (part[m].real ** 2 + part[m].imag ** 2)
    return total


@nb.njit(cache=True)
def _q(q_lm, degrees, columns):  # type: ignore[no-untyped-def]
    found = np.empty((len(q_lm), len(degrees)))
    for i in range(len(q_lm)):
        for k in range(len(degrees)):
            total = _squared(q_lm[i, columns[k] : columns[k + 1]])
            found[i, k] = np.sqrt(4 * np.pi / (2 * degrees[k] + 1) * total)
    return found


@nb.njit(cache=True)
def _w(part, orders, symbols, nothing, found):  # type: ignore[no-untyped-def]
    """Write w_l (N,) of q_lm (N, l + 1)."""
    top = part.shape[1] - 1
    full = np.empty(2 * top + 1, np.complex128)
    for i in range(len(part)):
        norm = np.sqrt(_squared(part[i]))
        found[i] = 0.0
        if norm <= nothing:
            continue
        for m in range(top + 1):
            full[top + m] = part[i, m] / norm
            full[top - m] = (1 - 2 * (m % 2)) * full[top + m].conjugate()
        for k in range(len(orders)):
            one = full[top + orders[k, 0]] * full[top + orders[k, 1]] * full[top + orders[k, 2]]
            found[i] += symbols[k] * one.real
