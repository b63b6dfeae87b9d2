"""Steepest descents from saddles and end points to minima: which minimum lies below a point is what they say.

A quench does not always say it: of 57 saddles, one has a wrong side after L-BFGS. Steepest descent is followed until
curvatures are positive and the minimum is near; only then L-BFGS makes the rest. And neither says it where a symmetry
is kept all the way down: then they end in a saddle between two minima that are mirror images. One such among hundreds
of minima kept the ways over the lowest barrier of 38 atoms apart, so the Hessian is looked at, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from softal.errors import TheoryError
from softal.numeric import Floats
from softal.theory.clusters import saddle_kernels
from softal.theory.clusters.stationary import VANISHING, Stationary, exact, gradient, is_bowl, quench

ASIDE = 0.01  # where the descent begins, from the saddle along its mode [sigma]
EVERY = 0.1  # arc between frames [sigma]
FRAMES = 400  # of a descent, at most
NEAR = 0.05  # of the minimum, where a quench takes over [sigma]
SHORT = 0.02  # its steps, at most [sigma]
MOST = 60_000  # steps of a descent
ENDS = 1e-8  # gradient of a minimum where pieces meet


@dataclass(frozen=True)
class Leg:
    """A steepest descent.

    Attributes:
        frames: from its start to the minimum, both included, (F, N, d) [sigma].
        arc: length up to each frame, (F,) [sigma].
        energy: of the minimum [epsilon].
        evaluations: gradients that it took.
    """

    frames: Floats
    arc: Floats
    energy: float
    evaluations: int

    @property
    def end(self) -> Floats:
        """The minimum."""
        return np.asarray(self.frames[-1])


def descend(x: Floats) -> Leg:
    """Follow the steepest descent from x (N, d), which is not stationary, to its minimum.

    From a symmetric point it may end in a saddle, as only what breaks the symmetry leads down there: then it goes on
    from beside the saddle.
    """
    at, length, used = np.array(x, order="C"), 0.0, 0
    frames, arcs = [at[None].copy()], [np.zeros(1)]
    while True:
        passed = np.empty((FRAMES, *x.shape))
        travelled, kept, evaluations = saddle_kernels.descend(at, NEAR, MOST, EVERY, passed)
        bottom = quench(at, ENDS, SHORT)
        used += int(evaluations) + bottom.evaluations
        frames += [passed[:kept], bottom.x[None]]
        arcs.append(length + EVERY * np.arange(1, kept + 1))
        length += float(travelled + np.linalg.norm(bottom.x - at))
        arcs.append(np.array([length]))
        if is_bowl(bottom.x):
            return Leg(np.concatenate(frames), np.concatenate(arcs), bottom.energy, used)
        at = bottom.x + ASIDE * exact(bottom.x).mode
        length += ASIDE


def from_saddle(point: Stationary, sign: int) -> Leg:
    """Return the descent from beside a saddle, `ASIDE` along its mode (sign 1) or against it (-1)."""
    return descend(point.x + sign * ASIDE * point.mode)


def from_end(x: Floats) -> Leg:
    """Return the descent from an end point (N, d) to its minimum: of no length where it is one.

    From a saddle it goes down along its lowest mode.
    """
    if float(np.max(np.abs(gradient(x)))) >= 1e-3:
        return descend(x)
    point = exact(x)
    if point.gradient > VANISHING:
        raise TheoryError("an end point is nearly stationary, but no stationary point was found next to it")
    if point.index == 0:
        return Leg(point.x[None], np.zeros(1), point.energy, 0)
    leg = from_saddle(point, 1)
    frames, arc = np.concatenate([point.x[None], leg.frames]), np.concatenate([[0.0], leg.arc + ASIDE])
    return Leg(frames, arc, leg.energy, leg.evaluations)
