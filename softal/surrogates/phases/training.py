"""Training of the phase network: Adam on the cross-entropy with weight decay, stopped where unseen state points say so.

An epoch shows each phase equally often, whatever the number of its images. After each one, the loss on images of the
validation's state points is looked at; the weights of the epoch with the lowest one are kept, and training ends when
`patience` epochs have brought no lower one. The number of images and epochs bounds the time, not a clock: the same data
and seed give the same network on any machine of one kind, however busy it is.

PyTorch is imported where it is used: what is trained is evaluated without it (`softal.surrogates.phases.network`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from softal.surrogates.phases.data import Examples
from softal.surrogates.phases.network import PADDING, POOL, Network, shapes, standardised

if TYPE_CHECKING:
    from torch import Generator, Tensor

CHUNK = 1024  # images at once where no gradient is needed


@dataclass(frozen=True)
class Schedule:
    """How the network is trained.

    Attributes:
        epochs: at most.
        patience: epochs without a lower validation loss after which training ends.
        learning_rate, weight_decay: of Adam.
        batch: images of one step.
        images: of one epoch at most.
        seed: of the first weights and of the order of images.
    """

    epochs: int
    patience: int
    learning_rate: float
    weight_decay: float
    batch: int
    images: int
    seed: int


@dataclass(frozen=True)
class Curves:
    """How training went, by epoch from 1.

    Attributes:
        loss: cross-entropy of the images as they were trained on, in the mean of an epoch.
        validation_loss, validation_accuracy: after the epoch.
        best: epoch whose weights were kept.
    """

    loss: list[float]
    validation_loss: list[float]
    validation_accuracy: list[float]
    best: int


def train(training: Examples, validation: Examples, phases: int, schedule: Schedule) -> tuple[Network, Curves]:
    """Return the network, not yet calibrated, and how it came about.

    Args:
        training, validation: of different state points; every phase is among the training ones.
        phases: number of them.
        schedule: of training.
    """
    import torch

    from softal.surrogates.ensembles.mlp import one_thread

    offset = float(np.mean(training.images, dtype=np.float64))
    scale = float(np.std(training.images, dtype=np.float64)) or 1.0
    generator = torch.Generator().manual_seed(schedule.seed)
    weights = initial(training.images.ndim - 1, phases, generator)
    seen, unseen = (
        (torch.from_numpy(standardised(part.images, offset, scale)[:, None]), torch.from_numpy(part.labels))
        for part in (training, validation)
    )
    with one_thread():
        best, curves = _descend(weights, seen, unseen, schedule, generator)
    return Network({name: value.numpy() for name, value in best.items()}, offset, scale), curves


def initial(dimension: int, phases: int, generator: Generator) -> dict[str, Tensor]:
    """Return first weights as PyTorch's layers draw them: uniform within 1 / sqrt(inputs of a unit)."""
    import torch

    layers = shapes(dimension, phases)
    bounds = {name.partition(".")[0]: math.prod(shape[1:]) ** -0.5 for name, shape in layers.items() if len(shape) > 1}
    return {
        name: torch.empty(shape).uniform_(-bound, bound, generator=generator)
        for name, shape in layers.items()
        for bound in [bounds[name.partition(".")[0]]]
    }


def forward(weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """Return logits (n, p) of scaled images x (n, 1, ...): the same as `Network`, with gradients."""
    from torch.nn import functional

    convolution: Any = functional.conv2d if x.ndim == 4 else functional.conv3d
    pool: Any = functional.max_pool2d if x.ndim == 4 else functional.max_pool3d
    for name in ("conv1", "conv2"):
        x = convolution(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=PADDING)
        x = pool(functional.relu(x), POOL)
    x = functional.relu(functional.linear(x.flatten(1), weights["hidden.weight"], weights["hidden.bias"]))
    return functional.linear(x, weights["output.weight"], weights["output.bias"])


def _descend(
    weights: dict[str, Tensor],
    training: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    schedule: Schedule,
    generator: Generator,
) -> tuple[dict[str, Tensor], Curves]:
    """Return the weights at the epoch of the lowest validation loss, and the curves."""
    import torch

    parameters = [value.requires_grad_(True) for value in weights.values()]
    optimizer = torch.optim.Adam(parameters, lr=schedule.learning_rate, weight_decay=schedule.weight_decay)
    curves, best, lowest = Curves([], [], [], 0), weights, math.inf
    for epoch in range(1, schedule.epochs + 1):
        curves.loss.append(_epoch(weights, *training, optimizer, schedule, generator))
        loss, accuracy = _loss_and_accuracy(weights, *validation)
        curves.validation_loss.append(loss)
        curves.validation_accuracy.append(accuracy)
        if loss < lowest:
            best, lowest = {name: value.detach().clone() for name, value in weights.items()}, loss
            curves = Curves(curves.loss, curves.validation_loss, curves.validation_accuracy, epoch)
        elif epoch - curves.best >= schedule.patience:
            break
    return best, curves


def _epoch(
    weights: dict[str, Tensor],
    images: Tensor,
    labels: Tensor,
    optimizer: Any,
    schedule: Schedule,
    generator: Generator,
) -> float:
    """Train on each phase equally often, and return the mean loss."""
    from torch.nn.functional import cross_entropy

    order = _balanced(labels, schedule.images, generator)
    total = 0.0
    for rows in order.split(schedule.batch):
        optimizer.zero_grad()
        loss = cross_entropy(forward(weights, images[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total += float(loss.detach()) * len(rows)
    return total / len(order)


def _balanced(labels: Tensor, limit: int, generator: Generator) -> Tensor:
    """Return the numbers of an epoch's images in random order: of each phase as many as of the one with the most."""
    import torch

    counts = torch.bincount(labels)
    each = min(int(counts.max()), max(1, limit // len(counts)))
    chosen = []
    for phase in range(len(counts)):
        rows = torch.nonzero(labels == phase)[:, 0]
        rounds = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(-(-each // len(rows)))]
        chosen.append(torch.cat(rounds)[:each])
    every = torch.cat(chosen)
    return every[torch.randperm(len(every), generator=generator)]


def _loss_and_accuracy(weights: dict[str, Tensor], images: Tensor, labels: Tensor) -> tuple[float, float]:
    import torch
    from torch.nn.functional import cross_entropy

    with torch.no_grad():
        logits = torch.cat([forward(weights, chunk) for chunk in images.split(CHUNK)])
        accuracy = (logits.argmax(dim=1) == labels).double().mean()
        return float(cross_entropy(logits, labels)), float(accuracy)
