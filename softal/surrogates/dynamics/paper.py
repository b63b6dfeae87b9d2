"""The paper's network: 304 -> 500 -> 400 -> 400 -> 300 -> 200 -> 2, ReLU, L1 loss with Lasso, Adam.

S. Ciarella, M. Chiappini, E. Boattini, M. Dijkstra, L. M. C. Janssen, Mach. Learn.: Sci. Technol. 4, 025010 (2023),
section 4.2. Inputs are S_AA, S_AB, S_BB at all k, T, rho, the interaction and log10 t, outputs F_s of A and B. What the
paper leaves open: inputs are standardised over the states learned from, points come in batches, and the step size falls
to 0. F_s(0) is 1 here, in the paper it is S(k_p).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softal.numeric import Floats
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.statics import Statics
from softal.surrogates.dynamics.training import (
    Committee,
    HeldOut,
    TrainingSettings,
    extended,
    folds_of,
    held_out,
    tensor,
)
from softal.surrogates.ensembles.mlp import one_thread

HIDDEN = (500, 400, 400, 300, 200)
OUTPUTS = 2
CHUNK = 4096  # points evaluated at once


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        offset, scale: (D,) of the inputs; inputs that do not vary are 0.
        layers: weights (in, out) and biases (out,) alternate.
    """

    offset: Floats
    scale: Floats
    layers: list[Tensor]

    def __call__(self, features: Floats, log_t: Floats) -> Floats:
        """Return F_s (n, n_t, 2) of features (n, D - 1) at log10 t (n, n_t)."""
        with torch.no_grad(), one_thread():
            chunks = [forward(self.layers, part) for part in self._inputs(features, log_t).split(CHUNK)]
            found = torch.cat(chunks).numpy() if chunks else np.empty((0, OUTPUTS))
        return np.asarray(found.reshape(*log_t.shape, OUTPUTS), dtype=np.float64)

    def _inputs(self, features: Floats, log_t: Floats) -> Tensor:
        return tensor((_rows(features, log_t) - self.offset) * self.scale)


class PaperCommittee(Committee):
    """Networks of architecture `paper`: as many as `members` that have seen all states, then those of the folds.

    Args:
        settings, statics, held_out: as of `Committee`.
        networks: M of them.
    """

    def __init__(
        self, settings: TrainingSettings, statics: Statics, held_out: HeldOut | None, networks: list[Network]
    ) -> None:
        super().__init__(settings, statics, held_out)
        self.networks = networks

    @property
    def size(self) -> int:
        """M."""
        return len(self.networks)

    def predict(self, features: Floats, log_t: Floats) -> Floats:
        """Return F_s (M, n, n_t, 2), see `Committee.predict`."""
        times = np.broadcast_to(np.asarray(log_t, dtype=np.float64), (len(features), np.shape(log_t)[-1]))
        return np.array([network(features, times) for network in self.networks])

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the networks as arrays by name."""
        tensors: dict[str, NDArray[Any]] = {}
        for i, network in enumerate(self.networks):
            tensors |= {f"{i}.offset": network.offset, f"{i}.scale": network.scale}
            tensors |= {f"{i}.layer.{j}": p.numpy() for j, p in enumerate(network.layers)}
        return tensors

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], settings: TrainingSettings, statics: Statics
    ) -> PaperCommittee:
        """Make it of what `to_tensors` returned; without `held_out`."""
        count = sum(name.endswith(".offset") for name in tensors)
        layers = range(2 * (len(HIDDEN) + 1))
        networks = [
            Network(
                tensors[f"{i}.offset"],
                tensors[f"{i}.scale"],
                [torch.from_numpy(tensors[f"{i}.layer.{j}"]) for j in layers],
            )
            for i in range(count)
        ]
        return cls(settings, statics, None, networks)


def train_paper(data: DynamicsData, settings: TrainingSettings, seed: int) -> PaperCommittee:
    """Return the paper's networks; arguments and errors as of `softal.surrogates.dynamics.ensemble.train`."""
    fold = folds_of(data, settings, seed)
    longer = extended(data)
    log_t = np.log10(data.t)
    networks = [train_one(longer, settings, seed + i) for i in range(settings.members)]
    left_out = np.full((settings.fold_members, len(data), OUTPUTS, data.t.shape[1]), np.nan)
    for i in range(fold.max() + 1):
        unseen = data.rows(fold == i)
        for j in range(settings.fold_members):
            network = train_one(
                longer.rows(fold != i), settings, seed + settings.members + i * settings.fold_members + j
            )
            left_out[j, fold == i] = np.swapaxes(network(unseen.features, np.nan_to_num(log_t[fold == i])), 1, 2)
    found = held_out(left_out, np.zeros_like(fold), settings.fold_members, data) if fold.max() >= 0 else None
    if found is not None:
        found = HeldOut(fold, found.mean, found.variance)
    return PaperCommittee(settings, Statics.of(data), found, networks)


def train_one(data: DynamicsData, settings: TrainingSettings, seed: int) -> Network:
    """Return one network, trained on the data that is given."""
    generator = torch.Generator().manual_seed(seed)
    there = np.isfinite(data.F).all(axis=1)  # (n, n_t)
    rows = _rows(data.features, np.log10(np.where(there, data.t, 1.0)))[there.reshape(-1)]
    goal = np.swapaxes(data.F, 1, 2)[there]
    deviation = rows.std(axis=0)
    varies = deviation > 1e-9 * (1.0 + np.abs(rows).max(axis=0))
    scale = np.where(varies, 1.0 / np.where(varies, deviation, 1.0), 0.0)
    network = Network(rows.mean(axis=0), scale, initial(rows.shape[1], generator))
    with one_thread():
        layers = _descend(network.layers, tensor((rows - network.offset) * scale), tensor(goal), settings, generator)
    return Network(network.offset, scale, layers)


def initial(inputs: int, generator: torch.Generator) -> list[Tensor]:
    """Return first weights and biases as PyTorch's layers draw them: uniform within 1 / sqrt(inputs of a unit)."""
    layers = []
    for fan_in, fan_out in zip((inputs, *HIDDEN), (*HIDDEN, OUTPUTS), strict=True):
        bound = 1.0 / math.sqrt(fan_in)
        layers += [
            torch.empty(shape).uniform_(-bound, bound, generator=generator) for shape in ((fan_in, fan_out), (fan_out,))
        ]
    return layers


def forward(layers: list[Tensor], x: Tensor) -> Tensor:
    """Return outputs (n, 2) at scaled inputs x (n, D)."""
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = torch.relu(torch.addmm(bias, x, weight))
    return torch.addmm(layers[-1], x, layers[-2])


def _descend(
    layers: list[Tensor], x: Tensor, goal: Tensor, settings: TrainingSettings, generator: torch.Generator
) -> list[Tensor]:
    layers = [p.requires_grad_(True) for p in layers]
    optimizer = torch.optim.Adam(layers, lr=settings.paper_rate, foreach=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.epochs * -(-len(x) // settings.batch))
    for _ in range(settings.epochs):
        for rows in torch.randperm(len(x), generator=generator).split(settings.batch):
            optimizer.zero_grad()
            (forward(layers, x[rows]) - goal[rows]).abs().mean().backward()
            with torch.no_grad():  # the slope of lasso * sum |weights|, cheaper than to differentiate it
                for weight in layers[::2]:
                    weight.grad.add_(weight.sign(), alpha=settings.lasso)  # type: ignore[union-attr]
            optimizer.step()
            schedule.step()
    return [p.detach() for p in layers]


def _rows(features: Floats, log_t: Floats) -> Floats:
    """Return rows (n n_t, D): features (n, D - 1) of a state with each of its log10 t (n, n_t)."""
    return np.column_stack([np.repeat(features, log_t.shape[1], axis=0), log_t.reshape(-1)])
