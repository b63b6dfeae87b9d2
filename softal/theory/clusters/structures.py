"""Clusters whose structures are known, and the pairs of them between which paths are looked for.

Energies of minima after D. J. Wales, J. P. K. Doye, J. Phys. Chem. A 101, 5111 (1997); of the barrier of 38 atoms after
J. P. K. Doye, M. A. Miller, D. J. Wales, J. Chem. Phys. 110, 6896 (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from itertools import combinations

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.clusters.alignment import Groups
from softal.theory.clusters.stationary import exact, quench

NEAREST = 2 ** (1 / 6)  # distance of two atoms at rest [sigma]
GOLDEN = (1 + 5**0.5) / 2
SQUEEZED = 0.97  # distances in a cluster, of those of two atoms


def face_centred_cubic(atoms: int, centre: tuple[float, float, float]) -> Floats:
    """Return the `atoms` sites of a face-centred cubic lattice nearest to a point, (atoms, 3) [sigma].

    centre: in units of half the cubic cell's edge; (0, 0, 0) is an atom, (1, 0, 0) the middle of an octahedron.
    """
    n = np.arange(-5, 6)
    sites = np.array([(i, j, k) for i in n for j in n for k in n if (i + j + k) % 2 == 0], dtype=np.float64)
    sites -= centre
    nearest = np.argsort(np.sum(sites**2, axis=1), kind="stable")[:atoms]
    return np.asarray(sites[nearest] * (SQUEEZED * NEAREST / 2**0.5))


def mackay_icosahedron(shells: int) -> Floats:
    """Return an atom with so many icosahedral shells around it, 13, 55, 147 ... atoms (N, 3) [sigma].

    Source: A. L. Mackay, Acta Cryst. 15, 916 (1962).
    """
    corner = np.array([(0.0, s, t * GOLDEN) for s in (-1, 1) for t in (-1, 1)])
    corners = np.concatenate([np.roll(corner, turn, axis=1) for turn in range(3)])
    beside = np.abs(np.linalg.norm(corners[:, None] - corners[None], axis=2) - 2) < 1e-6
    sites = [np.zeros(3)]
    for n in range(1, shells + 1):
        sites += [n * one for one in corners]
        for i, j in combinations(range(12), 2):
            if beside[i, j]:
                sites += [(n - k) * corners[i] + k * corners[j] for k in range(1, n)]
        for i, j, k in combinations(range(12), 3):
            if beside[i, j] and beside[i, k] and beside[j, k]:
                sites += [
                    p * corners[i] + q * corners[j] + (n - p - q) * corners[k]
                    for p in range(1, n)
                    for q in range(1, n - p)
                ]
    return np.asarray(np.array(sites) * (SQUEEZED * NEAREST / 2))


def hexagon() -> Floats:
    """Return six atoms around one in the plane, the one first, (7, 2) [sigma]."""
    angles = np.arange(6) * np.pi / 3
    ring = NEAREST * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.concatenate([np.zeros((1, 2)), ring])


@dataclass(frozen=True)
class Pair:
    """Two clusters between which a path is looked for.

    Attributes:
        start, end: stationary points (N, d) [sigma].
        groups: of atoms that may be exchanged, (N,).
        published: the lowest highest saddle that is published, above the start [epsilon]; None where there is none.
    """

    start: Floats
    end: Floats
    groups: Groups | None = None
    published: float | None = None


def _lj13() -> Pair:
    cuboctahedron = exact(face_centred_cubic(13, (0, 0, 0))).x  # a saddle
    return Pair(cuboctahedron, exact(quench(mackay_icosahedron(1)).x).x)


def _lj38() -> Pair:
    octahedron = exact(quench(face_centred_cubic(38, (1, 0, 0))).x).x
    stored = resources.files("softal.theory.clusters").joinpath("lj38_icosahedral.csv")
    with resources.as_file(stored) as path:
        icosahedral = np.loadtxt(path, delimiter=",")
    return Pair(octahedron, exact(quench(icosahedral).x).x, published=4.219)


def _lj7_plane() -> Pair:
    start = exact(quench(hexagon()).x).x
    end = start[[1, 0, 2, 3, 4, 5, 6]]  # a ring atom takes the centre, the centre's the ring
    return Pair(start, end, np.array([1, 0, 0, 0, 0, 0, 0]))


PAIRS = {"lj7_plane": _lj7_plane, "lj13": _lj13, "lj38": _lj38}


def pair(name: str) -> Pair:
    """Return a pair by name; TheoryError where there is none."""
    if name not in PAIRS:
        raise TheoryError(f"there is no pair of clusters {name!r}; allowed: {', '.join(PAIRS)}")
    return PAIRS[name]()
