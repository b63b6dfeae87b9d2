r"""The autoencoder, evaluated by NumPy: descriptors Q (d) to coordinates Y (c) in a plane, or so, and back.

    x = (Q - offset) / scale
    x (d) ─► 5d, tanh ─► Y (c) ─► 5d, tanh ─► x' (d),        Q' = offset + scale x'

All inputs share one scale, the root of their summed variances: an input counts by how much it varies, and what the
autoencoder is trained on is 1 - FVE,

    FVE = 1 - sum_i |Q_i - Q'_i|^2 / sum_i |Q_i - <Q>|^2

PyTorch trains it (`softal.surrogates.environments.training`), and is not needed here.

Source: E. Boattini, M. Dijkstra, L. Filion, J. Chem. Phys. 151, 154901 (2019); Boattini's thesis, eqs. 4.6, 4.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.threads import single_threaded

WIDTH = 5  # units of a hidden layer for each input
LAYERS = ("encoder", "bottleneck", "decoder", "output")
CHUNK = 8192  # particles at once: a few MB, which the cache holds


def shapes(d: int, c: int) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the weights, inputs first."""
    sizes = (d, WIDTH * d, c, WIDTH * d, d)
    found: dict[str, tuple[int, ...]] = {}
    for name, inputs, outputs in zip(LAYERS, sizes, sizes[1:], strict=False):
        found |= {f"{name}.weight": (inputs, outputs), f"{name}.bias": (outputs,)}
    return found


@dataclass(frozen=True)
class Autoencoder:
    """A trained autoencoder.

    Attributes:
        weights: of `shapes`.
        offset: mean descriptors, (d,).
        scale: root of the sum of their variances.
    """

    weights: Mapping[str, NDArray[np.float32]]
    offset: Floats
    scale: float

    @classmethod
    def checked(cls, weights: Mapping[str, NDArray[np.float32]], offset: Floats, scale: float) -> Self:
        """Return the autoencoder of weights that come from a file; ValueError where they do not fit."""
        made = cls(weights, np.asarray(offset, dtype=np.float64), float(scale))
        if {name: values.shape for name, values in weights.items()} != shapes(len(made.offset), made.bottleneck):
            raise ValueError("the weights are not those of an autoencoder")
        finite = np.isfinite(made.offset).all() and all(np.isfinite(values).all() for values in weights.values())
        if not (finite and 0 < made.scale < np.inf):
            raise ValueError("the autoencoder's numbers are not finite")
        return made

    @property
    def inputs(self) -> int:
        """Number of descriptors d."""
        return len(self.offset)

    @property
    def bottleneck(self) -> int:
        """Number of coordinates c."""
        return int(self.weights["bottleneck.bias"].shape[0])

    def encode(self, Q: Floats) -> Floats:
        """Return coordinates (n, c) of descriptors (n, d)."""
        return self._through("encoder", "bottleneck", (np.asarray(Q, dtype=np.float64) - self.offset) / self.scale)

    def decode(self, Y: Floats) -> Floats:
        """Return descriptors (n, d) of coordinates (n, c)."""
        return self.offset + self.scale * self._through("decoder", "output", np.asarray(Y, dtype=np.float64))

    def error(self, Q: Floats, given: Floats | None = None) -> float:
        """Return the mean of |Q - Q'|^2, with Q' made of `given` (n, d), which is Q itself where None."""
        return float(np.mean(np.sum((Q - self.decode(self.encode(Q if given is None else given))) ** 2, axis=1)))

    def explained(self, Q: Floats) -> float:
        """Return the fraction of the variance of Q (n, d) that is explained; 1 where nothing varies."""
        total = float(np.sum(np.var(Q, axis=0)))
        return 1.0 - self.error(Q) / total if total > 0 else 1.0

    @single_threaded
    def _through(self, hidden: str, linear: str, x: Floats) -> Floats:
        (A, a), (B, b) = self._layer(hidden), self._layer(linear)
        parts = [np.tanh(x[i : i + CHUNK] @ A + a) @ B + b for i in range(0, max(len(x), 1), CHUNK)]
        return np.vstack(parts)

    def _layer(self, name: str) -> tuple[Floats, Floats]:
        weight, bias = (self.weights[f"{name}.{part}"].astype(np.float64) for part in ("weight", "bias"))
        return weight, bias
