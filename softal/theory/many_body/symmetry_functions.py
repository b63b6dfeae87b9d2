"""Symmetry functions of Behler and Parrinello, Phys. Rev. Lett. 98, 146401 (2007), in two or three dimensions.

    G2 = sum_j exp(-eta (r_ij - R_s)^2) f(r_ij)
    G3 = 2^(1 - xi) sum_jk (1 + lambda cos theta_ijk)^xi exp(-eta (r_ij^2 + r_ik^2 + r_jk^2)) f(r_ij) f(r_ik) f(r_jk)
    f(r) = (cos(pi r / r_c) + 1) / 2 within the cutoff r_c, else 0

The sum over j and k is over ordered pairs of different neighbours, each two of them twice. Lengths are in the unit of
r_c, and eta in that to the power of -2.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numba as nb
import numpy as np
from numpy.typing import NDArray

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body.neighbours import near, neighbours


@dataclass(frozen=True)
class SymmetryFunctions:
    """A set of functions, in the order radial, then angular.

    Args:
        cutoff: r_c.
        radial: (eta, R_s) of each G2, (a, 2).
        angular: (eta, xi, lambda) of each G3, (b, 3); lambda is 1 or -1.

    Raises:
        TheoryError: for a set that is empty, or parameters that cannot be.
    """

    cutoff: float
    radial: Floats = field(default_factory=lambda: np.empty((0, 2)))
    angular: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def __post_init__(self) -> None:
        for name, width in (("radial", 2), ("angular", 3)):
            object.__setattr__(self, name, np.array(getattr(self, name), dtype=float).reshape(-1, width))
        if not len(self):
            raise TheoryError("a set of symmetry functions is empty; allowed: one or more")
        if not (np.isfinite(self.cutoff) and self.cutoff > 0):
            raise TheoryError(f"the cutoff is {self.cutoff}; allowed: above 0")
        if not np.isin(self.angular[:, 2], (-1, 1)).all():
            raise TheoryError("lambda of an angular symmetry function is neither 1 nor -1")
        if (self.angular[:, 1] <= 0).any() or not (np.isfinite(self.radial).all() and np.isfinite(self.angular).all()):
            raise TheoryError("parameters of symmetry functions have to be finite, and xi above 0")

    def __len__(self) -> int:
        return len(self.radial) + len(self.angular)

    def take(self, chosen: NDArray[np.int64] | list[int]) -> SymmetryFunctions:
        """Return some of them, by their numbers; radial ones come first, each kind in the order given."""
        numbers, a = np.asarray(chosen, dtype=int), len(self.radial)
        return SymmetryFunctions(
            self.cutoff, self.radial[numbers[numbers < a]], self.angular[numbers[numbers >= a] - a]
        )

    def values(self, positions: Floats, box: Floats, some: NDArray[np.int64] | None = None) -> Floats:
        """Return the functions of all particles in a periodic box, or of some.

        Args:
            positions: (N, d), d = 2 or 3.
            box: its sides, (d,).
            some: numbers of the particles, (n,); None: all.

        Returns:
            (N, M), or (n, M).

        Raises:
            TheoryError: if the cutoff is more than half a side, or shapes do not fit.
        """
        positions, box = self._checked(positions, box)
        wanted = np.arange(len(positions)) if some is None else np.asarray(some, dtype=np.int64)
        return np.asarray(_values(positions, box, self.cutoff, self.radial, self.angular, wanted))

    def after_move(self, values: Floats, positions: Floats, box: Floats, i: int, to: Floats) -> Floats:
        """Return the values (N, M) after particle i has moved; those of particles far from it stay as they are.

        Args:
            values: before.
            positions, box: as of `values`, before.
            i: number of the particle.
            to: where it is then, (d,).
        """
        positions, box = self._checked(positions, box)
        to = np.ascontiguousarray(to, dtype=float)
        return np.asarray(
            _after_move(values.copy(), positions.copy(), box, self.cutoff, self.radial, self.angular, i, to)
        )

    def _checked(self, positions: Floats, box: Floats) -> tuple[Floats, Floats]:
        positions, box = np.ascontiguousarray(positions, dtype=float), np.ascontiguousarray(box, dtype=float)
        if positions.ndim != 2 or positions.shape[1] not in (2, 3) or box.shape != positions.shape[1:]:
            raise TheoryError(
                f"positions of shape {positions.shape} in a box of {box.shape}; allowed: (N, d) and (d,), d = 2 or 3"
            )
        if 2 * self.cutoff > box.min():
            raise TheoryError(
                f"the cutoff {self.cutoff:g} is more than half the box, whose shortest side is {box.min():g}"
            )
        return positions, box


def pool(cutoff: float = 1.0) -> SymmetryFunctions:
    """Return the 108 candidates of E. Boattini's thesis (sec. 2.3.3), whose lengths are in units of the cutoff.

    15 Gaussians at 0 with eta from 0.001 to 24 (on a logarithmic scale; the thesis gives the ends), 45 at 0.1 to 0.9,
    and 48 angular ones.
    """
    at_zero = [(eta, 0.0) for eta in np.geomspace(0.001, 24, 15)]
    shifted = [(eta, place) for eta in (1, 2, 4, 8, 16) for place in np.linspace(0.1, 0.9, 9)]
    angular = [(eta, xi, sign) for sign in (-1, 1) for eta in (0.01, 0.1, 1, 2, 4, 8) for xi in (1, 2, 4, 8)]
    radial = np.array(at_zero + shifted) * [cutoff**-2, cutoff]
    return SymmetryFunctions(cutoff, radial, np.array(angular) * [cutoff**-2, 1, 1])


@nb.njit(cache=True)
def _values(positions, box, cutoff, radial, angular, wanted):  # type: ignore[no-untyped-def]
    found = np.empty((len(wanted), len(radial) + len(angular)))
    away = np.empty((len(positions), len(box)))
    for row, i in enumerate(wanted):
        count = neighbours(positions, box, cutoff, i, away)
        _of_one(away[:count], cutoff, radial, angular, found[row])
    return found


@nb.njit(cache=True)
def _after_move(values, positions, box, cutoff, radial, angular, i, to):  # type: ignore[no-untyped-def]
    n = len(positions)
    before = positions[i].copy()
    positions[i] = to
    away = np.empty((n, len(box)))
    for j in range(n):
        if j == i or near(positions[j], before, box, cutoff) or near(positions[j], to, box, cutoff):
            count = neighbours(positions, box, cutoff, j, away)
            _of_one(away[:count], cutoff, radial, angular, values[j])
    return values


@nb.njit(cache=True)
def _of_one(away, cutoff, radial, angular, found):  # type: ignore[no-untyped-def]
    """Write the functions of a particle whose neighbours are `away` from it."""
    n, a = len(away), len(radial)
    found[:] = 0.0
    r, f = np.empty(n), np.empty(n)
    for j in range(n):
        r[j] = np.sqrt(np.sum(away[j] ** 2))
        f[j] = _cut(r[j], cutoff)
        for m in range(a):
            found[m] += np.exp(-radial[m, 0] * (r[j] - radial[m, 1]) ** 2) * f[j]
    if len(angular) == 0:
        return
    for j in range(n):
        for k in range(j):
            apart = np.sqrt(np.sum((away[j] - away[k]) ** 2))
            if apart >= cutoff:
                continue
            cosine = np.sum(away[j] * away[k]) / (r[j] * r[k])
            cosine = min(1.0, max(-1.0, cosine))
            together = 2 * f[j] * f[k] * _cut(apart, cutoff)
            squares = r[j] ** 2 + r[k] ** 2 + apart**2
            for m in range(len(angular)):
                eta, xi, sign = angular[m, 0], angular[m, 1], angular[m, 2]
                found[a + m] += 2 ** (1 - xi) * (1 + sign * cosine) ** xi * np.exp(-eta * squares) * together


@nb.njit(cache=True)
def _cut(r, cutoff):  # type: ignore[no-untyped-def]
    return (np.cos(np.pi * r / cutoff) + 1) / 2 if r < cutoff else 0.0
