"""Elastic shells as E. Boattini's thesis (Utrecht, 2021) evaluates them: points on each sphere, random orientations.

A shell is N_p points, each with the area of its Voronoi cell as weight; an energy is the mean over N_o orientations of
eq. 2.1, with the largest of the ways by which neighbours push a point, eq. 2.3. What is left is noise, as N_o^(-1/2),
and the roughness of N_p points; `shells` has neither. The points are those of a spiral of equal areas.

Lengths are in sigma, energies in K.
"""

from __future__ import annotations

import numba as nb
import numpy as np
from scipy.spatial import SphericalVoronoi
from scipy.spatial.transform import Rotation

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.many_body.neighbours import neighbours

POINTS, ORIENTATIONS = 200, 100  # of the thesis


def sphere(n: int = POINTS) -> tuple[Floats, Floats]:
    """Return n directions (n, 3), and the areas (n,) of their cells on a sphere of diameter 1, which add up to pi.

    Raises:
        TheoryError: for fewer than four.
    """
    if n < 4:
        raise TheoryError(f"{n} points on a sphere; allowed: 4 or more")
    z = 1 - (2 * np.arange(n) + 1) / n
    turn = np.arange(n) * np.pi * (3 - np.sqrt(5))
    points = np.column_stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z])
    return points, np.asarray(SphericalVoronoi(points).calculate_areas()) / 4


def energies(
    positions: Floats, box: Floats, rng: np.random.Generator, *, points: int = POINTS, orientations: int = ORIENTATIONS
) -> tuple[Floats, Floats]:
    """Return each particle's energy in a periodic box, with its standard error over orientations.

    Args:
        positions: centres, (N, 2) [sigma].
        box: its sides, (2,) [sigma], each 2 or more.
        rng: of the orientations.
        points: on each sphere.
        orientations: that are averaged over, 2 or more.

    Returns:
        Two (N,) [K].
    """
    n, areas = sphere(points)
    turned = np.array([n @ turn for turn in Rotation.random(orientations, random_state=rng).as_matrix()])
    found = _energies(np.ascontiguousarray(positions), np.ascontiguousarray(box), turned[:, :, :2].copy(), areas)
    return found.mean(axis=1), found.std(axis=1, ddof=1) / np.sqrt(orientations)


@nb.njit(cache=True, fastmath={"contract", "arcp"})
def _energies(positions, box, normals, areas):  # type: ignore[no-untyped-def]
    """Return the energies (N, orientations); normals (orientations, points, 2) are the points' parts in the plane."""
    n = len(positions)
    found, away = np.zeros((n, len(normals))), np.empty((n, 2))
    for i in range(n):
        count = neighbours(positions, box, 1.0, i, away)
        half = 0.5 * (away[:count, 0] ** 2 + away[:count, 1] ** 2)
        for o in range(len(normals)):
            for k in range(len(areas)):
                x, y = normals[o, k, 0], normals[o, k, 1]
                push = 0.0
                for j in range(count):
                    towards = x * away[j, 0] + y * away[j, 1]
                    if towards > 2.0 * half[j]:
                        push = max(push, 0.5 - half[j] / towards)
                found[i, o] += 0.5 * areas[k] * push * push
    return found
