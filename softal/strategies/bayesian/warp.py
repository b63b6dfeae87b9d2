"""Monotone transformation of losses before they are modelled.

A Gaussian process takes the variation of its targets to be alike everywhere. Simulations that go wrong without failing
(R = 0.4 where good ones have 0.04) break that: the model spends its lengthscales on the cliff. The bad half of the
losses is therefore compressed, and the good half, where the optimum is, left as it is:

    g(y) = y                            for y <= m
    g(y) = m + s ln(1 + (y - m) / s)    for y > m,    m = median, s = m - lower decile

g is monotone with a continuous slope, so minima, Pareto fronts and the order of trials stay. A standard error e of y
becomes g'(y) e. `learn` uses natural values: a surrogate shall be good there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Warp:
    """The transformation of one objective's losses.

    Attributes:
        kind: none, bilog (as above) or log.
        median: m.
        scale: s.
    """

    kind: str = "none"
    median: float = 0.0
    scale: float = 1.0

    @classmethod
    def of(cls, losses: Floats, transform: str) -> Warp:
        """Return the transformation for losses (n,), n >= 1; `transform` as in the settings."""
        if transform == "log" and np.all(losses > 0):
            return cls("log")
        if transform != "auto":
            return cls()
        low, median = np.quantile(losses, [0.1, 0.5]).tolist()
        return cls("bilog", median, median - low) if median > low else cls()

    def __call__(self, losses: Floats) -> Floats:
        """Return g(y) of losses (n,)."""
        if self.kind == "log":
            return np.log(np.maximum(losses, np.finfo(np.float64).tiny))
        if self.kind == "none":
            return losses
        above = np.maximum(losses - self.median, 0.0)
        return np.minimum(losses, self.median) + self.scale * np.log1p(above / self.scale)

    def slope(self, losses: Floats) -> Floats:
        """Return g'(y) of losses (n,)."""
        if self.kind == "log":
            return 1.0 / np.maximum(losses, np.finfo(np.float64).tiny)
        if self.kind == "none":
            return np.ones_like(losses)
        return 1.0 / (1.0 + np.maximum(losses - self.median, 0.0) / self.scale)
