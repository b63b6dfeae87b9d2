"""Pictures of spheres: nearer ones hide others, all lie within the picture, and each has its colour."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from softal.cards.spheres import VIEW, spheres_png
from softal.numeric import Floats

BOX = np.array([4.0, 5.0, 3.0])
RED, BLUE = "#d02020", "#2040d0"


def drawn(positions: list[Floats], diameters: Floats | float, colours: list[str], pixels: int = 200) -> Floats:
    png = spheres_png(np.array(positions), BOX, diameters, colours, pixels)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=float)


def much(picture: Floats, channel: int) -> int:
    """Return how many pixels are of that colour."""
    others = np.delete(picture, channel, axis=2).max(axis=2)
    return int((picture[..., channel] > others + 40).sum())


def test_the_nearer_one_hides_the_other_in_whatever_order() -> None:
    far = BOX / 2
    near = far + VIEW / np.linalg.norm(VIEW)
    for order in ([0, 1], [1, 0]):
        found = drawn([[near, far][k] for k in order], 1.0, [[RED, BLUE][k] for k in order])
        assert much(found, 0) > 100
        assert much(found, 2) == 0


def test_each_has_its_size_and_stays_within_the_picture() -> None:
    corners = [np.array([i, j, k]) * BOX for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    one, two = (much(drawn([BOX / 2], size, [RED]), 0) for size in (0.5, 1.0))
    assert 3.0 < two / one < 4.5  # the larger one is drawn a little smaller, to have room
    found = drawn(corners, 0.6, [RED] * 8)
    assert all(np.abs(edge - 255).max() == 0 for edge in (found[0], found[-1], found[:, 0], found[:, -1]))
    assert much(found, 0) > 7 * much(drawn([corners[0]], 0.6, [RED]), 0)


def test_spheres_that_meet_do_so_in_the_middle() -> None:
    across = np.cross([0.0, 0.0, 1.0], VIEW)
    across /= np.linalg.norm(across)
    found = drawn([BOX / 2, BOX / 2 + 0.5 * across], 1.0, [RED, BLUE])
    assert abs(much(found, 0) - much(found, 2)) < 0.1 * much(found, 0)
