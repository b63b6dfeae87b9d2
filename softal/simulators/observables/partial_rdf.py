"""Partial radial distribution functions g_ab(r) of particles of several kinds in a periodic cube.

    g_ab(r) = V / (N_a (N_b - delta_ab)) < sum_{i in a} sum_{j in b, j != i} delta(r - r_ij) > / (4 pi r^2)

Convention: as in `rdf`, an ideal gas of any size has g_ab = 1; `r` is the middle of a bin. All pairs of kinds come from
one search for neighbours.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.periodic import periodic_tree

Pair = tuple[int, int]
ALL_PAIRS = 600  # up to so many particles, the distances of all pairs are faster than a search for neighbours


class PartialDistributions:
    """g_ab(r) of one box; see the module.

    Args:
        types: kind of each particle, shape (N,), from 0.
        box_length: L [length].
        r_max: at most L/2 [length].
        bin_width: of r, adjusted to divide r_max [length].

    Attributes:
        pairs: (a, b), a <= b, in the order of the results.
        r_values: middle of each bin, shape (b,) [length].
        edges: of the bins, shape (b + 1,) [length].
        ideal: pairs (a, b) of an ideal gas in each bin, shape (pairs, b).
    """

    def __init__(self, types: NDArray[np.intp], box_length: float, r_max: float, bin_width: float) -> None:
        if not 0 < r_max <= box_length / 2:
            raise SimulationError(f"r_max = {r_max:g} is not allowed: g(r) reaches to half the box, {box_length / 2:g}")
        self._types, self._box_length, self._r_max = types, box_length, r_max
        self._number = np.bincount(types)
        self.pairs: list[Pair] = list(combinations_with_replacement(range(len(self._number)), 2))
        self.edges: Floats = np.linspace(0, r_max, max(1, round(r_max / bin_width)) + 1)
        self.r_values: Floats = (self.edges[1:] + self.edges[:-1]) / 2
        shells = 4 / 3 * np.pi * np.diff(self.edges**3) / box_length**3
        self.ideal: Floats = np.array([self._count(*pair) * shells for pair in self.pairs])
        # Index of a pair of kinds, whichever comes first.
        kinds = len(self._number)
        self._index = np.zeros((kinds, kinds), dtype=np.intp)
        for index, (a, b) in enumerate(self.pairs):
            self._index[a, b] = self._index[b, a] = index

    def _count(self, a: int, b: int) -> float:
        n = self._number
        return float(n[a] * (n[a] - 1) / 2 if a == b else n[a] * n[b])

    def compute(self, positions: Floats) -> Floats:
        """Return g_ab(r), shape (pairs, b), of positions, shape (N, 3) [length]; they need not be in the box."""
        return self.counts(positions) / self.ideal

    def counts(self, positions: Floats) -> Floats:
        """Return the number of pairs (a, b) in each bin, shape (pairs, b)."""
        first, second, distance = close_pairs(positions, self._box_length, self._r_max)
        return self._summed(self._cells(first, second, distance))

    def counts_and_forces(self, positions: Floats, forces: Floats) -> tuple[Floats, Floats]:
        """Return the number of pairs (a, b) in each bin, and what forces say of it, both of shape (pairs, b).

        Args:
            positions: shape (N, 3) [length].
            forces: on the particles, shape (N, 3) [energy/length].

        Returns:
            counts, and sum_pairs f_ij u_b(r_ij) / r_ij^2 [energy/length^3], f_ij and u_b as in `force_distribution`.
        """
        first, second, distance = close_pairs(positions, self._box_length, self._r_max)
        along = np.zeros(len(first))
        for x, force in zip(positions.T / self._box_length, forces.T, strict=True):
            apart = x[second] - x[first]
            apart -= np.rint(apart)
            along += apart * (force[second] - force[first])
        weights = along * (self._box_length / 2) / distance**3
        cells = self._cells(first, second, distance)
        cubes = self.edges**3
        index = cells % len(self.r_values)
        outside = (cubes[index + 1] - distance**3) / (cubes[index + 1] - cubes[index])
        sums = self._summed(cells, weights)
        before = np.cumsum(sums, axis=1) - sums
        return self._summed(cells), before + self._summed(cells, weights * outside)

    def _cells(self, first: NDArray[np.intp], second: NDArray[np.intp], distance: Floats) -> NDArray[np.intp]:
        """Return where pairs belong in a flat array of the shape (pairs, b)."""
        bins = len(self.r_values)
        kind = self._index[self._types[first], self._types[second]]
        index = np.minimum((distance * (bins / self._r_max)).astype(np.intp), bins - 1)
        return np.asarray(kind * bins + index)

    def _summed(self, cells: NDArray[np.intp], weights: Floats | None = None) -> Floats:
        size = len(self.pairs) * len(self.r_values)
        return np.bincount(cells, weights, minlength=size).reshape(len(self.pairs), -1).astype(np.float64)


def close_pairs(
    positions: Floats, box_length: float, r_max: float
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return i < j and r_ij of all pairs nearer than r_max <= L/2 [length], each of shape (pairs,)."""
    if len(positions) > ALL_PAIRS:
        first, second = periodic_tree(positions, box_length).query_pairs(r_max, output_type="ndarray").T
    else:
        first, second = np.triu_indices(len(positions), 1)
    squared = np.zeros(len(first))
    for x in positions.T / box_length:
        apart = x[first] - x[second]
        apart -= np.rint(apart)
        squared += apart**2
    distance = np.sqrt(squared) * box_length
    near = distance < r_max
    return first[near], second[near], distance[near]
