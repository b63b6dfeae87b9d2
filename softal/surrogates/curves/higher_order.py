r"""A higher-order Gaussian process of the residuals: an alternative to the basis of the observed curves.

BoTorch's HigherOrderGP (Zhe, Xing & Kirby, "Scalable High-Order Gaussian Process Regression", AISTATS 2019; Maddox et
al., "Bayesian Optimization with High-Dimensional Outputs", NeurIPS 2021) has the covariance

    cov(r_a(x), r_b(x')) = k(x, x') B_ab + v delta

between residuals a and b, with B a kernel of learned latent coordinates of each. With B = Q diag(b) Q^T the Q^T r are
independent Gaussian processes with covariance b_j k and noise v: scores in the basis Q, of which there are as many as
residuals, less those with hardly any b_j.

The likelihood is taken in closed form, which costs n^3 + K^3; BoTorch's own costs (n K)^3 for so few trials. With
k = U diag(s) U^T, T = U^T R Q and D_ij = 1 / (s_i b_j + v):

    -ln p = 1/2 sum_ij [D_ij T_ij^2 - ln D_ij + ln 2 pi]
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from botorch.models import HigherOrderGP
from botorch.optim.fit import fit_gpytorch_mll_scipy
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from softal.numeric import Floats
from softal.surrogates.ensembles.mlp import one_thread
from softal.surrogates.gaussian_processes.exact_gp import NOISES, Hyperparameters

ITERATIONS = 40  # of L-BFGS-B
POINTS = 60  # trials that hyperparameters are learned from, those nearest to the target
LEAST = 1e-6  # b_j, as part of their sum, of what is kept


@dataclass(frozen=True)
class HigherOrder:
    """What is learned.

    Attributes:
        vectors: (J, K) leading eigenvectors of B.
        hyperparameters: (J,) of the scores, standardised by `scale` about zero.
        scale: of the residuals.
    """

    vectors: Floats
    hyperparameters: tuple[Hyperparameters, ...]
    scale: float


def higher_order(Z: Floats, R: Floats, variances: Floats) -> HigherOrder:
    """Return what is learned from residuals R (n, K) at encoded inputs Z (n, D); no random numbers are used.

    Args:
        Z, R: all finite.
        variances: (n, K) of the residuals, which are part of v; NaN where not known.
    """
    near = np.sort(np.argsort(np.sum(R**2, axis=1), kind="stable")[:POINTS])
    scale = float(np.sqrt(np.mean(R[near] ** 2))) or 1.0
    lengthscales, B, v = _learned(Z[near], R[near] / scale)
    b, Q = np.linalg.eigh(B)
    kept = np.flatnonzero(b > LEAST * b.sum())[::-1]
    known = np.nan_to_num(variances[near]) / scale**2
    extra = max(v - float(np.mean(known)), NOISES[0])
    found = tuple(Hyperparameters(lengthscales, float(b[j]), 0.0, v, extra) for j in kept)
    return HigherOrder(np.ascontiguousarray(Q[:, kept].T), found, scale)


def _learned(Z: Floats, R: Floats) -> tuple[tuple[float, ...], Floats, float]:
    """Return lengthscales (D,), B (K, K) and v."""
    Y = torch.from_numpy(R)
    with one_thread(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of jitter, and of residuals that are not centred: their origin is the target
        torch.manual_seed(0)
        model = HigherOrderGP(torch.from_numpy(Z), Y, outcome_transform=None)
        mll = ExactMarginalLogLikelihood(model.likelihood, model)
        parameters = [parameter for parameter in mll.parameters() if parameter.requires_grad]

        def closure() -> tuple[Tensor, list[Tensor | None]]:
            for parameter in parameters:
                parameter.grad = None
            loss = KroneckerLoss.apply(*_covariances(model), model.likelihood.noise.sum(), Y)
            for _, module, prior, value, _ in mll.named_priors():
                loss = loss - prior.log_prob(value(module)).sum()
            loss.backward()
            return loss, [parameter.grad for parameter in parameters]

        fit_gpytorch_mll_scipy(mll, closure=closure, options={"maxiter": ITERATIONS})
        B: Floats = _covariances(model)[1].detach().numpy()
        lengthscales = model.covar_modules[0].lengthscale.detach().flatten().tolist()
        return tuple(lengthscales), B, float(model.likelihood.noise.sum())


def _covariances(model: HigherOrderGP) -> tuple[Tensor, Tensor]:
    """Return k (n, n) and B (K, K)."""
    of_points = model.covar_modules[0](model.train_inputs[0]).to_dense()
    of_outputs = model.covar_modules[1](model.latent_parameters[0]).to_dense()
    return of_points, of_outputs.reshape(of_outputs.shape[-2:])


class KroneckerLoss(torch.autograd.Function):
    """-ln N(R; 0, k (x) B + v 1), with the gradients for k, B and v, all of them from two eigendecompositions."""

    @staticmethod
    def forward(ctx: Any, k: Tensor, B: Tensor, v: Tensor, R: Tensor) -> Tensor:
        """Return the loss of residuals R (n, K)."""
        s, U = torch.linalg.eigh(k)
        b, Q = torch.linalg.eigh(B)
        s, b = s.clamp_min(0.0), b.clamp_min(0.0)
        T = U.T @ R @ Q
        D = 1.0 / (s[:, None] * b + v)
        A = D * T
        of_k = U @ (torch.diag(D @ b) - (A * b) @ A.T) @ U.T
        of_B = Q @ (torch.diag(s @ D) - (A.T * s) @ A) @ Q.T
        ctx.save_for_backward(0.5 * of_k, 0.5 * of_B, 0.5 * (D.sum() - (A**2).sum()))
        loss: Tensor = 0.5 * (D * T**2 - D.log() + math.log(2.0 * math.pi)).sum()
        return loss

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients."""
        return (*(outer[0] * gradient for gradient in ctx.saved_tensors), None)
