"""Particles in a periodic cube: a tree that finds their neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np

from softal.numeric import Floats


def periodic_tree(positions: Floats, box_length: float) -> Any:
    """Return a scipy.spatial.cKDTree of positions, shape (N, 3), in a cube of side L; they need not be in it."""
    from scipy.spatial import cKDTree

    # Twice: mod(-1e-20, L) is L, which the tree refuses.
    inside = np.mod(np.mod(positions, box_length), box_length)
    return cKDTree(inside, boxsize=np.full(3, box_length))
