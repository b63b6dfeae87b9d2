"""With which population and steps the next run of CMA-ES starts: IPOP and BIPOP.

A. Auger and N. Hansen, CEC 2005 (IPOP); N. Hansen, GECCO 2009 workshop (BIPOP).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

Kind = Literal["ipop", "bipop", "none"]


class Restarts:
    """Sequence of the runs' population sizes and initial steps.

    IPOP doubles the population lambda with each run. BIPOP spends as many evaluations on runs with a small one and
    small steps, lambda = lambda_0 (lambda_large / (2 lambda_0))^(u^2), sigma = sigma_0 10^(-2 u'), where u and u' are
    uniform in [0, 1).

    Attributes:
        kind: which of them; `none` has no second run.
        popsize: lambda_0, of the first run.
    """

    def __init__(self, kind: Kind, popsize: int) -> None:
        self.kind, self.popsize = kind, popsize
        self._doublings = 0
        self._regime: Literal["large", "small"] = "large"
        self._evaluations = {"large": 0, "small": 0}

    def count(self, evaluations: int) -> None:
        """Add evaluations to those of the current run."""
        self._evaluations[self._regime] += evaluations

    def following(self, sigma: float, rng: np.random.Generator) -> tuple[int, float] | None:
        """Return population size and initial step of the run after the current one; None where there is none.

        Args:
            sigma: initial step of the first run.
            rng: for u and u'.
        """
        if self.kind == "none":
            return None
        small = self.kind == "bipop" and self._doublings > 0
        self._regime = "small" if small and self._evaluations["small"] < self._evaluations["large"] else "large"
        if self._regime == "large":
            self._doublings += 1
            return self.popsize * 2**self._doublings, sigma
        ratio = 2**self._doublings / 2
        u, u_prime = rng.random(2)
        return int(self.popsize * ratio ** (u**2)), sigma * 10 ** (-2 * u_prime)
