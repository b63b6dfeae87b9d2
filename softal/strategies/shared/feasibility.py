"""Where simulations fail: a classifier learned from the trials that did.

A Gaussian process h on labels +1 (done) and -1 (failed); a simulation succeeds with probability

    P(x) = Phi(mean(x) / sqrt(var(x) + v)) exp(-T(x)),        v = LABEL_VARIANCE
    T(x) = TABOO sum over failures f of exp(-|x - x_f|^2 / (2 r^2)),        r = RADIUS sqrt(d)

The likelihood of a Gaussian process would answer a step in the labels, with points on both sides of it, with ever
shorter lengthscales, and forget all that is further away; the lengthscales are therefore those that predict each label
best when it is left out. A lone failure among successes can be smoothed away like that, hence T: ln P falls by TABOO
with every failure at a place, so that no acquisition function proposes it for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr

from softal.numeric import Floats
from softal.surrogates.encoding import Encoding
from softal.surrogates.gaussian_processes.exact_gp import ExactGP, Hyperparameters

LABEL_VARIANCE = 0.05  # two failures outweigh one success at the same place
PRIOR_MEAN = 0.5  # of h: P = 0.7 where nothing is known
LENGTHSCALES = (0.1, 0.2, 0.4, 0.8)  # times sqrt(d), the same for all columns
LESS_RELEVANT = 4.0  # factor that is tried for one column after the other
GAIN = 0.5  # of the summed ln P by which it must help
TABOO = 3.0
RADIUS = 0.02
MAX_LABELS, MAX_FIT = 1000, 200


@dataclass(frozen=True)
class Feasibility:
    """The probability of success.

    Attributes:
        gp: posterior of h.
        failed: (f, D) encoded points that failed.
        radius: r.
    """

    gp: ExactGP
    failed: Floats
    radius: float

    @classmethod
    def of(cls, done: Floats, failed: Floats, categorical: tuple[int, ...]) -> Feasibility:
        """Learn from points done (n, d) and failed (f, d), f >= 1, in the order of telling; of many, the latest."""
        failed = failed[-MAX_LABELS // 2 :]
        done = done[-(MAX_LABELS - len(failed)) :]
        X = np.vstack([done, failed])
        labels = np.concatenate([np.ones(len(done)), -np.ones(len(failed))])
        some = np.concatenate([np.flatnonzero(labels == label)[-MAX_FIT // 2 :] for label in (1.0, -1.0)])
        scales = _lengthscales(X[some], labels[some], categorical)
        gp = _posterior(X, labels, categorical, scales)
        return cls(gp, gp.Z[len(done) :], RADIUS * np.sqrt(X.shape[1]))

    def taboo(self, U: Floats) -> Floats:
        """Return T (n,) at unit points U (n, d)."""
        Z = self.gp.encoding(U)
        squared = np.sum(Z**2, axis=1)[:, None] + np.sum(self.failed**2, axis=1) - 2.0 * Z @ self.failed.T
        return np.asarray(TABOO * np.exp(-np.maximum(squared, 0.0) / (2.0 * self.radius**2)).sum(axis=1))

    def log_probability(self, U: Floats) -> Floats:
        """Return ln P (n,) at unit points U (n, d)."""
        mean, variance = self.gp.posterior(U)
        return np.asarray(log_ndtr(mean / np.sqrt(variance + LABEL_VARIANCE))) - self.taboo(U)

    def torch(self) -> Any:
        """Return `log_probability` as a function of tensors `b x d`, differentiable."""
        import torch
        from torch import Tensor

        from softal.surrogates.gaussian_processes.botorch_model import OneHot

        h, gp = self.gp.hyperparameters, self.gp
        encode = OneHot(gp.encoding)
        scales = torch.tensor(h.lengthscales, dtype=torch.double)
        Z, alpha = torch.from_numpy(gp.Z) / scales, torch.from_numpy(gp.alpha)
        failed, radius = torch.from_numpy(self.failed), self.radius
        L_inv = torch.from_numpy(np.asarray(solve_triangular(gp.L, np.eye(len(gp.L)), lower=True)))

        def log_probability(X: Tensor) -> Tensor:
            encoded = encode.transform(X) if gp.encoding.levels else X
            taboo = TABOO * torch.exp(-((encoded.unsqueeze(-2) - failed) ** 2).sum(-1) / (2.0 * radius**2)).sum(-1)
            z = encoded / scales
            squared = (z**2).sum(-1, keepdim=True) + (Z**2).sum(-1) - 2.0 * z @ Z.T
            k = h.outputscale * torch.exp(-0.5 * squared.clamp_min(0.0))
            variance = (h.outputscale - ((k @ L_inv.T) ** 2).sum(-1)).clamp_min(0.0)
            value: Tensor = torch.special.log_ndtr((h.mean + k @ alpha) / torch.sqrt(variance + LABEL_VARIANCE))
            return value - taboo

        return log_probability


def _posterior(X: Floats, labels: Floats, categorical: tuple[int, ...], scales: Floats) -> ExactGP:
    """Return the Gaussian process with lengthscales (d,) given labels (n,) at X (n, d)."""
    encoding = Encoding.of(X, categorical)
    encoded = np.empty(encoding.encoded_dimension)
    for scale, group in zip(scales, encoding.groups, strict=True):
        encoded[list(group)] = scale
    hyperparameters = Hyperparameters(tuple(encoded.tolist()), mean=PRIOR_MEAN, extra=0.0)
    return ExactGP(X, labels, np.full(len(X), LABEL_VARIANCE), encoding, hyperparameters)


def _lengthscales(X: Floats, labels: Floats, categorical: tuple[int, ...]) -> Floats:
    """Return the lengthscales (d,) with the best leave-one-out prediction of the labels (n,) at X (n, d)."""
    d = X.shape[1]

    def score(scales: Floats) -> float:
        mean, variance = _posterior(X, labels, categorical, scales).leave_one_out()
        return float(np.sum(log_ndtr(labels * mean / np.sqrt(variance))))  # the variance has the noise in it

    best = max((np.full(d, factor * np.sqrt(d)) for factor in LENGTHSCALES), key=score)
    reached = score(best)
    for column in range(d) if d > 1 else ():
        tried = best.copy()
        tried[column] *= LESS_RELEVANT
        if (value := score(tried)) > reached + GAIN:
            best, reached = tried, value
    return best
