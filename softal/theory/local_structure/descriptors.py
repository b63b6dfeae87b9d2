"""The inputs of learners of local structure: averaged bond order of all neighbours, and of those of the own species.

    Q(i) = ({q_l}, {w_l'}, {q_l^ss}, {w_l'^ss}),    l = 1 ... 8, l' = 2, 4, 6, 8

all averaged as Lechner and Dellago do: 24 numbers, or the first 12 where there is one species. Those with ss are of the
neighbours that are of the particle's own species, to which the averages go, too.

Source: E. Boattini's thesis (Utrecht, 2021), eq. 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.local_structure.bond_order import BondOrder
from softal.theory.local_structure.neighbours import Neighbours, apart, voronoi, within
from softal.theory.local_structure.sann import sann

By = Literal["sann", "cutoff", "voronoi"]
Same = Literal["filtered", "alone"]

DEGREES = tuple(range(1, 9))
OWN = (*(f"q{degree}" for degree in DEGREES), *(f"w{degree}" for degree in DEGREES if degree % 2 == 0))
NAMES = (*OWN, *(f"{name} ss" for name in OWN))
SMALLEST = 0.01  # part of a Voronoi cell's surface that a face has at least


@dataclass(frozen=True)
class Neighbourhood:
    """Which particles are neighbours.

    Attributes:
        by: by solid angles (those of which each is the other's), by cutoffs, or by Voronoi cells.
        cutoffs: of all pairs, and of those of the same species, one for each: (all, 0-0, 1-1, ...), where it is by
            them; one alone is for all.
        same: neighbours of the own species are those of all neighbours (`filtered`), or found as if the species were
            alone in the box (`alone`); cutoffs say it themselves.
        voronoi_face: part of a Voronoi cell's surface that a face has at least.
    """

    by: By = "sann"
    cutoffs: tuple[float, ...] = ()
    same: Same = "filtered"
    voronoi_face: float = SMALLEST

    def __post_init__(self) -> None:
        if (self.by == "cutoff") != bool(self.cutoffs):
            raise TheoryError(
                f"{len(self.cutoffs)} cutoffs are given for neighbours by {self.by}; allowed: with cutoff"
            )

    def all(self, positions: Floats, box: Floats) -> Neighbours:
        """Return the neighbours whatever their species."""
        if self.by == "sann":
            return sann(positions, box)
        if self.by == "voronoi":
            return voronoi(positions, box, self.voronoi_face)
        return within(positions, box, self.cutoffs[0])

    def alike(self, positions: Floats, box: Floats, types: ArrayLike, among: Neighbours) -> Neighbours:
        """Return the neighbours of the own species; `among` are those of all."""
        if self.by == "cutoff" and len(self.cutoffs) > 1:
            return within(positions, box, np.diag(self.cutoffs[1:]), types)
        if self.by == "cutoff" or self.same == "filtered":
            return among.alike(types)
        return apart(positions, box, types, self.all)


def inputs(positions: Floats, box: Floats, types: ArrayLike | None = None, near: Neighbourhood | None = None) -> Floats:
    """Return Q of each particle in a periodic box: (N, 24) as in `NAMES`; (N, 12), those of `OWN`, without types.

    Args:
        positions: (N, 3).
        box: its sides, (3,).
        types: species of the particles, (N,), whole numbers from 0; None where all are one.
        near: which are neighbours; None: by solid angles.

    Raises:
        TheoryError: for shapes or numbers that cannot be.
    """
    near = Neighbourhood() if near is None else near
    neighbours = near.all(positions, box)
    parts = _of(neighbours)
    if types is not None:
        parts += _of(near.alike(positions, box, types, neighbours))
    return np.hstack(parts)


def _of(neighbours: Neighbours) -> list[Floats]:
    averaged = BondOrder.of(neighbours, DEGREES).averaged()
    return [averaged.q, averaged.w]
