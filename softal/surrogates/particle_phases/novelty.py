"""Which environments are far from all that were learned from, so that none of the labels is theirs.

Each label is a Gaussian in the standardised inputs, with a covariance of its own: crystals are narrow, fluids wide. An
environment is as far from a label as its Mahalanobis distance over that label's threshold: the distance that 99.9 % of
the label's particles stay within, of the runs that were held out at points that were learned from, and of those learned
from, whichever is farther. It is unknown where it is farther than 1 from all labels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.threads import single_threaded

KNOWN = 0.999  # part of a label's particles that are not unknown
SHRINKAGE = 1e-4  # of a covariance towards a multiple of the identity


@dataclass(frozen=True)
class Novelty:
    """The environments that are known.

    Attributes:
        means: (p, d) of each label.
        whitening: (p, d, d), W with C^-1 = W^T W.
        thresholds: (p,).
    """

    means: Floats
    whitening: Floats
    thresholds: Floats

    @classmethod
    @single_threaded
    def of(cls, Z: Floats, y: NDArray[np.int64], unseen: Floats, unseen_y: NDArray[np.int64], labels: int) -> Novelty:
        """Learn from standardised inputs (n, d) with labels (n,), and from those of runs that were held out."""
        means = np.stack([Z[y == label].mean(axis=0) for label in range(labels)])
        whitening = np.stack([_whitening(Z[y == label] - means[label]) for label in range(labels)])
        free = cls(means, whitening, np.ones(labels))
        thresholds = np.full(labels, 1e-12)
        for label in range(labels):
            for some in (Z[y == label], unseen[unseen_y == label]):
                if len(some):
                    reached = float(np.quantile(free._from(label, some), KNOWN))
                    thresholds[label] = max(thresholds[label], reached)
        return cls(means, whitening, thresholds)

    @single_threaded
    def distance(self, Z: Floats) -> Floats:
        """Return how far standardised inputs (n, d) are from the nearest label, (n,); unknown above 1."""
        return np.asarray(np.min([self._from(label, Z) for label in range(len(self.means))], axis=0))

    def _from(self, label: int, Z: Floats) -> Floats:
        away = (Z - self.means[label]) @ self.whitening[label].T
        return np.asarray(np.sqrt(np.sum(away**2, axis=1)) / self.thresholds[label])

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], labels: int, width: int) -> Novelty:
        """Return what `vars` says of one; ValueError where the shapes do not fit."""
        found = cls(**tensors)
        shapes = (found.means.shape, found.whitening.shape, found.thresholds.shape)
        if shapes != ((labels, width), (labels, width, width), (labels,)):
            raise ValueError(f"what is known has the shapes {shapes}, not those of {labels} labels and {width} inputs")
        return found


def _whitening(rest: Floats) -> Floats:
    """Return W with W^T W the inverse of the covariance of what is (n, d) about its mean."""
    covariance = rest.T @ rest / len(rest)
    d = len(covariance)
    covariance += max(SHRINKAGE * float(np.trace(covariance)) / d, 1e-12) * np.eye(d)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))
