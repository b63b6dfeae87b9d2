r"""Acquisition functions of a composite objective: a known function of several latent functions.

With draws f_n, n = 1 ... N, of the latent functions from their posterior, joint at x, at the points B that may be the
best so far and at those that are being simulated (`latents.py`), and with values V = -sqrt(sum_j f_j^2 + rest),

    qLogNoisyEI  ln mean_n (V_n(x) - max V_n(B, pending))_+           the best value is not known: it is drawn, too
    qLogEI       ln mean_n (V_n(x) - max(best mean, V_n(pending)))_+
    UCB          mean_n V_n(x) + sqrt(beta pi / 2) mean_n |V_n(x) - mean|,    functions at pending points at their mean

Astudillo & Frazier, "Bayesian Optimization of Composite Functions", ICML 2019; Ament et al., NeurIPS 2023, for the
logarithm; BoTorch's names and smoothing. What x adds to the pending points is maximised: BoTorch's value for them all
together differs from it by a constant. qLogNEHVI, for several objectives, is BoTorch's own class.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.logei import TAU_RELU
from botorch.utils.safe_math import log_fatplus, logmeanexp
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from softal.strategies.bayesian.latents import Draws, Latents
from softal.strategies.bayesian.models import Posterior

SOBOL_DIMENSIONS = 21201  # of torch's Sobol sequence


class CompositeAcquisition(AcquisitionFunction):  # type: ignore[misc]  # BoTorch has no types
    """One of the acquisition functions above, of the first component.

    Args:
        kind: qLogNoisyEI, qLogEI or UCB.
        posterior: of the latent functions.
        baseline: (p, d) unit points that may be the best, for qLogNoisyEI.
        samples: N.
        seed: of the draws.
        beta: of UCB.
    """

    def __init__(
        self, kind: str, posterior: Posterior, baseline: Tensor, samples: int, seed: int, beta: float = 4.0
    ) -> None:
        super().__init__(model=None)  # its draws are made here
        self.kind, self.latents, self.value = kind, Latents(posterior), posterior.links[0].value
        self.baseline = baseline if kind == "qLogNoisyEI" else baseline[:0]
        self.best = float(np.max(posterior.means(posterior.X)[:, 0])) if kind == "qLogEI" else -math.inf
        self.samples, self.seed, self.beta = samples, seed, beta
        self.set_X_pending(None)

    def set_X_pending(self, X_pending: Tensor | None = None) -> None:  # noqa: N802 - BoTorch's name
        """Take points `m x d` as being simulated."""
        B = self.baseline if X_pending is None else torch.cat([self.baseline, X_pending])
        numbers = normal(self.samples, len(B) + 1, self.latents.size, self.seed)
        self.draws: Draws = self.latents.draws(B, numbers, believe=self.kind == "UCB")
        values = self.value(self.draws.values)
        self.best_drawn = torch.cat([values, torch.full((len(values), 1), self.best)], dim=1).amax(dim=1, keepdim=True)

    def forward(self, X: Tensor) -> Tensor:
        """Return the acquisition function at X `b x 1 x d`, shape `b`."""
        values = self.value(self.draws(X.squeeze(-2)))
        if self.kind == "UCB":
            mean = values.mean(dim=0)
            spread: Tensor = (values - mean).abs().mean(dim=0)
            bound: Tensor = mean + math.sqrt(self.beta * math.pi / 2.0) * spread
            return bound
        improvement: Tensor = logmeanexp(log_fatplus(values - self.best_drawn, tau=TAU_RELU), dim=0)
        return improvement


def normal(samples: int, points: int, latents: int, seed: int) -> Tensor:
    """Return standard normal numbers (samples, points, latents): a scrambled Sobol sequence, up to its dimension."""
    d = points * latents
    if d > SOBOL_DIMENSIONS:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn((samples, points, latents), dtype=torch.double, generator=generator)
    drawn: Tensor = draw_sobol_normal_samples(d, samples, dtype=torch.double, seed=seed)
    return drawn.reshape(samples, points, latents)
