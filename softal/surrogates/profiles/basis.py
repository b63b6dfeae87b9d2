r"""What the curves of one array have in common: principal components of their coefficients.

    c = m + s V,    s (J,) scores of standard deviation 1

Coefficients count by the root of the density that they typically stand for, as counts are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

LEAST_WEIGHT = 0.1
NEGLIGIBLE = 1e-6  # part of the variance that is left out


@dataclass(frozen=True)
class Basis:
    """Attributes: mean m (T,), vectors V (J, T), weight (T,) by which coefficients count."""

    mean: Floats
    vectors: Floats
    weight: Floats

    @classmethod
    def of(cls, c: Floats, positive: bool, most: int) -> Basis:
        """Return the basis of coefficients c (n, T), of at most so many components."""
        mean = c.mean(axis=0)
        weight = np.clip(np.exp(0.5 * mean), LEAST_WEIGHT, None) if positive else np.ones(len(mean))
        away = (c - mean) * weight
        _, singular, vectors = np.linalg.svd(away, full_matrices=False)
        part = singular**2
        kept = max(1, min(most, len(c) - 1, int(np.sum(part > NEGLIGIBLE * max(float(part.sum()), 1e-300)))))
        scale = np.maximum(singular[:kept] / np.sqrt(len(c)), 1e-9)
        return cls(mean, vectors[:kept] * scale[:, None] / weight, weight)

    @property
    def size(self) -> int:
        """J."""
        return len(self.vectors)

    @property
    def _back(self) -> Floats:
        """The matrix (T, J) that makes scores of coefficients."""
        weighted = self.vectors * self.weight
        return np.asarray((weighted / np.sum(weighted**2, axis=1, keepdims=True) * self.weight).T)

    def scores(self, c: Floats) -> Floats:
        """Return s (n, J) of coefficients (n, T)."""
        return np.asarray((c - self.mean) @ self._back)

    def noise(self, covariance: Floats) -> Floats:
        """Return variances (n, J) of scores, of covariances (n, T, T) of coefficients, or of their variances (n, T)."""
        back = self._back
        if covariance.ndim == 2:
            return np.asarray(covariance @ back**2)
        return np.asarray(np.einsum("tj,nts,sj->nj", back, covariance, back, optimize=True))

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_tensors` takes."""
        return dict(vars(self))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Basis:
        """Make it of what `to_tensors` returned."""
        return cls(tensors["mean"], tensors["vectors"], tensors["weight"])


@dataclass(frozen=True)
class Lesson:
    """What is learned of one array from some of the trials: their basis, scores (n, J) of all, and their variances."""

    basis: Basis
    scores: Floats
    noise: Floats
