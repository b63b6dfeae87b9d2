r"""The posterior of all latent functions in torch, in closed form: moments, and draws that are joint with other points.

For each latent function, with L L^T = C of the training points, v(x) = L^-1 k(X, x), and points B of another kind (the
best ones so far, those being simulated), noise-free:

    L21 = v(B)^T,  L22 L22^T = k(B, B) - L21 L21^T,  v2(x) = L22^-1 (k(B, x) - L21 v(x))
    f_n(B) = mean(B) + L22 z_n,
    f_n(x) = mean(x) + v2(x)^T z_n + sqrt(k(x, x) - |v(x)|^2 - |v2(x)|^2) e_n,      z_n, e_n standard normal

which is the joint sample of f at (B, x) by the Cholesky factor of its covariance, at the price of one point: all that
does not depend on x is computed once. GPyTorch would factorise it anew for every x, forty times as much work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from softal.surrogates.gaussian_processes.botorch_model import OneHot

if TYPE_CHECKING:
    from softal.surrogates.data import Scaling
    from softal.surrogates.gaussian_processes.exact_gp import ExactGP

JITTER = 1e-6  # of the prior variance: some points of B are training points, whose noise may be as small
VARIANCE_FLOOR = 1e-12  # of the prior variance, standardised: the square root's slope at 0 is infinite


class Processes(Protocol):
    """J Gaussian processes that share their n training points, and the scalings to natural units."""

    @property
    def gps(self) -> tuple[ExactGP, ...]:
        """J of them."""

    @property
    def scalings(self) -> tuple[Scaling, ...]:
        """J of them."""


class Latents:
    """J Gaussian processes that share their n training points."""

    def __init__(self, posterior: Processes) -> None:
        gps = posterior.gps
        self._encode = OneHot(gps[0].encoding) if gps[0].encoding.levels else None
        h = [gp.hyperparameters for gp in gps]
        self._scales = torch.tensor([one.lengthscales for one in h], dtype=torch.double)[:, None, :]
        self._prior = torch.tensor([one.outputscale for one in h], dtype=torch.double)[:, None, None]
        self._constant = torch.tensor([one.mean for one in h], dtype=torch.double)
        self._Z = torch.from_numpy(gps[0].Z) / self._scales
        L = torch.from_numpy(np.stack([gp.L for gp in gps]))
        self._L_inv = torch.linalg.solve_triangular(L, torch.eye(L.shape[-1], dtype=L.dtype), upper=False)
        y = torch.from_numpy(np.stack([gp.y for gp in gps])) - self._constant[:, None]
        self._w = (self._L_inv @ y[..., None])[..., 0]
        self._offset = torch.tensor([scaling.mean for scaling in posterior.scalings], dtype=torch.double)
        self._scale = torch.tensor([scaling.scale for scaling in posterior.scalings], dtype=torch.double)

    @property
    def size(self) -> int:
        """J."""
        return len(self._constant)

    def encoded(self, X: Tensor) -> Tensor:
        """Return kernel inputs (J, b, D) of unit points X (b, d), in lengthscales."""
        return (self._encode.transform(X) if self._encode else X) / self._scales

    def covariance(self, A: Tensor, B: Tensor) -> Tensor:
        """Return k (J, a, b) between kernel inputs A (J, a, D) and B (J, b, D)."""
        squared = (A**2).sum(-1)[..., :, None] + (B**2).sum(-1)[..., None, :] - 2.0 * A @ B.transpose(-1, -2)
        return self._prior * torch.exp(-0.5 * squared.clamp_min(0.0))

    def projected(self, Z: Tensor) -> tuple[Tensor, Tensor]:
        """Return v (J, n, b) and the mean (J, b), standardised, at kernel inputs Z (J, b, D)."""
        v = self._L_inv @ self.covariance(self._Z, Z)
        return v, self._constant[:, None] + (self._w[:, None, :] @ v)[:, 0]

    def natural(self, standardised: Tensor) -> Tensor:
        """Return latent functions (..., J) in natural units."""
        return self._offset + self._scale * standardised

    def moments(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean (b, J) and variance (b, J) at unit points X (b, d), natural units."""
        v, mean = self.projected(self.encoded(X))
        variance = (self._prior[:, 0] - (v**2).sum(-2)).clamp_min(VARIANCE_FLOOR)
        return self.natural(mean.T), self._scale**2 * variance.T

    def draws(self, B: Tensor, normal: Tensor, believe: bool = False) -> Draws:
        """Return N draws of the functions, joint with those at unit points B (p, d).

        Args:
            B: points.
            normal: (N, p + 1, J) standard normal numbers.
            believe: the functions have their posterior mean at B, in all draws (kriging believer).
        """
        Z = self.encoded(B)
        v, mean = self.projected(Z)
        left = self.covariance(Z, Z) - v.transpose(-1, -2) @ v
        L22 = torch.linalg.cholesky(left + JITTER * self._prior * torch.eye(len(B), dtype=left.dtype))
        z = normal[:, :-1].permute(2, 1, 0) * (0.0 if believe else 1.0)
        values = mean[..., None] + L22 @ z
        return Draws(self, Z, v, L22, z, normal[:, -1].T, self.natural(values.permute(2, 1, 0)))


@dataclass(frozen=True)
class Draws:
    """N draws of J functions that are fixed at points B.

    Attributes:
        values: (N, p, J) at B, natural units.
    """

    latents: Latents
    Z: Tensor
    v: Tensor
    L22: Tensor
    z: Tensor
    e: Tensor
    values: Tensor

    def __call__(self, X: Tensor) -> Tensor:
        """Return the draws (N, b, J) at unit points X (b, d), natural units."""
        latents = self.latents
        Z = latents.encoded(X)
        v, mean = latents.projected(Z)
        rest = latents.covariance(self.Z, Z) - self.v.transpose(-1, -2) @ v
        v2 = torch.linalg.solve_triangular(self.L22, rest, upper=False)
        variance = latents._prior[:, 0] - (v**2).sum(-2) - (v2**2).sum(-2)
        std = variance.clamp_min(VARIANCE_FLOOR).sqrt()
        drawn = mean[:, None, :] + self.z.transpose(-1, -2) @ v2 + std[:, None, :] * self.e[:, :, None]
        return latents.natural(drawn.permute(1, 2, 0))
