"""Configurations as a GSD file, which OVITO, VMD and freud read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gsd.hoomd
import numpy as np

from softal.errors import SimulationError
from softal.numeric import Floats
from softal.simulators.monte_carlo.system import Configuration

MOST = 26  # kinds that letters are enough for


def write_gsd(
    path: Path, configurations: Sequence[Configuration], diameter: float = 1.0, *, length: float | None = None
) -> None:
    """Write configurations as frames of a GSD file, centred as its convention is: x in [-L/2, L/2).

    Args:
        path: of the file; it is replaced.
        configurations: at least one, all of one dimension.
        diameter: of the particles [sigma]; where configurations have diameters, it counts for nothing.
        length: of rods' axes [sigma], for the shape that OVITO draws; None for disks and spheres.

    Raises:
        SimulationError: if there is no configuration.
    """
    if not configurations:
        raise SimulationError(f"{path}: there is no configuration to be written")
    with gsd.hoomd.open(name=str(path), mode="w") as file:
        for step, configuration in enumerate(configurations):
            file.append(_frame(step, configuration, diameter, length))


def _frame(step: int, configuration: Configuration, diameter: float, length: float | None) -> gsd.hoomd.Frame:
    n, d = configuration.positions.shape
    frame = gsd.hoomd.Frame()
    frame.configuration.step = step
    frame.configuration.dimensions = d
    flat = d == 2
    # HOOMD's convention for two dimensions: a box of L_z = 0, z = 0
    frame.configuration.box = [*configuration.box, *([0.0] if flat else []), 0.0, 0.0, 0.0]
    frame.particles.N = n
    widths = np.full(n, diameter) if configuration.diameters is None else configuration.diameters
    kinds, of = np.unique(-widths, return_inverse=True)
    frame.particles.types = [chr(ord("A") + k) if k < MOST else f"T{k}" for k in range(len(kinds))]
    frame.particles.typeid = of
    frame.particles.diameter = widths
    centred = configuration.positions - configuration.box / 2
    frame.particles.position = np.column_stack([centred, np.zeros(n)]) if flat else centred
    if configuration.orientations is not None:
        frame.particles.orientation = quaternions(configuration.orientations)
    frame.particles.type_shapes = [_shape(-float(kind), length, flat) for kind in kinds]
    return frame


def _shape(diameter: float, length: float | None, flat: bool) -> dict[str, object]:
    """Return a shape of GSD's schema: a rod is the hull of two points, rounded."""
    if length is None:
        return {"type": "Disk" if flat else "Sphere", "diameter": diameter}
    ends = [[0.0, 0.0, -length / 2], [0.0, 0.0, length / 2]]
    return {"type": "ConvexPolyhedron", "rounding_radius": diameter / 2, "vertices": ends}


def quaternions(u: Floats) -> Floats:
    """Return quaternions (N, 4), (w, x, y, z), that turn the z axis into unit vectors u (N, 3) by the shortest way.

    q = (1 + u_z, -u_y, u_x, 0), normalized; half a turn about x for u = -z, where it vanishes.
    """
    q = np.column_stack([1 + u[:, 2], -u[:, 1], u[:, 0], np.zeros(len(u))])
    norm = np.linalg.norm(q, axis=1)
    q[norm < 1e-12] = [0.0, 1.0, 0.0, 0.0]
    return np.asarray(q / np.where(norm < 1e-12, 1.0, norm)[:, None])
