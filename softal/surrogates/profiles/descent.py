r"""Training of the networks point -> scores of all arrays, many at once.

    s(x) = x A + network(x) + prior(x)

`prior` is a random network that is never trained: where there are no data, members differ as their priors do (Osband,
Aslanides & Cassirer, NeurIPS 2018). First they learn the scores, which is cheap, then the densities themselves, with
everything that is known of them built in:

    loss = mean_trials mean_bins (rho(x) - rho_simulated)^2 / sigma^2

Parameters are averaged over the last steps, and those are taken that predict the trials best which folds have left out:
networks that go on learn the noise (80 systems of the theory in `benchmarks/profiles.py`: twice the error).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softal.numeric import Floats
from softal.surrogates.ensembles.mlp import initial, one_thread
from softal.surrogates.profiles.basis import Lesson
from softal.surrogates.profiles.networks import Networks
from softal.surrogates.profiles.observed import Observed
from softal.surrogates.profiles.places import fine
from softal.surrogates.profiles.settings import ProfilesSettings

BATCH, LEARNING_RATE = 96, 3e-3
REFINED = 0.2  # part of the learning rate with which densities are learned
AVERAGED = 0.03  # part of the last step in the average of the parameters
CHECK, PATIENCE = 20, 8  # steps between looks at trials that were left out; looks without a better one that end it
SCORE_NOISE = 0.02  # added to the variances of scores, whose variance is 1
WEIGHT_DECAY = 1e-4
FAR = 30.0  # standard errors from which on a bin counts linearly


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
        weight = tensor(np.array(seen)[group])
        unseen = np.zeros(len(x), dtype=np.intp)
        for i, rows in enumerate(seen):
            unseen[~rows] = i
        goal = _Goal(observed, lessons, group, weight, unseen)
        *layers, linear = _descend([*layers, linear], priors, tensor(x), goal, settings, generator)
    kept = [[part.numpy() for part in some] for some in (layers, priors, [linear])]
    return [
        Networks(tuple(p[group == i] for p in kept[0]), tuple(p[group == i] for p in kept[1]), kept[2][0][group == i],
                 settings.prior)
        for i in range(len(counts))
    ]  # fmt: skip


class _Goal:
    """Both losses of N networks, on some of the trials; and how good those are on trials that they have not seen.

    Args:
        observed, lessons: as of `train`.
        group: (N,) number of each network's group.
        weight: (N, n) of the trials for each network, 0 of those that it does not see.
        unseen: (n,) number of the group that has not seen a trial; 0 where all have.
    """

    def __init__(
        self,
        observed: Sequence[Observed],
        lessons: Sequence[Sequence[Lesson]],
        group: NDArray[np.intp],
        weight: Tensor,
        unseen: NDArray[np.intp],
    ) -> None:
        self.weight, self.group, self.unseen = weight, group, unseen
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
        found = [
            array.loss(array.coefficients(part), rows) for array, part in zip(self.arrays, self._split(s), strict=True)
        ]
        return self._mean(torch.stack(found).mean(dim=0), rows)

    def of_unseen(self, s: Tensor) -> float:
        """Return the loss of each fold's mean curves of the trials that it has left out, of scores s (N, n, J)."""
        rows = torch.from_numpy(np.flatnonzero(self.unseen))
        of_trial = self.unseen[rows.numpy()]
        found = []
        for array, part in zip(self.arrays, self._split(s), strict=True):
            c = array.coefficients(part)
            by_group = [c[torch.from_numpy(self.group == g)].mean(dim=0) for g in range(self.group.max() + 1)]
            own = torch.stack(by_group)[of_trial, rows]
            found.append(float(array.loss(own[None], rows).mean()))
        return float(np.mean(found))

    def _split(self, s: Tensor) -> Sequence[Tensor]:
        parts: Sequence[Tensor] = s.split([array.size for array in self.arrays], dim=2)
        return parts

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
        self.places = None if frame.places is None else (torch.from_numpy(frame.places.cell), tensor(frame.places.part))
        self.fine = tensor(fine(form.count)) if frame.places is not None else torch.empty(0)
        inside = np.ones_like(observed.values) if frame.places is None else frame.places.inside
        self.inside = tensor(inside)
        self.scale = tensor(frame.scale[:, None] if form.known.positive else form.offset(frame))
        self.integral = None if frame.integral is None else tensor(frame.integral[:, None])
        self.widths = tensor(form.widths)
        counts = observed.there & (inside > 0)
        self.values = tensor(observed.values)
        self.weight = tensor(np.where(counts, 1.0 / observed.sigma, 0.0))
        self.bins = tensor(np.maximum(counts.sum(axis=1), 1))

    def coefficients(self, s: Tensor) -> Tensor:
        """Return c (N, b, T) of scores (N, b, J)."""
        return torch.baddbmm(self.mean, s, self.vectors)

    def loss(self, c: Tensor, rows: Tensor) -> Tensor:
        """Return the mean square (N, b) of what is apart, in standard errors, of coefficients (N, b, T)."""
        if self.places is not None:  # (b, N, T) (b, T, K)
            cell, part = (one[rows] for one in self.places)
            design = torch.lerp(self.fine[cell], self.fine[cell + 1], part[..., None])
            c = torch.bmm(c.transpose(0, 1), design.transpose(1, 2)).transpose(0, 1)
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
) -> list[Tensor]:
    """Return the parameters, averaged over the last steps, at the step that predicts left-out trials best.

    Losses are summed: each network is trained as if alone.
    """
    with torch.no_grad():
        prior = settings.prior * _forward_torch(priors, x.expand(len(priors[0]), *x.shape))
    best = [p.clone() for p in parameters]
    rate = settings.learning_rate or LEARNING_RATE
    for loss, steps, part in ((goal.of_scores, settings.steps, 1.0), (goal.of_curves, settings.steps // 4, REFINED)):
        best = _phase(best, prior, x, loss, goal, steps, part * rate, settings.batch or BATCH, generator)
    return best


def _phase(
    parameters: list[Tensor],
    prior: Tensor,
    x: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    goal: _Goal,
    steps: int,
    rate: float,
    batch: int,
    generator: torch.Generator,
) -> list[Tensor]:
    parameters = [p.clone().requires_grad_(True) for p in parameters]
    averaged = [p.detach().clone() for p in parameters]
    best, lowest, since = averaged, goal.of_unseen(_outputs(averaged, prior, x)), 0
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=WEIGHT_DECAY, foreach=True)
    every = torch.arange(len(x))
    for step in range(1, steps + 1):
        rows = every if len(x) <= batch else torch.randperm(len(x), generator=generator)[:batch]
        optimizer.zero_grad()
        loss(_outputs(parameters, prior[:, rows], x[rows]), rows).backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averaged, parameters, max(1.0 / step, AVERAGED))
            if step % CHECK and step != steps:
                continue
            found = goal.of_unseen(_outputs(averaged, prior, x))
        since += 1
        if found < lowest:
            best, lowest, since = [p.clone() for p in averaged], found, 0
        elif since >= PATIENCE:
            break
    return best


def _outputs(parameters: Sequence[Tensor], prior: Tensor, x: Tensor) -> Tensor:
    inputs = x.expand(len(prior), *x.shape)
    return prior + inputs @ parameters[-1] + _forward_torch(parameters[:-1], inputs)


def _forward_torch(layers: Sequence[Tensor], x: Tensor) -> Tensor:
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = torch.nn.functional.silu(torch.baddbmm(bias, x, weight))
    return torch.baddbmm(layers[-1], x, layers[-2])


def tensor(values: Floats | NDArray[Any]) -> Tensor:
    """Return values as a tensor in single precision."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
