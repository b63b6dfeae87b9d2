"""A cluster drawn: atoms as discs, far ones first, coloured by how many neighbours they have. By matplotlib."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.theory.clusters.alignment import distances

BOND = 1.4  # between the first and the second shell of neighbours [sigma]
# Number of neighbours -> colour; of 12 inside a cluster, fewer on its faces, edges and corners.
COLOURS = {
    4: "#8d5bc0",
    5: "#6d4bb8",
    6: "#3d6fe0",
    7: "#5fa8d3",
    8: "#1f9d8a",
    9: "#a9c23f",
    10: "#e9a23b",
    12: "#d1495b",
}
PIXELS = 220


def neighbours(x: Floats) -> NDArray[np.int64]:
    """Return how many atoms are closer to each than `BOND`, (N,)."""
    return np.asarray((distances(x) < BOND).sum(axis=1) - 1, dtype=np.int64)


def colours(x: Floats) -> list[str]:
    """Return a colour for each atom of x (N, d)."""
    known = sorted(COLOURS)
    return [COLOURS[max([n for n in known if n <= count], default=known[0])] for count in neighbours(x).tolist()]


def view_of(frames: Floats) -> Floats:
    """Return frames (F, N, 3) as they are looked at: along the axis in which the first is thinnest.

    All are turned alike, so that what moves is what is seen to move.
    """
    if not np.any(frames[..., 2]):  # in the plane
        return frames
    first = frames[0] - frames[0].mean(axis=0)
    axes = np.linalg.svd(first, full_matrices=False)[2]
    turned = np.asarray(frames @ axes.T)
    # A little off the axis: atoms behind each other are seen.
    a, b = 0.22, 0.13
    tilt = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    roll = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return np.asarray(turned @ (tilt @ roll).T)


def cluster_png(x: Floats, half_width: float) -> bytes:
    """Return a transparent picture of a cluster x (N, 3), seen along z.

    half_width: of the square that is seen, about the cluster's centre [sigma].
    """
    # pyplot keeps figures alive and picks a window system; a Figure of one's own, drawn by Agg, does neither.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import EllipseCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PIXELS / 100, PIXELS / 100), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    centred = x - x.mean(axis=0)
    order = np.argsort(centred[:, 2], kind="stable")
    of_atom = colours(x)
    discs = EllipseCollection(
        1.0, 1.0, 0.0, units="xy", offsets=centred[order, :2], transOffset=axes.transData,
        facecolors=[of_atom[k] for k in order], edgecolors="#1d2433", linewidths=0.7,
    )  # fmt: skip
    axes.add_collection(discs)
    axes.set(xlim=(-half_width, half_width), ylim=(-half_width, half_width), aspect="equal")
    axes.set_axis_off()
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", transparent=True)
    return drawn.getvalue()
