"""Potential energies of configurations at P times, with forces and Hessian products.

`LennardJones` is what the paper has; `Harmonic` has trajectories in closed form. Units: sigma, epsilon and
any mass, so that times are in sigma (m / epsilon)^(1/2).

The paper does not say where it cuts the potential off (eq. 6 does not). In a periodic box it is switched off between
0.8 r_c and r_c here (`pairs`): at a plain cutoff accelerations would jump, and no smooth representation of a
trajectory could follow them. Free clusters have no cutoff, if none is given.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.least_action import pairs

SWITCH = 0.8  # where the potential begins to be switched off, in cutoffs
SKIN = 0.3  # how far lists of pairs reach beyond the cutoff [sigma]
ROOM = 40  # pairs for each atom at first


class Linearised(Protocol):
    """The energy at given configurations, to second order.

    Attributes:
        energy: (P,) [epsilon].
        forces: (P, N, d) [epsilon/sigma].
    """

    energy: Floats
    forces: Floats

    def hessian_product(self, v: Floats) -> Floats:
        """Return the Hessian of the energy at each time, times v (P, N, d)."""
        ...


class Potential(Protocol):
    """A potential energy of N atoms."""

    def linearised(self, q: Floats) -> Linearised:
        """Return energy, forces and Hessian at configurations q (P, N, d) [sigma], which need not be in the box."""
        ...


@dataclass(frozen=True)
class LennardJones:
    """Lennard-Jones atoms, free or in a periodic box; see the module.

    Attributes:
        edges: of the box, (d,) [sigma]; infinite where it is open.
        cutoff: r_c [sigma]; infinite only where no edge is periodic.

    Raises:
        TheoryError: a cutoff that is not positive, or longer than half of a periodic edge.
    """

    edges: tuple[float, ...]
    cutoff: float = math.inf

    def __post_init__(self) -> None:
        if len(self.edges) not in (2, 3) or not all(edge > 0 for edge in self.edges):
            raise TheoryError(f"the box has the edges {self.edges}; allowed: two or three positive ones")
        if not self.cutoff > 0:
            raise TheoryError(f"the cutoff is {self.cutoff:g}; allowed: a number above 0")
        if self.cutoff > min(self.edges) / 2:
            raise TheoryError(
                f"the cutoff {self.cutoff:g} is longer than half of the shortest edge, {min(self.edges) / 2:g}: "
                "a larger box or a shorter cutoff is needed"
            )

    @classmethod
    def free(cls, dimension: int = 3) -> LennardJones:
        """Return atoms in open space without cutoff."""
        return cls((math.inf,) * dimension)

    def linearised(self, q: Floats) -> PairSums:
        """Return energy, forces and Hessian at configurations q (P, N, d) [sigma]."""
        return self.lists(q).linearised(q)

    def lists(self, q: Floats) -> Lists:
        """Return lists of the pairs at configurations q (P, N, d), for these and those near them."""
        if q.ndim != 3 or q.shape[2] != len(self.edges):
            raise TheoryError(f"configurations have the shape {q.shape}; allowed: (times, atoms, {len(self.edges)})")
        return Lists(self, q)


class Lists:
    """Pairs that may interact at P times; good until an atom has gone half of the skin.

    Args:
        potential: whose pairs.
        q: configurations (P, N, d) [sigma].
    """

    def __init__(self, potential: LennardJones, q: Floats) -> None:
        self.potential = potential
        self._made_at = np.array(q)
        self._pairs, self._begin = _all_pairs(q) if math.isinf(potential.cutoff) else self._near(q)

    def linearised(self, q: Floats) -> PairSums:
        """Return energy, forces and Hessian at q (P, N, d); lists are made anew where they are too old."""
        if not math.isinf(self.potential.cutoff) and self._moved(q) > SKIN / 2:
            self._made_at = np.array(q)
            self._pairs, self._begin = self._near(q)
        return PairSums(self.potential, q, self._pairs, self._begin)

    def _moved(self, q: Floats) -> float:
        """Return how far an atom has gone since, at most [sigma]."""
        if q.shape != self._made_at.shape:
            return math.inf
        return float(np.sqrt(np.max(np.sum((q - self._made_at) ** 2, axis=2), initial=0.0)))

    def _near(self, q: Floats) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        edges, reach = np.asarray(self.potential.edges), self.potential.cutoff + SKIN
        room, found, begin = ROOM * q.shape[1], [], np.zeros(len(q) + 1, dtype=np.int64)
        for t, configuration in enumerate(np.ascontiguousarray(q)):
            listed = np.empty((room, 2), dtype=np.int32)
            while (count := pairs.list_pairs(configuration, edges, reach, listed)) > room:
                room = int(1.2 * count)
                listed = np.empty((room, 2), dtype=np.int32)
            found.append(listed[:count])
            begin[t + 1] = begin[t] + count
        return np.concatenate(found), begin


def _all_pairs(q: Floats) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    one = np.array(np.triu_indices(q.shape[1], 1), dtype=np.int32).T
    return np.tile(one, (len(q), 1)), np.arange(len(q) + 1) * len(one)


class PairSums:
    """Energy, forces and Hessian of pairs at P times; see Linearised."""

    def __init__(self, potential: LennardJones, q: Floats, listed: NDArray[np.int32], begin: NDArray[np.int64]) -> None:
        self.energy, forces, n = np.zeros(len(q)), np.zeros((*q.shape[:2], 3)), len(listed)
        self._near = (np.empty((n, 2), np.int32), np.zeros(len(begin), np.int64), np.empty((n, 3)), *np.empty((2, n)))
        end = potential.cutoff**2
        start = end if math.isinf(end) else (SWITCH * potential.cutoff) ** 2
        edges = np.array([edge if math.isfinite(edge) else 0.0 for edge in (*potential.edges, math.inf)[:3]])
        pairs.sum_pairs(in_space(q), edges, listed, begin, start, end, self.energy, forces, *self._near)
        self.forces: Floats = forces[..., : q.shape[2]]

    def hessian_product(self, v: Floats) -> Floats:
        """Return the Hessian of the energy at each time, times v (P, N, d)."""
        out = np.zeros((*v.shape[:2], 3))
        pairs.hessian_product(in_space(v), *self._near, out)
        return out[..., : v.shape[2]]


def switched(r: Floats, cutoff: float) -> tuple[Floats, Floats]:
    """Return U(r) and -dU/dr of a pair, switched off before the cutoff, at distances r > 0 (n,) [sigma]."""
    distance = np.atleast_1d(np.asarray(r, dtype=np.float64))
    start, end = (SWITCH * cutoff) ** 2, cutoff**2
    U, slope = np.array([pairs.pair_terms(s, start, end)[:2] if s < end else (0.0, 0.0) for s in distance**2]).T
    return U, -2 * slope * distance


def in_space(v: Floats) -> Floats:
    """Return v (P, N, d) with three components, those of the plane with a zero."""
    return np.ascontiguousarray(v if v.shape[2] == 3 else np.pad(v, ((0, 0), (0, 0), (0, 1))))


@dataclass(frozen=True)
class Harmonic:
    """Atoms bound to places, U = sum_i k |r_i - place_i|^2 / 2; with k = 0 they are free.

    Attributes:
        stiffness: k [epsilon/sigma^2].
        places: (N, d) [sigma], or one number.
    """

    stiffness: float
    places: Floats | float = 0.0

    def linearised(self, q: Floats) -> _HarmonicSums:
        """Return energy, forces and Hessian at configurations q (P, N, d)."""
        apart = q - self.places
        return _HarmonicSums(
            0.5 * self.stiffness * np.sum(apart**2, axis=(1, 2)), -self.stiffness * apart, self.stiffness
        )


@dataclass(frozen=True)
class _HarmonicSums:
    energy: Floats
    forces: Floats
    stiffness: float

    def hessian_product(self, v: Floats) -> Floats:
        return self.stiffness * v
