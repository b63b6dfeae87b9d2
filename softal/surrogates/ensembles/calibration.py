"""How much wider than its members' spread the error of an ensemble is, by what its members have not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize

from softal.numeric import Floats

FACTORS = (0.3, 10.0)  # c
NOISES = (1e-8, 2.0)  # v, standardised
NOISE_PRIOR = (-6.0, 1.5)  # mean and standard deviation of ln v


def calibration(error: Floats, spread: Floats, known: Floats) -> tuple[float, float]:
    """Return c and v that maximise the likelihood of errors (k,), as N(0, c^2 spread + v + known), all standardised.

    Args:
        error: of predictions that were not trained on.
        spread: (k,) variance of the members.
        known: (k,) variance of the noise; NaN where not known.
    """

    def minus_log(theta: Floats) -> float:
        variance = np.exp(2.0 * theta[0]) * spread + np.exp(theta[1]) + np.nan_to_num(known)
        # A few left-out trials cannot tell noise from ignorance: then c is about 1, and the noise is small.
        prior = 0.5 * theta[0] ** 2 + 0.5 * ((theta[1] - NOISE_PRIOR[0]) / NOISE_PRIOR[1]) ** 2
        return float(0.5 * np.sum(np.log(variance) + error**2 / variance) + prior)

    bounds = np.log([FACTORS, NOISES])
    options: Any = {"method": "L-BFGS-B", "bounds": bounds}
    results = [
        minimize(minus_log, np.array([0.0, np.log(fraction * np.mean(error**2) + NOISES[0])]), **options)
        for fraction in (0.01, 0.5)
    ]
    best = min(results, key=lambda result: float(result.fun)).x
    return float(np.exp(best[0])), float(np.exp(best[1]))
