r"""Acquisition functions of a composite objective: a known function of several latent functions.

With draws f_n, n = 1 ... N, of the latent functions from their posterior, joint at x, at the points B that may be the
best so far and at those that are being simulated (`latents.py`), and with values V = -sqrt(sum_j f_j^2 + rest),

    qLogNoisyEI  ln mean_n (V_n(x) - max V_n(B, pending))_+           the best value is not known: it is drawn, too
    qLogEI       ln mean_n (V_n(x) - max(best mean, V_n(pending)))_+
    UCB          mean_n V_n(x) + sqrt(beta pi / 2) mean_n |V_n(x) - mean|,    functions at pending points at their mean
    qLogNEHVI    ln mean_n of the hypervolume that x adds to the front of V_n(B, pending); V has m components

Astudillo & Frazier, "Bayesian Optimization of Composite Functions", ICML 2019; Daulton et al., NeurIPS 2021, for the
hypervolume; Ament et al., NeurIPS 2023, for the logarithm. Names and smoothing are BoTorch's. What x adds to pending
points is maximised: BoTorch's value for them all together differs from it by a constant.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.acquisition.logei import TAU_RELU
from botorch.utils.multi_objective.box_decompositions import BoxDecompositionList, FastNondominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.safe_math import log_fatplus, logmeanexp
from botorch.utils.sampling import draw_sobol_normal_samples
from torch import Tensor

from softal.strategies.bayesian.latents import Draws, Latents
from softal.strategies.bayesian.posterior import Posterior
from softal.strategies.shared.history import nondominated

SOBOL_DIMENSIONS = 21201  # of torch's Sobol sequence


class CompositeAcquisition(AcquisitionFunction):  # type: ignore[misc]  # BoTorch has no types
    """One of the acquisition functions above.

    Args:
        kind: qLogNoisyEI, qLogEI, UCB or qLogNEHVI.
        posterior: of the latent functions.
        baseline: (p, d) unit points that may be the best, for the noisy ones.
        samples: N.
        seed: of the draws.
        beta: of UCB.
    """

    def __init__(
        self, kind: str, posterior: Posterior, baseline: Tensor, samples: int, seed: int, beta: float = 4.0
    ) -> None:
        super().__init__(model=None)  # its draws are made here
        self.kind, self.latents, self.posterior = kind, Latents(posterior), posterior
        self.baseline = baseline if kind in ("qLogNoisyEI", "qLogNEHVI") else baseline[:0]
        allowed = posterior.X[posterior.probable]
        self.best = float(np.max(posterior.in_units(posterior.means(allowed))[:, 0])) if kind == "qLogEI" else -math.inf
        self.samples, self.seed, self.beta = samples, seed, beta
        self.set_X_pending(None)

    def set_X_pending(self, X_pending: Tensor | None = None) -> None:  # noqa: N802 - BoTorch's name
        """Take points `m x d` as being simulated."""
        B = self.baseline if X_pending is None else torch.cat([self.baseline, X_pending])
        numbers = normal(self.samples, len(B) + 1, self.latents.size, self.seed)
        self.draws: Draws = self.latents.draws(B, numbers, believe=self.kind == "UCB")
        values = self._values(self.draws.values)
        if self.kind == "qLogNEHVI":
            self.cells = self._cells(values)
        first = values[..., 0]
        self.best_drawn = torch.cat([first, torch.full((len(first), 1), self.best)], dim=1).amax(dim=1, keepdim=True)

    def _values(self, latents: Tensor) -> Tensor:
        """Return the values (N, b, m), in units of their spread, of latent functions (N, b, J)."""
        pairs = zip(self.posterior.links, self.posterior.slices, strict=True)
        values = torch.stack([link.value(latents[..., part]) for link, part in pairs], dim=-1)
        found: Tensor = self.posterior.in_units(values)
        return found

    def _cells(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lower and upper corners (N, 1, c, m) of cells that values (N, p, m) do not dominate."""
        Y = self.posterior.in_units(self.posterior.Y[self.posterior.probable])
        front = torch.from_numpy(Y[nondominated(-Y)])
        corner = infer_reference_point(front, scale=0.1)
        partition = BoxDecompositionList(*(FastNondominatedPartitioning(corner, Y=drawn) for drawn in values))
        low, high = partition.get_hypercell_bounds()
        return low[:, None], high[:, None]

    def forward(self, X: Tensor) -> Tensor:
        """Return the acquisition function at X `b x 1 x d`, shape `b`."""
        values = self._values(self.draws(X.squeeze(-2)))
        if self.kind == "qLogNEHVI":
            low, high = self.cells
            sides = log_fatplus(torch.minimum(values[:, :, None], high) - low, tau=TAU_RELU)
            return mean_of_logs(torch.logsumexp(sides.sum(dim=-1), dim=-1))
        first = values[..., 0]
        if self.kind == "UCB":
            mean = first.mean(dim=0)
            bound: Tensor = mean + math.sqrt(self.beta * math.pi / 2.0) * (first - mean).abs().mean(dim=0)
            return bound
        return mean_of_logs(log_fatplus(first - self.best_drawn, tau=TAU_RELU))


def mean_of_logs(logs: Tensor) -> Tensor:
    """Return ln mean_n exp(logs) (b,) of logs (N, b)."""
    found: Tensor = logmeanexp(logs, dim=0)
    return found


def normal(samples: int, points: int, latents: int, seed: int) -> Tensor:
    """Return standard normal numbers (samples, points, latents): a scrambled Sobol sequence, up to its dimension."""
    d = points * latents
    if d > SOBOL_DIMENSIONS:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn((samples, points, latents), dtype=torch.double, generator=generator)
    drawn: Tensor = draw_sobol_normal_samples(d, samples, dtype=torch.double, seed=seed)
    return drawn.reshape(samples, points, latents)
