r"""Networks point -> scores of all arrays, many trained at once; evaluated in numpy.

    s(x) = x A + network(x) + prior(x)

`prior` is a random network that is never trained: where there are no data, members differ as their priors do (Osband,
Aslanides & Cassirer, NeurIPS 2018). Each member sees the trials with weights of its own, drawn from an exponential
distribution (Rubin's Bayesian bootstrap, Ann. Stat. 9, 130 (1981)). First it learns the scores, which is cheap, then
the densities themselves, with everything that is known of them built in:

    loss = mean_trials mean_bins (rho(x) - rho_simulated)^2 / sigma^2
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softal.numeric import Floats
from softal.surrogates.ensembles.mlp import initial, one_thread
from softal.surrogates.profiles.basis import Basis
from softal.surrogates.profiles.observed import Observed
from softal.surrogates.profiles.settings import ProfilesSettings

Singles = NDArray[np.float32]
BATCH, LEARNING_RATE = 96, 5e-3
FIRST = 0.5  # part of the steps that learns scores
SCORE_NOISE = 0.02  # added to the variances of scores, whose variance is 1
WEIGHT_DECAY = 1e-4
FAR = 30.0  # standard errors from which on a bin counts linearly


@dataclass(frozen=True)
class Networks:
    """M networks with J outputs.

    Attributes:
        layers: weights (M, in, out) and biases (M, 1, out) in turn.
        priors: the same of the untrained parts.
        linear: A (M, D, J).
        size: of the priors.
    """

    layers: tuple[Singles, ...]
    priors: tuple[Singles, ...]
    linear: Singles
    size: float

    def __call__(self, x: Floats) -> Floats:
        """Return scores (M, n, J) at inputs (n, D), in single precision inside."""
        x = x.astype(np.float32)
        found = x @ self.linear + _forward(self.layers, x) + self.size * _forward(self.priors, x)
        return np.asarray(found, dtype=np.float64)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_tensors` takes."""
        named = {f"layer.{i}": part for i, part in enumerate(self.layers)}
        named |= {f"prior.{i}": part for i, part in enumerate(self.priors)}
        return named | {"linear": self.linear, "size": np.array([self.size])}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Networks:
        """Make them of what `to_tensors` returned."""
        layers, priors = (
            tuple(tensors[f"{part}.{i}"] for i in range(sum(name.startswith(f"{part}.") for name in tensors)))
            for part in ("layer", "prior")
        )
        return cls(layers, priors, tensors["linear"], float(tensors["size"][0]))


@dataclass(frozen=True)
class Lesson:
    """What networks of one group learn of one array: its basis, scores (n, J) and their variances."""

    basis: Basis
    scores: Floats
    noise: Floats


def train(
    x: Floats,
    observed: Sequence[Observed],
    lessons: Sequence[Sequence[Lesson]],
    seen: Sequence[NDArray[np.bool_]],
    counts: Sequence[int],
    settings: ProfilesSettings,
    seed: int,
) -> list[Networks]:
    """Return the networks of each group.

    Args:
        x: (n, D) inputs.
        observed: of each array.
        lessons: of each group, of each array; the groups' bases have the same sizes.
        seen: of each group, (n,) the trials that it learns from.
        counts: of each group, the number of its networks.
        settings: of training.
        seed: of what is random.
    """
    generator = torch.Generator().manual_seed(seed)
    group: NDArray[np.intp] = np.repeat(np.arange(len(counts)), counts)
    sizes = [x.shape[1], settings.width, settings.width, sum(one.basis.size for one in lessons[0])]
    with one_thread():
        layers, priors = initial(len(group), sizes, generator), initial(len(group), sizes, generator)
        layers[-2].mul_(0.1)
        linear = torch.zeros(len(group), sizes[0], sizes[-1])
        drawn = torch.empty(len(group), len(x)).exponential_(generator=generator)
        weight = drawn * tensor(np.array(seen)[group])
        goal = _Goal(observed, lessons, group, weight)
        _descend([*layers, linear], priors, tensor(x), goal, settings, generator)
    kept = [[part.detach().numpy() for part in some] for some in (layers, priors, [linear])]
    return [
        Networks(tuple(p[group == i] for p in kept[0]), tuple(p[group == i] for p in kept[1]), kept[2][0][group == i],
                 settings.prior)
        for i in range(len(counts))
    ]  # fmt: skip


class _Goal:
    """Both losses of N networks, on some of the trials."""

    def __init__(
        self,
        observed: Sequence[Observed],
        lessons: Sequence[Sequence[Lesson]],
        group: NDArray[np.intp],
        weight: Tensor,
    ) -> None:
        self.weight = weight
        by_array = [[lessons[g][a] for g in range(len(lessons))] for a in range(len(observed))]
        scores = [np.concatenate([one.scores for one in some], axis=1) for some in lessons]
        noise = [np.concatenate([one.noise for one in some], axis=1) for some in lessons]
        self.scores, variance = tensor(np.array(scores)[group]), tensor(np.array(noise)[group])
        self.certain = 1.0 / (SCORE_NOISE + variance)
        self.arrays = [_Array(one, some, group) for one, some in zip(observed, by_array, strict=True)]

    def of_scores(self, s: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of scores s (N, b, J) of the trials `rows` (b,)."""
        squared = self.certain[:, rows] * (s - self.scores[:, rows]) ** 2
        return self._mean(squared.mean(dim=2), rows)

    def of_curves(self, s: Tensor, rows: Tensor) -> Tensor:
        """Return the loss of the curves that scores s (N, b, J) of the trials `rows` (b,) make."""
        parts = s.split([array.size for array in self.arrays], dim=2)
        found = [array.loss(part, rows) for array, part in zip(self.arrays, parts, strict=True)]
        return self._mean(torch.stack(found).mean(dim=0), rows)

    def _mean(self, each: Tensor, rows: Tensor) -> Tensor:
        weight = self.weight[:, rows]
        return ((weight * each).sum(dim=1) / weight.sum(dim=1).clamp_min(1e-9)).sum()


class _Array:
    """The curves of one array as PyTorch sees them."""

    def __init__(self, observed: Observed, lessons: Sequence[Lesson], group: NDArray[np.intp]) -> None:
        form, frame = observed.form, observed.frame
        self.positive, self.size = form.known.positive, lessons[0].basis.size
        self.mean = tensor(np.array([one.basis.mean for one in lessons])[group])[:, None]
        self.vectors = tensor(np.array([one.basis.vectors for one in lessons])[group])
        self.design = None if frame.places is None else tensor(frame.places.dense(form.count))
        inside = np.ones_like(observed.values) if frame.places is None else frame.places.inside
        self.inside = tensor(inside)
        self.scale = tensor(frame.scale[:, None] if form.known.positive else form.offset(frame))
        self.integral = None if frame.integral is None else tensor(frame.integral[:, None])
        self.widths = tensor(form.widths)
        counts = observed.there & (inside > 0)
        self.values = tensor(observed.values)
        self.weight = tensor(np.where(counts, 1.0 / observed.sigma, 0.0))
        self.bins = tensor(np.maximum(counts.sum(axis=1), 1))

    def loss(self, s: Tensor, rows: Tensor) -> Tensor:
        """Return the mean square (N, b) of what is apart, in standard errors."""
        c = torch.baddbmm(self.mean, s, self.vectors)
        if self.design is not None:  # (b, N, T) (b, T, K)
            c = torch.bmm(c.transpose(0, 1), self.design[rows].transpose(1, 2)).transpose(0, 1)
        apart = (self._curves(c, rows) - self.values[rows]) * self.weight[rows]
        size = apart.abs()
        counted = torch.where(size < FAR, apart**2, FAR * (2 * size - FAR))
        return counted.sum(dim=2) / self.bins[rows]

    def _curves(self, f: Tensor, rows: Tensor) -> Tensor:
        inside, scale = self.inside[rows], self.scale[rows]
        rho = scale * torch.exp(f.clamp(max=8.0)) * inside if self.positive else (f + scale) * inside
        if self.integral is None:
            return rho
        total = (rho @ self.widths)[..., None]
        if self.positive:
            return rho * (self.integral[rows] / total)
        return rho + inside * ((self.integral[rows] - total) / (inside @ self.widths)[:, None])


def _descend(
    parameters: list[Tensor],
    priors: list[Tensor],
    x: Tensor,
    goal: _Goal,
    settings: ProfilesSettings,
    generator: torch.Generator,
) -> None:
    """Change the parameters; losses are summed, each network is trained as if alone."""
    for p in parameters:
        p.requires_grad_(True)
    with torch.no_grad():
        prior = settings.prior * _forward_torch(priors, x.expand(len(priors[0]), *x.shape))
    rate = settings.learning_rate or LEARNING_RATE
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, foreach=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings.steps)
    first = int(FIRST * settings.steps)
    every, batch = torch.arange(len(x)), settings.batch or BATCH
    for step in range(settings.steps):
        rows = every if len(x) <= batch else torch.randperm(len(x), generator=generator)[:batch]
        optimizer.zero_grad()
        inputs = x[rows].expand(len(prior), len(rows), x.shape[1])
        s = prior[:, rows] + inputs @ parameters[-1] + _forward_torch(parameters[:-1], inputs)
        loss = goal.of_scores(s, rows) if step < first else goal.of_curves(s, rows)
        loss.backward()
        optimizer.step()
        schedule.step()
    for p in parameters:
        p.requires_grad_(False)


def _forward_torch(layers: Sequence[Tensor], x: Tensor) -> Tensor:
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = torch.nn.functional.silu(torch.baddbmm(bias, x, weight))
    return torch.baddbmm(layers[-1], x, layers[-2])


def _forward(layers: Sequence[Singles], x: Singles) -> Singles:
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = x @ weight + bias
        x /= 1.0 + np.exp(-x)
    return np.asarray(x @ layers[-2] + layers[-1])


def tensor(values: Floats | NDArray[Any]) -> Tensor:
    """Return values as a tensor in single precision."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
