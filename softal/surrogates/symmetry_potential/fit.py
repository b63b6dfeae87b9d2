"""The linear fit: u = c_0 + sum_m c_m G_m with the least squares, of functions chosen one after the other.

All that a fit needs of a run is kept as a triangle R with R^T R = [1 X y]^T [1 X y]: M + 2 rows instead of hundreds,
and fits to some of the runs, or with weights, are fits to their triangles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.threads import single_threaded
from softal.theory.many_body.selection import INDEPENDENT, select

FEWEST_EACH = 10  # environments for each function
SAME = 1e-12  # of energies over their size: they do not vary


@dataclass(frozen=True)
class Triangle:
    """The triangle R (k, M + 2) of [1 X y] of n environments."""

    R: Floats
    n: float

    @classmethod
    @single_threaded
    def of(cls, X: Floats, y: Floats) -> Triangle:
        """Return that of symmetry functions (n, M) and energies (n,)."""
        return cls(_triangle(np.column_stack([np.ones(len(y)), X, y])), len(y))

    @classmethod
    @single_threaded
    def joined(cls, parts: Sequence[Triangle], weights: Floats | None = None) -> Triangle:
        """Return that of several together, whose environments may have weights (len(parts),)."""
        w = np.ones(len(parts)) if weights is None else weights
        rows = np.vstack([np.sqrt(one) * part.R for one, part in zip(w, parts, strict=True)])
        return cls(_triangle(rows), float(sum(one * part.n for one, part in zip(w, parts, strict=True))))

    def take(self, order: NDArray[np.int64]) -> Triangle:
        """Return that of some of the functions."""
        last = self.R.shape[1] - 1
        return Triangle(_triangle(self.R[:, [0, *(order + 1), last]]), self.n)

    def system(self, intercept: bool) -> tuple[Floats, Floats]:
        """Return A (k, M) and b (k,) of the least squares of what is left beside an intercept, or of everything."""
        rows = self.R[1:, 1:] if intercept else self.R[:, 1:]
        return rows[:, :-1], rows[:, -1]

    @property
    def means(self) -> Floats:
        """Of functions and energy, (M + 1,)."""
        return np.asarray(self.R[0, 1:] / self.R[0, 0])

    @property
    def variance(self) -> float:
        """Of the energies about their mean."""
        return float(np.sum(self.R[1:, -1] ** 2) / self.n)

    def squared_error(self, fit: Linear) -> float:
        """Return the mean of the squares of what a fit gets wrong."""
        wrong = self.R[:, -1] - self.R[:, 0] * fit.intercept - self.R[:, 1 + fit.order] @ fit.coefficients
        return float(wrong @ wrong / self.n)


@dataclass(frozen=True)
class Linear:
    """A fit: numbers of the functions (m,), their coefficients, and the intercept, which is 0 where there is none."""

    order: NDArray[np.int64]
    coefficients: Floats
    intercept: float


@single_threaded
def chosen(triangle: Triangle, most: int, intercept: bool) -> NDArray[np.int64]:
    """Return the numbers of at most so many functions, chosen one after the other.

    Raises:
        SurrogateError: nothing varies.
    """
    (A, b), R = triangle.system(intercept), triangle.R
    if np.linalg.norm(b) <= SAME * np.linalg.norm(R[:, -1]):
        raise SurrogateError(f"the energies do not vary: all {triangle.n:g} are {triangle.means[-1]:g}")
    whole = np.linalg.norm(R[:, 1:-1], axis=0)
    varying = np.flatnonzero(np.linalg.norm(A, axis=0) > INDEPENDENT * np.maximum(whole, 1e-300))
    if not len(varying):
        raise SurrogateError(f"none of the pool's {A.shape[1]} functions varies over {triangle.n:g} environments")
    most = min(most, max(1, int(triangle.n / FEWEST_EACH)))
    return np.asarray(varying[select(A[:, varying], b, most, intercept=False).order])


@single_threaded
def fitted(triangle: Triangle, order: NDArray[np.int64], intercept: bool) -> Linear:
    """Return the fit by these functions."""
    A, b = triangle.system(intercept)
    scales = np.linalg.norm(A[:, order], axis=0)
    c = np.linalg.lstsq(A[:, order] / scales, b, rcond=None)[0] / scales
    means = triangle.means
    return Linear(order, c, float(means[-1] - means[order] @ c) if intercept else 0.0)


def _triangle(rows: Floats) -> Floats:
    return np.asarray(np.linalg.qr(rows, mode="r"))
