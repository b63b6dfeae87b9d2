"""Bond orientational order in the plane, with neighbours that need no cutoff.

    psi_m(j) = 1/N_b(j) sum_k exp(i m theta_jk),    chi_m(j) = |psi_m(j)|^2

theta_jk is the angle of the bond from particle j to its neighbour k. The mean of chi_m over the particles measures how
well each one's own surroundings have the symmetry m, whatever its orientation; |< psi_m >| asks for one orientation in
all of the box. As usual, psi_m takes the m nearest neighbours, which suits crystals, m = 4 or 6; chi_m takes SANN's,
which suits quasicrystals, too, where particles have 5 neighbours here and 6 there.

Neighbours after SANN in two dimensions: the n >= 3 nearest particles, n as small as possible, whose angles
2 arccos(r_k / R) add up to a full turn within a radius R that does not reach the next particle. In a perfect square
crystal the four diagonals are at exactly this R: the slightest motion makes some of them neighbours, and for m = 4
they count against the others. chi_4 of a square crystal in motion is about 0.35, however cold, not 1: look at psi_4.

Sources: J. A. van Meel, L. Filion, C. Valeriani, D. Frenkel, J. Chem. Phys. 136, 234107 (2012); chi_m: eq. 2.9 of E.
Boattini's thesis (Utrecht, 2021), where SANN's solid angle becomes an angle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats

CANDIDATES = 16  # particles nearest to each that are looked at first: SANN finds 6 in a fluid, 10 are rare
SLACK = 1e-6  # [radian] of rounding in the sum of the angles: a perfect square crystal has four neighbours


@dataclass(frozen=True)
class Neighbours:
    """The bonds of a configuration of N particles, ordered by particle, then by length; not always mutual.

    Attributes:
        number: bonds of each particle, shape (N,).
        index: the neighbour that each bond leads to, shape (b,).
        vectors: from the particle to its neighbour, shape (b, 2) [length].
    """

    number: NDArray[np.intp]
    index: NDArray[np.intp]
    vectors: Floats


def sann_neighbours(positions: Floats, box: Floats) -> Neighbours:
    """Return the neighbours of each particle after SANN in two dimensions; see the module.

    Args:
        positions: shape (N, 2) [length]; they need not be in the box.
        box: edges, shape (2,) [length].

    Raises:
        SimulationError: if the neighbours do not end before half of the shorter edge: too few particles.
    """
    candidates = CANDIDATES
    while True:
        distance, index = _nearest(positions, box, candidates)
        number = _sann_numbers(distance)
        if np.all(number < distance.shape[1]):
            return _bonds(positions, box, index, number)
        if candidates >= len(positions):
            raise SimulationError(
                f"{len(positions)} particles in a box of {box[0]:.4g} x {box[1]:.4g}: too few, SANN finds no end of a "
                "particle's neighbours within half the box"
            )
        candidates *= 2


def _sann_numbers(distance: Floats) -> NDArray[np.intp]:
    """Return how many of the candidates, shape (N, c), ascending, are neighbours; c where there is no end in sight."""
    # The angles grow with R: R does not reach r_(n + 1) where they make a full turn with r_(n + 1) as R. So no root is
    # sought.
    with np.errstate(invalid="ignore"):
        angles = np.arccos(np.minimum(distance[:, :, None] / distance[:, None, 1:], 1.0))
    shorter = np.tri(distance.shape[1], dtype=bool).T[:, :-1]  # [k, n - 1]: k < n
    turns = np.sum(np.where(shorter, angles, 0.0), axis=1)
    # Candidates that are missing are at infinity.
    enough = (turns >= np.pi - SLACK) & np.isfinite(distance[:, 1:])
    enough[:, :2] = False  # two angles reach half a turn at infinity only
    return np.asarray(np.where(enough.any(axis=1), enough.argmax(axis=1) + 1, distance.shape[1]))


def nearest_neighbours(positions: Floats, box: Floats, count: int) -> Neighbours:
    """Return the `count` nearest neighbours of each particle; arguments as in `sann_neighbours`.

    Raises:
        SimulationError: if there are not so many within half of the shorter edge.
    """
    distance, index = _nearest(positions, box, count)
    if distance.shape[1] < count or not np.all(np.isfinite(distance)):
        raise SimulationError(f"not all of the {len(positions)} particles have {count} neighbours within half the box")
    return _bonds(positions, box, index, np.full(len(positions), count))


def _nearest(positions: Floats, box: Floats, count: int) -> tuple[Floats, NDArray[np.intp]]:
    """Return distance and index of the nearest others, shape (N, min(count, N - 1)); infinity beyond half the box."""
    from scipy.spatial import cKDTree

    if np.shape(positions)[1:] != (2,) or np.shape(box) != (2,) or len(positions) < 2:
        raise SimulationError(
            f"positions of shape {np.shape(positions)} in a box of shape {np.shape(box)}: bonds in the plane need "
            "positions (N, 2), N > 1, and a box (2,)"
        )
    inside = np.mod(np.mod(positions, box), box)  # twice: mod(-1e-20, L) is L, which the tree refuses
    reach = float(np.min(box)) / 2
    wanted = np.arange(1, min(count + 1, len(positions)) + 1)
    distance, index = cKDTree(inside, boxsize=box).query(inside, k=wanted, distance_upper_bound=reach)
    return _without_itself(np.asarray(distance), np.asarray(index))


def _without_itself(distance: Floats, index: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    """Return the table less each particle itself, which is first, or beside another at the same place."""
    own = index == np.arange(len(index))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(index), index.shape[1] - 1)
    return distance[~own].reshape(shape), index[~own].reshape(shape)


def _bonds(positions: Floats, box: Floats, index: NDArray[np.intp], number: NDArray[np.intp]) -> Neighbours:
    taken = np.arange(index.shape[1]) < number[:, None]
    neighbour = index[taken]
    vectors = positions[neighbour] - np.repeat(positions, number, axis=0)
    return Neighbours(number, neighbour, vectors - box * np.rint(vectors / box))


def bond_order(neighbours: Neighbours, m: int) -> NDArray[np.complex128]:
    """Return psi_m of each particle with these neighbours, shape (N,)."""
    theta = np.arctan2(neighbours.vectors[:, 1], neighbours.vectors[:, 0])
    starts = np.concatenate([[0], np.cumsum(neighbours.number)[:-1]])
    return np.asarray(np.add.reduceat(np.exp(1j * m * theta), starts) / neighbours.number)


def psi_m(positions: Floats, box: Floats, m: int) -> NDArray[np.complex128]:
    """Return psi_m of each particle, shape (N,), from its m nearest neighbours.

    Args:
        positions: shape (N, 2) [length]; they need not be in the box.
        box: edges, shape (2,) [length].
        m: symmetry; 4 or 6 are those of crystals.

    Raises:
        SimulationError: as `nearest_neighbours`.
    """
    return bond_order(nearest_neighbours(positions, box, m), m)


def chi_m(positions: Floats, box: Floats, m: int) -> Floats:
    """Return chi_m = |psi_m|^2 of each particle, shape (N,), from SANN's neighbours; see the module.

    Args:
        positions: shape (N, 2) [length]; they need not be in the box.
        box: edges, shape (2,) [length].
        m: symmetry.

    Raises:
        SimulationError: as `sann_neighbours`.
    """
    return np.asarray(np.abs(bond_order(sann_neighbours(positions, box), m)) ** 2)
