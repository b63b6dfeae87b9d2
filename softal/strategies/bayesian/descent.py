"""Minimises the loss by the model in a box, with its gradients: one step of the refinement.

What is minimised is the loss of the model's mean curves, not its mean loss: that is higher wherever the curves are
uncertain, so that its minimum would stay close to the points that are known. The box is what keeps steps short.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from softal.numeric import Floats
from softal.space import Space
from softal.strategies.shared.region import Region

Loss = Callable[[Tensor], tuple[Tensor, Tensor]]
"""The noise-free loss by a model: points (b, d) -> mean (b,) and standard deviation (b,), differentiable."""

RAW = 64  # candidates at random in the box, and as many near its centre
STARTS = 4  # best ones of these, from which it is descended; beside the centre
ITERATIONS = 100


@dataclass(frozen=True)
class Landscape:
    """What a model says of the loss, and of where simulations fail.

    Attributes:
        loss: the noise-free loss.
        at_mean: the loss of the mean of what is modelled, points (b, d) -> (b,), differentiable.
        log_probability: of success, ln P (b,) at points (b, d); None where none failed.
    """

    loss: Loss
    at_mean: Callable[[Tensor], Tensor]
    log_probability: Callable[[Tensor], Tensor] | None = None

    def mean_std(self, U: Floats) -> tuple[Floats, Floats]:
        """Return mean (n,) and standard deviation (n,) of the loss at U (n, d)."""
        with torch.no_grad():
            mean, std = self.loss(torch.from_numpy(np.ascontiguousarray(U)))
        return mean.numpy().astype(np.float64), std.numpy().astype(np.float64)

    def predicted(self, u: Floats) -> float:
        """Return the loss of the mean of what is modelled at u (d,)."""
        with torch.no_grad():
            return float(self.at_mean(torch.from_numpy(u[None].copy()))[0])


def box(space: Space, centre: Floats, radius: float) -> Region:
    """Return the box of half width `radius` around `centre` (d,), in which integers and choices are the centre's."""
    half = np.full(len(centre), radius)
    half[[*space.integer, *space.categorical]] = 0.0
    return Region(space, np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0))


def lowest(landscape: Landscape, region: Region, centre: Floats, rng: np.random.Generator) -> Floats:
    """Return the point (d,) of the box with the lowest loss by the model; the centre where nothing is lower.

    Where simulations fail, a standard deviation of the loss (its median in the box) is added for each unit of -ln P.
    """
    if len(region.discrete) == region.space.dimension:
        return centre
    raw = np.vstack([centre, _within(region, region.candidates(RAW, rng, centre[None]))])
    mean, std = landscape.mean_std(raw)
    unit = max(float(np.median(std)), 1e-3 * float(np.ptp(mean)), np.finfo(np.float64).tiny)

    def value(X: Tensor) -> Tensor:
        found = landscape.at_mean(X) / unit
        return found if landscape.log_probability is None else found - landscape.log_probability(X)

    values = _evaluate(value, raw)
    starts = np.unique(np.concatenate([[0], np.argsort(values, kind="stable")[:STARTS]]))
    reached = np.vstack([raw, *(_descend(value, raw[i], region)[None] for i in starts)])
    return np.asarray(reached[int(np.argmin(_evaluate(value, reached)))])


def _within(region: Region, U: Floats) -> Floats:
    inside = np.all((region.low - 1e-12 <= U) & (region.high + 1e-12 >= U), axis=1)
    return np.asarray(U[inside])


def _evaluate(value: Callable[[Tensor], Tensor], U: Floats) -> Floats:
    with torch.no_grad():
        values = value(torch.from_numpy(U)).numpy().astype(np.float64)
    return np.asarray(np.nan_to_num(values, nan=np.inf))


def _descend(value: Callable[[Tensor], Tensor], start: Floats, region: Region) -> Floats:
    """Return what is reached from `start` (d,) by L-BFGS-B, or SLSQP under constraints; integers and choices kept."""

    def with_gradient(u: Floats) -> tuple[float, Floats]:
        X = torch.from_numpy(u[None].copy()).requires_grad_()
        found = value(X).sum()
        (gradient,) = torch.autograd.grad(found, X)
        return found.item(), np.nan_to_num(gradient.numpy()[0])

    constrained = len(region.space.A_unit) > 0
    result = minimize(
        with_gradient,
        start,
        jac=True,
        method="SLSQP" if constrained else "L-BFGS-B",
        bounds=region.bounds(start[None]),
        constraints=region.inequalities(1) if constrained else (),
        options={"maxiter": ITERATIONS},
    )
    return np.asarray(region.pulled_back(np.nan_to_num(result.x, nan=0.5)[None], start[None])[0])
