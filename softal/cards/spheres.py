"""Pictures of spheres in a box with right angles: seen from far, lit, each nearest one in front. By numpy and PIL.

Each sphere is drawn pixel by pixel with its depth, so that those that touch or overlap meet where they should. It needs
no display and no window system.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

PIXELS = 460
OVER = 2  # each pixel is the mean of so many in each direction
VIEW = np.array([0.45, -1.0, 0.32])  # from where one looks at the box
LIGHT = np.array([0.3, -0.5, 1.0])
DARK, RIM = 0.45, 0.75  # brightness of what the light does not meet, and of edges
MARGIN = 0.03  # of the picture, on each side
EDGE = (140, 146, 158)  # colour of the box
PAPER = (255, 255, 255)
CORNERS = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=float)

EDGES = [[i, j] for i in range(8) for j in range(i) if np.abs(CORNERS[i] - CORNERS[j]).sum() == 1]


def spheres_png(
    positions: Floats, box: Floats, diameters: Floats | float, colours: Sequence[str], pixels: int = PIXELS
) -> bytes:
    """Return a PNG of spheres in their box.

    Args:
        positions: centres (N, 3) in [0, L) [sigma].
        box: its edges (3,) [sigma].
        diameters: (N,), or one for all [sigma].
        colours: of each, `#rrggbb`, (N,).
        pixels: width of the picture; its height follows from the box.
    """
    from PIL import Image

    across, up, towards = _axes()
    corners = CORNERS * box
    flat = np.column_stack([corners @ across, corners @ up])
    low, size = flat.min(axis=0), np.ptp(flat, axis=0)
    radii = np.broadcast_to(np.asarray(diameters, float) / 2, len(positions))
    scale = OVER * pixels * (1 - 2 * MARGIN) / (size[0] + 2 * radii.max(initial=0.0))
    room = radii.max(initial=0.0) + MARGIN * OVER * pixels / scale
    width, height = OVER * pixels, int(np.ceil((size[1] + 2 * room) * scale))
    x = (positions @ across - low[0] + room) * scale
    y = height - (positions @ up - low[1] + room) * scale
    depth = positions @ towards * scale
    picture = np.full((height, width, 3), PAPER, dtype=np.float32)
    nearest = np.full((height, width), -np.inf, dtype=np.float32)
    lamp = np.array([across, up, towards]) @ (LIGHT / np.linalg.norm(LIGHT))
    paints = {colour: _rgb(colour) for colour in set(colours)}
    for i in np.argsort(-depth):
        _draw(picture, nearest, x[i], y[i], depth[i], radii[i] * scale, paints[colours[i]], lamp)
    _draw_box(picture, nearest, corners, across, up, towards, (low, room, scale))
    shape = (height // OVER, OVER, width // OVER, OVER, 3)
    small = picture[: height // OVER * OVER].reshape(shape).mean(axis=(1, 3))
    written = io.BytesIO()
    Image.fromarray(small.round().astype(np.uint8)).quantize(method=Image.Quantize.MAXCOVERAGE).save(written, "png")
    return written.getvalue()


def _axes() -> tuple[Floats, Floats, Floats]:
    """Return unit vectors across the picture, up, and towards the eye."""
    towards = VIEW / np.linalg.norm(VIEW)
    across = np.cross([0.0, 0.0, 1.0], towards)
    across /= np.linalg.norm(across)
    return across, np.cross(towards, across), towards


def _rgb(colour: str) -> Floats:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def _draw(
    picture: NDArray[np.float32], nearest: NDArray[np.float32], x: float, y: float, depth: float, r: float, rgb: Floats,
    lamp: Floats,
) -> None:  # fmt: skip
    """Draw a sphere where nothing is nearer."""
    height, width = nearest.shape
    rows = slice(max(0, int(y - r)), min(height, int(y + r) + 2))
    columns = slice(max(0, int(x - r)), min(width, int(x + r) + 2))
    before = nearest[rows, columns]
    if not before.size or before.min() > depth + r:
        return
    u = (np.arange(columns.start, columns.stop, dtype=np.float32)[None, :] + 0.5 - x) / r
    v = (y - np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - 0.5) / r
    out = 1 - u**2 - v**2
    w = np.sqrt(np.maximum(out, 0.0))
    front = (out > 0) & (depth + r * w > before)
    if not front.any():
        return
    before[front] = (depth + r * w)[front]
    lit = np.maximum(u * lamp[0] + v * lamp[1] + w * lamp[2], 0.0)
    bright = (DARK + (1 - DARK) * lit) * (RIM + (1 - RIM) * np.minimum(1.0, 3 * w))
    picture[rows, columns][front] = np.minimum(255.0, rgb * bright[front][:, None] * 1.1)


def _draw_box(
    picture: NDArray[np.float32], nearest: NDArray[np.float32], corners: Floats, across: Floats, up: Floats,
    towards: Floats, place: tuple[Floats, float, float],
) -> None:  # fmt: skip
    """Draw the box's twelve edges, where no sphere hides them."""
    low, room, scale = place
    height, width = nearest.shape
    for pair in EDGES:
        ends = corners[pair]
        count = int(2 * np.linalg.norm(ends[1] - ends[0]) * scale) + 2
        points = ends[0] + np.linspace(0, 1, count)[:, None] * (ends[1] - ends[0])
        column = ((points @ across - low[0] + room) * scale).astype(int)
        row = (height - (points @ up - low[1] + room) * scale).astype(int)
        for wide in range(OVER):
            inside = (row >= 0) & (row < height) & (column + wide >= 0) & (column + wide < width)
            r, c = row[inside], column[inside] + wide
            seen = (points @ towards * scale)[inside] > nearest[r, c]
            picture[r[seen], c[seen]] = EDGE
