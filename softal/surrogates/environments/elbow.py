r"""The L-method: where a curve that is steep, and then flat, bends.

Points 1 ... b are parted at c = 2 ... b - 2 into a left and a right line, each the closest by least squares. The elbow
is the c with the smallest

    RMSE_c = c/b RMSE(left) + (b - c)/b RMSE(right)

Source: S. Salvador, P. Chan, Proc. 16th IEEE Int. Conf. on Tools with Artificial Intelligence, 576 (2004), eq. 1, where
points are counted from 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.numeric import Floats

FEWEST = 4  # points: two lines have two each
SAME = 1e-9  # of the curve's spread: smaller differences of RMSE are rounding, and the first elbow is taken


def elbow(y: Sequence[float], shared: bool = False) -> int | None:
    """Return the elbow c of a curve of b points at 1, 2, ... b.

    Args:
        y: the curve, (b,).
        shared: whether the point at c is on both lines, so that c = 2 ... b - 1 and three points have an elbow.

    Returns:
        The elbow; None where there are fewer than four points, or three.
    """
    values, both = np.asarray(y, dtype=np.float64), int(shared)
    if len(values) < FEWEST - both:
        return None
    wrong = np.array([_wrong(values[:c], values[c - both :]) for c in range(2, len(values) - 1 + both)])
    tolerance = SAME * float(np.ptp(values))
    return 2 + int(np.argmax(wrong <= wrong.min() + tolerance))


def lines(y: Sequence[float], c: int, shared: bool = False) -> tuple[Floats, Floats]:
    """Return the two lines of an elbow, at the points on their sides: (c,), and (b - c,) or one more."""
    values = np.asarray(y, dtype=np.float64)
    return _line(values[:c]), _line(values[c - int(shared) :])


def _wrong(*sides: Floats) -> float:
    squares = [float(np.mean((side - _line(side)) ** 2)) for side in sides]
    roots = [len(side) * float(np.sqrt(square)) for side, square in zip(sides, squares, strict=True)]
    return sum(roots) / sum(map(len, sides))


def _line(values: Floats) -> Floats:
    x = np.arange(len(values)) - (len(values) - 1) / 2
    return np.asarray(values.mean() + x * (x @ values) / (x @ x))
