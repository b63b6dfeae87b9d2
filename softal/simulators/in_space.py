"""Pictures of particles in space: the last configuration of a trial, lit spheres in their box.

A simulator that wants to be seen returns these arrays:

    configurations    positions (S, N, 3) [sigma]
    boxes             the boxes' edges (S, 3) [sigma]
    types             species, (N,) or (S, N), whole numbers; where they are missing all are alike
    labels            what each particle belongs to, (N,) or (S, N), whole numbers: the colours are theirs
    diameters         of the species (k,) [sigma]; 1 where they are missing
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from softal.cards import theme
from softal.cards.card import Picture
from softal.cards.spheres import spheres_png
from softal.trial import Array

NEEDED, COLOURS, SIZES = ("configurations", "boxes"), ("labels", "types"), "diameters"
NAMES = (*NEEDED, *COLOURS, SIZES)
MAX_PARTICLES = 20_000
MORE = ("#8c1d40", "#2e4053", "#d98cb3", "#7d6608", "#76c7b7", "#e6a09a", "#5d6d7e")
PALETTE = (*theme.PROPOSERS, *MORE)  # of labels 0, 1, ..., from the beginning again after the last


def picture(arrays: Mapping[str, Array], text: str) -> Picture | None:
    """Return a picture of the last configuration; None where there is none in space, or too large a one."""
    if not set(NEEDED) <= arrays.keys():
        return None
    x, box = (np.asarray(arrays[name].values, dtype=np.float64) for name in NEEDED)
    if x.ndim != 3 or box.shape != (len(x), 3) or x.shape[2] != 3 or not 1 <= x.shape[1] <= MAX_PARTICLES:
        return None
    x, box = x[-1], box[-1]
    if not (np.isfinite(x).all() and np.isfinite(box).all() and np.all(box > 0)):
        return None
    marks = {name: found for name in COLOURS if (found := _numbers(arrays, name, len(x))) is not None}
    types = marks.get("types", np.zeros(len(x), np.int64))
    colours = next(iter(marks.values()), types)
    palette = np.array(PALETTE)
    png = spheres_png(np.mod(x, box), box, _diameters(arrays)[types], list(palette[colours % len(palette)]))
    return Picture(png, f"{text}: configuration", frozenset(NAMES))


def labels_of(arrays: Mapping[str, Array]) -> list[int]:
    """Return the labels in the last configuration, sorted; none where particles have none."""
    if not set(NEEDED) <= arrays.keys() or arrays[NEEDED[0]].values.ndim != 3:
        return []
    found = _numbers(arrays, COLOURS[0], arrays[NEEDED[0]].values.shape[1])
    return [] if found is None else [int(one) for one in np.unique(found)]


def _numbers(arrays: Mapping[str, Array], name: str, n: int) -> NDArray[np.int64] | None:
    """Return the numbers of the particles in the last configuration; None where they do not fit it."""
    if name not in arrays:
        return None
    found = np.asarray(arrays[name].values)
    found = found[-1] if found.ndim == 2 else found
    fits = found.shape == (n,) and bool(np.isfinite(found).all()) and bool((found >= 0).all())
    return found.astype(np.int64) if fits else None


def _diameters(arrays: Mapping[str, Array]) -> NDArray[np.float64]:
    """Return the diameter of each species; 1 for those whose diameter is not said."""
    said = np.ravel(np.asarray(arrays[SIZES].values, float)) if SIZES in arrays else np.empty(0)
    found = np.ones(256)
    good = said[:256][np.isfinite(said[:256]) & (said[:256] > 0)]
    found[: len(good)] = good
    return found
