"""The network: one softmax layer on standardised inputs, or one hidden layer (tanh) before it. In numpy.

    z = (x - centre) / scale,    h = tanh(z A + a),    P_c = exp(h B + b)_c / sum

without the hidden layer h = z. Each label counts alike in the cross-entropy, however many particles have it. It is
minimised by L-BFGS, with a penalty on weights, from zero or from random weights.

Source: E. Boattini's thesis (Utrecht, 2021), sections 1.3 and 3.3, for the softmax layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from softal.numeric import Floats
from softal.surrogates.threads import single_threaded

FLAT = 1e-9  # standard deviation below which an input says nothing
CONVERGED = 1e-7  # largest component of the gradient
MEMORY = 20  # steps that L-BFGS remembers


@dataclass(frozen=True)
class Network:
    """What was learned.

    Attributes:
        centre, scale: of the inputs, (d,).
        layers: weights (in, out) and biases (out,) of each.
    """

    centre: Floats
    scale: Floats
    layers: tuple[tuple[Floats, Floats], ...]

    def standardised(self, X: Floats) -> Floats:
        """Return z (n, d) of inputs (n, d)."""
        return np.asarray((X - self.centre) / self.scale)

    @single_threaded
    def probabilities(self, X: Floats) -> Floats:
        """Return P (n, p) of inputs (n, d)."""
        h = self.standardised(X)
        for weights, biases in self.layers[:-1]:
            h = np.tanh(h @ weights + biases)
        return np.asarray(softmax(h @ self.layers[-1][0] + self.layers[-1][1], axis=1))

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return arrays by name, of which `from_tensors` makes the same."""
        found: dict[str, NDArray[Any]] = {"centre": self.centre, "scale": self.scale}
        for i, (weights, biases) in enumerate(self.layers):
            found |= {f"weights_{i}": weights, f"biases_{i}": biases}
        return found

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], labels: int) -> Network:
        """Return what `to_tensors` was made of; ValueError where the shapes do not fit."""
        layers, width = [], len(tensors["centre"])
        if tensors["scale"].shape != (width,) or not (tensors["scale"] > 0).all():
            raise ValueError("the network's inputs have no scale")
        for i in range((len(tensors) - 2) // 2):
            weights, biases = tensors[f"weights_{i}"], tensors[f"biases_{i}"]
            if weights.shape != (width, len(biases)):
                raise ValueError(f"layer {i} of the network has the shape {weights.shape}; ({width}, ...) is needed")
            layers.append((weights, biases))
            width = len(biases)
        if not layers or width != labels:
            raise ValueError(f"the network has {width} outputs for {labels} labels")
        return cls(tensors["centre"], tensors["scale"], tuple(layers))


@dataclass(frozen=True)
class Fitted:
    """A network, and how the fit went: iterations, cross-entropy at the end, whether it has converged."""

    network: Network
    iterations: int
    loss: float
    converged: bool


@single_threaded
def fitted(X: Floats, y: NDArray[np.int64], labels: int, hidden: int, penalty: float, most: int, seed: int) -> Fitted:
    """Return a network of inputs (n, d) with labels (n,) from 0 to labels - 1, each of which occurs."""
    centre, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > FLAT, scale, 1.0)
    Z, weight = (X - centre) / scale, 1.0 / (np.bincount(y, minlength=labels)[y] * labels)
    shapes = [(X.shape[1], hidden), (hidden, labels)] if hidden else [(X.shape[1], labels)]
    start = np.zeros(sum((rows + 1) * columns for rows, columns in shapes))
    if hidden:
        rng = np.random.default_rng(seed)
        start = _packed([(rng.normal(0, shape[0] ** -0.5, shape), np.zeros(shape[1])) for shape in shapes])
    target = np.zeros((len(y), labels))
    target[np.arange(len(y)), y] = 1.0
    loss = partial(_loss, Z=Z, target=target, weight=weight, shapes=shapes, penalty=penalty)
    how: Any = {"maxiter": most, "maxfun": 2 * most, "maxcor": MEMORY, "gtol": CONVERGED, "ftol": 0.0}
    found = minimize(loss, start, method="L-BFGS-B", jac=True, options=how)
    network = Network(centre, scale, tuple(_unpacked(found.x, shapes)))
    return Fitted(network, int(found.nit), float(found.fun), bool(found.success))


def _packed(layers: list[tuple[Floats, Floats]]) -> Floats:
    return np.concatenate([part.ravel() for layer in layers for part in layer])


def _unpacked(packed: Floats, shapes: list[tuple[int, int]]) -> list[tuple[Floats, Floats]]:
    layers, at = [], 0
    for rows, columns in shapes:
        weights = packed[at : at + rows * columns].reshape(rows, columns)
        at += rows * columns
        layers.append((weights, packed[at : at + columns]))
        at += columns
    return layers


def _loss(
    packed: Floats, Z: Floats, target: Floats, weight: Floats, shapes: list[tuple[int, int]], penalty: float
) -> tuple[float, Floats]:
    """Return the weighted cross-entropy with its penalty, and the gradient."""
    layers = _unpacked(packed, shapes)
    seen = [Z]
    for weights, biases in layers[:-1]:
        seen.append(np.tanh(seen[-1] @ weights + biases))
    logs = log_softmax(seen[-1] @ layers[-1][0] + layers[-1][1], axis=1)
    loss = -float(weight @ np.sum(logs * target, axis=1))
    loss += 0.5 * penalty * sum(float(np.sum(weights**2)) for weights, _ in layers)
    back, slopes = (np.exp(logs) - target) * weight[:, None], []
    for (weights, _), below in zip(reversed(layers), reversed(seen), strict=True):
        slopes.append((below.T @ back + penalty * weights, back.sum(axis=0)))
        back = (back @ weights.T) * (1 - below**2)
    return loss, _packed(slopes[::-1])
