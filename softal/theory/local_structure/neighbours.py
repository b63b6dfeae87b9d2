"""Neighbours of particles in a periodic box in space, as lists: within a distance, by Voronoi cells, of one species.

Lengths are in any one unit. `sann` has the neighbours without a parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba as nb
import numpy as np
from numpy.typing import ArrayLike, NDArray

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.local_structure.images import Cells, around, images

Integers = NDArray[np.int64]
ASKED, BOTH, EITHER = 0, 1, 2  # whose radius a pair has to be within: of the one that is asked, of both, of one of them


@dataclass(frozen=True)
class Neighbours:
    """Who is next to whom: those of particle i are `who[first[i]:first[i + 1]]`.

    Attributes:
        first: (N + 1,).
        who: numbers of particles, (P,).
        away: vectors from each particle to its neighbours, (P, 3).
    """

    first: Integers
    who: Integers
    away: Floats

    def __len__(self) -> int:
        return len(self.first) - 1

    @property
    def counts(self) -> Integers:
        """How many neighbours each particle has, (N,)."""
        return np.diff(self.first)

    @property
    def whose(self) -> Integers:
        """The particle of each pair that has the other as its neighbour, (P,)."""
        return np.repeat(np.arange(len(self)), self.counts)

    def only(self, kept: NDArray[np.bool_]) -> Neighbours:
        """Return some of the pairs: those that a mask (P,) says."""
        first = np.concatenate([[0], np.cumsum(kept)])[self.first]
        return Neighbours(first, self.who[kept], self.away[kept])

    def alike(self, types: ArrayLike) -> Neighbours:
        """Return the neighbours of a particle's own species, whose numbers are types (N,)."""
        species = species_of(types, len(self))
        return self.only(species[self.whose] == species[self.who])


def within(positions: Floats, box: Floats, cutoff: ArrayLike, types: ArrayLike | None = None) -> Neighbours:
    """Return the neighbours within a distance, which is symmetric: j is one of i's where i is one of j's.

    Args:
        positions: (N, 3).
        box: its sides, (3,).
        cutoff: one distance, or a symmetric table (K, K) with one for each two species; 0 for those that never are.
        types: species of the particles, (N,), 0 to K - 1, for a table.

    Raises:
        TheoryError: for shapes or numbers that cannot be.
    """
    positions, box = checked(positions, box)
    table = np.atleast_2d(np.asarray(cutoff, dtype=float))
    species = species_of(np.zeros(len(positions)) if types is None else types, len(positions))
    if table.shape != (len(table), len(table)) or not np.isfinite(table).all() or (table != table.T).any():
        raise TheoryError(f"cutoffs {table.tolist()}; allowed: one number, or a symmetric table of finite ones")
    if (table < 0).any() or not table.any():
        raise TheoryError(f"the largest cutoff is {table.max():g}; allowed: above 0, and none below")
    if np.ndim(cutoff) == 0:
        species = np.zeros_like(species)
    elif len(table) <= species.max():
        raise TheoryError(f"a table of {len(table)} cutoffs is given for types up to {species.max()}")
    radii = table.max(axis=1)[species]
    return listed(positions, images(positions, box, float(table.max())), radii, ASKED, species, table)


def voronoi(positions: Floats, box: Floats, smallest: float = 0.0) -> Neighbours:
    """Return the neighbours whose Voronoi cells share a face with a particle's own (freud), which is symmetric.

    Args:
        positions: (N, 3).
        box: its sides, (3,).
        smallest: part of a cell's surface that a face has at least, for both cells. In a perfect fcc crystal cells
            meet in corners, too, which rounding makes small faces; 0.01 leaves them out.

    Raises:
        TheoryError: for shapes or numbers that cannot be.
    """
    import freud

    positions, box = checked(positions, box)
    if not 0 <= smallest < 1:
        raise TheoryError(f"the smallest face is {smallest:g} of the surface; allowed: 0 or more, and below 1")
    found = freud.locality.Voronoi().compute((freud.box.Box(*box), positions - box / 2)).nlist
    whose, who = (np.asarray(part, dtype=np.int64) for part in (found.query_point_indices, found.point_indices))
    straight = positions[who] - positions[whose]
    # freud's vectors have seven digits, which say which image it is.
    shifts = np.rint((np.asarray(found.vectors, dtype=float) - straight) / box)
    areas = np.asarray(found.weights, dtype=float)
    surface = np.bincount(whose, areas, len(positions))
    kept = areas >= smallest * np.maximum(surface[whose], surface[who])
    kept &= _mutual(whose, who, shifts)
    return joined(len(positions), whose[kept], who[kept], (straight + box * shifts)[kept])


def _mutual(whose: Integers, who: Integers, shifts: Floats) -> NDArray[np.bool_]:
    """Return of pairs (P,) whether they are there both ways: smallest faces are a matter of rounding."""
    whole = shifts.astype(np.int64)
    sides = (np.column_stack([whose, who, whole]), np.column_stack([who, whose, -whole]))
    pairs, reverse = ([one.tobytes() for one in side] for side in sides)
    there = set(reverse)
    return np.array([one in there for one in pairs], dtype=bool)


def apart(
    positions: Floats, box: Floats, types: ArrayLike, method: Callable[[Floats, Floats], Neighbours]
) -> Neighbours:
    """Return neighbours as if each species were alone in the box: by `method(positions, box)` of each."""
    positions = np.asarray(positions, dtype=float)
    species = species_of(types, len(positions))
    parts = []
    for one in np.unique(species):
        mine = np.flatnonzero(species == one)
        found = method(positions[mine], box)
        parts.append((mine[found.whose], mine[found.who], found.away))
    whose, who, away = (np.concatenate(part) for part in zip(*parts, strict=True))
    return joined(len(positions), whose, who, away)


def joined(n: int, whose: Integers, who: Integers, away: Floats) -> Neighbours:
    """Return the lists of n particles of pairs (P,) in any order."""
    order = np.argsort(whose, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(whose, minlength=n))])
    return Neighbours(first, who[order], away[order])


def checked(positions: ArrayLike, box: ArrayLike) -> tuple[Floats, Floats]:
    """Return positions (N, 3), wrapped into [0, L), and the box's sides (3,); TheoryError where they cannot be."""
    x, sides = np.array(positions, dtype=float, order="C"), np.ascontiguousarray(box, dtype=float)
    if x.ndim != 2 or x.shape[1] != 3 or not len(x) or sides.shape != (3,):
        raise TheoryError(
            f"positions of shape {x.shape} in a box of {sides.shape}; allowed: (N, 3) and (3,), N above 0"
        )
    if not (np.isfinite(x).all() and np.isfinite(sides).all() and (sides > 0).all()):
        raise TheoryError("positions have to be finite, and a box's sides finite and above 0")
    x -= sides * np.floor(x / sides)
    x[x >= sides] = 0.0  # of rounding
    return x, sides


def species_of(types: ArrayLike, n: int) -> Integers:
    """Return the species (n,) as whole numbers; TheoryError where they are not."""
    given = np.asarray(types)
    species = given.astype(np.int64)
    if given.shape != (n,) or (species != given).any() or (species < 0).any():
        raise TheoryError(f"types of shape {given.shape}; allowed: ({n},), whole numbers from 0")
    return species


def listed(
    positions: Floats,
    cells: Cells,
    radii: Floats,
    rule: int,
    species: Integers | None = None,
    limits: Floats | None = None,
) -> Neighbours:
    """Return the pairs within radii (N,) as the rule says, and within limits (K, K) of their species; see `images`."""
    n = len(positions)
    species = np.zeros(n, dtype=np.int64) if species is None else species
    limits = np.full((1, 1), np.inf) if limits is None else np.ascontiguousarray(limits)
    return Neighbours(*_listed(positions, cells, np.ascontiguousarray(radii), rule, species, limits))


@nb.njit(cache=True)
def _listed(x, cells, radii, rule, species, limits):  # type: ignore[no-untyped-def]
    n, (places, owners) = len(x), cells[:2]
    found, squares = np.empty(len(places), np.int64), np.empty(len(places))
    first, widest = np.zeros(n + 1, np.int64), radii.max()
    who, away = np.empty(16 * n, np.int64), np.empty((16 * n, 3))
    count = 0
    for i in range(n):
        near = around(x[i], widest if rule == EITHER else radii[i], cells, found, squares)
        if count + near > len(who):
            more = max(near, len(who))
            who, away = np.append(who, np.empty(more, np.int64)), np.append(away, np.empty((more, 3)), axis=0)
        for k in range(near):
            j = owners[found[k]]
            limit = limits[species[i], species[j]]
            if rule == BOTH:
                limit = min(limit, radii[j])
            elif rule == EITHER:
                limit = min(limit, max(radii[i], radii[j]))
            if squares[k] < limit * limit:
                who[count] = j
                for axis in range(3):
                    away[count, axis] = places[found[k], axis] - x[i, axis]
                count += 1
        first[i + 1] = count
    return first, who[:count].copy(), away[:count].copy()
