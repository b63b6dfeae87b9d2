r"""The network of the paper as it stands: parameters -> densities in all bins of half the slit.

Two hidden layers of 512 and 256 rectified linear units, each followed by dropout of 0.15; Xavier's normal
initialisation; inputs scaled from 0 to 1; mean square loss; Adam with a rate of 1e-4, 25 trials a step, 4000 epochs;
four fifths of the trials train it, one fifth tests it (J. C. S. Kadupitiya, F. Sun, G. Fox, V. Jadhao, "Machine
learning surrogates for molecular dynamics simulations of soft materials", sections 3.1 and 3.2).

It knows nothing of the arrays but that symmetric ones have equal halves, and has no uncertainty of its own: what is
given as such is its error in each bin on the fifth that tests it, without the noise of that. Several `members` are such
networks from other first weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.ensembles.mlp import one_thread
from softal.surrogates.profiles.forms import Form, Frame
from softal.surrogates.profiles.model import Raw
from softal.surrogates.profiles.training import Model, Problem, Trained

if TYPE_CHECKING:
    from softal.surrogates.profiles.settings import ProfilesSettings

HIDDEN = (512, 256)
BATCH, LEARNING_RATE = 25, 1e-4
TESTING = 0  # fold that tests


class Paper(Model):
    """Networks point -> half curves of all arrays.

    Args:
        forms: of the arrays, of which only the halves count.
        layers: weights (M, in, out) and biases (M, 1, out) in turn.
        deviations: (sum of sizes,) errors on the trials that test, without their noise.
    """

    members_spread = False

    def __init__(self, forms: Sequence[Form], layers: Sequence[Floats], deviations: Floats) -> None:
        self.forms, self.layers, self.deviations = tuple(forms), tuple(layers), deviations

    def raw(self, X: Floats, frames: Sequence[Frame]) -> list[Raw]:
        """Return curves at X (n, d); see `Model`."""
        mean = self.every(X).mean(axis=0)
        ends = np.cumsum([form.size for form in self.forms])[:-1]
        std = np.broadcast_to(self.deviations, mean.shape)
        return [Raw(*pair) for pair in zip(np.split(mean, ends, axis=1), np.split(std, ends, axis=1), strict=True)]

    def members(self, X: Floats, frames: Sequence[Frame]) -> dict[str, Floats]:
        """Return array -> each network's half curves (M, n, size)."""
        ends = np.cumsum([form.size for form in self.forms])[:-1]
        split = np.split(self.every(X), ends, axis=2)
        return {form.name: own for form, own in zip(self.forms, split, strict=True)}

    def every(self, X: Floats) -> Floats:
        """Return each network's half curves (M, n, sum of sizes)."""
        h: Floats = np.broadcast_to(X, (len(self.layers[0]), *X.shape))
        for weight, bias in zip(self.layers[:-2:2], self.layers[1:-2:2], strict=True):
            h = np.maximum(h @ weight + bias, 0.0)
        return np.asarray(h @ self.layers[-2] + self.layers[-1])

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return layers and deviations."""
        return {f"layer.{i}": part for i, part in enumerate(self.layers)} | {"deviations": self.deviations}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], forms: Sequence[Form]) -> Paper:
        """Make it of what `to_tensors` returned."""
        layers = [tensors[f"layer.{i}"] for i in range(2 * len(HIDDEN) + 2)]
        return cls(forms, layers, tensors["deviations"])


def train_paper(problem: Problem, settings: ProfilesSettings, seed: int) -> Trained:
    """Return networks that learned from all but one fold, and what they say of that.

    Raises:
        SurrogateError: there are too few trials for one to test.
    """
    fold = problem.data.folds(settings.folds, seed)
    tests = fold == TESTING
    if not 1 <= tests.sum() < len(tests):
        raise SurrogateError(f"{len(tests)} trials at different points are needed, of which one fold tests")
    goal = np.concatenate([_filled(one.values, one.there) for one in problem.observed], axis=1)
    X = problem.data.X
    layers = _fit(X[~tests], goal[~tests], settings, seed)
    forms = [one.form for one in problem.observed]
    model = Paper(forms, layers, np.zeros(goal.shape[1]))
    known = np.concatenate([np.nan_to_num(one.errors) ** 2 for one in problem.observed], axis=1)[tests]
    apart = (model.every(X[tests]).mean(axis=0) - goal[tests]) ** 2
    model.deviations = np.sqrt(np.maximum((apart - known).mean(axis=0), 0.05 * apart.mean(axis=0)))
    held = [Raw(*np.full((2, *one.values.shape), np.nan)) for one in problem.observed]
    for target, own in zip(held, model.raw(X[tests], problem.frames), strict=True):
        target.mean[tests], target.spread[tests] = own.mean, own.spread
    return Trained(model, np.where(tests, 0, -1), tuple(held))


def _filled(values: Floats, there: NDArray[np.bool_]) -> Floats:
    """Return values (n, size), with a bin's mean where it was not measured."""
    mean = np.where(there, values, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return np.where(there, values, mean)


def _fit(X: Floats, goal: Floats, settings: ProfilesSettings, seed: int) -> list[Floats]:
    """Return the layers of all members, trained on X (n, d) and half curves (n, sum of sizes)."""
    generator = torch.Generator().manual_seed(seed)
    sizes = (X.shape[1], *HIDDEN, goal.shape[1])
    x, y = (torch.from_numpy(part.astype(np.float32)) for part in (X, goal))
    with one_thread():
        layers = [part.requires_grad_(True) for part in _initial(settings.members, sizes, generator)]
        optimizer = torch.optim.Adam(layers, lr=settings.learning_rate or LEARNING_RATE, foreach=True)
        for _ in range(settings.epochs):
            for rows in torch.randperm(len(x), generator=generator).split(settings.batch or BATCH):
                optimizer.zero_grad()
                found = _forward(layers, x[rows].expand(settings.members, len(rows), x.shape[1]), settings, generator)
                ((found - y[rows]) ** 2).mean(dim=(1, 2)).sum().backward()
                optimizer.step()
    return [part.detach().numpy().astype(np.float64) for part in layers]


def _initial(count: int, sizes: Sequence[int], generator: torch.Generator) -> list[Tensor]:
    """Return weights of Xavier's normal distribution, and biases of 0."""
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        weight = torch.randn(count, fan_in, fan_out, generator=generator) * math.sqrt(2.0 / (fan_in + fan_out))
        layers += [weight, torch.zeros(count, 1, fan_out)]
    return layers


def _forward(layers: Sequence[Tensor], x: Tensor, settings: ProfilesSettings, generator: torch.Generator) -> Tensor:
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = torch.relu(torch.baddbmm(bias, x, weight))
        if settings.dropout:
            kept = torch.rand(x.shape, generator=generator) >= settings.dropout
            x = x * kept / (1.0 - settings.dropout)
    return torch.baddbmm(layers[-1], x, layers[-2])
