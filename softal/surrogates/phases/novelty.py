r"""How far a diffraction pattern is from all those that a network was trained on.

A network that tells six phases from each other says one of them of a seventh, too, and says it with confidence: what
distinguishes the seventh is what it has learned not to see, so that its hidden layer does not show it, either. The
pattern itself does. Of its rings of pixels around k = 0, q = 1 .. , the harmonics of the angle are taken:

    a_qm = | mean over the pixels of ring q of I(k) exp(i m theta_k) |,    f = ln(a + a_0)

which are the same however a pattern is turned. Each phase c is a Gaussian in f, all with one covariance C, and

    distance = min_c sqrt((f - mu_c)^T C^-1 (f - mu_c)) / threshold,       unknown where it is above 1

where the threshold is the distance that nearly all images of a state point stay within that was not trained on, in the
median of such state points: one of them that is none of the phases, as happens near their borders, does not widen it.
In three dimensions rings lie about z, at each |k_z|: layers are stacked along z, about which configurations are turned.

Source: K. Lee, K. Lee, H. Lee, J. Shin, "A simple unified framework for detecting out-of-distribution samples and
adversarial attacks", NeurIPS 2018, for Gaussians with one covariance. There they are in the network's hidden layers: of
phases that were left out of training here, these show next to nothing, and harmonics of the rings most.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.phases.network import IMAGES
from softal.surrogates.threads import single_threaded

Images = NDArray[np.floating]

HARMONICS = tuple(range(0, 20, 2))  # m; odd ones vanish, since S(-k) = S(k)
LAYERS = (4, 6, 8, 12)  # m in three dimensions, beside 0
LEVELS = ((0,), (1, 2), (3, 4, 5, 6, 7, 8))  # |k_z|, in pixels, of the rings that these are taken of
INNERMOST = 2  # rings of fewer pixels have no angle
FLOOR = 3e-3  # a_0: amplitudes below it are noise
SHRINKAGE = 1e-3  # of C towards a multiple of the identity
KNOWN = 0.99  # part of the images of an unseen state point that are within its distance
MARGIN = 1.05  # between that and the threshold


@dataclass(frozen=True)
class Novelty:
    """Gaussians of the known phases.

    Attributes:
        means: (p, f).
        whitening: (f, f), W with C^-1 = W^T W.
        threshold: distance from which an image is unknown.
    """

    means: Floats
    whitening: Floats
    threshold: float

    @classmethod
    @single_threaded
    def of(cls, images: Images, labels: NDArray[np.intp], unseen: Sequence[Images]) -> Novelty:
        """Learn from images (n, ...) with labels (n,), and from the images of each of some unseen state points."""
        f = features(images)
        means = np.stack([f[labels == phase].mean(axis=0) for phase in range(labels.max() + 1)])
        rest = f - means[labels]
        covariance = rest.T @ rest / len(rest)
        covariance += max(SHRINKAGE * np.trace(covariance) / len(covariance), 1e-12) * np.eye(len(covariance))
        whitening = np.linalg.inv(np.linalg.cholesky(covariance))
        free = cls(means, whitening, 1.0)
        reached = [np.quantile(free.distance(some), KNOWN) for some in unseen]
        return cls(means, whitening, MARGIN * float(np.median(reached)))

    @single_threaded
    def distance(self, images: Images) -> Floats:
        """Return the distance (n,) of images (n, ...) from the nearest phase; unknown above 1."""
        white, centres = features(images) @ self.whitening.T, self.means @ self.whitening.T
        squared = [np.sum((white - centre) ** 2, axis=1) for centre in centres]
        return np.asarray(np.sqrt(np.min(squared, axis=0)) / self.threshold)

    def to_tensors(self) -> dict[str, NDArray[np.float64]]:
        """Return arrays by name, of which `from_tensors` makes the same."""
        return {"means": self.means, "whitening": self.whitening, "threshold": np.array([self.threshold])}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float64]]) -> Novelty:
        """Return what `to_tensors` was made of."""
        return cls(tensors["means"], tensors["whitening"], float(tensors["threshold"][0]))


def features(images: Images) -> Floats:
    """Return f (n, ...) of images (n, 33, 33) or (n, 17, 17, 17)."""
    flat = np.asarray(images, dtype=np.float32).reshape(len(images), math.prod(images.shape[1:]))
    return np.asarray(np.log(np.abs(flat @ _basis(images.ndim - 1)).astype(np.float64) + FLOOR))


@cache
def _basis(dimension: int) -> NDArray[np.complex64]:
    """Return what makes amplitudes of images: (pixels, f)."""
    side = IMAGES[dimension][0]
    # Pixel i holds the maximum of n = 4 i .. 4 i + 3, with i from the middle one.
    axes = np.meshgrid(*[np.arange(side) - side // 2 + 3 / 8] * dimension, indexing="ij")
    angle = np.arctan2(axes[1], axes[0]).ravel()
    columns = [
        region * np.exp(1j * m * angle) / region.sum()
        for region, harmonics in _regions([axis.ravel() for axis in axes], side // 2)
        for m in harmonics
        if region.any()
    ]
    return np.stack(columns, axis=1).astype(np.complex64)


def _regions(axes: list[Floats], reach: int) -> Iterator[tuple[NDArray[np.bool_], tuple[int, ...]]]:
    """Yield rings of pixels, as masks (pixels,), and the harmonics m that are taken of each."""
    ring = np.rint(np.hypot(axes[0], axes[1])).astype(int)
    if len(axes) == 2:
        yield from ((ring == q, HARMONICS) for q in range(INNERMOST, reach - 1))
        return
    level = np.abs(np.rint(axes[2])).astype(int)  # of |k_z|
    yield from (((ring == q) & (level == z), (0,)) for q in range(reach) for z in range(reach))
    for levels in LEVELS:
        yield from (((ring == q) & np.isin(level, levels), LAYERS) for q in range(INNERMOST, reach))
