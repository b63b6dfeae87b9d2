"""What simulations cost: a value of their observations, whose logarithm a Gaussian process predicts over the space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from softal.surrogates.gp import train
from softal.trial import Trial

Floats = NDArray[np.float64]

FEWEST = 3  # costs from which a process is learned; the mean stands in for fewer


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
        """Return the predicted cost (n,) at unit points U (n, d): the median of the lognormal posterior.

        Args:
            U: unit points.
            categorical: columns that are choices.
        """
        if not self._logarithms:
            return np.ones(len(U))
        y = np.array(self._logarithms)
        if len(y) < FEWEST:
            return np.full(len(U), np.exp(y.mean()))
        gp, scaling = train(np.array(self._points), y, np.full(len(y), np.nan), categorical)
        mean, _ = gp.posterior(U)
        return np.exp(scaling.mean + scaling.scale * mean)
