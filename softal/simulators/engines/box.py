"""The box: three edges at right angles, each of which may be periodic, or end in open faces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from softal.errors import SimulationError
from softal.numeric import Floats


@dataclass(frozen=True)
class Box:
    """A box from 0 to its edges.

    Attributes:
        edges: L_x, L_y, L_z [length].
        periodic: along x, y, z; a particle that leaves an open face is lost, and the simulation fails.

    Raises:
        SimulationError: an edge is not positive.
    """

    edges: tuple[float, float, float]
    periodic: tuple[bool, bool, bool] = (True, True, True)

    def __post_init__(self) -> None:
        if not all(math.isfinite(edge) and edge > 0 for edge in self.edges):
            raise SimulationError(f"the box has the edges {self.edges}; each must be positive")

    @classmethod
    def cube(cls, length: float) -> Self:
        """Return a periodic cube."""
        return cls((length, length, length))

    @property
    def length(self) -> float:
        """L of a periodic cube [length]; SimulationError where it is none."""
        if len(set(self.edges)) > 1 or not all(self.periodic):
            raise SimulationError(f"a periodic cube is needed; the box has the edges {self.edges}, {self.periodic}")
        return self.edges[0]

    @property
    def volume(self) -> float:
        """L_x L_y L_z [length^3]."""
        x, y, z = self.edges
        return x**3 if x == y == z else x * y * z  # a cube's to the last bit

    @property
    def narrowest(self) -> float:
        """The shortest periodic edge [length]; infinite where none is."""
        return min(
            (edge for edge, is_periodic in zip(self.edges, self.periodic, strict=True) if is_periodic), default=math.inf
        )

    def wrapped(self, positions: Floats) -> Floats:
        """Return positions (N, 3) [length] within [0, L) along periodic edges."""
        return np.where(self._periodic, np.mod(positions, self.edges), positions)

    def nearest(self, separations: Floats) -> Floats:
        """Return separations (..., 3) [length] between nearest images."""
        edges = np.asarray(self.edges)
        return separations - np.where(self._periodic, edges * np.round(separations / edges), 0.0)

    def tree(self, positions: Floats) -> Any:
        """Return a scipy.spatial.cKDTree of positions, shape (N, 3), that need not be within periodic edges."""
        from scipy.spatial import cKDTree

        inside = self.wrapped(self.wrapped(positions))  # twice: mod(-1e-20, L) is L, which the tree refuses
        return cKDTree(inside, boxsize=np.where(self.periodic, self.edges, 0.0))

    @property
    def _periodic(self) -> NDArray[np.bool_]:
        return np.array(self.periodic)
