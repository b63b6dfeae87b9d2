r"""A model of curves: scores in a basis of residuals as independent Gaussian processes.

    r(x) = P^T s(x) + rest,    s_j ~ GP(measured noise of s_j, and a learned extra),    loss(x) = |r(x)|

Targets, which are single values, are among the residuals, each a score of its own.

See `basis.py` for P, `softal.surrogates.gaussian_processes.exact_gp` for the processes, `norm.py` for the loss.

Bins that lie side by side fluctuate together, so that the measured noise of a score, which takes bins as independent,
may be too small: the processes learn what is missing (`extra`). In liquid silica scores scatter by up to three times as
much as independent bins would (8 repeats of one point), and 96 % of left-out trials lay within their 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softal.numeric import Floats
from softal.surrogates.curves.basis import Basis
from softal.surrogates.curves.norm import length
from softal.surrogates.data import Scaling, better_half, subset
from softal.surrogates.encoding import Encoding
from softal.surrogates.gaussian_processes.exact_gp import ExactGP
from softal.surrogates.gaussian_processes.gp import restored, stored, train

MAX_FIT = 100  # hyperparameters of many scores are fitted on at most so many trials: an ask is to take a second


@dataclass(frozen=True)
class Curves:
    """The posterior of the residuals of one match.

    Attributes:
        basis: of J components.
        gps: (J,) in closed form, standardised units; they share their n training points.
        scalings: (J,) between standardised and natural scores.
        outside: (n,) observed |rest|^2 of the training points, noise included, outliers clipped.
    """

    basis: Basis
    gps: tuple[ExactGP, ...]
    scalings: tuple[Scaling, ...]
    outside: Floats

    @classmethod
    def of(
        cls,
        X: Floats,
        residuals: Floats,
        variances: Floats,
        categorical: Sequence[int] = (),
        max_fit: int = MAX_FIT,
        max_points: int = 2000,
        higher_order: bool = False,
        singles: int = 0,
    ) -> Curves:
        """Learn residuals (n, K) with variances (n, K), NaN where not covered or not known, at X (n, d).

        The last `singles` residuals are those of targets.

        Hyperparameters are fitted on at most `max_fit` trials, and the processes conditioned on `max_points`. The basis
        is that of the residuals, or the one that a higher-order Gaussian process learns.
        """
        kept = subset(np.nansum(residuals**2, axis=1), max_points)
        X, residuals, variances = X[kept], residuals[kept], variances[kept]
        if higher_order:
            return cls._of_higher_order(X, residuals, variances, categorical, max_fit, singles)
        basis = Basis.of(residuals, variances, singles=singles)
        columns = zip(basis.scores(residuals).T, basis.noise(variances).T, strict=True)
        good = better_half(np.nansum(residuals**2, axis=1))
        trained = [train(X, s, v, categorical, None, max_fit, len(X), good) for s, v in columns]
        gps, scalings = zip(*trained, strict=True)
        return cls(basis, gps, scalings, _clipped(basis.outside(residuals)))

    @classmethod
    def _of_higher_order(
        cls, X: Floats, residuals: Floats, variances: Floats, categorical: Sequence[int], max_fit: int, singles: int
    ) -> Curves:
        from softal.surrogates.curves.higher_order import higher_order

        K, encoding = residuals.shape[1] - singles, Encoding.of(X, categorical)
        filled = Basis.of(residuals, variances, singles=singles).filled(residuals)
        found = higher_order(encoding(X), filled[:, :K], variances[:, :K])
        basis = Basis.spanned(found.vectors, residuals, variances, singles)
        columns = list(zip(basis.scores(residuals).T, basis.noise(variances).T, strict=True))
        of_curves = zip(columns[: basis.size - singles], found.hyperparameters, strict=True)
        gps = [ExactGP(X, y / found.scale, v / found.scale**2, encoding, h) for (y, v), h in of_curves]
        scalings = [Scaling(0.0, found.scale, -np.inf, np.inf)] * len(gps)
        for y, v in columns[basis.size - singles :]:
            gp, scaling = train(X, y, v, categorical, None, max_fit, len(X))
            gps, scalings = [*gps, gp], [*scalings, scaling]
        return cls(basis, tuple(gps), tuple(scalings), _clipped(basis.outside(residuals)))

    def scores(self, X: Floats) -> tuple[Floats, Floats]:
        """Return mean (q, J) and variance (q, J) of the noise-free scores at X (q, d)."""
        found = [gp.posterior(X) for gp in self.gps]
        mean, variance = (np.stack(part, axis=-1) for part in zip(*found, strict=True))
        return self._natural(mean), variance * self._scales**2

    def loss(self, X: Floats) -> tuple[Floats, Floats]:
        """Return mean (q,) and variance (q,) of the noise-free loss at X (q, d)."""
        found: tuple[Floats, Floats] = length(*self.scores(X), self.basis.rest)
        return found

    def curves(self, X: Floats) -> tuple[Floats, Floats]:
        """Return mean (q, K) and variance (q, K) of the noise-free residuals at X (q, d)."""
        mean, variance = self.scores(X)
        return self.basis.curves(mean), variance @ self.basis.vectors**2 + self.basis.left

    def leave_one_out(self) -> tuple[Floats, Floats, Floats]:
        """Return each trial's observed loss (n,), and its mean and variance, noise included, given all others."""
        mean, variance = (
            np.stack(part, axis=-1) for part in zip(*(gp.leave_one_out() for gp in self.gps), strict=True)
        )
        observed = self._natural(np.stack([gp.y for gp in self.gps], axis=-1))
        found = length(self._natural(mean), variance * self._scales**2, float(np.mean(self.outside)))
        return np.sqrt(np.sum(observed**2, axis=-1) + self.outside), *found

    def paths(self, samples: int, rng: np.random.Generator, anchors: Floats) -> Callable[[Floats], Floats]:
        """Return losses drawn from the posterior, as one function X (q, d) -> (samples, q)."""
        paths = [gp.paths(anchors, samples, rng) for gp in self.gps]

        def losses(X: Floats) -> Floats:
            scores = self._natural(np.stack([path(X) for path in paths], axis=-1))
            return np.asarray(np.sqrt(np.sum(scores**2, axis=-1) + self.basis.rest))

        return losses

    def _natural(self, standardised: Floats) -> Floats:
        return np.array([scaling.mean for scaling in self.scalings]) + self._scales * standardised

    @property
    def _scales(self) -> Floats:
        return np.array([scaling.scale for scaling in self.scalings])

    def to_tensors(self) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
        """Return arrays by name, and plain data for each score, which `from_tensors` takes."""
        tensors = self.basis.to_tensors() | {"outside": self.outside, "X": self.gps[0].X}
        every = [stored(gp, scaling) for gp, scaling in zip(self.gps, self.scalings, strict=True)]
        tensors |= {name: np.stack([arrays[name] for arrays, _ in every]) for name in ("y", "variance")}
        return tensors, [learned for _, learned in every]

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], learned: Sequence[Mapping[str, Any]], categorical: Sequence[int]
    ) -> Curves:
        """Make it of what `to_tensors` returned."""
        every = [
            restored({"X": tensors["X"], "y": y, "variance": variance}, one, categorical)
            for y, variance, one in zip(tensors["y"], tensors["variance"], learned, strict=True)
        ]
        gps, scalings = zip(*every, strict=True)
        return cls(Basis.from_tensors(tensors), gps, scalings, tensors["outside"])


def _clipped(outside: Floats) -> Floats:
    return Scaling.of(outside).clip(outside)
