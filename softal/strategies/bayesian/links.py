"""Links: how a component of the objective is made of latent functions, each of which is a Gaussian process.

A value, to be maximised, is a known function of the latent functions; their data are a known function of the results.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from softal.numeric import Floats
from softal.strategies.bayesian.warp import Warp
from softal.strategies.shared.history import Results
from softal.surrogates.curves.basis import Basis
from softal.surrogates.curves.norm import length

TINY = 1e-30  # under the square root: its slope at 0 is infinite


@dataclass(frozen=True)
class Warped:
    """One latent function, -g(loss), which is the value itself; see `Warp` for g."""

    warp: Warp
    size = 1

    def data(self, results: Results, k: int) -> tuple[Floats, Floats]:
        """Return values (n, 1) and variances (n, 1) of component k's latent function; NaN where not known."""
        losses, errors = results.losses[:, [k]], results.errors[:, [k]]
        return -self.warp(losses), (self.warp.slope(losses) * errors) ** 2

    def observed(self, losses: Floats) -> Floats:
        """Return the values (n,) of observed losses (n,)."""
        return -self.warp(losses)

    def value(self, latents: Any) -> Any:
        """Return the value (...) of latent functions (..., 1): of arrays, or of tensors."""
        return latents[..., 0]

    def slope(self, latents: Floats) -> Floats:
        """Return the derivative (..., 1) of the value."""
        return np.ones_like(latents)

    def moments(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Return mean and variance of the value for latent functions with these means and variances (..., 1)."""
        return mean[..., 0], variance[..., 0]

    def loss(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Return mean (...) and standard deviation (...) of the loss, to first order in the deviation."""
        loss = self.warp.inverse(-mean[..., 0])
        return loss, variance[..., 0] ** 0.5 / self.warp.slope(loss)


@dataclass(frozen=True)
class Length:
    """The scores of residuals as latent functions; the value is minus the length of the residuals.

    value = -sqrt(sum_j s_j^2 + rest)
    """

    basis: Basis

    @property
    def size(self) -> int:
        """Number of latent functions."""
        return self.basis.size

    def data(self, results: Results, k: int) -> tuple[Floats, Floats]:
        """Return values (n, J) and variances (n, J) of component k's scores; NaN where not known."""
        return self.basis.scores(results.residuals[k]), self.basis.noise(results.variances[k])

    def observed(self, losses: Floats) -> Floats:
        """Return the values (n,) of observed losses (n,)."""
        return -losses

    def value(self, latents: Any) -> Any:
        """Return the value (...) of scores (..., J): of arrays, or of tensors."""
        return -(((latents**2).sum(-1) + self.basis.rest + TINY) ** 0.5)

    def slope(self, latents: Floats) -> Floats:
        """Return the derivatives (..., J) of the value."""
        return np.asarray(latents / self.value(latents)[..., None])

    def moments(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Return mean and variance of the value for scores with these means and variances (..., J)."""
        found, spread = length(mean, variance, self.basis.rest)
        return -found, spread

    def loss(self, mean: Any, variance: Any) -> tuple[Any, Any]:
        """Return mean (...) and standard deviation (...) of the loss."""
        found, spread = length(mean, variance, self.basis.rest)
        return found, spread**0.5


Link = Warped | Length
