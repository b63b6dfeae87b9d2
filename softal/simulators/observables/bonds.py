"""Bonds between two kinds of particles, how many each has, and the angles between them.

A bond joins a particle of kind a and one of kind b that are nearer than a cutoff, usually the first minimum of g_ab(r).
The distribution P(theta) of angles is a histogram whose integral over theta [degree] is 1. It is not divided by
sin(theta): bonds of random directions have P ~ sin(theta).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.simulators.periodic import periodic_tree

Index = NDArray[np.intp]


class Bonds:
    """The bonds a-b of one configuration.

    Args:
        positions: shape (N, 3) [length]; they need not be in the box.
        types: kind of each particle, shape (N,).
        box_length: L [length].
        kinds: a and b, two kinds.
        cutoff: longest bond [length].

    Attributes:
        ends: indices of the particles of kind a and of kind b of each bond, two arrays of shape (bonds,).
    """

    def __init__(
        self, positions: Floats, types: NDArray[np.intp], box_length: float, kinds: tuple[int, int], cutoff: float
    ) -> None:
        self._number = [int(np.sum(types == kind)) for kind in kinds]
        members = [np.flatnonzero(types == kind) for kind in kinds]
        trees = [periodic_tree(positions[member], box_length) for member in members]
        near = trees[0].sparse_distance_matrix(trees[1], cutoff, output_type="ndarray")
        near = near[np.lexsort((near["j"], near["i"]))]
        self.ends: tuple[Index, Index] = (members[0][near["i"]], members[1][near["j"]])
        vector = positions[self.ends[1]] - positions[self.ends[0]]
        self._vectors = vector - box_length * np.rint(vector / box_length)

    @property
    def coordination(self) -> tuple[float, float]:
        """Bonds per particle of kind a, and of kind b."""
        count = len(self.ends[0])
        return count / max(self._number[0], 1), count / max(self._number[1], 1)

    def angles(self, centre: int) -> Floats:
        """Return the angles [degree] between every two bonds of a particle: of kind a (`centre` 0) or of kind b (1)."""
        order = np.argsort(self.ends[centre], kind="stable")
        particle = self.ends[centre][order]
        unit = self._vectors[order] / np.linalg.norm(self._vectors[order], axis=1, keepdims=True)
        cosines = []
        # Bonds of one particle stand together: shifted against themselves by 1, 2 ..., all of its pairs meet once.
        for shift in range(1, len(particle)):
            same = particle[shift:] == particle[:-shift]
            if not same.any():
                break
            cosines.append(np.sum(unit[shift:][same] * unit[:-shift][same], axis=1))
        joined = np.concatenate(cosines) if cosines else np.empty(0)
        return np.asarray(np.degrees(np.arccos(np.clip(joined, -1, 1))))


def angle_distribution(angles: Floats, bin_width: float = 2.0) -> tuple[Floats, Floats]:
    """Return P(theta) [1/degree] and the middles of its bins [degree], each of shape (180 / bin_width,).

    P is zero everywhere if there are no angles.
    """
    edges = np.linspace(0, 180, round(180 / bin_width) + 1)
    counts, _ = np.histogram(angles, edges)
    return counts / max(len(angles), 1) / bin_width, (edges[1:] + edges[:-1]) / 2


def first_minimum(r: Floats, g_r: Floats, reach: float = 1.6) -> float:
    """Return where g(r), shape (b,), is lowest between its maximum at r_1 and `reach` times r_1 [length]."""
    peak = int(np.argmax(g_r))
    beyond = (r > r[peak]) & (r <= reach * r[peak])
    if not beyond.any():
        return float(r[-1])
    return float(r[beyond][np.argmin(g_r[beyond])])
