"""Networks point -> scores of all arrays, evaluated in numpy: to import PyTorch takes longer than many predictions.

s(x) = x A + network(x) + prior(x)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats

Singles = NDArray[np.float32]


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
        single = x.astype(np.float32)
        found = single @ self.linear + _forward(self.layers, single) + self.size * _forward(self.priors, single)
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


def _forward(layers: Sequence[Singles], x: Singles) -> Singles:
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        x = x @ weight + bias
        x /= 1.0 + np.exp(-x)
    return np.asarray(x @ layers[-2] + layers[-1])
