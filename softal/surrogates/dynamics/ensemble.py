r"""A committee of networks that predicts F_s(k_p, t) from structure, and its training: `train(data, settings, seed)`.

Architecture `ensemble`: each network maps a state (ln T, ln rho, T_mct / T, interaction, leading components of S) to
the values of N at knots in time, from which F_s is made (`softal.surrogates.dynamics.shape`):

    N = typical + spread (A x + network(x) + prior(x)) K        K smooths along the knots

`prior` is a random network that is never trained: where there are no data, members differ as their priors do (Osband,
Aslanides & Cassirer, NeurIPS 2018). ln T, T_mct / T and S all say how cold a state is, and warmer states do not tell
which of them goes on how: each member has random scales of the inputs, `gates`, and goes on in its own way. It learns
from its own draw of the noise of F_s, and at each step from another one of the noise of S. Networks are evaluated once
a state, not once a time, and all are trained at once.

Some networks see all states, the others leave out a fold of them; what these say of the states that they have not seen
says how good predictions are, and how wide intervals must be. All that is fitted, components and scales too, is fitted
without the fold. Architecture `paper`: see `softal.surrogates.dynamics.paper`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softal.numeric import Floats
from softal.surrogates.dynamics.data import DynamicsData
from softal.surrogates.dynamics.inputs import Preparation
from softal.surrogates.dynamics.shape import free_flight, knots, shaped, spline
from softal.surrogates.dynamics.statics import Statics
from softal.surrogates.dynamics.training import (
    QUICK,
    Committee,
    HeldOut,
    TrainingSettings,
    extended,
    folds_of,
    goals,
    held_out,
    parts_of,
    tensor,
)
from softal.surrogates.ensembles.mlp import initial, one_thread

__all__ = ["QUICK", "Committee", "TrainingSettings", "train"]


SMOOTH = 0.4  # width of K [decades]
STEEPEST = 2.0 * math.log(10.0)  # slope of N that would let F_s rise again [per decade]
GATES = 1.0  # standard deviation of the logarithm of how much a network makes of each input
PENALTIES = 1e-4, 1e-3  # of curvature, and of slopes beyond the steepest
WEIGHT_DECAY = 1e-4


class ShapedCommittee(Committee):
    """Networks of architecture `ensemble`.

    Args:
        settings, statics, held_out: as of `Committee`.
        preparation: of the networks' inputs.
        networks: parameters of M networks; the last tensor is A (M, D, 2 J).
        priors: what is not trained; the last tensor has the gates (M, 1, D).
    """

    def __init__(
        self,
        settings: TrainingSettings,
        statics: Statics,
        held_out: HeldOut | None,
        preparation: Preparation,
        networks: list[Tensor],
        priors: list[Tensor],
    ) -> None:
        super().__init__(settings, statics, held_out)
        self.preparation, self.networks, self.priors = preparation, networks, priors

    @property
    def size(self) -> int:
        """M."""
        return int(self.networks[0].shape[0])

    def predict(self, features: Floats, log_t: Floats) -> Floats:
        """Return F_s (M, n, n_t, 2), see `Committee.predict`."""
        _, T, rho, _ = parts_of(features)
        v = free_flight(T, rho, np.asarray(log_t, dtype=np.float64), self.settings.wave_number)
        x = self.preparation.inputs(features)
        inputs = tensor(np.broadcast_to(x, (self.size, *x.shape))) * self.priors[-1]
        with torch.no_grad(), one_thread():
            model = _Shaped([self.preparation] * self.size, v, self.settings.prior)
            F = model(self.networks, model.prior(self.priors, inputs), inputs)
        return np.moveaxis(F.numpy().astype(np.float64), 2, 3)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the networks as arrays by name."""
        tensors = {f"preparation.{name}": values for name, values in self.preparation.to_tensors().items()}
        tensors |= {f"network.{i}": p.numpy() for i, p in enumerate(self.networks)}
        return tensors | {f"prior.{i}": p.numpy() for i, p in enumerate(self.priors)}

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], settings: TrainingSettings, statics: Statics
    ) -> ShapedCommittee:
        """Make it of what `to_tensors` returned; without `held_out`."""
        own = {name.removeprefix("preparation."): v for name, v in tensors.items() if name.startswith("preparation.")}
        layers = 2 * (settings.depth + 1)
        networks = [torch.from_numpy(tensors[f"network.{i}"]) for i in range(layers + 1)]
        priors = [torch.from_numpy(tensors[f"prior.{i}"]) for i in range(layers + 1)]
        return cls(settings, statics, None, Preparation.from_tensors(own), networks, priors)


def train(data: DynamicsData, settings: TrainingSettings, seed: int) -> Committee:
    """Return networks trained on all the data, marked trials too: leave them out with `data.rows(data.good)`.

    Args:
        data: of at least `FEWEST` states.
        settings: of either architecture.
        seed: of first weights, folds and draws of the noise.

    Raises:
        SurrogateError: there are too few states.
    """
    if settings.architecture == "paper":
        from softal.surrogates.dynamics.paper import train_paper

        return train_paper(data, settings, seed)
    fold = folds_of(data, settings, seed)
    groups = [np.ones(len(data), dtype=np.bool_), *(fold != i for i in range(fold.max() + 1))]
    each = np.repeat(np.arange(len(groups)), [settings.members, *[settings.fold_members] * (len(groups) - 1)])
    longer = extended(data)
    v = free_flight(longer.T, longer.rho, np.log10(longer.t), settings.wave_number)
    components = min(settings.components, *(int(seen.sum()) - 1 for seen in groups))
    prepared = [Preparation.of(data.rows(seen), knots(v), components, settings.wave_number) for seen in groups]
    generator = torch.Generator().manual_seed(seed)
    with one_thread():
        model = _Shaped([prepared[i] for i in each], v, settings.prior)
        x = tensor(np.array([p.inputs(data.features) for p in prepared])[each])
        errors = tensor(np.array([p.noise(data, seed) for p in prepared])[each])
        networks, priors = _start(len(each), x.shape[-1], 2 * len(prepared[0].at), settings, generator)
        goal, weight = goals(longer, np.array([groups[i] for i in each]), generator)
        networks = _descend(model, networks, priors, (x, errors), goal, weight, settings, generator)
        with torch.no_grad():
            gated = x * priors[-1]
            F = model(networks, model.prior(priors, gated), gated)[..., : data.t.shape[1]].numpy().astype(np.float64)
    M = settings.members
    left_out = held_out(F[M:], fold, settings.fold_members, data) if len(groups) > 1 else None
    kept = [[p[:M].contiguous() for p in some] for some in (networks, priors)]
    return ShapedCommittee(settings, Statics.of(data), left_out, prepared[0], *kept)


class _Shaped:
    """Makes F_s of what networks say, at times v (n, n_t) of n states, each network by its own preparation."""

    def __init__(self, prepared: Sequence[Preparation], v: Floats, prior: float) -> None:
        at = prepared[0].at
        self.v, self.prior_size, self.spacing = tensor(np.nan_to_num(v)), prior, at[1] - at[0]
        self.basis = tensor(spline(at, np.nan_to_num(v)))
        kernel = np.exp(-0.5 * ((at[:, None] - at) / SMOOTH) ** 2)
        self.kernel = tensor(kernel / np.sqrt((kernel**2).sum(axis=0)))
        self.typical = tensor(np.array([p.typical for p in prepared]))[:, None]
        self.spread = tensor(np.array([p.spread for p in prepared]))[:, None, :, None]

    def prior(self, priors: list[Tensor], x: Tensor) -> Tensor:
        """Return the untrained part (M, n, 2, J) at x (M, n, D), in units of the spread."""
        return self.prior_size * self._smoothed(_forward(priors[:-1], x))

    def values(self, networks: list[Tensor], prior: Tensor, x: Tensor) -> Tensor:
        """Return N at the knots (M, n, 2, J)."""
        own = self._smoothed(_forward(networks[:-1], x) + x @ networks[-1])
        return self.typical + self.spread * (own + prior)

    def curves(self, values: Tensor) -> Tensor:
        """Return F_s (M, n, 2, n_t) of N at the knots."""
        N = torch.einsum("mnaj,ntj->mnat", values, self.basis)
        F: Tensor = shaped(N, self.v[:, None])
        return F

    def __call__(self, networks: list[Tensor], prior: Tensor, x: Tensor) -> Tensor:
        """Return F_s (M, n, 2, n_t)."""
        return self.curves(self.values(networks, prior, x))

    def penalty(self, values: Tensor) -> Tensor:
        """Return the penalty of N at the knots (M, n, 2, J): of curvature, and of an F_s that rises."""
        slope = values.diff(dim=-1) / self.spacing
        curvature = slope.diff(dim=-1)
        rising = torch.relu(slope - STEEPEST)
        parts = zip(PENALTIES, (curvature, rising), strict=True)
        return torch.stack([size * (part**2).mean(dim=(1, 2, 3)).sum() for size, part in parts]).sum()

    def _smoothed(self, output: Tensor) -> Tensor:
        return output.reshape(*output.shape[:-1], 2, -1) @ self.kernel


def _forward(parameters: list[Tensor], x: Tensor) -> Tensor:
    layers = list(zip(parameters[::2], parameters[1::2], strict=True))
    for weight, bias in layers[:-1]:
        x = torch.nn.functional.silu(torch.baddbmm(bias, x, weight))
    return torch.baddbmm(layers[-1][1], x, layers[-1][0])


def _start(
    count: int, inputs: int, outputs: int, settings: TrainingSettings, generator: torch.Generator
) -> tuple[list[Tensor], list[Tensor]]:
    """Return first parameters, all random but A and the last layer, which are 0; those of the priors, and the gates."""
    sizes = [inputs, *[settings.width] * settings.depth, outputs]
    networks, priors = initial(count, sizes, generator), initial(count, sizes, generator)
    networks[-2].mul_(0.1)
    networks[-1].zero_()
    gates = torch.exp(GATES * torch.randn(count, 1, inputs, generator=generator))
    gates = gates / (gates**2).mean(dim=-1, keepdim=True).sqrt()
    return [*networks, torch.zeros(count, inputs, outputs)], [*priors, gates]


def _descend(
    model: _Shaped,
    networks: list[Tensor],
    priors: list[Tensor],
    inputs: tuple[Tensor, Tensor],
    goal: Tensor,
    weight: Tensor,
    settings: TrainingSettings,
    generator: torch.Generator,
) -> list[Tensor]:
    """Return the parameters after all steps; losses are summed, each network is trained as if alone."""
    x, errors = inputs
    networks = [p.requires_grad_(True) for p in networks]
    optimizer = torch.optim.AdamW(networks, lr=settings.learning_rate, weight_decay=WEIGHT_DECAY, foreach=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    for _ in range(settings.steps):
        noisy = (x + errors * torch.randn(x.shape, generator=generator)) * priors[-1]
        with torch.no_grad():
            prior = model.prior(priors, noisy)
        optimizer.zero_grad()
        values = model.values(networks, prior, noisy)
        loss = (weight * (model.curves(values) - goal) ** 2).sum() + model.penalty(values)
        loss.backward()
        optimizer.step()
        schedule.step()
    return [p.detach() for p in networks]
