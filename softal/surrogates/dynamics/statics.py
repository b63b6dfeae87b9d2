r"""Structure factors of states that were not simulated: S(k; T, rho, interaction) from those that were.

At each k, S is a positive definite matrix of the two species, (S_AA, S_AB; S_AB, S_BB). Its matrix logarithm is any
symmetric matrix, and a smooth function of the state: it is compressed and interpolated there, so that every S that
comes back is positive definite.

    ln S = mean + sum_j s_j V_j + rest        V principal components over the states, weighted by the noise of each k
    s_j = c_j . (1, ln T, ln rho, interaction) + Gaussian process

The trend goes on beyond the states simulated; the Gaussian process (`softal.surrogates.gaussian_processes.exact_gp`)
learns what the trend leaves, and the noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.data import Scaling
from softal.surrogates.dynamics.data import DynamicsData, features_of, state_of
from softal.surrogates.gaussian_processes.exact_gp import ExactGP
from softal.surrogates.gaussian_processes.gp import restored, stored, train
from softal.theory.kob_andersen import INTERACTIONS
from softal.trial import Value

SMALLEST = 1e-3  # eigenvalue of S; liquids near their freezing have some 1e-2 at small k
NOISE_FLOOR = 0.02  # relative error of S(k): smaller ones do not give a k more weight
NOISE_DRAWS = 16
FEWEST = 3  # states for S(k) between them


@dataclass(frozen=True)
class Compression:
    """Principal components of ln S.

    Attributes:
        mean: (3 n_k,) of ln S.
        weights: (3 n_k,) of the components' metric.
        vectors: (J, 3 n_k) orthonormal in weighted units.
    """

    mean: Floats
    weights: Floats
    vectors: Floats

    @classmethod
    def of(cls, S: Floats, errors: Floats, most: int) -> Compression:
        """Return at most `most` components of S (n, 3, n_k), with errors (n, 3, n_k), NaN where not known."""
        logs = logarithm(S).reshape(len(S), -1)
        size = np.sqrt(S[:, [0, 0, 2]] * S[:, [2, 2, 2]])  # noise of S_AB is that of what it correlates
        size[:, 0] = S[:, 0]
        relative = np.nan_to_num(errors) / np.maximum(size, SMALLEST)
        weights = 1.0 / (NOISE_FLOOR + np.sqrt(np.mean(relative**2, axis=0))).reshape(-1)
        mean = logs.mean(axis=0)
        _, _, vectors = np.linalg.svd((logs - mean) * weights, full_matrices=False)
        return cls(mean, weights, vectors[: max(1, min(most, len(S) - 1))])

    def scores(self, S: Floats) -> Floats:
        """Return s (n, J) of S (n, 3, n_k)."""
        return np.asarray(((logarithm(S).reshape(len(S), -1) - self.mean) * self.weights) @ self.vectors.T)

    def spectra(self, scores: Floats) -> Floats:
        """Return S (n, 3, n_k), positive definite, of s (n, J)."""
        logs = self.mean + (scores @ self.vectors) / self.weights
        return exponential(logs.reshape(len(scores), 3, -1))

    def noise(self, S: Floats, errors: Floats, seed: int) -> Floats:
        """Return standard errors (n, J) of the scores of S with errors (n, 3, n_k), by draws; 0 where not known."""
        rng = np.random.default_rng(seed)
        known = np.nan_to_num(errors)
        draws = [self.scores(S + known * rng.standard_normal(S.shape)) for _ in range(NOISE_DRAWS)]
        return np.asarray(np.std(draws, axis=0, ddof=1))


class Statics:
    """Interpolates S(k) between the states of a set of data.

    Args:
        compression: of S.
        trend: (J, 4) coefficients c.
        models: Gaussian process and scaling of each score.
        errors: leave-one-out RMSE of S_AA, S_AB, S_BB at all k.
    """

    def __init__(
        self, compression: Compression, trend: Floats, models: Sequence[tuple[ExactGP, Scaling]], errors: Floats
    ) -> None:
        self.compression, self.trend, self.models, self.errors = compression, trend, list(models), errors

    @classmethod
    def of(cls, data: DynamicsData, most: int = 6) -> Statics:
        """Learn S(k) from data; SurrogateError where there are fewer than `FEWEST` trials."""
        if len(data) < FEWEST:
            raise SurrogateError(f"S(k) is interpolated from {FEWEST} trials at least; there are {len(data)}")
        compression = Compression.of(data.S, data.S_error, most)
        scores = compression.scores(data.S)
        variance = compression.noise(data.S, data.S_error, 0) ** 2
        X = _inputs(data.T, data.rho, data.interaction)
        trend = np.linalg.lstsq(_trend(X, len(data)), scores, rcond=1e-6)[0].T
        rest = scores - _trend(X, len(data)) @ trend.T
        variance = np.where(variance > 0, variance, np.nan)
        models = [train(X, y, v) for y, v in zip(rest.T, variance.T, strict=True)]
        made = cls(compression, np.asarray(trend, dtype=np.float64), models, np.zeros(3))
        made.errors = made._left_out(data, X)
        return made

    def spectra(self, T: Floats, rho: Floats, interaction: NDArray[Any]) -> Floats:
        """Return S (n, 3, n_k) at states (n,): temperatures, densities, numbers of `INTERACTIONS`."""
        X = _inputs(T, rho, interaction)
        rest = [scaling.mean + scaling.scale * gp.posterior(X)[0] for gp, scaling in self.models]
        return self.compression.spectra(self._trend_at(X) + np.column_stack(rest))

    def features(self, points: Sequence[Mapping[str, Value]]) -> Floats:
        """Return features (n, 3 n_k + 3) of points (T, rho, interaction), their S(k) interpolated.

        Raises:
            SurrogateError: a point has no T, or an impossible value.
        """
        states = [state_of(point) for point in points]
        T, rho = np.array([[T, rho] for T, rho, _ in states]).reshape(-1, 2).T
        interaction = np.array([INTERACTIONS.index(name) for *_, name in states], dtype=np.intp)
        return features_of(self.spectra(T, rho, interaction), T, rho, interaction)

    def to_tensors(self) -> tuple[dict[str, NDArray[Any]], list[Any]]:
        """Return arrays by name and plain data, of which `from_tensors` makes the same."""
        parts = self.compression
        tensors = {"mean": parts.mean, "weights": parts.weights, "vectors": parts.vectors}
        tensors |= {"trend": self.trend, "errors": self.errors}
        learned = []
        for j, model in enumerate(self.models):
            arrays, plain = stored(*model)
            tensors |= {f"{j}.{name}": values for name, values in arrays.items()}
            learned.append(plain)
        return tensors, learned

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]], learned: Sequence[Any]) -> Statics:
        """Make it of what `to_tensors` returned."""
        compression = Compression(*(tensors[name] for name in ("mean", "weights", "vectors")))
        models = [
            restored({name: tensors[f"{j}.{name}"] for name in ("X", "y", "variance")}, plain, ())
            for j, plain in enumerate(learned)
        ]
        return cls(compression, tensors["trend"], models, tensors["errors"])

    def _trend_at(self, X: Floats) -> Floats:
        return np.asarray(np.column_stack([np.ones(len(X)), X])[:, : self.trend.shape[1]] @ self.trend.T)

    def _left_out(self, data: DynamicsData, X: Floats) -> Floats:
        """Return the RMSE of S_AA, S_AB, S_BB where each trial in turn is predicted from the others."""
        rest = [scaling.mean + scaling.scale * gp.leave_one_out()[0] for gp, scaling in self.models]
        predicted = self.compression.spectra(self._trend_at(X) + np.column_stack(rest))
        return np.asarray(np.sqrt(np.mean((predicted - data.S) ** 2, axis=(0, 2))))


def logarithm(S: Floats) -> Floats:
    """Return the matrix logarithm (n, 3, n_k) of S (n, 3, n_k): its elements AA, AB, BB; eigenvalues are floored."""
    return _mapped(S, lambda values: np.log(np.maximum(values, SMALLEST)))


def exponential(logs: Floats) -> Floats:
    """Return the matrix exponential (n, 3, n_k) of symmetric matrices with elements AA, AB, BB (n, 3, n_k)."""
    return _mapped(logs, np.exp)


def _mapped(elements: Floats, function: Any) -> Floats:
    matrices = np.moveaxis(elements[:, [0, 1, 1, 2]], 1, -1).reshape(len(elements), -1, 2, 2)
    values, vectors = np.linalg.eigh(matrices)
    mapped = (vectors * function(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    return np.stack([mapped[..., 0, 0], mapped[..., 0, 1], mapped[..., 1, 1]], axis=1)


def _inputs(T: Floats, rho: Floats, interaction: NDArray[Any]) -> Floats:
    """Return ln T, ln rho, interaction (n, 3), each of which varies by about 1."""
    return np.column_stack([0.5 * np.log(T), 4.0 * np.log(rho / 1.2), np.asarray(interaction, dtype=np.float64)])


def _trend(X: Floats, n: int) -> Floats:
    """Return the columns (n, up to 4) of the trend; a constant alone where there are few trials."""
    return np.column_stack([np.ones(len(X)), X])[:, : 4 if n > 2 * 4 else 1]
