"""Training of autoencoders with 1, 2, ... bottleneck units, all at once, as batched matrix products.

Each has its own weights; in that of c units the other columns of the bottleneck are zero, and stay so. The loss of
each is the mean of |Q - Q'|^2 plus the weight decay lambda times the sum of its squared weights, all in units of the
variance of Q, as the weights act on inputs in units of its root. Their sum is minimised by Adam with steps that shrink
to zero; the thesis has stochastic gradients with momentum. First weights are normal with variance 2 / (inputs +
outputs), biases are zero.

The weight decay matters: with a thirtieth of it variances are explained as well, but each seed bends the coordinates in
its own way, and clusters with them.

Source: E. Boattini's thesis (Utrecht, 2021), section 4.2.2; X. Glorot, Y. Bengio, AISTATS 2010, eq. 16.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from softal.numeric import Floats
from softal.surrogates.environments.autoencoder import LAYERS, Autoencoder, shapes

if TYPE_CHECKING:
    from torch import Generator, Tensor


@dataclass(frozen=True)
class Schedule:
    """How autoencoders are trained.

    Attributes:
        steps: of Adam.
        batch: particles of one step.
        learning_rate: of the first step.
        weight_decay: lambda [|Q|^2].
        seed: of first weights and batches.
    """

    steps: int
    batch: int
    learning_rate: float
    weight_decay: float
    seed: int


def train(Q: Floats, bottlenecks: int, schedule: Schedule) -> list[Autoencoder]:
    """Return the autoencoders with 1, 2, ... `bottlenecks` units, trained on descriptors Q (n, d).

    The inputs must vary: at least one of them.
    """
    import torch

    from softal.surrogates.ensembles.mlp import one_thread

    offset, scale = Q.mean(axis=0), float(np.sqrt(np.sum(np.var(Q, axis=0))))
    schedule = replace(schedule, weight_decay=schedule.weight_decay / scale**2)
    generator = torch.Generator().manual_seed(schedule.seed)
    x = torch.from_numpy((Q - offset) / scale).float()
    with one_thread():
        weights = _descend(initial(Q.shape[1], bottlenecks, generator), x, schedule, generator)
    return [Autoencoder(_taken(weights, c), offset, scale) for c in range(1, bottlenecks + 1)]


def initial(d: int, bottlenecks: int, generator: Generator) -> dict[str, Tensor]:
    """Return first weights of all networks: (number, ...), with zeros where a bottleneck has fewer units."""
    import torch

    found = {name: torch.zeros(bottlenecks, *shape) for name, shape in shapes(d, bottlenecks).items()}
    for k in range(bottlenecks):
        for name, shape in shapes(d, k + 1).items():
            if len(shape) == 2:
                drawn = torch.randn(shape, generator=generator) * (2 / sum(shape)) ** 0.5
                found[name][k, : shape[0], : shape[1]] = drawn
    return found


def _descend(weights: dict[str, Tensor], x: Tensor, schedule: Schedule, generator: Generator) -> dict[str, Tensor]:
    import torch

    c = weights["bottleneck.bias"].shape[1]
    there = torch.tril(torch.ones(c, c))[:, None]  # of network k, units 0 ... k
    parameters = [value.requires_grad_(True) for value in weights.values()]
    optimizer = torch.optim.Adam(parameters, lr=schedule.learning_rate, foreach=True)
    shrinking = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, schedule.steps)
    decayed = [value for name, value in weights.items() if name.endswith("weight")]
    for _ in range(schedule.steps):
        rows = torch.randint(len(x), (schedule.batch,), generator=generator) if len(x) > schedule.batch else slice(None)
        optimizer.zero_grad()
        batch = x[rows]
        loss = ((_through(weights, batch, there) - batch) ** 2).sum() / len(batch)
        loss = loss + schedule.weight_decay * sum((value**2).sum() for value in decayed)
        loss.backward()
        optimizer.step()
        shrinking.step()
    return {name: value.detach() for name, value in weights.items()}


def _through(weights: dict[str, Tensor], x: Tensor, there: Tensor) -> Tensor:
    """Return what all networks make of x (n, d): (number, n, d)."""
    import torch

    h = x.expand(len(there), *x.shape)
    for name in LAYERS:
        h = torch.baddbmm(weights[f"{name}.bias"][:, None], h, weights[f"{name}.weight"])
        if name in ("encoder", "decoder"):
            h = torch.tanh(h)
        elif name == "bottleneck":
            h = h * there
    return h


def _taken(weights: dict[str, Tensor], c: int) -> dict[str, np.ndarray]:
    """Return the weights of the network with c units."""
    d = weights["output.bias"].shape[1]
    return {
        name: np.ascontiguousarray(weights[name][c - 1].numpy()[tuple(slice(size) for size in shape)])
        for name, shape in shapes(d, c).items()
    }
