"""A path of configurations from one end to another through minima and saddles, and its energy along the arc.

Each saddle of the way is followed down to both sides by steepest descent. The pieces are then moved onto one another
(rotation, reflection, permutation), so that each begins where the one before ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.clusters.alignment import Alignment, Groups, congruent
from softal.theory.clusters.descent import ASIDE, Leg, from_saddle
from softal.theory.clusters.landscape import Landscape, Saddle
from softal.theory.clusters.stationary import Stationary
from softal.theory.clusters.stationary import energy as energy_of

FIT = 0.01  # of pieces where they meet, of an atom [sigma]


@dataclass(frozen=True)
class Chain:
    """A connected path.

    Attributes:
        frames: (F, N, d) [sigma].
        arc: length of the path up to each frame, (F,) [sigma].
        energies: (F,) [epsilon].
        minima: frames that are minima.
        saddles: frames that are saddles.
        points: the saddles, with their Hessian.
    """

    frames: Floats
    arc: Floats
    energies: Floats
    minima: list[int]
    saddles: list[int]
    points: list[Stationary]

    @property
    def top(self) -> float:
        """The highest energy [epsilon]: of a saddle, or of an end where the path only goes down."""
        return float(self.energies[[0, *self.saddles, -1]].max())

    @property
    def length(self) -> float:
        """Arc length [sigma], eq. 7 of B. Wang et al."""
        return float(self.arc[-1])


@dataclass(frozen=True)
class Piece:
    """A saddle, and the descents from it to the minimum before and to the one after."""

    saddle: Stationary
    before: Leg
    after: Leg


def build(landscape: Landscape, start: Leg, end: Leg, ids: tuple[int, int]) -> Chain | None:
    """Return the best connected path from the start of one leg to that of another; None where there is none.

    Args:
        landscape: with minima and saddles.
        start, end: descents from both end points.
        ids: of the minima below them.

    Raises:
        TheoryError: two different minima were taken for one.
    """
    way = landscape.way(*ids)
    if way is None:
        return None
    return _lifted(landscape.groups, start, end, [_piece(landscape.saddles[k], to) for k, to in way])


def _piece(saddle: Saddle, to: int) -> Piece:
    sign = 1 if saddle.sides[1] == to else -1
    return Piece(saddle.point, from_saddle(saddle.point, -sign), from_saddle(saddle.point, sign))


def _lifted(groups: Groups | None, start: Leg, end: Leg, pieces: list[Piece]) -> Chain:
    """Move each piece onto the end of the one before, and put them together."""
    frames, arcs = [start.frames], [start.arc]
    minima, saddles = [len(start.frames) - 1], []
    for piece in pieces:
        onto = _onto(piece.before.end, frames[-1][-1], groups)
        up, top, down = (onto.apply(x) for x in (piece.before.frames[::-1], piece.saddle.x[None], piece.after.frames))
        climbed = arcs[-1][-1] + piece.before.arc[-1] - piece.before.arc[::-1]
        summit = climbed[-1] + ASIDE
        saddles.append(minima[-1] + len(up))
        minima.append(saddles[-1] + len(down))
        frames.append(np.concatenate([up[1:], top, down]))
        arcs.append(np.concatenate([climbed[1:], [summit], summit + ASIDE + piece.after.arc]))
    onto = _onto(end.end, frames[-1][-1], groups)
    frames.append(onto.apply(end.frames[::-1])[1:])
    arcs.append((arcs[-1][-1] + end.arc[-1] - end.arc[::-1])[1:])
    path = np.concatenate(frames)
    energies = np.array([energy_of(one) for one in path])
    return Chain(path, np.concatenate(arcs), energies, minima, saddles, [piece.saddle for piece in pieces])


def _onto(x: Floats, y: Floats, groups: Groups | None) -> Alignment:
    found = congruent(x, y, FIT, groups)
    if found is None:
        raise TheoryError("two pieces of a path end in different minima that are too much alike to be told apart")
    return found
