"""Pictures of particles in space: colours by label, else by species; sizes by species; nothing drawn of nonsense."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from softal.cards import theme
from softal.simulators.in_space import NAMES, picture
from softal.trial import Array

BOX = np.full((2, 3), 5.0)
X = np.random.default_rng(0).random((2, 30, 3)) * 5
HALVES = np.repeat([0, 1], 15)


def colours(**given: object) -> set[str]:
    """Return which of the palette's colours are seen, by hue."""
    arrays = {"configurations": X, "boxes": BOX, **given}
    found = picture({name: Array(np.asarray(values, float)) for name, values in arrays.items()}, "trial 1")
    assert found is not None
    assert found.arrays == set(NAMES)
    drawn = np.asarray(Image.open(io.BytesIO(found.png)).convert("RGB"), float).reshape(-1, 3)
    drawn = drawn[np.ptp(drawn, axis=1) > 60]
    palette = np.array([[int(one[i : i + 2], 16) for i in (1, 3, 5)] for one in theme.PROPOSERS[:3]], float)
    unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (drawn, palette)]
    nearest = np.argmax(unit[0] @ unit[1].T, axis=1)
    return {theme.PROPOSERS[k] for k in np.flatnonzero(np.bincount(nearest, minlength=3) > 0.05 * len(drawn))}


def test_labels_are_the_colours_else_species_else_one() -> None:
    first, second, third = theme.PROPOSERS[:3]
    assert colours() == {first}
    assert colours(types=HALVES) == {first, second}
    assert colours(types=HALVES, labels=np.array([HALVES, 2 * HALVES])) == {first, third}


def test_marks_that_do_not_fit_are_not_drawn() -> None:
    for wrong in (HALVES[:3], np.full(30, np.nan), -HALVES):
        assert colours(types=wrong) == {theme.PROPOSERS[0]}


def test_species_have_their_sizes() -> None:
    one = {"configurations": Array(X[:, :1]), "boxes": Array(BOX)}
    pictures = [picture({**one, "diameters": Array(np.array([size]))}, "") for size in (0.5, 2.0)]
    small, large = (
        int((np.ptp(np.asarray(Image.open(io.BytesIO(found.png)).convert("RGB"), float), axis=2) > 60).sum())
        for found in pictures
        if found
    )
    assert large > 8 * small


@pytest.mark.parametrize(
    "wrong",
    [
        {"boxes": BOX[:1]},
        {"boxes": -BOX},
        {"configurations": X[:, :, :2]},
        {"configurations": np.full((2, 30, 3), np.nan)},
        {"configurations": X[:, :0]},
    ],
)
def test_nothing_is_drawn_of_nonsense(wrong: dict) -> None:
    arrays = {"configurations": X, "boxes": BOX, **wrong}
    assert picture({name: Array(values) for name, values in arrays.items()}, "") is None
