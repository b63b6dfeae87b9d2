"""Many small neural networks trained at once, as batched matrix products.

N networks, each x -> f(x) + prior(x), where prior is a random network that is never trained: where there are no data,
the members of an ensemble then differ as their priors do (Osband, Aslanides & Cassirer, NeurIPS 2018). Some networks
see all trials, the others leave out a fold each: what these say of the trials that they have not seen says when to
stop training, how wide the ensemble's variance must be made, and how good the surrogate is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softal.numeric import Floats

FOLDS = 4  # every trial is left out once
FOLD_MEMBERS = 4  # networks for each fold
FEWEST = 8  # trials for folds to be made
CHECK_EVERY = 20  # steps
BATCH = 1024  # trials in one step, at most
PRIOR_SCALE = 0.5  # of the untrained networks, for standardised targets
NOISE_FLOOR = 0.1  # added to known variances (standardised) as weights of the loss: a rare success has a larger error
WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class Shape:
    """What is tuned: hidden width, number of hidden layers, step size of Adam."""

    width: int = 64
    depth: int = 2
    learning_rate: float = 1e-2


@dataclass(frozen=True)
class Trained:
    """Outcome of `train`.

    Attributes:
        networks: parameters of the members that saw all trials.
        priors: those of their untrained parts.
        mean, variance: (n, m) over the networks that did not see a trial; NaN where there are none.
        score: root mean square of the standardised errors of `mean`; infinite where there are none.
    """

    networks: list[Tensor]
    priors: list[Tensor]
    mean: Floats
    variance: Floats
    score: float


def forward(parameters: list[Tensor], x: Tensor) -> Tensor:
    """Return outputs (N, n, m) of N networks at x (n, D): weights (N, in, out) and biases (N, 1, out) alternate."""
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    h = x.expand(parameters[0].shape[0], *x.shape)
    for weight, bias in layers[:-1]:
        h = torch.nn.functional.silu(torch.baddbmm(bias, h, weight))
    return torch.baddbmm(layers[-1][1], h, layers[-1][0])


def outputs(networks: list[Tensor], priors: list[Tensor], x: Tensor) -> Tensor:
    """Return outputs (N, n, m) of networks and priors together."""
    return forward(networks, x) + PRIOR_SCALE * forward(priors, x)


def initial(count: int, sizes: list[int], generator: torch.Generator) -> list[Tensor]:
    """Return random parameters of `count` networks with layers of `sizes`; He initialisation, small biases."""
    parameters = []
    for fan_in, fan_out in pairwise(sizes):
        weight = torch.randn(count, fan_in, fan_out, generator=generator)
        bias = torch.randn(count, 1, fan_out, generator=generator)
        parameters += [weight * math.sqrt(2.0 / fan_in), 0.1 * bias]
    return parameters


def train(x: Floats, y: Floats, variance: Floats, shape: Shape, members: int, steps: int, seed: int) -> Trained:
    """Train `members` networks on all trials, and those of the folds, with Adam on the weighted square error.

    Args:
        x: (n, D) inputs, about -1 to 1.
        y: (n, m) standardised targets, NaN where missing.
        variance: (n, m) their known variances; NaN where not known.
        shape: of the networks.
        members: number that see all trials.
        steps: of Adam; fewer where the left-out trials say so.
        seed: of everything random.
    """
    generator = torch.Generator().manual_seed(seed)
    fold = _folds(len(x), seed)
    weight = _weights(y, variance, fold, members)
    count = len(weight)
    sizes = [x.shape[1], *[shape.width] * shape.depth, y.shape[1]]
    with one_thread():
        networks, priors = initial(count, sizes, generator), initial(count, sizes, generator)
        inputs = torch.from_numpy(x).float()
        with torch.no_grad():
            goal = _perturbed(y, variance, count, generator) - PRIOR_SCALE * forward(priors, inputs)
        held_out = _HeldOut(y, variance, fold, members, PRIOR_SCALE * forward(priors, inputs))
        networks = _descend(networks, inputs, goal, weight, shape.learning_rate, steps, generator, held_out)
    kept = [p[:members].contiguous() for p in networks], [p[:members].contiguous() for p in priors]
    return Trained(*kept, held_out.mean, held_out.variance, held_out.score)


def _folds(n: int, seed: int) -> NDArray[np.intp]:
    """Return the fold (n,) of each trial; -1 where there are too few trials."""
    if n < FEWEST:
        return np.full(n, -1)
    return np.asarray(np.random.default_rng(seed).permutation(np.arange(n) % FOLDS))


def _weights(y: Floats, variance: Floats, fold: NDArray[np.intp], members: int) -> Tensor:
    """Return how much each target counts for each network (N, n, m): 0 where it is missing or left out."""
    weight = NOISE_FLOOR / (NOISE_FLOOR + np.nan_to_num(variance)) * np.isfinite(y)
    folds = FOLDS if fold[0] >= 0 else 0
    left_out = np.repeat(np.arange(folds), FOLD_MEMBERS)[:, None] == fold
    seen = np.vstack([np.ones((members, len(y)), dtype=bool), ~left_out])
    weights = seen[:, :, None] * weight
    return torch.from_numpy(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)).float()


def _perturbed(y: Floats, variance: Floats, count: int, generator: torch.Generator) -> Tensor:
    """Return targets (N, n, m), for each network with its own draw of the known noise: a parametric bootstrap."""
    std = torch.from_numpy(np.sqrt(np.nan_to_num(variance))).float()
    target = torch.from_numpy(np.nan_to_num(y)).float()
    return target + std * torch.randn(count, *y.shape, generator=generator)


class _HeldOut:
    """Predictions of left-out trials, at the step where they were best so far."""

    def __init__(self, y: Floats, variance: Floats, fold: NDArray[np.intp], members: int, prior: Tensor) -> None:
        self.y, self.fold, self.members, self.prior = y, fold, members, prior.detach()
        self.weight = 1.0 / (NOISE_FLOOR + np.nan_to_num(variance))
        self.mean, self.variance = np.full((2, *y.shape), np.nan)
        self.score = math.inf

    @property
    def possible(self) -> bool:
        return bool(self.fold[0] >= 0)

    def better(self, networks: list[Tensor], inputs: Tensor) -> bool:
        """Take over the predictions if they are better than those so far, and say whether they were."""
        with torch.no_grad():
            every = (forward([p[self.members :] for p in networks], inputs) + self.prior[self.members :]).numpy()
        by_fold = every.astype(np.float64).reshape(FOLDS, FOLD_MEMBERS, *self.y.shape)[self.fold, :, range(len(self.y))]
        mean, variance = by_fold.mean(axis=1), by_fold.var(axis=1, ddof=1)
        there = np.isfinite(self.y)
        score = float(np.sqrt(np.average((mean - self.y)[there] ** 2, weights=self.weight[there])))
        if not score < self.score:
            return False
        self.mean, self.variance, self.score = mean, variance, score
        return True


def _descend(
    networks: list[Tensor],
    inputs: Tensor,
    goal: Tensor,
    weight: Tensor,
    learning_rate: float,
    steps: int,
    generator: torch.Generator,
    held_out: _HeldOut,
) -> list[Tensor]:
    """Return the parameters at the step that predicts left-out trials best; at the last one where none are left out.

    The networks' losses are summed: no parameter is in two of them, so each is trained as if alone.
    """
    networks = [p.requires_grad_(True) for p in networks]
    optimizer = torch.optim.AdamW(networks, lr=learning_rate, weight_decay=WEIGHT_DECAY, foreach=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    best = networks
    for step in range(1, steps + 1):
        rows = slice(None) if len(inputs) <= BATCH else torch.randperm(len(inputs), generator=generator)[:BATCH]
        optimizer.zero_grad()
        loss = (weight[:, rows] * (forward(networks, inputs[rows]) - goal[:, rows]) ** 2).sum()
        loss.backward()
        optimizer.step()
        schedule.step()
        if held_out.possible and (step % CHECK_EVERY == 0 or step == steps) and held_out.better(networks, inputs):
            best = [p.detach().clone() for p in networks]
    return [p.detach() for p in best]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: matrices this small gain nothing from more, and simulations keep the cores busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
