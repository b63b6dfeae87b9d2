"""Monotone transformations of losses before they are modelled.

A Gaussian process takes the variation of its targets to be alike everywhere. Three kinds of losses break that:

    bilog   simulations that go wrong without failing (R = 0.4 where good ones have 0.04): the model would spend its
            lengthscales on the cliff. The bad half is compressed, the good half, where the optimum is, left as it is:
            g(y) = y                                         for y <= m
            g(y) = m + s min(ln(1 + (y - m) / s), LIMIT)     for y > m,    m = median, s = m - lower decile
    log     positive losses over decades: g(y) = ln(y + c), c the usual error of the lowest ones
    logit   probabilities, minimised (q = y) or maximised (q = 1 + y, y = -p):
            g(y) = ln(q' / (1 - q')),    q' = (q + FLOOR) / (1 + 2 FLOOR)
            which tells 0.01 from 0.1 as well as 0.9 from 0.99, and 1e-8 not from 1e-9

No g ever falls, and each is smooth, so that minima and Pareto fronts stay. A standard error e of y becomes g'(y) e.
`candidates` says which ones losses allow; the strategy takes the one with which left-out results are predicted best
(`models.py`). `learn` uses natural values: a surrogate shall be good there.

Evidence for bilog (medians of 6 to 8 seeds, as g / untransformed): Branin after 25 points 0.012 / 0.12; a cone of
height 0.4 and floor 0.04 with a plateau of blow-ups after 15 points 0.053 / 0.066; Hartmann6 after 60 points 2e-4 /
2e-4. With a wall of 1e6 beside a parabola: 8e-6 with LIMIT = 3, 2e-4 without a limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.numeric import Floats

LIMIT = 3.0  # reached 19 s above the median
TINY = float(np.finfo(np.float64).tiny)
FLOOR = 1e-3  # of a probability: fewer than one configuration in a thousand is none
DECADES = 100.0  # largest over smallest loss from which their logarithm is tried
LOWEST = 0.25  # part of the losses whose errors are those of the lowest ones


@dataclass(frozen=True)
class Warp:
    """The transformation of one objective's losses.

    Attributes:
        kind: none, bilog, log or logit.
        median: m.
        scale: s.
        shift: c of log; 1 for logit where a probability is maximised, else 0.
    """

    kind: str = "none"
    median: float = 0.0
    scale: float = 1.0
    shift: float = 0.0

    @classmethod
    def of(cls, losses: Floats, transform: str, errors: Floats | None = None) -> Warp:
        """Return the transformation for losses (n,), n >= 1; `transform` as in the settings; errors (n,), NaN unknown.

        For `auto` it is bilog.
        """
        if transform == "log" and np.all(losses > 0):
            return cls("log", shift=_usual_error(losses, errors))
        if transform != "auto":
            return cls()
        low, median = np.quantile(losses, [0.1, 0.5]).tolist()
        return cls("bilog", median, median - low) if median > low else cls()

    @classmethod
    def candidates(cls, losses: Floats, transform: str, errors: Floats | None = None) -> list[Warp]:
        """Return the transformations that losses (n,) with errors (n,) allow, the usual one first."""
        found = [cls.of(losses, transform, errors)]
        if transform != "auto":
            return found
        if np.all(losses > 0) and np.max(losses) > DECADES * np.min(losses):
            found.append(cls.of(losses, "log", errors))
        for shift in (0.0, 1.0):
            q = losses + shift
            if q.min() >= 0.0 and q.max() <= 1.0 and np.ptp(q) > 0.5:
                found.append(cls("logit", shift=shift))
        return found

    def __call__(self, losses: Floats) -> Floats:
        """Return g(y) of losses (n,)."""
        if self.kind == "log":
            return np.log(np.maximum(losses + self.shift, TINY))
        if self.kind == "logit":
            q = self._probability(losses)
            return np.asarray(np.log(q / (1.0 - q)))
        if self.kind == "none":
            return losses
        above = np.maximum(losses - self.median, 0.0)
        return np.minimum(losses, self.median) + self.scale * np.minimum(np.log1p(above / self.scale), LIMIT)

    def slope(self, losses: Any) -> Any:
        """Return g'(y) of losses (n,), an array or a tensor; beyond the limit, what it would be without: noise stays.

        (A standard error is never made zero.)
        """
        if self.kind == "log":
            return 1.0 / (losses + self.shift).clip(min=TINY)
        if self.kind == "logit":
            q = self._probability(losses)
            return 1.0 / (q * (1.0 - q) * (1.0 + 2.0 * FLOOR))
        if self.kind == "none":
            return losses**0
        return 1.0 / (1.0 + (losses - self.median).clip(min=0.0) / self.scale)

    def inverse(self, warped: Any) -> Any:
        """Return the losses y (n,) of g(y), an array or a tensor; what is beyond the limit is at it."""
        if self.kind == "log":
            return math.e**warped - self.shift
        if self.kind == "logit":
            q = 1.0 / (1.0 + math.e ** (-warped.clip(min=-500.0, max=500.0)))
            return (q * (1.0 + 2.0 * FLOOR) - FLOOR).clip(min=0.0, max=1.0) - self.shift
        if self.kind == "none":
            return warped
        above = (warped - self.median).clip(min=0.0, max=LIMIT * self.scale)
        return warped.clip(max=self.median) + self.scale * (math.e ** (above / self.scale) - 1.0)

    def _probability(self, losses: Any) -> Any:
        """Return q' (n,), which is neither 0 nor 1."""
        return ((losses + self.shift).clip(min=0.0, max=1.0) + FLOOR) / (1.0 + 2.0 * FLOOR)


def _usual_error(losses: Floats, errors: Floats | None) -> float:
    """Return the median error of the lowest losses (n,), 0 where none is known."""
    if errors is None:
        return 0.0
    known = errors[losses <= np.quantile(losses, LOWEST)]
    known = known[np.isfinite(known)]
    return float(np.median(known)) if len(known) else 0.0
