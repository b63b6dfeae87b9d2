r"""The network that tells phases by their diffraction pattern, in two and three dimensions, evaluated by NumPy.

    image (33, 33)  ─► conv 1 -> 9, kernel 4, padding 1 ─► ReLU ─► max-pool 2      (9, 16, 16)
                    ─► conv 9 -> 4, kernel 3, padding 1 ─► ReLU ─► max-pool 2      (4, 8, 8)
                    ─► dense 256 -> 20 ─► ReLU ─► dense 20 -> p ─► softmax(z / T)  p phases

In three dimensions kernels and pools are cubes: (17, 17, 17) ─► (9, 8, 8, 8) ─► (4, 4, 4, 4) ─► 256 ─► 20 ─► p.

Images are standardised by two numbers, the mean and the standard deviation of all pixels that were trained on, since
amplitudes are all positive and a few per cent. T is the temperature that calibrates the probabilities
(`softal.surrogates.phases.classification`).

A simulation's worker classifies some hundred images in its life, which takes less time than importing PyTorch: PyTorch
is needed for training alone (`softal.surrogates.phases.training`).

Source: G. M. Coli, E. Boattini, L. Filion, M. Dijkstra, Sci. Adv. 8, eabj6731 (2022), "Methods".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import softmax

from softal.surrogates.threads import single_threaded

Floats = NDArray[np.floating]
Weights = Mapping[str, NDArray[np.float32]]

CHANNELS, KERNELS, PADDING, POOL = (1, 9, 4), (4, 3), 1, 2
HIDDEN = 20
IMAGES = {2: (33, 33), 3: (17, 17, 17)}  # shape of an image, by dimension
FLAT = 256  # outputs of the second layer, in two and in three dimensions
CHUNK = 64  # images at once: 70 MB in three dimensions


def shapes(dimension: int, phases: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the network's parameters, as PyTorch orders them."""
    convolutions = {
        f"conv{i}": (CHANNELS[i], CHANNELS[i - 1], *[kernel] * dimension) for i, kernel in enumerate(KERNELS, start=1)
    }
    layers = {**convolutions, "hidden": (HIDDEN, FLAT), "output": (phases, HIDDEN)}
    return {
        f"{name}.{part}": s for name, shape in layers.items() for part, s in (("weight", shape), ("bias", shape[:1]))
    }


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes:
        weights: of `shapes`.
        offset, scale: images are standardised as (image - offset) / scale.
        temperature: T.
    """

    weights: Weights
    offset: float
    scale: float
    temperature: float = 1.0

    @classmethod
    def checked(cls, weights: Weights, phases: int, offset: float, scale: float, temperature: float) -> Network:
        """Return the network of weights that come from a file; ValueError where they are not of `shapes`."""
        network = cls(weights, offset, scale, temperature)
        if {name: values.shape for name, values in weights.items()} != shapes(network.dimension, phases):
            raise ValueError(f"the weights are not those of a network for {phases} phases")
        return network

    @property
    def dimension(self) -> int:
        """Of the images: 2 or 3."""
        return self.weights["conv1.weight"].ndim - 2

    @single_threaded
    def hidden(self, images: Floats) -> Floats:
        """Return the hidden layer's units before their ReLU, (n, 20), of images (n, ...)."""
        x = standardised(images, self.offset, self.scale)
        chunks = [self._hidden(x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)]
        return np.concatenate(chunks) if chunks else np.empty((0, HIDDEN), dtype=np.float32)

    def _hidden(self, images: Floats) -> Floats:
        x = images[..., None]  # channels last: a convolution is then one product of matrices
        for name in ("conv1", "conv2"):
            x = _pooled(np.maximum(_convolved(x, *self._layer(name)), 0))
        weight, bias = self._layer("hidden")
        return np.asarray(np.moveaxis(x, -1, 1).reshape(len(x), -1) @ weight.T + bias)

    def logits(self, hidden: Floats) -> Floats:
        """Return z (n, p) of what `hidden` returned."""
        weight, bias = self._layer("output")
        return np.asarray(np.maximum(hidden, 0) @ weight.T + bias)

    def probabilities(self, hidden: Floats) -> NDArray[np.float64]:
        """Return the calibrated probabilities (n, p) of what `hidden` returned."""
        return np.asarray(softmax(self.logits(hidden).astype(np.float64) / self.temperature, axis=1))

    def _layer(self, name: str) -> tuple[Floats, Floats]:
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]


def standardised(images: Floats, offset: float, scale: float) -> NDArray[np.float32]:
    """Return (images - offset) / scale in single precision."""
    return (np.asarray(images, dtype=np.float32) - np.float32(offset)) / np.float32(scale)


def _convolved(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Return the convolution (n, ..., c') of x (n, ..., c), padded by zeros, with weights (c', c, ...)."""
    dimension = weight.ndim - 2
    padded = np.pad(x, [(0, 0), *[(PADDING, PADDING)] * dimension, (0, 0)])
    windows = sliding_window_view(padded, weight.shape[2:], tuple(range(1, dimension + 1)))  # (n, ..., c, kernel)
    rows = windows.reshape(-1, math.prod(weight.shape[1:]))
    return np.asarray((rows @ weight.reshape(len(weight), -1).T + bias).reshape(*windows.shape[: dimension + 1], -1))


def _pooled(x: Floats) -> Floats:
    """Return the maxima of blocks of `POOL` pixels along each axis of x (n, ..., c); an odd last pixel is left out."""
    for axis in range(1, x.ndim - 1):
        kept = np.moveaxis(x, axis, 0)[: x.shape[axis] // POOL * POOL]
        blocks = kept.reshape(-1, POOL, *kept.shape[1:]).max(axis=1)
        x = np.moveaxis(blocks, 0, axis)
    return x
