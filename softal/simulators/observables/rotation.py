"""Turn a periodic configuration, and cut the box that it had out of it again.

The configuration is repeated in all directions as far as needed, turned about the centre of its box, and what then lies
in the original box is kept. What is inside the cut is undistorted; across its faces the neighbours no longer fit, and
the number of particles changes by about the square root of those at the faces, so that quantities of the turned
configuration are to be divided by its own number. This is how the phases of a diffraction pattern are made independent
of the orientation of the box in which they grew.

Source: G. M. Coli, E. Boattini, L. Filion, M. Dijkstra, Sci. Adv. 8, eabj6731 (2022), "Methods".
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from softal.errors import SimulationError
from softal.numeric import Floats

FACE = 1e-9  # of L: particles on a face count at the lower one, whatever rounding did to them


def rotated(positions: Floats, box: Floats, rotation: float | ArrayLike) -> Floats:
    """Return the configuration turned about the centre of its box, cut to the same box, shape (N', d) [length].

    Args:
        positions: shape (N, d), d = 2 or 3 [length]; they need not be in the box.
        box: edges, shape (d,) [length].
        rotation: angle [radian], counter-clockwise and in 3D about z, or an orthogonal matrix, shape (d, d), with
            which column vectors are multiplied.

    Raises:
        SimulationError: if `rotation` is not a number or an orthogonal matrix of d dimensions.
    """
    matrix = rotation_matrix(rotation, len(box))
    inside = np.mod(positions, box) / box - 0.5
    # The cut reaches over the original's axis i from -extent to extent, in units of L_i.
    extent = np.abs(matrix).T @ box / box / 2
    images = [np.arange(-reach, reach + 1) for reach in np.ceil(extent - 0.5 + FACE).astype(int)]
    copies = np.concatenate([inside + np.array(image) for image in product(*images)])
    turned = (copies * box) @ matrix.T / box + 0.5
    kept = turned[np.all((turned >= -FACE) & (turned < 1 - FACE), axis=1)]
    return np.asarray(np.maximum(kept, 0.0) * box)


def rotation_matrix(rotation: float | ArrayLike, dimension: int) -> Floats:
    """Return the matrix, shape (d, d), of an angle [radian] (in 3D about z) or of an orthogonal matrix, unchanged.

    Raises:
        SimulationError: if it is neither.
    """
    given = np.asarray(rotation, dtype=np.float64)
    if given.ndim == 0 and np.isfinite(given):
        matrix = np.eye(dimension)
        matrix[:2, :2] = [[np.cos(given), -np.sin(given)], [np.sin(given), np.cos(given)]]
        return matrix
    if given.shape == (dimension, dimension) and np.allclose(given @ given.T, np.eye(dimension), atol=1e-8):
        return given
    raise SimulationError(
        f"rotation: {rotation!r} is neither an angle in radian nor an orthogonal matrix {dimension} x {dimension}"
    )


def random_rotation(rng: np.random.Generator) -> Floats:
    """Return a rotation of space, shape (3, 3), evenly distributed over all of them.

    Source: a unit vector of four normal deviates is an evenly distributed quaternion, K. Shoemake, Graphics Gems III
    (1992), p. 124.
    """
    w, x, y, z = (quaternion := rng.normal(size=4)) / np.linalg.norm(quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
