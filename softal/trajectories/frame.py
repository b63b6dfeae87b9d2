"""One configuration of particles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import TrajectoryError
from softal.numeric import Floats

MOST = 5_000_000  # particles


@dataclass(frozen=True)
class Frame:
    """A configuration in a periodic box with right angles, whose corner is the origin.

    Attributes:
        positions: (N, 3), in [0, L), in the file's unit of length.
        box: its edges, (3,).
        types: number of each particle's type, (N,).
        names: of the types; a type's number is its place.
        step: of the simulation.
        values: what is known of each particle besides, each (N,) or (N, k).
    """

    positions: Floats
    box: Floats
    types: NDArray[np.int64]
    names: tuple[str, ...]
    step: int = 0
    values: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.positions)

    @classmethod
    def of(cls, positions: Floats, edges: Floats, origin: Floats, named: list[str], step: int = 0) -> Frame:
        """Return a frame of what a file says.

        Args:
            positions: (N, 3).
            edges: of the box as rows, (3, 3), or its lengths, (3,).
            origin: the box's corner, (3,).
            named: the name of each particle's type, (N,).
            step: of the simulation.

        Raises:
            TrajectoryError: for a box or positions that cannot be.
        """
        box = _lengths(np.asarray(edges, np.float64))
        x = np.asarray(positions, np.float64)
        if not 1 <= len(x) <= MOST:
            raise TrajectoryError(f"a frame has {len(x)} particles; allowed: 1 to {MOST}")
        if not np.isfinite(x).all():
            raise TrajectoryError(f"a position of particle {int(np.argmin(np.isfinite(x).all(axis=1)))} is no number")
        names = sorted(set(named))
        numbers = {name: k for k, name in enumerate(names)}
        types = np.array([numbers[name] for name in named], dtype=np.int64)
        inside = np.mod(x - origin, box)
        return cls(np.where(inside < box, inside, 0.0), box, types, tuple(names), step)


def _lengths(edges: Floats) -> Floats:
    if edges.shape == (3, 3):
        lengths = np.diagonal(edges).copy()
        if np.abs(edges - np.diag(lengths)).max() > 1e-6 * np.abs(lengths).max():
            raise TrajectoryError("its box is not rectangular along x, y and z; allowed: boxes with right angles")
    else:
        lengths = edges
    if lengths.shape != (3,) or not np.isfinite(lengths).all() or (lengths <= 0).any():
        raise TrajectoryError(f"its box is {' x '.join(f'{one:g}' for one in lengths)}; allowed: three lengths above 0")
    return lengths
