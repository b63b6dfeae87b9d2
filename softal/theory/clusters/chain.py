"""A path of configurations from one end to another through minima and saddles, and its energy along the arc.

Each saddle of the way is brought to a vanishing gradient, must have one negative curvature, and is followed down to
both sides by steepest descent. The pieces are then moved onto one another (rotation, reflection, permutation), so that
each begins where the one before ends. Where steepest descent leads elsewhere than thought, the way is looked for anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.clusters import saddle_kernels
from softal.theory.clusters.alignment import Alignment, Groups, congruent
from softal.theory.clusters.landscape import Landscape
from softal.theory.clusters.stationary import Stationary, exact, gradient, quench
from softal.theory.clusters.stationary import energy as energy_of

VANISHING = 1e-6  # largest component of a saddle's gradient [epsilon/sigma]
ASIDE = 0.01  # where the descent begins, from the saddle along its mode [sigma]
EVERY = 0.1  # arc between frames [sigma]
FRAMES = 400  # of a descent, at most
STEEP = 1e-4  # gradient at which a descent ends and a quench takes over [epsilon/sigma]
MOST = 60_000  # steps of a descent
FIT = 0.01  # of pieces where they meet, of an atom [sigma]
ENDS = 1e-8  # gradient of a minimum where pieces meet


@dataclass(frozen=True)
class Leg:
    """A steepest descent: frames (F, N, d) from its start to the minimum, both included, and the arc to each (F,)."""

    frames: Floats
    arc: Floats

    @property
    def end(self) -> Floats:
        """The minimum."""
        return np.asarray(self.frames[-1])


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


def descend(x: Floats, landscape: Landscape | None = None) -> Leg:
    """Follow the steepest descent from x (N, d), which is not stationary, to its minimum."""
    at = np.array(x, order="C")
    frames = np.empty((FRAMES, *x.shape))
    _, _, length, kept, used = saddle_kernels.descend(at, STEEP, MOST, EVERY, frames)
    bottom = quench(at, ENDS)
    rest = float(np.linalg.norm(bottom.x - at))
    if landscape is not None:
        landscape.evaluations += int(used) + bottom.evaluations
    inner = frames[:kept]
    arcs = EVERY * np.arange(1, kept + 1) if kept else np.zeros(0)
    path = np.concatenate([x[None], inner, bottom.x[None]])
    arc = np.concatenate([[0.0], arcs, [length + rest]])
    return Leg(path, np.asarray(arc))


def from_end(x: Floats, landscape: Landscape) -> Leg:
    """Return the descent from an end point (N, d) to its minimum: of no length where it is one.

    From a saddle it goes down along its lowest mode.
    """
    if float(np.max(np.abs(gradient(x)))) < 1e-3:
        point = exact(x)
        if point.gradient > VANISHING:
            raise TheoryError("an end point is nearly stationary, but no stationary point was found next to it")
        if point.index == 0:
            return Leg(point.x[None], np.zeros(1))
        leg = descend(point.x + ASIDE * point.mode, landscape)
        return Leg(np.concatenate([point.x[None], leg.frames]), np.concatenate([[0.0], leg.arc + ASIDE]))
    return descend(x, landscape)


@dataclass(frozen=True)
class Piece:
    """A saddle, and the descents from it against its mode and along it."""

    saddle: Stationary
    left: Leg
    right: Leg


def build(
    landscape: Landscape, start: Leg, end: Leg, ids: tuple[int, int], pieces: dict[int, Piece] | None = None
) -> Chain | None:
    """Return the best connected path from the start of one leg to that of another; None where there is none.

    Args:
        landscape: with minima and saddles; what turns out to be wrong is put right in it.
        start, end: descents from both end points.
        ids: of the minima below them.
        pieces: saddle -> its descents, from calls before; it is added to.

    Raises:
        TheoryError: two different minima were taken for one.
    """
    pieces = {} if pieces is None else pieces
    way = checked_way(landscape, ids, pieces)
    if way is None:
        return None
    turned = [pieces[k] if landscape.saddles[k].sides[1] == to else _turned(pieces[k]) for k, to in way]
    return _lifted(landscape.groups, start, end, turned)


def checked_way(landscape: Landscape, ids: tuple[int, int], pieces: dict[int, Piece]) -> list[tuple[int, int]] | None:
    """Return the way between two minima, once all its saddles have proved true; they go to `pieces`."""
    while (way := landscape.way(*ids)) is not None:
        unknown = [k for k, _ in way if k not in pieces]
        if not unknown:
            break
        for k in unknown:
            pieces[k] = _checked(landscape, k)
    return way


def _turned(piece: Piece) -> Piece:
    return Piece(piece.saddle, piece.right, piece.left)


def _checked(landscape: Landscape, k: int) -> Piece:
    """Bring saddle k to a vanishing gradient, and say in the landscape which minima it connects."""
    saddle = landscape.saddles[k]
    point = exact(saddle.x)
    left, right = (descend(point.x + sign * ASIDE * point.mode, landscape) for sign in (-1, 1))
    sides = landscape.add(energy_of(left.end), left.end), landscape.add(energy_of(right.end), right.end)
    good = point.index == 1 and point.gradient < VANISHING
    # What is no saddle leads nowhere.
    saddle.energy = point.energy if good else np.inf
    saddle.x, saddle.mode, saddle.sides = point.x, point.mode, sides
    return Piece(point, left, right)


def _lifted(groups: Groups | None, start: Leg, end: Leg, pieces: list[Piece]) -> Chain:
    """Move each piece onto the end of the one before, and put them together."""
    frames, arcs = [start.frames], [start.arc]
    minima, saddles = [len(start.frames) - 1], []
    for piece in pieces:
        onto = _onto(piece.left.end, frames[-1][-1], groups)
        up, top, down = (onto.apply(x) for x in (piece.left.frames[::-1], piece.saddle.x[None], piece.right.frames))
        climbed = arcs[-1][-1] + piece.left.arc[-1] - piece.left.arc[::-1]
        summit = climbed[-1] + ASIDE
        saddles.append(minima[-1] + len(up))
        minima.append(saddles[-1] + len(down))
        frames.append(np.concatenate([up[1:], top, down]))
        arcs.append(np.concatenate([climbed[1:], [summit], summit + ASIDE + piece.right.arc]))
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
