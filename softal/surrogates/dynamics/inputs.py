"""Inputs of the ensemble's networks: ln T, ln rho, T_mct / T, interaction and components of S, standardised.

What is fitted here is fitted to the states that a network learns from alone, not to those that it leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.dynamics.data import DynamicsData, reduced_temperature
from softal.surrogates.dynamics.shape import free_flight, typical
from softal.surrogates.dynamics.statics import Compression
from softal.surrogates.dynamics.training import parts_of


@dataclass(frozen=True)
class Preparation:
    """What is fitted to states before a network is: their inputs, and the typical curve.

    Attributes:
        compression: of S.
        offset, scale: (D,) of the inputs; inputs that do not vary are 0.
        at: (J,) knots.
        typical: (2, J) N of A and B at the knots.
        spread: (2,) how much N differs from it.
    """

    compression: Compression
    offset: Floats
    scale: Floats
    at: Floats
    typical: Floats
    spread: Floats

    @classmethod
    def of(cls, data: DynamicsData, at: Floats, components: int, wave_number: float | None) -> Preparation:
        """Return that of data, for knots `at` and so many components of S."""
        compression = Compression.of(data.S, data.S_error, components)
        raw = _raw_inputs(data.T, data.rho, data.interaction, compression.scores(data.S))
        deviation = raw.std(axis=0)
        varies = deviation > 1e-9 * (1.0 + np.abs(raw).max(axis=0))
        scale = np.where(varies, _reliability(data, compression, deviation) / np.where(varies, deviation, 1.0), 0.0)
        v = free_flight(data.T, data.rho, np.log10(data.t), wave_number)
        fits = [typical(data.F[:, a], v, at) for a in range(2)]
        return cls(
            compression, raw.mean(axis=0), scale, at, np.array([N for N, _ in fits]), np.array([s for _, s in fits])
        )

    def inputs(self, features: Floats) -> Floats:
        """Return x (n, D) of features (n, 3 n_k + 3)."""
        S, T, rho, interaction = parts_of(features)
        return (_raw_inputs(T, rho, interaction, self.compression.scores(S)) - self.offset) * self.scale

    def noise(self, data: DynamicsData, seed: int) -> Floats:
        """Return standard errors (n, D) of the inputs of data, from those of S."""
        scores = self.compression.noise(data.S, data.S_error, seed)
        return np.column_stack([np.zeros((len(data), len(self.scale) - scores.shape[1])), scores]) * self.scale

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that `from_tensors` takes."""
        own = {name: getattr(self, name) for name in ("offset", "scale", "at", "typical", "spread")}
        return own | {f"compression.{name}": v for name, v in vars(self.compression).items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> Preparation:
        """Make it of what `to_tensors` returned."""
        compression = Compression(*(tensors[f"compression.{name}"] for name in ("mean", "weights", "vectors")))
        return cls(compression, *(tensors[name] for name in ("offset", "scale", "at", "typical", "spread")))


def _reliability(data: DynamicsData, compression: Compression, deviation: Floats) -> Floats:
    """Return which part (D,) of the inputs' variance is no noise of S."""
    noise = np.mean(compression.noise(data.S, data.S_error, 0) ** 2, axis=0)
    known = np.concatenate([np.zeros(len(deviation) - len(noise)), noise])
    return np.asarray(np.clip(1.0 - known / np.maximum(deviation**2, 1e-12), 0.0, 1.0))


def _raw_inputs(T: Floats, rho: Floats, interaction: NDArray[Any], scores: Floats) -> Floats:
    reduced = reduced_temperature(T, rho, interaction)
    return np.column_stack([np.log(T), np.log(rho), 1.0 / reduced, interaction, scores])
