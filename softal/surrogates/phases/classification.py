r"""How good a classifier is, and how far its probabilities can be believed.

n images, p phases; probabilities P (n, p), labels (n,) from 0 to p - 1.

    confidence      max_c P_c
    reliability     accuracy against mean confidence, in bins of the confidence
    ECE             sum over bins of (images in it / n) |accuracy - confidence|, the expected calibration error
    temperature     softmax(z / T): T > 0 that maximises the likelihood of images that were not trained on

Source: C. Guo, G. Pleiss, Y. Sun, K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from softal.numeric import Floats

Labels = NDArray[np.intp]

BINS = 15  # of the confidence, as in the paper
LOG_TEMPERATURES = (-3.0, 3.0)


def confusion(labels: Labels, predicted: Labels, phases: int) -> NDArray[np.intp]:
    """Return how many images of each phase (rows) were taken for each phase (columns), (p, p)."""
    return np.bincount(labels * phases + predicted, minlength=phases**2).reshape(phases, phases)


def reliability(labels: Labels, probabilities: Floats) -> list[tuple[float, float, int]]:
    """Return (mean confidence, accuracy, number of images) of each bin of the confidence that holds images."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sums = [np.bincount(bins, weights=weights, minlength=BINS) for weights in (confidence, right.astype(np.float64))]
    return [(float(sums[0][b] / n), float(sums[1][b] / n), int(n)) for b, n in enumerate(counts) if n]


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Return the expected calibration error, 0 to 1."""
    bins = reliability(labels, probabilities)
    return sum(n * abs(accuracy - confidence) for confidence, accuracy, n in bins) / len(labels)


def temperature(logits: Floats, labels: Labels, independent: int) -> float:
    """Return T that makes the probabilities softmax(z / T) most likely.

    Args:
        logits: z (n, p), of images that were not trained on.
        labels: (n,).
        independent: number of independent images among them: those of one state point are alike.
    """

    def minus_log(log_t: float) -> float:
        found = log_softmax(logits / np.exp(log_t), axis=1)[np.arange(len(labels)), labels]
        # A few images without a mistake would make T zero, and every probability one: then T is about 1.
        return float(0.5 * log_t**2 - independent * np.mean(found))

    return float(np.exp(minimize_scalar(minus_log, bounds=LOG_TEMPERATURES, method="bounded").x))
