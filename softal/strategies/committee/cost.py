r"""What simulations cost: a value c of their observations, predicted over the space.

    ln c = trend + Gaussian process,    trend = b_0 + sum_j (b_j u_j + b'_j u_j^2) over numbers + b_level of each choice

The trend, a ridge regression, goes on where nothing was simulated yet; a Gaussian process alone would fall back to the
mean there, and send simulations to where they take longest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from softal.numeric import Floats
from softal.surrogates.encoding import Encoding
from softal.surrogates.gaussian_processes.gp import train
from softal.trial import Trial

FEWEST = 4  # costs from which on more than their mean is learned
RIDGE = 1e-3  # of b, over the number of costs: a coefficient of 1 is a factor of e over the range
LEEWAY = float(np.log(10.0))  # predictions stay within this of the costs that are known


class CostModel:
    """Predicts the cost of a simulation, in the unit of the value; 1 everywhere where no value is named.

    Args:
        value: of the observation, above 0; None where all simulations cost the same.
    """

    def __init__(self, value: str | None) -> None:
        self.value = value
        self._points: list[Floats] = []
        self._logarithms: list[float] = []

    def add(self, trial: Trial, u: Floats) -> None:
        """Take in a finished trial at unit point u (d,); one without a cost above 0 is left out."""
        values = trial.observation.values if trial.observation else {}
        cost = values.get(self.value, np.nan) if self.value else np.nan
        if np.isfinite(cost) and cost > 0:
            self._points.append(u)
            self._logarithms.append(float(np.log(cost)))

    def predict(self, U: Floats, categorical: Sequence[int]) -> Floats:
        """Return the predicted cost (n,) at unit points U (n, d).

        Args:
            U: unit points.
            categorical: columns that are choices.
        """
        if not self._logarithms:
            return np.ones(len(U))
        X, y = np.array(self._points), np.array(self._logarithms)
        if len(y) < FEWEST:
            return np.full(len(U), np.exp(y.mean()))
        encoding = Encoding.of(X, categorical)
        b = _ridge(_terms(encoding, X), y - y.mean())
        rest = y - y.mean() - _terms(encoding, X) @ b
        gp, scaling = train(X, rest, np.full(len(y), np.nan), categorical)
        logarithm = y.mean() + _terms(encoding, U) @ b + scaling.mean + scaling.scale * gp.posterior(U)[0]
        return np.asarray(np.exp(np.clip(logarithm, y.min() - LEEWAY, y.max() + LEEWAY)))


def _terms(encoding: Encoding, U: Floats) -> Floats:
    """Return the terms of the trend (n, D) at unit points U (n, d)."""
    encoded = encoding(U)
    numbers = encoded[:, : len(encoding.numeric)]
    return np.column_stack([np.ones(len(U)), encoded, numbers**2])


def _ridge(terms: Floats, y: Floats) -> Floats:
    """Return b that minimises |y - terms b|^2 + n RIDGE |b|^2."""
    return np.asarray(np.linalg.solve(terms.T @ terms + RIDGE * len(y) * np.eye(terms.shape[1]), terms.T @ y))
