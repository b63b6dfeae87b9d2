"""Neighbours by their solid angles (SANN): as many of the nearest as it takes to fill the sphere around a particle.

The neighbours of i, nearest first, are the m for which the cones that end at a common radius R_i fill 4 pi,

    sum_{j <= m} (1 - r_ij / R_i) = 2,    so that    R_i(m) = sum_{j <= m} r_ij / (m - 2),

with the smallest m for which R_i(m) <= r_i,m+1. They are all particles nearer than R_i. There is no parameter.

Source: J. A. van Meel, L. Filion, C. Valeriani, D. Frenkel, J. Chem. Phys. 136, 234107 (2012), eqs. 2 to 5.
"""

from __future__ import annotations

from typing import Literal

import numba as nb
import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.local_structure.images import Cells, around, images
from softal.theory.local_structure.neighbours import ASKED, BOTH, EITHER, Neighbours, checked, listed

Symmetry = Literal["both", "either", "none"]

RULES = {"none": ASKED, "both": BOTH, "either": EITHER}
FIRST = 1.8  # mean distances, rho^(-1/3), within which radii are looked for at first; fcc's is 1.35
WIDER = 1.5  # times, where that was not enough


def sann(positions: Floats, box: Floats, symmetry: Symmetry = "both") -> Neighbours:
    """Return neighbours by solid angles in a periodic box.

    The construction is not symmetric: i may be one of j's neighbours, and j none of i's. Sums over pairs, and averages
    over neighbours, want symmetric lists. `both` keeps the pairs of which each is the other's, as E. Boattini's thesis
    does (Utrecht, 2021, section 3.2: i is removed from j's neighbours), `either` adds the missing ones; `none` leaves
    them as they are. `both` has fewer particles of the second shell, which SANN includes now and then.

    Args:
        positions: (N, 3).
        box: its sides, (3,).
        symmetry: as above.

    Raises:
        TheoryError: for shapes or numbers that cannot be, and another symmetry.
    """
    if symmetry not in RULES:
        raise TheoryError(f"symmetry is {symmetry!r}; allowed: {', '.join(sorted(RULES))}")
    positions, box = checked(positions, box)
    found, cells = radii(positions, box)
    return listed(positions, cells, found, RULES[symmetry])


def radii(positions: Floats, box: Floats) -> tuple[Floats, Cells]:
    """Return the radii R (N,) of all particles at [0, L), and cells of `images` that reach as far."""
    reach = FIRST * float(np.prod(box) / len(positions)) ** (1 / 3)
    found = np.full(len(positions), np.inf)
    while True:
        cells = images(positions, box, reach)
        _radii(positions, cells, reach, found)
        if np.isfinite(found).all():
            return found, cells
        reach *= WIDER


@nb.njit(cache=True)
def _radii(x, cells, reach, found):  # type: ignore[no-untyped-def]
    """Write the radii that are no more than the reach, where none is known yet."""
    which, r = np.empty(len(cells[0]), np.int64), np.empty(len(cells[0]))
    for i in range(len(x)):
        if np.isfinite(found[i]):
            continue
        count = around(x[i], reach, cells, which, r)
        for k in range(count):
            r[k] = np.sqrt(r[k])
        r[:count].sort()
        found[i] = _radius(r[:count], reach)


@nb.njit(cache=True)
def _radius(r, reach):  # type: ignore[no-untyped-def]
    """Return R of sorted distances, all of those within the reach; infinite where these are too few."""
    total = 0.0
    for m in range(1, len(r) + 1):
        total += r[m - 1]
        if m >= 3:
            radius = total / (m - 2)
            if radius <= (r[m] if m < len(r) else reach):
                return radius
    return np.inf
